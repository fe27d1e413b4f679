"""Lists of lines and devices, made and followed without branches, which would be mispredicted.

Where the processor has AVX-512, one instruction packs what is listed of 16 lines. Lines are listed as codes, CELL
times their number plus DOWN_A where their signal is negative: where the coefficients of a device lie in its row, if
the other line's signal is positive. Exclusive or with DOWN_A swaps up and down.
"""

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import intrinsic

from twin.kernels.jit import inline
from twin.kernels.records import DOWN_A
from twin.kernels.rng import U64
from twin.kernels.simd.lanes import FLOATS, HAS_COMPRESS, I32, LANES, VECTOR, ZERO, Lanes

F32 = np.float32


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
def _place(_, code, at, lines, start, left, flip, place):  # noqa: ARG001 - names of the signature
    """code[at + k] = (lines[start + k] ^ flip) + place for k < min(16, left)."""

    def generate(context, builder, signature, args):
        code, at, lines, start, left, flip, place = args
        lanes = Lanes(context, builder, left)
        where = builder.xor(lanes.load(signature.args[2], lines, start), lanes.spread(flip))
        lanes.store_words(signature.args[0], code, at, builder.add(where, lanes.spread(place)))
        return context.get_dummy_value()

    i32, i64 = types.int32, types.int64
    return types.void(code, i64, lines, i64, i64, i32, i32), generate


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


@intrinsic
def _scatter(_, w, code, start, left, new):  # noqa: ARG001 - names of the signature
    """`put` for up to 16 devices."""

    def generate(context, builder, signature, args):
        w, code, start, left, new = args
        kinds = signature.args
        lanes = Lanes(context, builder, left)
        index = builder.lshr(lanes.load(kinds[1], code, start), ir.Constant(VECTOR, [2] * LANES))
        lanes.scatter(kinds[0], w, index, lanes.load_floats(kinds[4], new, start))
        return context.get_dummy_value()

    return types.void(w, code, types.int64, types.int64, new), generate


@inline
def put_by_words(w, code, n, new):
    """`put` for any processor."""
    for k in range(n):
        w[U64(code[k]) >> U64(2)] = new[k]


@inline
def put_by_vectors(w, code, n, new):
    """`put` for a processor with AVX-512."""
    for k in range(0, n, LANES):
        _scatter(w, code, k, n - k, new)


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


@inline
def list_devices_by_words(code, at, lines, start, n, flip, place):
    """`list_devices` for any processor."""
    for k in range(n):
        code[at + k] = (lines[start + k] ^ flip) + place


@inline
def list_devices_by_vectors(code, at, lines, start, n, flip, place):
    """`list_devices` for a processor with AVX-512."""
    for k in range(0, n, LANES):
        _place(code, at + k, lines, start + k, n - k, flip, place)


# select(dst, at, src, flags, n): append to dst[at:] those of src[:n] whose flag is not 0; return the new end.
# nonzero(values, index): list in `index` where a float32 array is not 0; return at how many places.
# meet(code, number, at, lines, trains, n, train, flip, place): append the devices of one row that its train
# meets, (lines ^ flip) + place and their coincidences; return the new end.
# list_devices(code, at, lines, start, n, flip, place): code[at + k] = (lines[start + k] ^ flip) + place for k < n.
# put(w, code, n, new): set the weights of the devices, which are all different.
# fetch(w, cell, code, n, old, step, slope): load w, what one pulse without noise adds to it, and up_b or down_b.
if HAS_COMPRESS:
    select, nonzero, meet, fetch = select_by_vectors, nonzero_by_vectors, meet_by_vectors, fetch_by_vectors
    list_devices, put = list_devices_by_vectors, put_by_vectors
else:
    select, nonzero, meet, fetch = select_by_words, nonzero_by_words, meet_by_words, fetch_by_words
    list_devices, put = list_devices_by_words, put_by_words
