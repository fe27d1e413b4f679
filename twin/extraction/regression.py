"""Weights of a matrix from its noisy mat-vecs: random inputs and linear regression, or one-hot reads.

Gokmen 2021, "Accurate Weight Extraction", Eq. 4 and Fig. 6.
"""

from collections.abc import Iterator

import numpy as np
import numpy.typing as npt

from twin.extraction.moments import Estimate, Moments
from twin.extraction.reader import Reader, assemble
from twin.kernels.streams import FINAL, INPUTS, TRIAL
from twin.machine.arrays import generator
from twin.machine.machine import Machine

Array = npt.NDArray[np.float32]
BLOCK = 256  # mat-vecs per matrix product
READS = 10_240  # Gokmen 2021, Fig. 6
TRIALS, MOST_REPEATS, SMALLER = 32, 4, 0.9  # assumption: of `quiet_amplitude`; an eighth of the trials may repeat


def random_inputs(reader: Reader, first: int, count: int, amplitude: float = 1.0) -> Array:
    """Draw inputs uniform in [-amplitude, amplitude]; input `first` + i is a function of seed and number alone.

    Below amplitude 1, one line of each array is driven at +-1: noise management would otherwise stretch the
    inputs to the converters' full scale again.

    Returns
    -------
    float32 array, shape (count, n_in)
    """
    inputs = np.empty((count, reader.n_in), np.float32)
    blocks = sorted({(part.in0, part.in1) for part in reader.parts})
    for row in range(count):
        rng = generator(int(reader.machine.seed), INPUTS, first + row)
        inputs[row] = rng.uniform(-amplitude, amplitude, reader.n_in)
        if amplitude < 1:
            for in0, in1 in blocks:
                inputs[row, rng.integers(in0, in1)] = 1 - 2 * rng.integers(2)
    return inputs


def one_hot_inputs(n_in: int, first: int, count: int) -> Array:
    """Return rows `first` to `first` + `count` - 1 of identity matrices stacked without end."""
    inputs = np.zeros((count, n_in), np.float32)
    inputs[np.arange(count), np.arange(first, first + count) % n_in] = 1
    return inputs


class Regression:
    """One matrix under extraction: its reader, and the sums of each of its physical arrays.

    Parameters
    ----------
    reader : Reader
    """

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.moments = [Moments(part.in1 - part.in0, part.out1 - part.out0) for part in reader.parts]

    def add(self, inputs: Array, first: int) -> None:
        """Multiply inputs (k, n_in) on the arrays; mat-vec i has the number `first` + i."""
        for moments, one in zip(self.moments, self.reader.read(inputs, first), strict=True):
            moments.add(one.seen, one.outputs, one.weight)

    def add_random(self, first: int, count: int, amplitude: float = 1.0) -> None:
        """Add mat-vecs with random inputs, numbers `first` to `first` + `count` - 1."""
        for start, k in _blocks(first, count):
            self.add(random_inputs(self.reader, start, k, amplitude), start)

    def add_one_hot(self, first: int, count: int) -> None:
        """Add one-hot reads, numbers `first` to `first` + `count` - 1."""
        for start, k in _blocks(first, count):
            self.add(one_hot_inputs(self.reader.n_in, start - FINAL, k), start)

    def solve(self) -> Estimate:
        """Solve every array and put them together; raises as `Moments.solve`."""
        found = [moments.solve() for moments in self.moments]
        parts = self.reader.parts
        return Estimate(
            assemble(parts, [one.weights for one in found]),
            assemble(parts, [one.standard_error for one in found]),
            min(one.reads for one in found),
        )


def _blocks(first: int, count: int) -> Iterator[tuple[int, int]]:
    for start in range(first, first + count, BLOCK):
        yield start, min(BLOCK, first + count - start)


def quiet_amplitude(reader: Reader) -> float:
    """Find an input amplitude at which bound management seldom has to repeat a mat-vec.

    A repeat halves the inputs and costs another mat-vec. Tries `TRIALS` mat-vecs each at 1, 0.9, 0.81 and so
    on, until at most `MOST_REPEATS` of them repeat; the reader counts them.
    """
    amplitude, first = 1.0, TRIAL
    while True:
        before = reader.matvecs
        reader.read(random_inputs(reader, first, TRIALS, amplitude), first)
        if reader.matvecs - before - TRIALS <= MOST_REPEATS or amplitude < 1e-2:
            return amplitude
        amplitude, first = amplitude * SMALLER, first + TRIALS


def extract(machine: Machine, layer: int, matrix: str, reads: int = READS, amplitude: float = 1.0) -> Estimate:
    """Estimate the weights of a matrix from `reads` mat-vecs with random inputs.

    Parameters
    ----------
    amplitude : float
        Inputs are uniform in [-amplitude, amplitude]; 0: `quiet_amplitude`.

    Raises
    ------
    TwinError
        When there are fewer mat-vecs than input lines, or too many are lost to the output bound.
    """
    found = Regression(Reader(machine, layer, matrix))
    found.add_random(FINAL, reads, amplitude or quiet_amplitude(found.reader))
    return found.solve()
