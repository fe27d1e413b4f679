"""Which lines fire: lists of firing lines for one pulse slot, and bit-packed pulse trains for up to 31 of them.

Both are made of the same draws, so they name the same coincidences. Lists are made without branches, which would
be mispredicted: where the processor has AVX-512, one instruction packs what is listed of 16 lines.

Lines are listed as codes, CELL times their number plus DOWN_A where their signal is negative: where the
coefficients of a device lie in its row, if the other line's signal is positive. Exclusive or with DOWN_A swaps
up and down.
"""

import llvmlite.binding
import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils
from numba.extending import intrinsic

from twin.crossbar.jit import config, inline, kernel
from twin.crossbar.records import CELL, DOWN_A
from twin.crossbar.rng import U32, U64, draw

F32 = np.float32
ONE_24 = F32(1 << 24)
SLOTS = 31  # of a train: as many as a non-negative int32 has bits
LANES = 16
HAS_COMPRESS = "+avx512f" in config.CPU_FEATURES and llvmlite.binding.llvm_version_info[0] >= 15
I32, I64, BITS = ir.IntType(32), ir.IntType(64), ir.IntType(LANES)
VECTOR, MASK = ir.VectorType(I32, LANES), ir.VectorType(ir.IntType(1), LANES)
FLOATS = ir.VectorType(ir.FloatType(), LANES)
ZERO, ALIGN = ir.Constant(VECTOR, [0] * LANES), ir.Constant(I32, 4)


