"""Sums over the rows of a matrix and products with them, as fast as the second-level cache delivers the rows.

Of the plain loops Numba makes code at two thirds of that rate: it asks before all rows whether they overlap with the
vectors. Results of the functions by words and by vectors agree but for the order of the sums in products.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from twin.kernels.jit import inline, kernel, ordered
from twin.kernels.simd.lanes import FLOATS, HAS_COMPRESS, I64, LANES, Lanes, halves
from twin.kernels.simd.lists import nonzero

F32 = np.float32
ROWS = 4  # taken at once
STRIP = 4 * LANES  # columns a turn: each quarter has a sum of its own
EIGHT = 8
SHORT = ir.VectorType(ir.FloatType(), EIGHT)


def _number(value):
    return ir.Constant(I64, value)


@intrinsic
def _add_rows(_, y, n, w, starts, factors):  # noqa: ARG001 - names of the signature
    """y[i] += factors[0] w[starts[0] + i], then += factors[1] w[starts[1] + i] ...; for i < n."""

    def generate(context, builder, signature, args):
        y, n, w, starts, factors = args
        kinds = signature.args
        starts, factors = cgutils.unpack_tuple(builder, starts), cgutils.unpack_tuple(builder, factors)
        lanes = Lanes(context, builder, _number(LANES))
        factors = [lanes.spread(factor) for factor in factors]
        with cgutils.for_range_slice(builder, _number(0), n, _number(LANES), I64) as (i, _):
            lanes = Lanes(context, builder, builder.sub(n, i))
            total = lanes.load_floats(kinds[0], y, i)
            for start, factor in zip(starts, factors, strict=True):
                total = lanes.fma(factor, lanes.load_floats(kinds[2], w, builder.add(start, i)), total)
            lanes.store(kinds[0], y, i, total)
        return context.get_dummy_value()

    return types.void(y, types.int64, w, starts, factors), generate


@ordered
def add_four_by_words(y, n, w, starts, factors):
    """`add_four` for any processor."""
    s0, s1, s2, s3 = starts
    q0, q1, q2, q3 = factors
    y, w0, w1, w2, w3 = y[:n], w[s0 : s0 + n], w[s1 : s1 + n], w[s2 : s2 + n], w[s3 : s3 + n]
    for i in range(n):
        y[i] = (((y[i] + q0 * w0[i]) + q1 * w1[i]) + q2 * w2[i]) + q3 * w3[i]


@ordered
def add_one_by_words(y, n, w, start, factor):
    """`add_one` for any processor."""
    y, row = y[:n], w[start : start + n]
    for i in range(n):
        y[i] += factor * row[i]


@inline
def add_four_by_vectors(y, n, w, starts, factors):
    """`add_four` for a processor with AVX-512."""
    _add_rows(y, n, w, starts, factors)


@inline
def add_one_by_vectors(y, n, w, start, factor):
    """`add_one` for a processor with AVX-512."""
    _add_rows(y, n, w, (start,), (factor,))


@intrinsic
def _copy(_, y, at, x, start, n):  # noqa: ARG001 - names of the signature
    """y[at + i] = x[start + i] for i < n."""

    def generate(context, builder, signature, args):
        y, at, x, start, n = args
        kinds = signature.args
        with cgutils.for_range_slice(builder, _number(0), n, _number(LANES), I64) as (i, _):
            lanes = Lanes(context, builder, builder.sub(n, i))
            lanes.store(kinds[0], y, builder.add(at, i), lanes.load_floats(kinds[2], x, builder.add(start, i)))
        return context.get_dummy_value()

    i64 = types.int64
    return types.void(y, i64, x, i64, i64), generate


@inline
def copy_by_vectors(y, at, x, start, n):
    """`copy` for a processor with AVX-512."""
    _copy(y, at, x, start, n)


@inline
def copy_by_words(y, at, x, start, n):
    """`copy` for any processor."""
    for i in range(n):
        y[at + i] = x[start + i]


@intrinsic
def _dot_strips(_, w, starts, n, d, z, j):  # noqa: ARG001 - names of the signature
    """z[j + r] = sum of w[starts[r] + i] d[i] over whole strips."""

    def generate(context, builder, signature, args):
        w, starts, n, d, z, j = args
        kinds = signature.args
        rows = cgutils.unpack_tuple(builder, starts)
        lanes = Lanes(context, builder, _number(LANES))
        nothing = ir.Constant(FLOATS, [0.0] * LANES)
        sums = [[cgutils.alloca_once_value(builder, nothing) for _ in range(4)] for _ in rows]
        end = builder.and_(n, _number(-STRIP))
        with cgutils.for_range_slice(builder, _number(0), end, _number(STRIP), I64) as (i, _):
            for quarter in range(4):
                at = builder.add(i, _number(quarter * LANES))
                other = lanes.load_floats(kinds[3], d, at)
                for start, parts in zip(rows, sums, strict=True):
                    one = lanes.load_floats(kinds[0], w, builder.add(start, at))
                    builder.store(lanes.fma(one, other, builder.load(parts[quarter])), parts[quarter])
        for r, parts in enumerate(sums):
            a, b, c, e = (builder.load(one) for one in parts)
            total = halves(builder, builder.fadd(builder.fadd(a, b), builder.fadd(c, e)), LANES)
            lanes.store_one(kinds[4], z, builder.add(j, _number(r)), total)
        return context.get_dummy_value()

    i64 = types.int64
    return types.void(w, starts, i64, d, z, i64), generate


@intrinsic
def _dot_eights(_, w, row, d, first, end, total):  # noqa: ARG001 - names of the signature
    """Return total + sum of w[row + i] d[i] for i from `first` to `end`, in eights."""

    def generate(context, builder, signature, args):
        w, row, d, first, end, total = args
        kinds = signature.args
        lanes = Lanes(context, builder, _number(LANES))
        start = builder.insert_element(ir.Constant(SHORT, [0.0] * EIGHT), total, ir.Constant(I64, 0))
        sums = cgutils.alloca_once_value(builder, start)
        with cgutils.for_range_slice(builder, first, end, _number(EIGHT), I64) as (i, _):
            one = lanes.load_short(kinds[0], w, builder.add(row, i), SHORT)
            other = lanes.load_short(kinds[2], d, i, SHORT)
            builder.store(lanes.call("llvm.fma.v8f32", SHORT, one, other, builder.load(sums)), sums)
        return halves(builder, builder.load(sums), EIGHT)

    i64, f32 = types.int64, types.float32
    return f32(w, i64, d, i64, i64, f32), generate


@ordered
def dot_rest(w, row, n, d, first, total):
    """Return total + sum of w[row + i] d[i] for i from `first` to n."""
    eights = first + ((n - first) & ~(EIGHT - 1))
    if eights > first:
        total = _dot_eights(w, row, d, first, eights, total)
    for i in range(eights, n):
        total += w[row + i] * d[i]
    return total


@inline
def dot_rows_by_words(w, n_in, n_out, d, z):
    """`dot_rows` for any processor."""
    d = d[:n_out]
    for j in range(n_in):
        row = w[j * n_out : (j + 1) * n_out]
        total = F32(0.0)
        for i in range(n_out):
            total += row[i] * d[i]
        z[j] = total


@inline
def dot_rows_by_vectors(w, n_in, n_out, d, z):
    """`dot_rows` for a processor with AVX-512."""
    done = 0
    while done + ROWS <= n_in:
        at = done * n_out
        _dot_strips(w, (at, at + n_out, at + 2 * n_out, at + 3 * n_out), n_out, d, z, done)
        done += ROWS
    for j in range(done, n_in):
        _dot_strips(w, (j * n_out,), n_out, d, z, j)
    strips = n_out & ~(STRIP - 1)
    if strips < n_out:
        for j in range(n_in):
            z[j] = dot_rest(w, j * n_out, n_out, d, strips, z[j])


if HAS_COMPRESS:
    add_four, add_one, dot, copy = add_four_by_vectors, add_one_by_vectors, dot_rows_by_vectors, copy_by_vectors
else:
    add_four, add_one, dot, copy = add_four_by_words, add_one_by_words, dot_rows_by_words, copy_by_words


@kernel
def accumulate_rows(w, n_out, q, index, y):
    """y = sum over the non-zero q_j of q_j w[j, :], in their order; `index` is scratch. Returns how many there are."""
    n = nonzero(q, index)
    for i in range(n_out):
        y[i] = F32(0.0)
    a = 0
    while a + ROWS <= n:
        j0, j1, j2, j3 = index[a], index[a + 1], index[a + 2], index[a + 3]
        starts = j0 * n_out, j1 * n_out, j2 * n_out, j3 * n_out
        add_four(y, n_out, w, starts, (q[j0], q[j1], q[j2], q[j3]))
        a += ROWS
    while a < n:
        add_one(y, n_out, w, index[a] * n_out, q[index[a]])
        a += 1
    return n


@kernel
def dot_rows(w, n_in, n_out, d, z):
    """z_j = sum_i w[j, i] d_i for all input lines."""
    dot(w, n_in, n_out, d, z)
