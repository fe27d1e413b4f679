"""Exact rank-1 updates of a digital matrix: many uses in one pass over the weights, with the bits of one at a time."""

import numpy as np
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from twin.kernels.jit import ordered
from twin.kernels.simd.lanes import FLOATS, HAS_COMPRESS, LANES, Lanes

F32 = np.float32
TOGETHER = 8  # uses a pass: their d stay in the first-level cache


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
def add_eight_by_words(row, factors, d, start, step):
    """`add_eight` for any processor."""
    x0, x1, x2, x3, x4, x5, x6, x7 = factors
    n = row.size
    d = d[start:]
    d0, d1, d2, d3 = d[:n], d[step : step + n], d[2 * step : 2 * step + n], d[3 * step : 3 * step + n]
    d = d[4 * step :]
    d4, d5, d6, d7 = d[:n], d[step : step + n], d[2 * step : 2 * step + n], d[3 * step : 3 * step + n]
    for i in range(n):
        v = (((row[i] + x0 * d0[i]) + x1 * d1[i]) + x2 * d2[i]) + x3 * d3[i]
        row[i] = (((v + x4 * d4[i]) + x5 * d5[i]) + x6 * d6[i]) + x7 * d7[i]


@ordered
def add_eight_by_vectors(row, factors, d, start, step):
    """`add_eight` for a processor with AVX-512; no two of its arrays are asked whether they overlap."""
    for i in range(0, row.size, LANES):
        _add_products(row, i, row.size - i, factors, d, start + i, step)


# add_eight(row, factors, d, start, step): row += factors[k] d[start + k step :] for eight k in turn.
add_eight = add_eight_by_vectors if HAS_COMPRESS else add_eight_by_words


@ordered
def add_one(row, factor, d, start):
    """Row += factor d[start:]; lines without a signal are left alone, whatever d is."""
    if factor == F32(0.0):
        return
    d = d[start : start + row.size]
    for i in range(row.size):
        row[i] += factor * d[i]


@ordered
def unbounded_updates(w, n_in, n_out, x, x_step, d, d_step, uses, lr):
    """w[j, i] += lr x_j d_i for the uses in turn.

    Each weight takes the products in the order of the uses and is rounded after each, so the result is that of
    `uses` updates one after another; but the weights are read and written once in `TOGETHER` uses.

    Parameters
    ----------
    w : float32 (n_in * n_out)
    x, d : float32
        x of use k is x[k x_step : k x_step + n_in], d[k d_step : k d_step + n_out] its d.
    uses : int
    lr : float32
    """
    first = 0
    while first + TOGETHER <= uses:
        for j in range(n_in):
            row = w[j * n_out : (j + 1) * n_out]
            at = first * x_step + j
            x0, x1, x2, x3 = x[at], x[at + x_step], x[at + 2 * x_step], x[at + 3 * x_step]
            at += 4 * x_step
            x4, x5, x6, x7 = x[at], x[at + x_step], x[at + 2 * x_step], x[at + 3 * x_step]
            low = (x0 != F32(0.0)) & (x1 != F32(0.0)) & (x2 != F32(0.0)) & (x3 != F32(0.0))
            if low & (x4 != F32(0.0)) & (x5 != F32(0.0)) & (x6 != F32(0.0)) & (x7 != F32(0.0)):
                factors = lr * x0, lr * x1, lr * x2, lr * x3, lr * x4, lr * x5, lr * x6, lr * x7
                add_eight(row, factors, d, first * d_step, d_step)
            else:
                for use in range(first, first + TOGETHER):
                    add_one(row, lr * x[use * x_step + j], d, use * d_step)
        first += TOGETHER
    for use in range(first, uses):
        for j in range(n_in):
            add_one(w[j * n_out : (j + 1) * n_out], lr * x[use * x_step + j], d, use * d_step)
