"""Pulsed update where many coincidences meet: all pulses that a device gets in up to 31 slots, at once.

The trains are those of the slot-by-slot path, so lines fire alike and devices get the same numbers of pulses; the
cycle noise is drawn once a device instead of once a coincidence. All n pulses of a device have one sign, and a
step is affine, w += c - b w with c = up_a or -down_a. Without noise, with q = 1 - b::

    w_n = w + (c - b w) S,   S = 1 + q + ... + q^(n-1)

With multiplicative noise (factor 1 + s xi) the distance to the weight where steps vanish is multiplied by
q - b s xi each time; with additive noise a xi is added each time. Their variances after n pulses are::

    (c - b w)^2 (A^n - B^n) / b^2,   A = q^2 + (b s)^2,  B = q^2
        = (c - b w)^2 s^2 n q^(2(n-1)) (1 + (n - 1) (b s / q)^2 / 2 + ...)
    a^2 (1 - q^(2n)) / (1 - q^2) = a^2 S (1 + q^n) / (1 + q)

w_n is drawn as a normal number with this mean and variance (of the series the next term is left out, and the
1 / q^2 in the last: steps are short against the way to where they vanish). Where a bound may be met on the way,
`REACH` standard deviations of the noise away, the device gets one pulse, is clipped, and the rest is decided anew.
"""

import numpy as np

from twin.kernels.array.coincidences import SLOTS, pulse_trains
from twin.kernels.jit import inline, kernel
from twin.kernels.records import CELL, DOWN_A, DW_MIN, W_MAX, W_MIN
from twin.kernels.rng import U64, fill_normals
from twin.kernels.simd.lanes import LANES
from twin.kernels.simd.lists import fetch, meet, put, select

F32 = np.float32
BATCH = 256  # devices that are settled together, at least; a row more at most
REACH = F32(3.0)
REVERSED = F32(-3.0)  # noise that turns single steps round is this rare, or bounds are watched
# Expected coincidences per device that can get one, from which this path is the faster one (docs/performance.md)
FREE_FROM, WATCHED_FROM = 0.15, 0.4
TYPICAL = 8  # pulses of one device in an update, to judge whether bounds are far enough away


def dense_from(clip_below: float, states: float, dw_min_std: float) -> float:
    """Return from how many expected coincidences per device the dense path is the faster one; inf: never.

    Parameters
    ----------
    clip_below : float
        As in the MATRIX record.
    states : float
        Range of the device with the least of it, in units of the matrix's dw_min.
    dw_min_std : float
        Cycle noise relative to a step.
    """
    if clip_below <= REVERSED:
        return FREE_FROM
    way = TYPICAL + float(REACH) * dw_min_std * TYPICAL**0.5
    return WATCHED_FROM if 4 * way < states else float("inf")


def scratch(n_in: int, n_out: int) -> tuple[int, int]:
    """Return how many int32 and float32 words of scratch an update of an n_in x n_out array takes at most."""
    room = room_of(n_out)
    return 4 * (n_in + n_out) + 3 * room, 9 * room


@inline
def is_dense(dense_from, n, rows, columns):
    """Return whether n slots fire at least `dense_from` coincidences on average per device that can get one."""
    if not dense_from < F32(np.inf):
        return False
    row_sum = 0
    for a in range(rows[4]):
        row_sum += rows[1][a]
    column_sum = 0
    for b in range(columns[4]):
        column_sum += columns[1][b]
    mean = F32(n) * F32(row_sum) * F32(column_sum) * F32(2.0**-48)
    return mean >= dense_from * F32(rows[4] * columns[4]) and dense_from > F32(0.0)


def room_of(n_out: int) -> int:
    """Return how many devices the lists of a batch hold: whole vectors, and all columns of a row on top."""
    return (BATCH + n_out + 3 * LANES) & ~(LANES - 1)


room_for = inline(room_of)


@inline
def powers(number, slope, count, bits, s, q):
    """Fill s with S_m = 1 + q + ... + q^(m-1) and q with q^m for m = number - 1 < 2^bits."""
    for k in range(count):
        s[k] = F32(0.0)
        q[k] = F32(1.0)
    for bit in range(bits - 1, -1, -1):
        mask = np.int32(1 << bit)
        for k in range(count):
            base = F32(F32(1.0) - slope[k])
            total = F32(s[k] + q[k] * s[k])
            power = F32(q[k] * q[k])
            odd = np.int32(np.int32(number[k] - np.int32(1)) & mask) != np.int32(0)
            s[k] = F32(F32(1.0) + base * total) if odd else total
            q[k] = F32(base * power) if odd else power


@inline
def held(w, limits, code, step, slope, total):
    """Return the weight after `total` mean steps, not beyond where they vanish nor, backwards, beyond a bound."""
    c = U64(code & ~np.int32(CELL - 1))
    new = F32(w[U64(code) >> U64(2)] + step * min(total, F32(F32(1.0) / slope)))
    return min(max(new, limits[c + U64(W_MIN)]), limits[c + U64(W_MAX)]) if total < F32(0.0) else new


