"""Products of a matrix with the vectors of several uses, which read its rows once; bits are those of one use alone.

Every output is summed in the order that `twin.kernels.simd.rows` has for it: only how many are under way at a time
differs, and lines without a signal add their zero instead of being left out.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from twin.kernels.jit import inline, kernel, ordered
from twin.kernels.simd.lanes import FLOATS, HAS_COMPRESS, I64, LANES, Lanes
from twin.kernels.simd.rows import EIGHT, STRIP, accumulate_rows, dot_rows

F32 = np.float32
USES = 8  # taken at once
WIDE = 2 * LANES  # input lines a tile
TOGETHER = 4  # lanes whose sums are under way
ORDER_OF_EIGHTS = list(range(EIGHT))
STACK = 1024  # words for sums that wait for others
# Of the lanes of a strip, in such an order that halving it again and again leaves those that are added first.
ORDER_OF_STRIPS = [quarter * LANES + lane for quarter in (0, 2, 1, 3) for lane in range(LANES)]
NOTHING = ir.Constant(FLOATS, [0.0] * LANES)


def _number(value):
    return ir.Constant(I64, value)


class Tile:
    """Sums of several uses over some vectors of lines each, while their terms are added."""

    def __init__(self, context, builder, left, uses, vectors):
        self.whole = Lanes(context, builder, _number(LANES))
        self.builder, self.uses, self.vectors = builder, uses, vectors
        self.lanes = [Lanes(context, builder, builder.sub(left, _number(LANES * v))) for v in range(vectors)]

    def zeros(self):
        """Return sums that are 0."""
        return [[NOTHING] * self.vectors for _ in range(self.uses)]

    def add(self, sums, w, w_at, q, q_at):
        """Return the sums after adding q[q_at[u]] times w[w_at :] to those of use u."""
        (w_kind, w), (q_kind, q) = w, q
        b, first = self.builder, self.lanes[0]
        rows = [one.load_floats(w_kind, w, b.add(w_at, _number(LANES * v))) for v, one in enumerate(self.lanes)]
        added = []
        for at, before in zip(q_at, sums, strict=True):
            factor = first.spread(first.load_one(q_kind, q, at))
            added.append([first.fma(factor, row, one) for row, one in zip(rows, before, strict=True)])
        return added

    def looped(self, sums, count, term):
        """Return the sums after `term(sums, k)` for k from 0 to `count` - 1."""
        b = self.builder
        places = [[cgutils.alloca_once_value(b, one) for one in row] for row in sums]
        for row, values in zip(places, sums, strict=True):
            for place, value in zip(row, values, strict=True):
                b.store(value, place)
        with cgutils.for_range(b, count, intp=I64) as loop:
            for row, values in zip(
                places, term([[b.load(one) for one in row] for row in places], loop.index), strict=True
            ):
                for place, value in zip(row, values, strict=True):
                    b.store(value, place)
        return [[b.load(one) for one in row] for row in places]

    def store(self, y, y_at, sums):
        """Set y[y_at[u] :] to the sums of use u."""
        kind, y = y
        for at, row in zip(y_at, sums, strict=True):
            for v, (one, value) in enumerate(zip(self.lanes, row, strict=True)):
                one.store(kind, y, self.builder.add(at, _number(LANES * v)), value)


@intrinsic
def _multiply(_, y, ys, w, n_in, n_out, q, qs, columns, left):  # noqa: ARG001 - names of the signature
    """y[ys[u] + c] = the sum of q[qs[u] + j] w[j n_out + c] over j in turn, from column columns[0] on."""

    def generate(context, builder, signature, args):
        y, ys, w, n_in, n_out, q, qs, columns, left = args
        kinds = signature.args
        ys, qs = cgutils.unpack_tuple(builder, ys), cgutils.unpack_tuple(builder, qs)
        columns = cgutils.unpack_tuple(builder, columns)
        tile = Tile(context, builder, left, len(qs), len(columns))

        def term(sums, j):
            at = builder.add(builder.mul(j, n_out), columns[0])
            return tile.add(sums, (kinds[2], w), at, (kinds[5], q), [builder.add(one, j) for one in qs])

        sums = tile.looped(tile.zeros(), n_in, term)
        tile.store((kinds[0], y), [builder.add(one, columns[0]) for one in ys], sums)
        return context.get_dummy_value()

    i64 = types.int64
    return types.void(y, ys, w, i64, i64, q, qs, columns, i64), generate


@intrinsic
def _dot(_, z, zs, t, t_at, n_out, d, ds, lines, left, stack):  # noqa: ARG001 - names of the signature
    """z[zs[u] + j] = the sum of t[i step + j] d[ds[u] + i] over i in the order of `dot_rows`, from line lines[0] on."""

    def generate(context, builder, signature, args):
        z, zs, t, t_at, n_out, d, ds, lines, left, stack = args
        kinds = signature.args
        zs, ds = cgutils.unpack_tuple(builder, zs), cgutils.unpack_tuple(builder, ds)
        lines = cgutils.unpack_tuple(builder, lines)
        tile = Tile(context, builder, left, len(ds), len(lines))

        def term(sums, i):
            at = builder.add(builder.mul(i, _number(WIDE)), t_at)
            return tile.add(sums, (kinds[2], t), at, (kinds[5], d), [builder.add(one, i) for one in ds])

        def tree(first, count, width, lanes, start):
            """Sum the lanes as `halves` does; each adds what lies `width` apart in turn."""
            if len(lanes) > TOGETHER:
                place = len(lanes) // TOGETHER // 2 - 1
                stored = wait(tree(first, count, width, lanes[0::2], start), place)
                return both(stored, tree(first, count, width, lanes[1::2], start))

            def terms(sums, k):
                at = builder.add(first, builder.mul(k, _number(width)))
                rows = [
                    term(sums[g * len(ds) : (g + 1) * len(ds)], builder.add(at, _number(lane)))
                    for g, lane in enumerate(lanes)
                ]
                return [row for group in rows for row in group]

            begin = [row for lane in lanes for row in (start if lane == 0 else tile.zeros())]
            found = tile.looped(begin, count, terms)
            return halved([found[g * len(ds) : (g + 1) * len(ds)] for g in range(len(lanes))])

        def wait(sums, place):
            """Put sums into the scratch, so that LLVM adds them up here and not where they are used."""
            number = place * len(ds) * len(lines)
            for k, value in enumerate(one for row in sums for one in row):
                tile.whole.store(kinds[9], stack, _number((number + k) * LANES), value)
            return sums

        def halved(sums):
            return both(halved(sums[0::2]), halved(sums[1::2])) if len(sums) > 1 else sums[0]

        def both(a, b):
            return [[builder.fadd(x, y) for x, y in zip(p, q, strict=True)] for p, q in zip(a, b, strict=True)]

        places = [[cgutils.alloca_once_value(builder, NOTHING) for _ in lines] for _ in ds]

        def keep(sums):
            for row, values in zip(places, sums, strict=True):
                for place, value in zip(row, values, strict=True):
                    builder.store(value, place)

        def kept():
            return [[builder.load(one) for one in row] for row in places]

        keep(tile.zeros())
        strips = builder.lshr(n_out, _number(6))
        with builder.if_then(builder.icmp_signed(">", strips, _number(0))):
            keep(tree(_number(0), strips, STRIP, ORDER_OF_STRIPS, tile.zeros()))
        done = builder.shl(strips, _number(6))
        eights = builder.lshr(builder.sub(n_out, done), _number(3))
        with builder.if_then(builder.icmp_signed(">", eights, _number(0))):
            keep(tree(done, eights, EIGHT, ORDER_OF_EIGHTS, kept()))
        done = builder.add(done, builder.shl(eights, _number(3)))
        rest = builder.sub(n_out, done)
        keep(tile.looped(kept(), rest, lambda sums, k: term(sums, builder.add(done, k))))
        tile.store((kinds[0], z), [builder.add(one, lines[0]) for one in zs], kept())
        return context.get_dummy_value()

    i64 = types.int64
    return types.void(z, zs, t, i64, i64, d, ds, lines, i64, stack), generate


@intrinsic
def _turn(_, w, at, n_out, t, to, step, rows, columns):  # noqa: ARG001 - names of the signature
    """t[to + i step + j] = w[at + j n_out + i] for the first `rows` j and `columns` i of 16 each."""

    def generate(context, builder, signature, args):
        w, at, n_out, t, to, step, rows, columns = args
        kinds = signature.args
        values = []
        for j in range(LANES):
            left = builder.select(builder.icmp_signed("<", _number(j), rows), columns, _number(0))
            row = Lanes(context, builder, left)
            values.append(row.load_floats(kinds[0], w, builder.add(at, builder.mul(_number(j), n_out))))
        apart = LANES // 2
        while apart:
            low = [lane if not lane & apart else LANES + (lane ^ apart) for lane in range(LANES)]
            high = [lane ^ apart if not lane & apart else LANES + lane for lane in range(LANES)]
            for j in range(LANES):
                if not j & apart:
                    a, b = values[j], values[j | apart]
                    values[j] = builder.shuffle_vector(a, b, _mask(low))
                    values[j | apart] = builder.shuffle_vector(a, b, _mask(high))
            apart //= 2
        for i, value in enumerate(values):
            left = builder.select(builder.icmp_signed("<", _number(i), columns), rows, _number(0))
            row = Lanes(context, builder, left)
            row.store(kinds[3], t, builder.add(to, builder.mul(_number(i), step)), value)
        return context.get_dummy_value()

    i64 = types.int64
    return types.void(w, i64, i64, t, i64, i64, i64, i64), generate


def _mask(numbers):
    return ir.Constant(ir.VectorType(ir.IntType(32), LANES), numbers)


@kernel
def turn_block(a, rows, t, to, step, columns):
    """t[to + u step + i] = a[i, u] for the first `columns` u of 16."""
    for i in range(0, rows, LANES):
        _turn(a, i * LANES, np.int64(LANES), t, to + i, step, rows - i, columns)


@inline
def turned(n_in, n_out):
    """Return how many words an array's turned weights take."""
    return ((n_in + WIDE - 1) & ~(WIDE - 1)) * n_out


