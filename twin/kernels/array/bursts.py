"""Mat-vecs of several uses of a matrix at once: its weights are read once for them.

Every use has the bits, draws and counts of `managed_matvec` (`twin.kernels.array.matrix`): sums keep their order
(`twin.kernels.simd.bursts`), noise its keys, and a use whose outputs are clipped goes on alone from its second mat-vec.
"""

import numpy as np

from twin.kernels.array.matrix import CONDUCTION, CONVERTED, DRIVEN, MVMS, PART_MVMS
from twin.kernels.array.matvec import attempts, conduction, convert, deviation, max_magnitude, quantise, whole
from twin.kernels.jit import inline, kernel
from twin.kernels.rng import U32, U64, normal_pair, stream_key
from twin.kernels.simd.bursts import STACK, dots, multiply, turn, turn_block, turned
from twin.kernels.simd.lists import nonzero
from twin.kernels.streams import BACKWARD, FORWARD
from twin.operation import Counts

F32 = np.float32
CLIPPED = int(Counts.CLIPPED)
LEAST = 8  # uses from which a burst is worked off together
TOGETHER = np.int64(16)  # uses at once, at most


def burst_scratch(n_in: int, n_out: int, arrays: int) -> int:
    """Return how many float32 words of scratch a burst of an n_in x n_out matrix of some arrays takes at most."""
    return 16 * 6 * (max(n_in, n_out) + 15) + 16 * (arrays + 1) + STACK + (n_in + 32 * arrays) * n_out


@inline
def rooms(real, m):
    """Return the parts: five blocks with a row a use, scales, currents, sums that wait, turned weights."""
    size = TOGETHER * whole(max(m.n_in, m.n_out))
    scales = real[6 * size : 6 * size + TOGETHER]
    end = 6 * size + TOGETHER + STACK
    currents = real[end : end + TOGETHER * m.count]
    stack, t = real[6 * size + TOGETHER : end], real[end + TOGETHER * m.count :]
    return (
        real[:size],
        real[size : 2 * size],
        real[2 * size : 3 * size],
        real[3 * size : 5 * size],
        scales,
        currents,
        stack,
        t,
    )


@inline
def windows_of(real, m):
    """Return a block of the scratch that mat-vecs leave alone, with a row a use, and the words from row to row."""
    step = whole(max(m.n_in, m.n_out))
    return real[5 * TOGETHER * step : 6 * TOGETHER * step], step


@inline
def taking_part(part, forward, low):
    """Return where the weights of an array that take part begin, its input and output lines, and which are skipped."""
    n_out = part.out1 - part.out0
    # inputs that nobody computed, e.g. symbols of a text, want no error
    skip = 0 if forward else max(low - part.in0, 0)
    return part.w + skip * n_out, max(part.in1 - part.in0 - skip, 0), n_out, skip


@kernel
def turn_parts(f, real, parts, m, low):
    """Turn the weights of all arrays for the way back; they stay in the scratch for all mat-vecs of a burst."""
    t = rooms(real, m)[-1]
    at = 0
    for k in range(m.first, m.first + m.count):
        start, n_in, n_out, _ = taking_part(parts[k], False, low)
        turn(f[start : start + n_in * n_out], n_in, n_out, t[at:])
        at += turned(n_in, n_out)


@kernel
def drive(x, at, apart, n, uses, m, q, step, scales):
    """Fill q with what the input converters make of the x of each use, and scales; 0: there is no signal."""
    for use in range(uses):
        driving = x[at + use * apart : at + use * apart + n]
        top = max_magnitude(driving)
        silent = top == F32(0.0)
        scales[use] = top if silent or m.noise_management else F32(1.0)
        quantise(driving, F32(1.0) if silent else scales[use], m.inp_half, q[use * step : use * step + n])


@kernel
def draw_noise(noise, step, n, keys, uses, drawn):
    """Fill row u of `noise` with the first n normals of stream u, as `fill_normals` does, for up to 16 streams.

    `keys` has the low words of all keys and then the high ones. `drawn` is scratch.
    """
    half = n >> 1
    low, high = keys[:TOGETHER], keys[TOGETHER : 2 * TOGETHER]
    size = TOGETHER * (half + 1)
    first, second = drawn[:size], drawn[size : 2 * size]
    for i in range(n - half):
        for u in range(16):
            first[i * 16 + u], second[i * 16 + u] = normal_pair(U32(low[u]), U32(high[u]), U32(i))
    turn_block(first, half, noise, 0, step, uses)
    turn_block(second, half, noise, half, step, uses)
    if n & 1:
        for u in range(uses):
            noise[u * step + n - 1] = first[half * 16 + u]


