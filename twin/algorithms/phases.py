"""A training step cut into phases: each block's way forward, the last block's turn, and each block's way back.

Between phases a sample is handed over by a `Kind.SEND` to the chips of the next block. Nothing else of a sample
passes from block to block, which is what lets copies of a block be simulated once (docs/timing-only.md). The way
back is whatever waits for the error from above, directly or through others: operations that do not, such as fetching
stored activations for it, start as soon as they can and belong to the way forward.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from typing import final

from twin.algorithms.program import Program
from twin.operation import Operation, Resource


@dataclass(frozen=True, slots=True)
class Phase:
    """One block's share of a step.

    Attributes
    ----------
    block : int
    forward, backward : bool
        Which ways; the last block's turn is both.
    """

    block: int
    forward: bool
    backward: bool


@final
class PhaseProgram:
    """The operations of one phase of one sample, for an engine that starts from idle."""

    def __init__(self, program: Program, layers: Sequence[int], phase: Phase, sample: int) -> None:
        self._program, self._layers = program, [program.layers[k] for k in layers]
        self._phase, self._sample = phase, sample

    def key(self, sample: int) -> Hashable:  # noqa: ARG002 - there is only one
        """Return what `operations` depends on."""
        fast = self._program.algorithm.fast
        return tuple(layer.key(fast, self._sample) for layer in self._layers)

    def setup(self, *, again: bool = False) -> tuple[Operation, ...]:  # noqa: ARG002 - the protocol
        """Return nothing: timing starts with trained references."""
        return ()

    def operations(self, sample: int) -> Iterator[Operation]:  # noqa: ARG002 - there is only one
        """Yield the operations of the phase, in program order."""
        turn = self._phase.forward and self._phase.backward
        late = {self._layers[-1].above("sent")}  # vectors that have waited for the error
        seen: set[Resource] = set()  # by operations that have
        for operation in self._block():
            writes = set(operation.writes)
            waits = not late.isdisjoint(operation.reads) or not writes.isdisjoint(late | seen)
            if waits:
                late |= writes
                seen.update(operation.reads)
            if turn or waits == self._phase.backward:
                yield operation

    def _block(self) -> Iterator[Operation]:
        if self._phase.block == 0:
            yield self._program.input()
        for layer in self._layers:
            yield from self._program.forward(layer)
        for layer in reversed(self._layers):
            yield from self._program.backward(layer, self._sample)


def phases(n_blocks: int) -> list[Phase]:
    """Return the phases of a step in the order in which a sample passes them, each block once."""
    last = n_blocks - 1
    forward = [Phase(block, forward=True, backward=block == last) for block in range(n_blocks)]
    return forward + [Phase(block, forward=False, backward=True) for block in reversed(range(last))]