class Lanes:
    """Writes LLVM code on vectors of 16 int32, of which the first `left` count."""

    def __init__(self, context, builder, left):
        self.context, self.builder = context, builder
        most = ir.Constant(I64, LANES)
        left = builder.select(builder.icmp_signed("<", left, most), left, most)
        numbers = ir.Constant(VECTOR, list(range(LANES)))
        self.alive = builder.icmp_signed("<", numbers, self.spread(builder.trunc(left, I32)))

    def call(self, name, result, *arguments):
        """Call an LLVM intrinsic."""
        kind = ir.FunctionType(result, [one.type for one in arguments])
        return self.builder.call(cgutils.get_or_insert_function(self.builder.module, kind, name), arguments)

    def spread(self, word):
        """Return a vector that holds `word`, of 32 bits, in every lane."""
        nothing = ir.Constant(ir.VectorType(word.type, LANES), ir.Undefined)
        one = self.builder.insert_element(nothing, word, ir.Constant(I32, 0))
        return self.builder.shuffle_vector(one, nothing, ZERO)

    def _address(self, kind, array, at):
        data = self.context.make_array(kind)(self.context, self.builder, array).data
        return self.builder.bitcast(self.builder.gep(data, [at]), cgutils.voidptr_t)

    def load(self, kind, array, at):
        """Return array[at : at + 16], 0 in lanes that do not count."""
        address = self._address(kind, array, at)
        return self.call("llvm.masked.load.v16i32.p0", VECTOR, address, ALIGN, self.alive, ZERO)

    def load_floats(self, kind, array, at):
        """Return array[at : at + 16] of a float32 array, 0 in lanes that do not count."""
        address, zeros = self._address(kind, array, at), ir.Constant(FLOATS, [0.0] * LANES)
        return self.call("llvm.masked.load.v16f32.p0", FLOATS, address, ALIGN, self.alive, zeros)

    def store(self, kind, array, at, values):
        """Set array[at : at + 16], a float32 array, in lanes that count."""
        address = self._address(kind, array, at)
        self.call("llvm.masked.store.v16f32.p0", ir.VoidType(), values, address, ALIGN, self.alive)

    def gather(self, kind, array, index):
        """Return array[index] of a float32 array."""
        address = self._address(kind, array, ir.Constant(I64, 0))
        nothing = ir.Constant(FLOATS, [0.0] * LANES)
        return self.call(
            "llvm.x86.avx512.mask.gather.dps.512", FLOATS, nothing, address, index, self.alive, ir.Constant(I32, 4)
        )

    def gather_pairs(self, kind, array, index):
        """Return array[index] and array[index + 1] of a float32 array; a pair is fetched as one."""
        b, address, halves = self.builder, self._address(kind, array, ir.Constant(I64, 0)), []
        pairs = ir.VectorType(I64, LANES // 2)
        for half in (range(LANES // 2), range(LANES // 2, LANES)):
            pick = ir.Constant(ir.VectorType(I32, LANES // 2), list(half))
            one = self.call(
                "llvm.x86.avx512.mask.gather.dpq.512",
                pairs,
                ir.Constant(pairs, [0] * (LANES // 2)),
                address,
                b.shuffle_vector(index, index, pick),
                b.shuffle_vector(self.alive, self.alive, pick),
                ir.Constant(I32, 4),
            )
            halves.append(b.bitcast(one, FLOATS))
        even, odd = (ir.Constant(VECTOR, list(range(first, 2 * LANES, 2))) for first in (0, 1))
        return b.shuffle_vector(*halves, even), b.shuffle_vector(*halves, odd)

    def pack(self, values, chosen, kind, array, at):
        """Write those of `values` that are chosen, close together, to array[at:]; return how many, int64."""
        b = self.builder
        packed = self.call("llvm.x86.avx512.mask.compress.v16i32", VECTOR, values, ZERO, chosen)
        count = b.zext(b.ctpop(b.bitcast(chosen, BITS)), I32)
        low = b.sub(b.shl(ir.Constant(I32, 1), count), ir.Constant(I32, 1))
        first = b.bitcast(b.trunc(low, BITS), MASK)
        self.call("llvm.masked.store.v16i32.p0", ir.VoidType(), packed, self._address(kind, array, at), ALIGN, first)
        return b.zext(count, I64)


@intrinsic
def _pack(_, dst, at, src, flags, start, left):  # noqa: ARG001 - names of the signature
    """Append those of src[start : start + min(16, left)] whose flag is not 0 to dst[at:]; return how many."""

    def generate(context, builder, signature, args):
        dst, at, src, flags, start, left = args
        lanes = Lanes(context, builder, left)
        chosen = builder.icmp_signed("!=", lanes.load(signature.args[3], flags, start), ZERO)
        return lanes.pack(lanes.load(signature.args[2], src, start), chosen, signature.args[0], dst, at)

    return types.int64(dst, types.int64, src, flags, types.int64, types.int64), generate


@intrinsic
def _pack_meetings(_, code, number, at, lines, trains, start, left, train, flip, place):  # noqa: ARG001 - names of the signature
    """Append the devices in which a row's train meets those of up to 16 columns; return how many."""

    def generate(context, builder, signature, args):
        code, number, at, lines, trains, start, left, train, flip, place = args
        kinds = signature.args
        lanes = Lanes(context, builder, left)
        both = builder.and_(lanes.load(kinds[4], trains, start), lanes.spread(train))
        chosen = builder.icmp_signed("!=", both, ZERO)
        where = builder.xor(lanes.load(kinds[3], lines, start), lanes.spread(flip))
        lanes.pack(builder.add(where, lanes.spread(place)), chosen, kinds[0], code, at)
        return lanes.pack(lanes.call("llvm.ctpop.v16i32", VECTOR, both), chosen, kinds[1], number, at)

    i32, i64 = types.int32, types.int64
    return i64(code, number, i64, lines, trains, i64, i64, i32, i32, i32), generate


@intrinsic
def _pack_numbers(_, dst, at, values, start, left):  # noqa: ARG001 - names of the signature
    """Append start + k to dst[at:] for those k < min(16, left) with values[start + k] not 0; return how many."""

    def generate(context, builder, signature, args):
        dst, at, values, start, left = args
        lanes = Lanes(context, builder, left)
        bits = builder.shl(lanes.load(signature.args[2], values, start), ir.Constant(VECTOR, [1] * LANES))
        numbers = builder.add(lanes.spread(builder.trunc(start, I32)), ir.Constant(VECTOR, list(range(LANES))))
        return lanes.pack(numbers, builder.icmp_signed("!=", bits, ZERO), signature.args[0], dst, at)

    return types.int64(dst, types.int64, values, types.int64, types.int64), generate


@intrinsic
def _fetch(_, w, cell, code, start, left, old, step, slope):  # noqa: ARG001 - names of the signature
    """`fetch` for up to 16 devices."""

    def generate(context, builder, signature, args):
        w, cell, code, start, left, old, step, slope = args
        kinds = signature.args
        lanes = Lanes(context, builder, left)
        codes = lanes.load(kinds[2], code, start)
        now = lanes.gather(kinds[0], w, builder.ashr(codes, ir.Constant(VECTOR, [2] * LANES)))
        a, b = lanes.gather_pairs(kinds[1], cell, codes)
        sign = builder.shl(codes, ir.Constant(VECTOR, [30] * LANES))  # DOWN_A becomes the sign bit
        signed = builder.bitcast(builder.xor(builder.bitcast(a, VECTOR), sign), FLOATS)
        lanes.store(kinds[5], old, start, now)
        lanes.store(kinds[6], step, start, builder.fsub(signed, builder.fmul(b, now, ("contract",)), ("contract",)))
        lanes.store(kinds[7], slope, start, b)
        return context.get_dummy_value()

    i64 = types.int64
    return types.void(w, cell, code, i64, i64, old, step, slope), generate


@inline
def fetch_by_words(w, cell, code, n, old, step, slope):
    """`fetch` for any processor."""
    for k in range(n):
        c = U64(code[k])
        now = w[c >> U64(2)]
        a = cell[c]
        b = cell[c + U64(1)]
        old[k] = now
        slope[k] = b
        step[k] = F32((a if code[k] & np.int32(DOWN_A) == np.int32(0) else -a) - b * now)


@inline
def fetch_by_vectors(w, cell, code, n, old, step, slope):
    """`fetch` for a processor with AVX-512."""
    for k in range(0, n, LANES):
        _fetch(w, cell, code, k, n - k, old, step, slope)


@intrinsic
def popcount(_, word):  # noqa: ARG001
    """Return how many bits of an int32 are set."""
    return types.int32(types.int32), lambda _c, builder, _s, args: builder.ctpop(args[0])


@inline
def select_by_words(dst, at, src, flags, n):
    """`select` for any processor."""
    for k in range(n):
        dst[at] = src[k]
        at += np.int64(flags[k] != np.int32(0))
    return at


@inline
def select_by_vectors(dst, at, src, flags, n):
    """`select` for a processor with AVX-512."""
    for k in range(0, n, LANES):
        at += _pack(dst, at, src, flags, k, n - k)
    return at


@inline
def nonzero_by_words(values, index):
    """`nonzero` for any processor."""
    n = 0
    for j in range(values.size):
        index[n] = j
        n += 1 if values[j] != F32(0.0) else 0
    return n


@inline
def nonzero_by_vectors(values, index):
    """`nonzero` for a processor with AVX-512."""
    n = 0
    for j in range(0, values.size, LANES):
        n += _pack_numbers(index, n, values, j, values.size - j)
    return n


@inline
def meet_by_words(code, number, at, lines, trains, n, train, flip, place):
    """`meet` for any processor."""
    for b in range(n):
        both = trains[b] & train
        code[at] = (lines[b] ^ flip) + place
        number[at] = popcount(both)
        at += np.int64(both != np.int32(0))
    return at


@inline
def meet_by_vectors(code, number, at, lines, trains, n, train, flip, place):
    """`meet` for a processor with AVX-512."""
    for b in range(0, n, LANES):
        at += _pack_meetings(code, number, at, lines, trains, b, n - b, train, flip, place)
    return at


# select(dst, at, src, flags, n): append to dst[at:] those of src[:n] whose flag is not 0; return the new end.
# nonzero(values, index): list in `index` where a float32 array is not 0; return at how many places.
# meet(code, number, at, lines, trains, n, train, flip, place): append the devices of one row that its train
# meets, (lines ^ flip) + place and their coincidences; return the new end.
# fetch(w, cell, code, n, old, step, slope): load w, what one pulse without noise adds to it, and up_b or down_b.
if HAS_COMPRESS:
    select, nonzero, meet, fetch = select_by_vectors, nonzero_by_vectors, meet_by_vectors, fetch_by_vectors
else:
    select, nonzero, meet, fetch = select_by_words, nonzero_by_words, meet_by_words, fetch_by_words


@inline
def prepare(x, factor, work):
    """List the lines that can fire: return their codes and thresholds, two scratch lists, and how many they are.

    A threshold is a probability min(|x| factor, 1) in units of 2^-24. `work` holds 4 x.size int32 words.
    """
    n = x.size
    line, threshold, hit, firing = work[:n], work[n : 2 * n], work[2 * n : 3 * n], work[3 * n : 4 * n]
    for j in range(n):
        p = F32(abs(x[j]) * factor)
        hit[j] = np.int32(min(F32(p * ONE_24), ONE_24))
        negative = np.int32(F32(x[j]).view(np.int32) >> np.int32(31))
        firing[j] = np.int32(j * CELL) + np.int32(negative & np.int32(DOWN_A))
    select(line, 0, firing, hit, n)
    return line, threshold, hit, firing, select(threshold, 0, hit, hit, n)


@inline
def draw_hits(line, threshold, n, key, slot, lines, hit):
    """Set hit[a] to 1 where line a fires in this slot, to 0 elsewhere; draw number = slot * lines + line."""
    key0 = U32(key)
    key1 = U32(key >> U64(32))
    base = U32(slot * lines)
    for a in range(n):
        u = np.int32(draw(key0, key1, U32(base + (U32(line[a]) >> U32(2)))) >> U32(8))
        hit[a] = np.int32(1) if u < threshold[a] else np.int32(0)


@inline
def fire(listed, key, slot, lines):
    """List, in the last of the lists that `prepare` returned, which fire in this slot; return how many."""
    line, threshold, hit, firing, n = listed
    draw_hits(line, threshold, n, key, slot, lines, hit)
    return select(firing, 0, line, hit, n)


@inline
def pulse_trains(listed, key, first, slots, lines):
    """Make the trains of up to 31 slots from `first` on: bit s of a train is set where its line fires in slot s.

    Leaves the lines that fire at all in the first scratch list of `prepare`, their trains in the second.
    Returns how many lines and how many pulses.
    """
    line, threshold, hit, train, n = listed
    train[:n] = np.int32(0)
    for s in range(slots):
        draw_hits(line, threshold, n, key, first + s, lines, hit)
        for a in range(n):
            train[a] = np.int32(train[a] | np.int32(hit[a] << np.int32(s)))
    fired = 0
    for a in range(n):
        fired += popcount(train[a])
    select(hit, 0, line, train, n)
    return select(train, 0, train, train, n), fired


@kernel
def count_pulses(pulses, n_in, n_out, x, d, n, x_factor, d_factor, keys, work):
    """Add to `pulses` (n_in * n_out, float32) how many pulses each device got in an update of n slots.

    Arguments as in `pulsed_update`, whose pulse trains are drawn again: an update that nobody asked to count
    costs nothing. float32 counts exactly up to 2^24 pulses. `work` holds 4 (n_in + n_out) + 2 n_out int32 words.
    """
    rows = prepare(x, x_factor, work[: 4 * n_in])
    columns = prepare(d, d_factor, work[4 * n_in : 4 * (n_in + n_out)])
    rest = work[4 * (n_in + n_out) :]
    code, number = rest[:n_out], rest[n_out : 2 * n_out]
    for first in range(0, n, SLOTS):
        slots = min(SLOTS, n - first)
        n_rows, _ = pulse_trains(rows, keys[0], first, slots, n_in)
        n_columns, _ = pulse_trains(columns, keys[1], first, slots, n_out)
        for a in range(n_rows):
            start = np.int32(rows[2][a] >> np.int32(2)) * np.int32(n_out)
            met = meet(
                code, number, np.int64(0), columns[2], columns[3], n_columns, rows[3][a], np.int32(0), np.int32(0)
            )
            for k in range(met):
                pulses[start + np.int32(code[k] >> np.int32(2))] += F32(number[k])
