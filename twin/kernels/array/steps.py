"""Mean steps of devices that `twin.kernels.array.nonlinear` pulses: a number for each kind of step, and its formula.

A kind of step is a number, its name in `STEPS` and a branch of `mean_step`; noise and bounds are the same for all of
them. `twin.devices` has the same formulas in NumPy, in the class of the response that names the step.
"""

import numpy as np

from twin.kernels.jit import inline
from twin.kernels.records import DOWN_B, UP_B
from twin.kernels.rng import U64

F32 = np.float32
PLAIN, AFFINE, TABLE, POWER, PAIR = range(5)
STEPS = {"affine": AFFINE, "table": TABLE, "power": POWER, "pair": PAIR}
"""By the name that a response gives. PLAIN is an affine step without write noise; PAIR stands in `nonlinear`."""


@inline
def mean_step(kind, up, w, cell, c, a, low, high, shape, points):
    """Return the size of a device's step, noise and bounds left aside; it is positive in its own direction.

    Parameters
    ----------
    kind : int
        A number of `STEPS`.
    up : bool
    w : float32
        Logical weight before the pulse.
    cell : float32
        The four coefficients of this device from `c` on, those of the pulse's direction at `a` and `a` + 1.
    low, high : float32
        The device's bounds, those of a stuck device equal.
    shape : float32 (2 points)
        What all devices of the matrix share, for the up step and then for the down step.
    """
    size = cell[a]
    if kind == TABLE:  # UP_B and DOWN_B hold slope and offset of the place in the table, for both directions
        k, share = place(F32(cell[c + U64(UP_B)] * w + cell[c + U64(DOWN_B)]), points)
        k += U64(0) if up else U64(points)
        size *= between(shape[k], shape[k + U64(1)], share)
    elif kind == POWER:  # the distance that is left to the bound, as a share of the range, to the device's exponent
        share = F32(max(F32(high - w if up else w - low), F32(0.0)) / F32(high - low))
        size = F32(size * share ** cell[a + U64(1)]) if high > low else F32(0.0)
    else:
        slope = F32(cell[a + U64(1)] * w)
        size = F32(size - slope) if up else F32(size + slope)
    return size


@inline
def place(position, points):
    """Return the table's interval for a position in units of its spacing, and the share of the interval."""
    at = min(max(position, F32(0.0)), F32(points - 1))
    k = min(U64(at), U64(points - 2))
    return k, F32(at - F32(k))


@inline
def between(low, high, share):
    """Return the value at a share of the way from `low` to `high`."""
    return F32(low + share * F32(high - low))
