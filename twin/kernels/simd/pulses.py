"""Sixteen coincidences at a time: `twin.kernels.array.affine` on vectors, for processors with AVX-512.

Coincidences of one pulse slot fall on different devices, so they can be performed in any order and all at once.
tests/unit/test_pulsed.py holds these pulses against those of `affine`, and both against NumPy.
"""

from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from twin.kernels.jit import inline
from twin.kernels.records import DW_MIN
from twin.kernels.simd.lanes import FLOATS, I32, I64, LANES, MASK, VECTOR, Lanes


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