@inline
def settle_free(w, cell, limits, code, number, count, bits, sigma, xi, real, room):
    """Give a batch its pulses where the noise is multiplicative and steps vanish inside the bounds."""
    old, step, slope = real[:room], real[room : 2 * room], real[2 * room : 3 * room]
    s, q = real[3 * room : 4 * room], real[4 * room : 5 * room]
    fetch(w, cell, code, count, old, step, slope)
    powers(number, slope, count, bits, s, q)
    beyond = np.int32(0)  # its sign bit is set where noise took any device backwards or beyond where steps vanish
    for k in range(count):
        n = F32(number[k])
        b = slope[k]
        bs = F32(b * sigma)
        spread = F32(sigma * np.sqrt(F32(n + F32(0.5) * n * (n - F32(1.0)) * bs * bs)))
        total = F32(s[k] + q[k] + spread * q[k] * xi[k])
        s[k] = total
        q[k] = F32(F32(1.0) - b * total)  # what is left of the way to where steps vanish
        beyond = np.int32(beyond | F32(total).view(np.int32) | F32(q[k]).view(np.int32))
        old[k] = F32(old[k] + step[k] * total)
    if beyond < np.int32(0):
        for k in range(count):
            if s[k] < F32(0.0) or q[k] < F32(0.0):
                old[k] = held(w, limits, code[k], step[k], slope[k], s[k])
    put(w, code, count, old)


@inline
def settle_bounded(w, cell, limits, code, number, count, bits, sigma, additive, xi, real, room, left):
    """Give a batch its pulses where bounds may be met; list in `left` what remains of each device's pulses."""
    old, step, slope = real[:room], real[room : 2 * room], real[2 * room : 3 * room]
    s, q, unit = real[3 * room : 4 * room], real[4 * room : 5 * room], real[5 * room : 6 * room]
    low, high = real[6 * room : 7 * room], real[7 * room : 8 * room]
    fetch(w, cell, code, count, old, step, slope)
    for k in range(count):
        c = U64(code[k] & ~np.int32(CELL - 1))
        low[k] = limits[c + U64(W_MIN)]
        high[k] = limits[c + U64(W_MAX)]
        unit[k] = F32(additive * limits[c + U64(DW_MIN)])
    powers(number, slope, count, bits, s, q)
    rest = np.int32(0)
    for k in range(count):
        n = F32(number[k])
        b = slope[k]
        bs = F32(b * sigma)
        last = q[k]
        total = F32(s[k] + last)
        one = F32(sigma * step[k])
        decay = F32(F32(1.0) + (F32(1.0) - b) * last)
        variance = F32(one * one * last * last * (n + F32(0.5) * n * (n - F32(1.0)) * bs * bs))
        variance = F32(variance + unit[k] * unit[k] * max(total * decay, F32(0.0)) / (F32(2.0) - b))
        # all at once only where neither the mean path nor its noise comes near a bound; otherwise a single pulse,
        # whose clipping is exact, and the rest is decided again from where it ended
        reach = F32(REACH * np.sqrt(n * (one * one + unit[k] * unit[k])))
        end = F32(old[k] + step[k] * total)
        top = max(end, old[k]) + reach
        bottom = min(end, old[k]) - reach
        whole = (top <= high[k] and bottom >= low[k]) or number[k] == np.int32(1)
        drift = end if whole else F32(old[k] + step[k])
        noise = np.sqrt(variance) if whole else np.sqrt(one * one + unit[k] * unit[k])
        old[k] = min(max(F32(drift + noise * xi[k]), low[k]), high[k])
        remains = np.int32(0) if whole else number[k] - np.int32(1)
        left[k] = remains
        rest |= remains
    put(w, code, count, old)
    return rest


@kernel
def settle(w, cell, limits, code, number, left, count, bits, m, key, counter, real, room):
    """Give the devices of a batch their pulses; return the number of the next draw."""
    sigma, additive = m.noise_mult, m.noise_add
    watched = m.clip_below > REVERSED
    xi = real[8 * room : 9 * room]
    while True:
        even = (count + 31) & ~31  # whole vectors of both normals that a draw gives; left-over ones belong to nobody
        if sigma > F32(0.0) or additive > F32(0.0):
            fill_normals(xi, even, key, counter)
            counter += even >> 1
        else:
            xi[:] = F32(0.0)
        if not watched:
            settle_free(w, cell, limits, code, number, count, bits, sigma, xi, real, room)
            return counter
        if not settle_bounded(w, cell, limits, code, number, count, bits, sigma, additive, xi, real, room, left):
            return counter
        select(code, 0, code, left, count)
        count = select(number, 0, left, left, count)


@kernel
def dense_update(w, cell, limits, n_in, n_out, rows, columns, n, m, keys, work, real):
    """Perform n slots of the update of one array; return (line pulses, coincidences).

    Parameters
    ----------
    rows, columns : what `prepare` returned for the input and the output lines
    work, real : int32 and float32 scratch, see `scratch`
    others : as in `pulsed_update`
    """
    room = room_for(n_out)
    code, number, left = work[:room], work[room : 2 * room], work[2 * room : 3 * room]
    fired = 0
    coincidences = 0
    counter = np.int64(0)  # from a literal, `settle` would be compiled twice
    for first in range(0, n, SLOTS):
        slots = min(SLOTS, n - first)
        n_rows, row_pulses = pulse_trains(rows, keys[0], first, slots, n_in)
        n_columns, column_pulses = pulse_trains(columns, keys[1], first, slots, n_out)
        fired += row_pulses + column_pulses
        count = np.int64(0)
        for a in range(n_rows):
            line = rows[2][a]
            flip = np.int32(line & np.int32(DOWN_A))
            place = np.int32(np.int32(line >> np.int32(2)) * np.int32(n_out * CELL))
            count = meet(code, number, count, columns[2], columns[3], n_columns, rows[3][a], flip, place)
            if count >= BATCH or a + 1 == n_rows:
                most = np.int32(0)
                for k in range(count):
                    coincidences += number[k]
                    most |= number[k] - np.int32(1)
                bits = 0  # `powers` squares as often as the longest number of pulses less one has bits
                while most >> bits:
                    bits += 1
                counter = settle(w, cell, limits, code, number, left, count, bits, m, keys[2], counter, real, room)
                count = 0
    return fired, coincidences
