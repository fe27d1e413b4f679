"""Which lines fire: lists of firing lines for one pulse slot, and bit-packed pulse trains for up to 31 of them.

Both are made of the same draws, so they name the same coincidences. Lines are listed as codes
(twin.kernels.simd.lists).
"""

import numpy as np

from twin.kernels.jit import inline, kernel
from twin.kernels.records import CELL, DOWN_A
from twin.kernels.rng import U32, U64, draw, draw_spread, spread
from twin.kernels.simd.lists import meet, popcount, select

F32 = np.float32
ONE_24 = F32(1 << 24)
SLOTS = 31  # of a train: as many as a non-negative int32 has bits


@inline
def prepare(x, factor, work):
    """List the lines that can fire: return their codes and thresholds, two scratch lists, and how many they are.

    A threshold is a probability min(|x| factor, 1) in units of 2^-24. `work` holds 4 x.size int32 words.
    """
    n = x.size
    line, threshold, hit, firing = work[:n], work[n : 2 * n], work[2 * n : 3 * n], work[3 * n : 4 * n]
    for j in range(n):
        p = F32(abs(x[j]) * factor)
        # 24 bits: as many as float32 has, so that 1 is always and no smaller probability becomes 1
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
def hits(key0, key1, at, threshold):
    """Return 1 where the draw that `at` stands for is below a threshold, otherwise 0."""
    return np.int32(1) if np.int32(draw_spread(key0, key1, at) >> U32(8)) < threshold else np.int32(0)


@inline
def four_slots(line, threshold, n, key, slot, lines, bit, train):
    """Set the bits `bit` to `bit` + 3 of the trains by what fires in the four slots from `slot` on."""
    key0, key1 = U32(key), U32(key >> U64(32))
    s0, s1 = spread(U32(slot * lines)), spread(U32((slot + 1) * lines))
    s2, s3 = spread(U32((slot + 2) * lines)), spread(U32((slot + 3) * lines))
    for a in range(n):
        at, top = spread(U32(line[a]) >> U32(2)), threshold[a]
        low = hits(key0, key1, U32(at + s0), top) | np.int32(hits(key0, key1, U32(at + s1), top) << np.int32(1))
        high = hits(key0, key1, U32(at + s2), top) | np.int32(hits(key0, key1, U32(at + s3), top) << np.int32(1))
        train[a] = np.int32(train[a] | np.int32((low | np.int32(high << np.int32(2))) << np.int32(bit)))


@inline
def pulse_trains(listed, key, first, slots, lines):
    """Make the trains of up to 31 slots from `first` on: bit s of a train is set where its line fires in slot s.

    Leaves the lines that fire at all in the first scratch list of `prepare`, their trains in the second.
    Returns how many lines and how many pulses.
    """
    line, threshold, hit, train, n = listed
    train[:n] = np.int32(0)
    s = 0
    while s + 4 <= slots:
        four_slots(line, threshold, n, key, first + s, lines, s, train)
        s += 4
    for last in range(s, slots):
        draw_hits(line, threshold, n, key, first + last, lines, hit)
        for a in range(n):
            train[a] = np.int32(train[a] | np.int32(hit[a] << np.int32(last)))
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
