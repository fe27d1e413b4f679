"""The sum of a vector in one order, wherever it lies.

A loop that sums and stores is compiled twice, as vectors and as words for arrays that may overlap, and how far apart
the arrays lie decides which one runs. So kernels sum in loops that store nothing, or here.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from twin.kernels.jit import inline, ordered
from twin.kernels.simd.lanes import FLOATS, HAS_COMPRESS, I64, LANES, Lanes, halves
from twin.kernels.simd.rows import EIGHT, SHORT, STRIP

F32 = np.float32


def _number(value):
    return ir.Constant(I64, value)


@intrinsic
def _sum_strips(_, values, end):  # noqa: ARG001 - names of the signature
    """Return the sum of values[:end], whole strips: four sums of 16 lanes, of which the first two meet first."""

    def generate(context, builder, signature, args):
        values, end = args
        lanes = Lanes(context, builder, _number(LANES))
        sums = [cgutils.alloca_once_value(builder, ir.Constant(FLOATS, [0.0] * LANES)) for _ in range(4)]
        with cgutils.for_range_slice(builder, _number(0), end, _number(STRIP), I64) as (i, _):
            for quarter, place in enumerate(sums):
                one = lanes.load_floats(signature.args[0], values, builder.add(i, _number(quarter * LANES)))
                builder.store(builder.fadd(builder.load(place), one), place)
        total = builder.load(sums[0])
        for place in sums[1:]:
            total = builder.fadd(total, builder.load(place))
        return halves(builder, total, LANES)

    return types.float32(values, types.int64), generate


@intrinsic
def _sum_eights(_, values, first, end, total):  # noqa: ARG001 - names of the signature
    """Return total + the sum of values[first:end], whole eights."""

    def generate(context, builder, signature, args):
        values, first, end, total = args
        lanes = Lanes(context, builder, _number(LANES))
        start = builder.insert_element(ir.Constant(SHORT, [0.0] * EIGHT), total, ir.Constant(I64, 0))
        sums = cgutils.alloca_once_value(builder, start)
        with cgutils.for_range_slice(builder, first, end, _number(EIGHT), I64) as (i, _):
            one = lanes.load_short(signature.args[0], values, i, SHORT)
            builder.store(builder.fadd(builder.load(sums), one), sums)
        return halves(builder, builder.load(sums), EIGHT)

    i64, f32 = types.int64, types.float32
    return f32(values, i64, i64, f32), generate


@ordered
def total_by_vectors(values):
    """`total` for a processor with AVX-512."""
    strips = values.size & ~(STRIP - 1)
    found = _sum_strips(values, strips) if strips else F32(0.0)
    eights = values.size & ~(EIGHT - 1)
    if eights > strips:
        found = _sum_eights(values, strips, eights, found)
    for i in range(eights, values.size):
        found += values[i]
    return found


@inline
def total_by_words(values):
    """`total` for any processor."""
    found = F32(0.0)
    for i in range(values.size):
        found += values[i]
    return found


# total(values): the sum of a float32 array.
total = total_by_vectors if HAS_COMPRESS else total_by_words
