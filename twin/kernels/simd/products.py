"""Eight products added to sixteen weights at a time: the exact updates of `twin.kernels.array.digital` on vectors.

tests/unit/test_digital_updates.py holds them to the bits of those by words.
"""

from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from twin.kernels.jit import ordered
from twin.kernels.simd.lanes import I64, LANES, Lanes

EIGHT = 8


@intrinsic
def _add_products(_, w, n_in, n_out, q, d, at, apart, columns, left):  # noqa: ARG001 - names of the signature
    """w[j n_out + c] += q[k n_in + j] d[at + k apart + c] for eight k in turn; for all j, and c from columns[0] on."""

    def generate(context, builder, signature, args):
        w, n_in, n_out, q, d, at, apart, columns, left = args
        kinds = signature.args
        columns = cgutils.unpack_tuple(builder, columns)
        number = [ir.Constant(I64, k) for k in range(EIGHT)]
        lanes = [Lanes(context, builder, builder.sub(left, builder.sub(one, columns[0]))) for one in columns]
        rows = [[builder.add(at, builder.add(builder.mul(k, apart), one)) for one in columns] for k in number]
        rows = [[one.load_floats(kinds[4], d, row) for one, row in zip(lanes, two, strict=True)] for two in rows]
        with cgutils.for_range(builder, n_in, intp=I64) as loop:
            start = builder.mul(loop.index, n_out)
            places = [builder.add(start, one) for one in columns]
            values = [one.load_floats(kinds[0], w, place) for one, place in zip(lanes, places, strict=True)]
            for k, row in zip(number, rows, strict=True):
                signal = lanes[0].load_one(kinds[3], q, builder.add(builder.mul(k, n_in), loop.index))
                factor = lanes[0].spread(signal)
                values = [lanes[0].fma(factor, one, value) for one, value in zip(row, values, strict=True)]
            for one, place, value in zip(lanes, places, values, strict=True):
                one.store(kinds[0], w, place, value)
        return context.get_dummy_value()

    i64 = types.int64
    return types.void(w, i64, i64, q, d, i64, i64, columns, i64), generate


@ordered
def add_eight_by_vectors(w, n_in, n_out, q, d, at, apart):
    """`add_eight` for a processor with AVX-512; no two of its arrays are asked whether they overlap."""
    column = 0
    while column + LANES < n_out:
        _add_products(w, n_in, n_out, q, d, at, apart, (column, column + LANES), n_out - column)
        column += 2 * LANES
    if column < n_out:
        _add_products(w, n_in, n_out, q, d, at, apart, (column,), n_out - column)
