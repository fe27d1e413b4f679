"""One pulse on devices whose step is affine in the weight: up w + up_a - up_b w, down w - (down_a + down_b w).

Coincidences of one pulse slot fall on different devices, so 16 of them can be performed at once, in any order.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from twin.kernels.jit import inline
from twin.kernels.records import CELL, DOWN_A, DW_MIN, LIMITS, UP_A, W_MAX, W_MIN
from twin.kernels.rng import U32, U64
from twin.kernels.simd.lanes import FLOATS, HAS_COMPRESS, I32, I64, LANES, MASK, VECTOR, Lanes

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


@intrinsic
def _coincide(_, w, cell, code, noise, start, left, clip_below, noise_mult):  # noqa: ARG001 - names of the signature
    """Perform up to 16 coincidences but for additive noise and bounds; return a bit for each that may need them."""

    def generate(context, builder, signature, args):
        w, cell, code, noise, start, left, clip_below, noise_mult = args
        kinds = signature.args
        lanes = Lanes(context, builder, left)
        codes, xi = lanes.load(kinds[2], code, start), lanes.load_floats(kinds[3], noise, start)
        index = builder.lshr(codes, ir.Constant(VECTOR, [2] * LANES))
        old = lanes.gather(kinds[0], w, index)
        a, b = lanes.gather_pairs(kinds[1], cell, codes)
        sign = builder.shl(codes, ir.Constant(VECTOR, [30] * LANES))  # DOWN_A becomes the sign bit
        sign = builder.bitcast(builder.or_(sign, ir.Constant(VECTOR, [0x3F800000] * LANES)), FLOATS)
        change = builder.fsub(builder.fmul(sign, a), builder.fmul(b, old))  # as `changed` is compiled
        share = lanes.fma(lanes.spread(noise_mult), xi, ir.Constant(FLOATS, [1.0] * LANES))
        lanes.scatter(kinds[0], w, index, lanes.fma(change, share, old))
        rare = builder.and_(builder.fcmp_ordered("<", xi, lanes.spread(clip_below)), lanes.alive)
        return builder.zext(builder.bitcast(rare, ir.IntType(LANES)), I32)

    i64, f32 = types.int64, types.float32
    return types.uint32(w, cell, code, noise, i64, i64, f32, f32), generate


@intrinsic
def _limit(_, w, limits, code, noise, start, chosen, noise_add):  # noqa: ARG001 - names of the signature
    """`limit` for those of 16 devices whose bit is set in `chosen`."""

    def generate(context, builder, signature, args):
        w, limits, code, noise, start, chosen, noise_add = args
        kinds = signature.args
        lanes = Lanes(context, builder, ir.Constant(I64, LANES))
        lanes.alive = builder.bitcast(builder.trunc(chosen, ir.IntType(LANES)), MASK)
        codes, xi = lanes.load(kinds[2], code, start), lanes.load_floats(kinds[3], noise, start)
        index = builder.lshr(codes, ir.Constant(VECTOR, [2] * LANES))
        first = builder.shl(index, ir.Constant(VECTOR, [2] * LANES))
        low, high = lanes.gather_pairs(kinds[1], limits, first)
        size = lanes.gather(kinds[1], limits, builder.add(first, ir.Constant(VECTOR, [DW_MIN] * LANES)))
        size = lanes.fma(builder.fmul(lanes.spread(noise_add), xi), size, lanes.gather(kinds[0], w, index))
        size = lanes.call("llvm.maxnum.v16f32", FLOATS, size, low)
        lanes.scatter(kinds[0], w, index, lanes.call("llvm.minnum.v16f32", FLOATS, size, high))
        return context.get_dummy_value()

    return types.void(w, limits, code, noise, types.int64, types.uint32, types.float32), generate


@inline
def coincide_by_vectors(w, cell, limits, code, noise, clip_below, noise_mult, noise_add):
    """`coincide` for a processor with AVX-512."""
    for k in range(0, code.size, LANES):
        rare = _coincide(w, cell, code, noise, k, code.size - k, clip_below, noise_mult)
        if rare:
            _limit(w, limits, code, noise, k, rare, noise_add)


# coincide(w, cell, limits, code, noise, clip_below, noise_mult, noise_add): one pulse on each of the devices that
# `code` (twin.kernels.array.coincidences) names, all different.
coincide = coincide_by_vectors if HAS_COMPRESS else coincide_by_words
