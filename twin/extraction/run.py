"""Extra mat-vecs of a run: performed on the machine, timed and priced by the engine like everything else.

To the engine a read is one more sample, with a number from `READ` on: a program of its own (`WithReads`) and
effects of its own (`ReadEffects`). So the ledger holds its time, energy and bytes, and engine and kernels need
not know of extraction.
"""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import replace
from typing import final

import numpy as np

from twin.engine.protocols import Effects, Program
from twin.extraction.averaging import Average, Averager
from twin.extraction.inference import check_machine
from twin.extraction.reader import Reader, assemble
from twin.extraction.regression import random_inputs
from twin.kernels.streams import AVERAGE, READ
from twin.machine.machine import Machine
from twin.mapping import Mapping
from twin.operation import Kind, Opcode, Operation, Resource, Stream, Unit

STEPS = 3  # operations a layer: bring x, multiply, take y away


@final
class RunReads:
    """Reads of the main matrices of all layers, and what they add up to.

    Parameters
    ----------
    machine : Machine
    amplitude : float
        Inputs are uniform in [-amplitude, amplitude].

    Raises
    ------
    TwinError
        Where the model is not one matrix a layer.

    Attributes
    ----------
    final, average : Averager
        Of reads numbered from `FINAL` on (after training) and from `AVERAGE` on (during training).
    """

    def __init__(self, machine: Machine, amplitude: float = 1.0) -> None:
        check_machine(machine)
        self.amplitude = amplitude
        self.readers = [Reader(machine, layer.index, machine.main(layer.index)) for layer in machine.network.layers]
        self._first = np.cumsum([0, *(len(reader.parts) for reader in self.readers)]).tolist()
        shapes = [(p.in1 - p.in0, p.out1 - p.out0) for reader in self.readers for p in reader.parts]
        self.final, self.average = Averager(shapes), Averager(shapes)

    def read(self, layer: int, number: int) -> list[float]:
        """Perform mat-vec `number` on a layer with random inputs; return its counts, (N_COUNTS,)."""
        reader = self.readers[layer]
        before = reader.counts.copy()
        readings = reader.read(random_inputs(reader, number, 1, self.amplitude), number)
        averager = self.average if number >= AVERAGE else self.final
        for block, one in enumerate(readings, self._first[layer]):
            averager.add(block, one.seen, one.outputs, one.weight)
        counts: list[float] = (reader.counts - before).tolist()
        return counts

    def solve(self, averager: Averager) -> list[Average]:
        """Return the average of every layer, its arrays put together; raises as `Moments.solve`."""
        blocks = averager.solve()
        layers = []
        for reader, first in zip(self.readers, self._first, strict=False):
            own = blocks[first : first + len(reader.parts)]
            fields = ([getattr(one, name) for one in own] for name in ("mean", "standard_error", "sigma"))
            mean, error, sigma = (assemble(reader.parts, field) for field in fields)
            layers.append(Average(mean, error, sigma, min(one.reads for one in own), own[0].periods))
        return layers


@final
class WithReads:
    """A training program and the program of a read.

    The host draws x and sends it, and receives y with one scale an array (bound management is digital and on
    chip); M_xx and M_xy are the host's work (Gokmen 2021: "a separate conventional digital processor").
    """

    def __init__(
        self, program: Program, shapes: Sequence[tuple[int, int]], mapping: Mapping, mains: Sequence[str]
    ) -> None:
        self._program, self._shapes, self._mapping, self._mains = program, shapes, mapping, mains

    def key(self, sample: int) -> Hashable:
        """Reads are all alike."""
        return "read" if sample >= READ else self._program.key(sample)

    def setup(self, *, again: bool = False) -> Iterator[Operation]:
        """As training's."""
        yield from self._program.setup(again=again)

    def operations(self, sample: int) -> Iterator[Operation]:
        """Yield a training step, or one read of every layer; layers are read side by side."""
        if sample < READ:
            yield from self._program.operations(sample)
            return
        for layer, (n_in, _) in enumerate(self._shapes):
            matrix = self._mains[layer]
            asked, answer = Resource(f"asked{layer}", private=True), Resource(f"answer{layer}", private=True)
            parts = self._mapping.parts(layer, matrix)
            back = sum(part.out1 - part.out0 + 1 for part in parts)
            move = Operation(Kind.EXTRACTION, Unit.MOVE, layer, matrix=matrix, stream=Stream.INPUT)
            yield replace(move, writes=(asked,), words=n_in)
            yield Operation(
                Kind.EXTRACTION,
                Unit.TILE,
                layer,
                (Resource(f"{layer}.{matrix}", private=False), asked),
                (answer,),
                opcode=Opcode.FORWARD,
                matrix=matrix,
            )
            yield replace(move, reads=(answer,), words=back, store=True)


@final
class ReadEffects:
    """The effects of training, and reads where the engine asks for one."""

    def __init__(self, effects: Effects, reads: RunReads) -> None:
        self._effects, self._reads = effects, reads

    def setup_counts(self) -> Sequence[Sequence[float]]:
        """As training's."""
        return self._effects.setup_counts()

    def counts(self, sample: int, position: int) -> Sequence[float]:
        """Perform one effect; of a read only the mat-vecs have one."""
        if sample < READ:
            return self._effects.counts(sample, position)
        return self._reads.read(position // STEPS, sample - READ)
