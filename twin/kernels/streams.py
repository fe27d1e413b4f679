"""What random numbers are drawn for, and what sample numbers stand for: one table, so that no two uses meet.

Kernels draw from streams keyed by (seed, array, purpose, sample) (`twin.kernels.rng`). What is drawn once, when a run
is built, comes from NumPy's generators keyed by (seed, purpose, ...) (`twin.machine.arrays.generator`). A new purpose
takes a free number here; a number that is in use never changes, or runs change their bits.
"""

import hashlib

import numpy as np

# Purposes of kernels. Of type int64: Numba compiles a callee once for every literal that it is given.
FORWARD, BACKWARD, READ_OUT, UPDATE_ROWS, UPDATE_COLUMNS, CYCLE, TRANSFER = (np.int64(k) for k in range(7))
# Added to UPDATE_ROWS, UPDATE_COLUMNS and CYCLE: updates with the gradient, and SHD's transfers (19 to 21).
OF_GRADIENTS, OF_TRANSFERS = np.int64(0), np.int64(16)
IN_CHOP, OUT_CHOP = np.int64(32), np.int64(33)
H_WORDS, MEAN_WORDS = np.int64(34), np.int64(35)  # rounding of H or chi, and of AGAD's P
MASK = np.int64(36)  # of dropout
SPIKES = np.int64(37)  # of inputs coded by rates
REFRESH = np.int64(64)  # of one-sided pairs
# Write noise goes with a pulse as its cycle noise does: this turns the key of one into the key of the other.
WRITE_NOISE = np.uint64(0x5851F42D4C957F2D)

# Purposes of what is drawn when a run is built.
DEVICES, CALIBRATION, INITIAL, RETENTION = range(4)  # keys go on with a layer; (seed, 1) alone is twin.data.linear
SHUFFLE = 7  # order of the training samples
PARAMETERS = 8  # first values of digital parameters
INPUTS = 9  # of the random mat-vecs that extract weights
WEIGHTS = 11  # made up, for `twin reproduce gokmen-2021-fig6`

# Sample numbers. Training counts 0, 1, 2 ... over all epochs. The transfer of sample n that reads A by a Hadamard
# vector, which is a forward or backward mat-vec like any other, is number ~n = -1 - n.
READ = 1 << 40  # and up: mat-vecs that extract weights, by
TRIAL, FINAL, AVERAGE = (what << 36 for what in range(3))  # what they are for
EVALUATION = -(1 << 40)  # and down: tests


def matrix_number(name: str) -> int:
    """Return by which number the streams know a matrix: its letter's code, or 31 bits of a longer name's hash.

    The latter has bit 30 set and is no letter's code. Two names of one layout agree with a probability of 1e-9.
    """
    if len(name) == 1:
        return ord(name)
    return 1 << 30 | int.from_bytes(hashlib.sha256(name.encode()).digest()[:4], "big") >> 2


def array_stream(layer: int, matrix: str, k: int) -> int:
    """Return the `array` of a stream's key for array `k` of a matrix: no two agree below 65,536 layers and arrays."""
    number = matrix_number(matrix)
    return (number >> 8 << 40) + (layer << 24) + ((number & 0xFF) << 16) + k