@kernel
def turn_by_vectors(w, n_in, n_out, t):
    """t[tile, i, j] = w[tile WIDE + j, i], in tiles of WIDE input lines."""
    for j in range(0, n_in, LANES):
        tile = (j & ~(WIDE - 1)) * n_out + (j & (WIDE - 1))
        for i in range(0, n_out, LANES):
            _turn(w, j * n_out + i, n_out, t, tile + i * WIDE, np.int64(WIDE), n_in - j, n_out - i)


@ordered
def multiply_eight(y, step, w, n_in, n_out, q, at, apart):
    """`multiply` of eight uses."""
    ys = (0, step, 2 * step, 3 * step, 4 * step, 5 * step, 6 * step, 7 * step)
    b = at + 4 * apart
    qs = (at, at + apart, at + 2 * apart, at + 3 * apart, b, b + apart, b + 2 * apart, b + 3 * apart)
    column = 0
    while column + LANES < n_out:
        _multiply(y, ys, w, n_in, n_out, q, qs, (column, column + LANES), n_out - column)
        column += 2 * LANES
    if column < n_out:
        _multiply(y, ys, w, n_in, n_out, q, qs, (column,), n_out - column)


@kernel
def multiply_by_vectors(y, step, w, n_in, n_out, q, at, apart, uses, index):
    """`multiply` for a processor with AVX-512."""
    done = 0
    while done + USES <= uses:
        multiply_eight(y[done * step :], step, w, n_in, n_out, q, at + done * apart, apart)
        done += USES
    multiply_by_words(y[done * step :], step, w, n_in, n_out, q, at + done * apart, apart, uses - done, index)