@kernel
def managed_matvecs(
    f, work, real, parts, m, forward, most_repeats, x, at, apart, y, step_y, uses, low, factor, number, seed, row
):
    """`managed_matvec` of up to `TOGETHER` uses; x of use u is at x[at + u apart :], its y at y[u step_y :].

    Going backward needs `turn_parts` before. `number` is the first use's.
    """
    q, partial, noise, drawn, scales, currents, stack, t = rooms(real, m)
    step = whole(max(m.n_in, m.n_out))
    keys, most, index = work[: 2 * TOGETHER], work[2 * TOGETHER : 3 * TOGETHER], work[3 * TOGETHER :]
    most[:] = np.int32(0)
    currents[:] = F32(0.0)
    turned_at = 0
    for k in range(m.first, m.first + m.count):
        part = parts[k]
        start, n_in, n_out, skip = taking_part(part, forward, low)
        if n_in == 0:
            continue
        w = f[start : start + n_in * n_out]
        driving, n = (part.in0, n_in) if forward else (part.out0, n_out)
        lines, place = (n_out, part.out0) if forward else (n_in, part.in0 + skip)
        source, source_at, source_step = x, at + driving, apart
        if not m.perfect:
            drive(x, at + driving, apart, n, uses, m, q, step, scales)
            source, source_at, source_step = q, np.int64(0), step
        if forward:
            multiply(partial, step, w, n_in, n_out, source, source_at, source_step, uses, index)
        else:
            dots(partial, step, w, t[turned_at:], n_in, n_out, source, source_at, source_step, uses, stack)
            turned_at += turned(n_in, n_out)
        if not m.perfect and (m.out_noise > F32(0.0) or m.w_noise > F32(0.0)):
            for use in range(uses):
                key = stream_key(seed, part.stream, FORWARD if forward else BACKWARD, number + use)
                keys[use], keys[TOGETHER + use] = np.int32(U32(key)), np.int32(U32(key >> U64(32)))
            draw_noise(noise, step, lines, keys, uses, drawn)
        line_sum = part.in_sum if forward else part.out_sum
        sums = f[line_sum : line_sum + n]
        for use in range(uses):
            out = partial[use * step : use * step + lines]
            repeats, driven, conducted, clipped = 1, 0, F32(0.0), 0
            if not m.perfect and scales[use] == F32(0.0):
                out[:] = F32(0.0)
            elif not m.perfect:
                own, xi = q[use * step : use * step + n], noise[use * step : use * step + lines]
                driven = nonzero(own, index)
                conducted = conduction(own, sums, m.conductance_slope, lines)
                clipped = convert(out, lines, xi, deviation(m, own), m.out_bound, m.out_step)
                scale = scales[use]
                if clipped > 0 and most_repeats > 0:
                    own_x = x[at + driving + use * apart : at + driving + use * apart + n]
                    key = stream_key(seed, part.stream, FORWARD if forward else BACKWARD, number + use)
                    so_far = repeats, driven, conducted, F32(scale * F32(2.0))
                    repeats, driven, conducted, clipped = attempts(
                        w, n_in, n_out, forward, own_x, out, m, most_repeats, sums, key, own, xi, index, so_far
                    )
                else:
                    for i in range(lines):
                        out[i] *= scale
            target = y[use * step_y + place : use * step_y + place + lines]
            for i in range(lines):
                target[i] += factor * out[i]
            row[PART_MVMS] += repeats
            row[DRIVEN] += driven
            row[CONVERTED] += lines * repeats
            row[CLIPPED] += clipped
            currents[(k - m.first) * TOGETHER + use] = conducted
            most[use] = max(most[use], repeats)
    for use in range(uses):
        row[MVMS] += most[use]
        for k in range(m.count):  # in the order of one use after another
            row[CONDUCTION] += currents[k * TOGETHER + use]
