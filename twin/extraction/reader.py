"""Mat-vecs of a machine's arrays outside training, as the digital side sees them."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin.kernels.records import DENSE, INSTRUCTION
from twin.machine.machine import Machine
from twin.mapping import Part
from twin.operation import N_COUNTS, Counts, Opcode

Array = npt.NDArray[np.float32]
Wide = npt.NDArray[np.float64]
F32 = np.float32
READS = -(1 << 60)  # sample numbers of these mat-vecs lie below: streams of their own, far from those of evaluations


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """Mat-vecs of one physical array.

    Attributes
    ----------
    seen : float64 array, shape (k, n_in)
        Inputs as the array saw them: on the input converter's grid, at the scale that noise and bound
        management ended with. Management and converters are digital, so this is known.
    outputs : float64 array, shape (k, n_out)
    weight : float64 array, shape (k,)
        1 / scale^2, since the noise grows with the scale; 0 where an output was at the bound or nothing was driven.
    """

    seen: Wide
    outputs: Wide
    weight: Wide


class Reader:
    """Performs mat-vecs on one matrix while no sample is in flight; the machine's state stays as it was.

    Parameters
    ----------
    machine : Machine
    layer : int
    matrix : str
        ``"W"``, ``"A"`` or ``"C"``.

    Attributes
    ----------
    parts : tuple of Part
        The physical arrays.
    counts : float64 array, shape (N_COUNTS,)
        Summed over all mat-vecs so far, bound-management repeats included.
    reads : int
        Mat-vecs asked for.
    """

    def __init__(self, machine: Machine, layer: int, matrix: str) -> None:
        self.machine, self.layer, self.matrix = machine, layer, matrix
        self.parts: tuple[Part, ...] = machine.mapping.parts(layer, matrix)
        self.counts, self.reads = np.zeros(N_COUNTS), 0
        self._index = machine.index_of(layer, matrix)
        self._matrix = machine.matrices[self._index]
        self._first = int(self._matrix["first"])
        self._one, self._row = np.zeros(1, INSTRUCTION), np.zeros((1, N_COUNTS))
        self._one["opcode"], self._one["layer"], self._one["uses"] = int(Opcode.FORWARD), layer, 1

    @property
    def n_in(self) -> int:
        """Input lines, the bias line included."""
        return int(self._matrix["n_in"])

    @property
    def matvecs(self) -> int:
        """Mat-vecs performed on the busiest array, bound-management repeats included."""
        return int(self.counts[Counts.MVMS])

    def read(self, inputs: Array, first: int) -> list[Reading]:
        """Multiply inputs (k, n_in) by the matrix; mat-vec i draws the noise of number `first` + i.

        Returns
        -------
        list of Reading
            One for each physical array, in the order of `parts`.
        """
        k, shape = len(inputs), [(p.in1 - p.in0, p.out1 - p.out0) for p in self.parts]
        outputs = [np.empty((k, n_out)) for _, n_out in shape]
        scale = [np.ones(k) for _ in shape]
        valid = [np.ones(k, bool) for _ in shape]
        with self._lent() as (x, z):
            for row in range(k):
                counts = np.zeros(N_COUNTS)
                for number, part in enumerate(self.parts):
                    x[:] = inputs[row]
                    self._perform(number, READS - first - row)
                    outputs[number][row] = z[part.out0 : part.out1]
                    valid[number][row] = not self._row[0, Counts.CLIPPED]
                    scale[number][row] = 2.0 ** (self._row[0, Counts.MVMS] - 1)
                    busiest = max(counts[Counts.MVMS], self._row[0, Counts.MVMS])
                    counts += self._row[0]
                    counts[Counts.MVMS] = busiest
                self.counts += counts
        self.reads += k
        return [
            self._reading(inputs[:, part.in0 : part.in1], outputs[n], scale[n], valid[n])
            for n, part in enumerate(self.parts)
        ]

    def _perform(self, number: int, sample: int) -> None:
        """Multiply on one physical array alone, with the noise that it has in the whole matrix."""
        self._matrix["first"], self._matrix["count"] = self._first + number, 1
        self._one["sample"] = sample
        self._row.fill(0.0)
        self.machine.execute(self._one, self._row)

    def _reading(self, inputs: Array, outputs: Wide, doublings: Wide, valid: npt.NDArray[np.bool_]) -> Reading:
        """Work out what the array saw: the arithmetic of `twin.kernels.array.matvec.quantise`."""
        m = self._matrix
        if m["perfect"]:
            return Reading(inputs.astype(np.float64), outputs, np.ones(len(inputs)))
        top = np.abs(inputs).max(axis=1)
        scale = (top if m["noise_management"] else np.ones_like(top)) * doublings.astype(F32)
        driven = top > 0
        inverse = F32(1) / np.where(driven, scale, F32(1))
        q = np.clip(inputs * inverse[:, None], F32(-1), F32(1))
        if m["inp_half"] > 0:
            q = np.floor(q * m["inp_half"] + F32(0.5)) / m["inp_half"]
        wide = scale.astype(np.float64)
        weight = np.zeros(len(inputs))
        np.divide(1.0, wide * wide, out=weight, where=driven & valid)
        return Reading(q.astype(np.float64) * wide[:, None], outputs, weight)

    @contextmanager
    def _lent(self) -> Iterator[tuple[Array, Array]]:
        """Make the layer a plain dense one with x and z at the end of the arena; then put everything back.

        Vectors of samples lie there, the weights before them.
        """
        n_in, n_out, f = self.n_in, int(self._matrix["n_out"]), self.machine.f
        place = f[f.size - n_in - n_out :]
        kept, record, count = place.copy(), self.machine.layers[self.layer].copy(), int(self._matrix["count"])
        lent = np.zeros((), record.dtype)
        lent["kind"], lent["uses"], lent["scale"] = DENSE, 1, 1.0
        lent["n_in"], lent["n_out"], lent["main"] = n_in, n_out, self._index
        lent["x"], lent["z"], lent["source"] = f.size - n_in - n_out, f.size - n_out, -1
        self.machine.layers[self.layer] = lent
        try:
            yield place[:n_in], place[n_in:]
        finally:
            place[:] = kept
            self.machine.layers[self.layer] = record
            self._matrix["first"], self._matrix["count"] = self._first, count


def assemble(parts: Sequence[Part], blocks: Sequence[Wide]) -> Wide:
    """Put the blocks (n_out, n_in) of physical arrays together."""
    whole = np.zeros((max(p.out1 for p in parts), max(p.in1 for p in parts)))
    for part, block in zip(parts, blocks, strict=True):
        whole[part.out0 : part.out1, part.in0 : part.in1] = block
    return whole
