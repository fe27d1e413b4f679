"""The program of a sample that is inferred and not learnt from."""

from collections.abc import Hashable, Iterator
from dataclasses import replace
from typing import final

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.batches import Batches
from twin.algorithms.program import Program
from twin.operation import Kind, Opcode, Operation, Phase, Unit


@final
class Inference:
    """The way forward of a training program, one sample at a time.

    Nodes work as they do in tests: no dropout, running statistics. What only the way back would load is not stored, and
    of the loss only the activation of the last layer is worked out.

    Parameters
    ----------
    program : Program
    """

    def __init__(self, program: Program) -> None:
        self._program = program
        self.batches = Batches()

    def algorithm_of(self, layer: int) -> Algorithm:
        """As training's."""
        return self._program.algorithm_of(layer)

    def key(self, sample: int) -> Hashable:  # noqa: ARG002 - the protocol
        """Samples are all alike."""
        return "inference"

    def setup(self, *, again: bool = False) -> Iterator[Operation]:
        """As training's."""
        yield from self._program.setup(again=again)

    def operations(self, sample: int) -> Iterator[Operation]:  # noqa: ARG002 - the protocol
        """Yield the way of one sample from its input to its outputs."""
        way = [self._program.input(), *self._program.way_forward()]
        read = {resource for operation in way for resource in operation.reads}
        for operation in way:
            if operation.unit is Unit.MOVE and operation.store and read.isdisjoint(operation.writes):
                continue
            yield self._tested(operation)

    def _tested(self, operation: Operation) -> Operation:
        if operation.opcode is Opcode.NODE_FORWARD:
            return replace(operation, phase=Phase.TESTED)
        if operation.opcode is Opcode.LOSS:
            layer = self._program.layers[operation.layer].at(operation.first, operation.uses)
            flops = layer.activation_flops(self.algorithm_of(operation.layer).main)
            return replace(operation, kind=Kind.ACTIVATION, flops=flops)
        return operation
