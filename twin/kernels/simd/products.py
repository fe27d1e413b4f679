"""Eight products added to sixteen weights at a time: the exact updates of `twin.kernels.array.digital` on vectors.

tests/unit/test_digital_updates.py holds them to the bits of those by words.
"""

from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from twin.kernels.jit import ordered
from twin.kernels.simd.lanes import FLOATS, LANES, Lanes


@intrinsic
def _add_products(_, row, at, left, factors, d, start, step):  # noqa: ARG001 - names of the signature
    """row[at + l] += factors[0] d[start + l], then += factors[1] d[start + step + l] ...; for l < min(16, left)."""

    def generate(context, builder, signature, args):
        row, at, left, factors, d, start, step = args
        kinds = signature.args
        lanes = Lanes(context, builder, left)
        v = lanes.load_floats(kinds[0], row, at)
        for factor in cgutils.unpack_tuple(builder, factors):
            v = lanes.call("llvm.fma.v16f32", FLOATS, lanes.spread(factor), lanes.load_floats(kinds[4], d, start), v)
            start = builder.add(start, step)
        lanes.store(kinds[0], row, at, v)
        return context.get_dummy_value()

    i64 = types.int64
    return types.void(row, i64, i64, factors, d, i64, i64), generate


@ordered
def add_eight_by_vectors(row, factors, d, start, step):
    """`add_eight` for a processor with AVX-512; no two of its arrays are asked whether they overlap."""
    for i in range(0, row.size, LANES):
        _add_products(row, i, row.size - i, factors, d, start + i, step)
