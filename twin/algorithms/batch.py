"""The program of a training step of several samples."""

from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, final

from twin.networks.flow import LAYER, Producer
from twin.operation import Operation, Phase

if TYPE_CHECKING:
    from twin.algorithms.program import Program


def batch_operations(program: "Program", numbers: range) -> Iterator[Operation]:
    """Yield a training step of several samples.

    All samples go forward and back with the weights as they are; then come the updates in the order of samples, and
    digital parameters step once. A node at which the batch meets has two phases: all samples are through the first
    before one is in the second.

    Parameters
    ----------
    program : Program
    numbers : range
        Of the samples.
    """
    members = [Member(program, index) for index in range(len(numbers))]
    for member in members:
        yield from member.marked(iter((program.input(member.layers[0]),)))
    yield from members[0].marked(member_prefetch(program, members[0], numbers[0]))
    for part in _parts(_forward(program), len(members)):
        for member, steps in zip(members, part, strict=True):
            yield from member.marked(member.forward(steps))
    for part in _parts(_backward(program), len(members)):
        for member, steps in zip(members, part, strict=True):
            yield from member.marked(member.backward(steps))
    for member, number in zip(members, numbers, strict=True):
        if member.index:
            yield from member.marked(member_prefetch(program, member, number))
        yield from member.marked(member.updates(number))
    yield from program.finish()


Step = tuple[tuple[Producer, ...], Phase]
"""A layer or node, or layers whose time steps take turns, and which part of its work."""


@final
class Member:
    """One sample of a batch: layers and nodes with vectors of its own."""

    def __init__(self, program: "Program", index: int) -> None:
        self.program, self.index = program, index
        self.layers = [replace(layer, member=index) for layer in program.layers]
        self.nodes = [replace(node, host=replace(node.host, member=index)) for node in program.nodes]

    def marked(self, operations: Iterator[Operation]) -> Iterator[Operation]:
        """Yield operations as this sample's."""
        return (replace(one, member=self.index) for one in operations) if self.index else operations

    def forward(self, steps: Sequence[Step]) -> Iterator[Operation]:
        """Yield some steps of the way forward."""
        for turn, phase in steps:
            if turn[0].what == LAYER:
                yield from self.program.unrolled([self.layers[made.number] for made in turn])
            else:
                yield from self.nodes[turn[0].number].forward(phase)

    def backward(self, steps: Sequence[Step]) -> Iterator[Operation]:
        """Yield some steps of the way back."""
        for turn, phase in steps:
            if turn[0].what == LAYER:
                yield from self.program.unrolled_errors([self.layers[made.number] for made in turn])
            else:
                yield from self.nodes[turn[0].number].backward(phase)

    def updates(self, number: int) -> Iterator[Operation]:
        """Yield the updates by this sample, which has a number."""
        yield from self.program.unrolled_updates(self.layers, number)


def member_prefetch(program: "Program", member: Member, number: int) -> Iterator[Operation]:
    """Yield what a sample asks for before its updates."""
    for layer in member.layers:
        yield from program.of(layer).prefetch(layer, number)


def _forward(program: "Program") -> list[tuple[tuple[Producer, ...], bool]]:
    """Return layers and nodes in order, and whether the batch meets there."""
    nodes = program.flow.nodes if program.flow else ()
    return [(turn, turn[0].what != LAYER and nodes[turn[0].number].meets) for turn in program.turns]


def _backward(program: "Program") -> list[tuple[tuple[Producer, ...], bool]]:
    nodes, order = program.flow.nodes if program.flow else (), reversed(_forward(program))
    return [(turn, meets) for turn, meets in order if turn[0].what == LAYER or nodes[turn[0].number].returns]


def _parts(order: Sequence[tuple[tuple[Producer, ...], bool]], members: int) -> Iterator[list[list[Step]]]:
    """Cut an order where a batch meets; yield for each part the steps of every member."""
    part: list[list[Step]] = [[] for _ in range(members)]
    for turn, meets in order:
        alone = Phase.WHOLE if members == 1 or not meets else None
        for index, steps in enumerate(part):
            last = Phase.LAST if index == members - 1 else Phase.GATHER
            steps.append((turn, alone if alone is not None else Phase.FIRST if index == 0 else last))
        if alone is None:
            yield part
            part = [[(turn, Phase.APPLY)] for _ in range(members)]
    yield part