@kernel
def multiply_by_words(y, step, w, n_in, n_out, q, at, apart, uses, index):
    """`multiply` for any processor."""
    for use in range(uses):
        start = at + use * apart
        accumulate_rows(w, n_out, q[start : start + n_in], index, y[use * step : use * step + n_out])


@ordered
def dot_two(z, step, t, n_in, n_out, d, at, apart, stack):
    """`dots` of two uses."""
    for line in range(0, n_in, WIDE):
        where = (line, line + LANES)
        _dot(z, (np.int64(0), step), t, line * n_out, n_out, d, (at, at + apart), where, n_in - line, stack)


@kernel
def dots_by_vectors(z, step, w, t, n_in, n_out, d, at, apart, uses, stack):
    """`dots` for a processor with AVX-512."""
    done = 0
    while done + 2 <= uses:
        dot_two(z[done * step :], step, t, n_in, n_out, d, at + done * apart, apart, stack)
        done += 2
    dots_by_words(z[done * step :], step, w, t, n_in, n_out, d, at + done * apart, apart, uses - done, stack)


@kernel
def dots_by_words(z, step, w, _t, n_in, n_out, d, at, apart, uses, _stack):
    """`dots` for any processor."""
    for use in range(uses):
        start = at + use * apart
        dot_rows(w, n_in, n_out, d[start : start + n_out], z[use * step : use * step + n_in])


@kernel
def turn_by_words(_w, _n_in, _n_out, _t):
    """`turn` for a processor that does without it."""


if HAS_COMPRESS:
    multiply, dots, turn = multiply_by_vectors, dots_by_vectors, turn_by_vectors
else:
    multiply, dots, turn = multiply_by_words, dots_by_words, turn_by_words
