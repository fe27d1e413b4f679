"""One pulse on devices whose step is affine in the weight: up w + up_a - up_b w, down w - (down_a + down_b w).

Coincidences of one pulse slot fall on different devices, so 16 of them can be performed at once, in any order.
"""

import numpy as np

from twin.kernels.jit import inline
from twin.kernels.records import CELL, DOWN_A, DW_MIN, LIMITS, UP_A, W_MAX, W_MIN
from twin.kernels.rng import U32, U64
from twin.kernels.simd.lanes import HAS_COMPRESS
from twin.kernels.simd.pulses import coincide_by_vectors

F32 = np.float32
ONE = U32(0x3F800000)  # bits of 1.0; DOWN_A, shifted, is the sign bit


@inline
def step(old, cell, at, sign, xi, noise_mult):
    """Return w after one coincidence of the given sign on device `at`, additive noise and bounds left aside."""
    c = U64(at) * U64(CELL) + (U64(UP_A) if sign > F32(0.0) else U64(DOWN_A))
    return changed(old, cell, c, sign, xi, noise_mult)


@inline
def changed(old, cell, c, sign, xi, noise_mult):
    """Return w after one coincidence whose coefficients are at `c` and `c` + 1; the step times 1 + noise_mult xi."""
    return F32(old + (sign * cell[c] - cell[c + U64(1)] * old) * (F32(1.0) + noise_mult * xi))


@inline
def limit(new, limits, at, xi, noise_add):
    """Add the additive noise of device `at` and clip to its bounds."""
    c = U64(at) * U64(LIMITS)
    new = F32(new + noise_add * xi * limits[c + U64(DW_MIN)])
    return min(max(new, limits[c + U64(W_MIN)]), limits[c + U64(W_MAX)])


@inline
def coincide_by_words(w, cell, limits, code, noise, clip_below, noise_mult, noise_add):
    """`coincide` for any processor.

    Indices are unsigned: with Python's wrap-around to be checked, each coincidence would take twice as many
    instructions.
    """
    for k in range(code.size):
        place = U32(code[k])
        i = U64(place >> U32(2))
        sign = U32(ONE | U32((place & U32(DOWN_A)) << U32(30))).view(np.float32)
        xi = noise[k]
        new = changed(w[i], cell, U64(place), sign, xi, noise_mult)
        w[i] = limit(new, limits, i, xi, noise_add) if xi < clip_below else new


# coincide(w, cell, limits, code, noise, clip_below, noise_mult, noise_add): one pulse on each of the devices that
# `code` (twin.kernels.array.coincidences) names, all different.
coincide = coincide_by_vectors if HAS_COMPRESS else coincide_by_words
