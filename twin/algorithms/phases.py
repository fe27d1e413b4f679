"""A training step cut into phases: each section's way forward, the last one's turn, and each section's way back.

Between phases a sample is handed over by a `Kind.SEND` to the chips of the next section. Nothing else of a sample
passes from section to section, which is what lets copies of a block be simulated once (docs/timing-only.md). The way
back is whatever waits for the error from above, directly or through others. What waits for neither the error nor the
tensor from below, such as fetching digital parameters, starts when the sample enters the chip: it is done early.
"""

from collections.abc import Hashable, Iterable, Iterator
from dataclasses import dataclass
from typing import final

from twin.algorithms.program import Program
from twin.errors import TwinError
from twin.networks.flow import LAYER, NODE, SEND, Flow, Producer
from twin.operation import Operation, Resource


@dataclass(frozen=True, slots=True)
class Phase:
    """One section's share of a step.

    Attributes
    ----------
    block : int
        The number of the section.
    forward, backward : bool
        Which ways; the last section's turn is both, and what is done early is neither.
    """

    block: int
    forward: bool
    backward: bool

    @property
    def early(self) -> bool:
        """Whether it is what waits for nothing from other sections."""
        return not self.forward and not self.backward


@final
class PhaseProgram:
    """The operations of one phase of one sample, for an engine that starts from idle.

    Parameters
    ----------
    program : Program
        On several chips.
    layers : range
        Those of the section.
    phase : Phase
    sample : int
    """

    def __init__(self, program: Program, layers: range, phase: Phase, sample: int) -> None:
        if program.flow is None:
            raise TwinError("network: has no sections; this is a bug of the twin")
        self._program, self._flow, self._layers = program, program.flow, layers
        self._phase, self._sample = phase, sample

    def key(self, sample: int) -> Hashable:  # noqa: ARG002 - there is only one
        """Return what `operations` depends on."""
        layers = [self._program.layers[k] for k in self._layers]
        return tuple(layer.key(self._program.of(layer).fast, self._sample) for layer in layers)

    def setup(self, *, again: bool = False) -> tuple[Operation, ...]:  # noqa: ARG002 - the protocol
        """Return nothing: timing starts with trained references."""
        return ()

    def operations(self, sample: int) -> Iterator[Operation]:  # noqa: ARG002 - there is only one
        """Yield the operations of the phase, in program order."""
        wanted = self._phase.forward, self._phase.backward
        late = Waiting(self._from_above())  # for the error
        begun = Waiting(self._from_below())  # for the tensor from below
        for operation in self._section():
            waits, begins = late.takes(operation), begun.takes(operation) or self._phase.block == 0
            if wanted == (True, True):
                if waits or begins:
                    yield operation
            elif (begins and not waits, waits) == wanted:
                yield operation

    def _section(self) -> Iterator[Operation]:
        program, flow = self._program, self._flow
        if self._phase.block == 0:
            yield program.input()
        for turn in program.turns:
            if sender(flow, turn[0]) in self._layers:
                yield from program.turn_forward(turn)
        for turn in reversed(program.turns):
            if flow.host(turn[0]) in self._layers:
                yield from program.turn_backward(turn, self._sample)

    def _from_above(self) -> Iterator[Resource]:
        """Yield the errors that come from the sections above."""
        for made in self._flow.order:
            if sender(self._flow, made) in self._layers and self._flow.host(made) not in self._layers:
                yield self._program.nodes[made.number].returned

    def _from_below(self) -> Iterator[Resource]:
        """Yield the tensors that come from the sections below."""
        for made in self._flow.order:
            if sender(self._flow, made) not in self._layers and self._flow.host(made) in self._layers:
                yield self._program.nodes[made.number].handed


class Waiting:
    """Which operations, taken in program order, wait for some vectors: directly or through others, by any hazard."""

    def __init__(self, awaited: Iterable[Resource]) -> None:
        self._written = set(awaited)
        self._read: set[Resource] = set()

    def takes(self, operation: Operation) -> bool:
        """Return whether the next operation waits."""
        writes = set(operation.writes)
        waits = not self._written.isdisjoint(operation.reads) or not writes.isdisjoint(self._written | self._read)
        if waits:
            self._written |= writes
            self._read.update(operation.reads)
        return waits


def sender(flow: Flow, made: Producer) -> int:
    """Return the layer beside whose tiles the way forward of a layer or a node begins."""
    if made.what == NODE and flow.nodes[made.number].kind == SEND:
        return flow.host(flow.nodes[made.number].inputs[0])
    return made.number if made.what == LAYER else flow.host(made)


def phases(n_blocks: int) -> list[Phase]:
    """Return the phases of a step in the order in which a sample passes them, each section once.

    What is done early comes first; the first section has nothing of it.
    """
    last = n_blocks - 1
    early = [Phase(block, forward=False, backward=False) for block in range(1, n_blocks)]
    forward = [Phase(block, forward=True, backward=block == last) for block in range(n_blocks)]
    return [*early, *forward, *(Phase(block, forward=False, backward=True) for block in reversed(range(last)))]
