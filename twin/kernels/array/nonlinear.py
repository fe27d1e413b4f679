"""Pulses on devices whose step is not affine in the weight, or that keep a state beside it.

One matrix has one kind of step (`twin.kernels.array.steps`), which is chosen per burst. Kinds other than `PLAIN` take
this module's loop instead of the affine one of `twin.kernels.array.pulsed`: it always clips, and its work is in
proportion to the coincidences as well. What a device keeps beside its weight stands in the column `HIDDEN` of its
limits: the weight without write noise, or the conductance of a pair's minus half.

The pair is aihwkit's ``OneSidedUnitCell``, but that programming the difference is a loop of pulse and read where
aihwkit fires one open-loop train.
"""

import numpy as np

from twin.kernels.array.matvec import single
from twin.kernels.array.steps import PAIR, between, mean_step, place
from twin.kernels.jit import inline, kernel
from twin.kernels.records import CELL, DOWN_A, DW_MIN, HIDDEN, LIMITS, UP_A, W_MAX, W_MIN
from twin.kernels.rng import U32, U64, normal_pair, stream_key
from twin.kernels.streams import REFRESH, WRITE_NOISE
from twin.operation import Counts

F32 = np.float32
MVMS, PART_MVMS, DRIVEN, CONVERTED = int(Counts.MVMS), int(Counts.PART_MVMS), int(Counts.DRIVEN), int(Counts.CONVERTED)
PULSES, PART_PULSES, FIRED = int(Counts.PULSES), int(Counts.PART_PULSES), int(Counts.FIRED)
COINCIDENCES = int(Counts.COINCIDENCES)


@inline
def coincide_shaped(w, cell, limits, code, noise, m, shape, key, counter):
    """One pulse on each of the devices that `code` names, as `twin.kernels.array.affine.coincide`.

    Parameters
    ----------
    w, cell, limits : float32
    code : int32 (n)
    noise : float32 (n)
        Cycle noise.
    m : MATRIX record
    shape : float32 (2 points)
        Tables of the matrix, up and down; empty for kinds without.
    key : uint64
        Of the cycle noise; write noise takes a stream derived from it.
    counter : int
        Coincidences of the burst before these, so that no draw of write noise occurs twice.
    """
    if m.step_kind == PAIR:
        for n in range(code.size):
            pulse_pair(w, cell, limits, U32(code[n]), noise[n], m, shape)
        return
    kind, points, own = m.step_kind, m.points, (m.noise_mult, m.noise_add, m.write_noise)
    for n in range(code.size):  # what is read from `m` in here is read, and decided, anew each time
        pulse_single(w, cell, limits, U32(code[n]), noise[n], kind, points, own, shape, key, counter + n)


@inline
def pulse_shaped(w, cell, limits, code, xi, m, shape, key, counter):
    """One pulse on a device: `code` is CELL times its number, plus DOWN_A where the pulse is a down pulse."""
    if m.step_kind == PAIR:
        pulse_pair(w, cell, limits, code, xi, m, shape)
    else:
        own = m.noise_mult, m.noise_add, m.write_noise
        pulse_single(w, cell, limits, code, xi, m.step_kind, m.points, own, shape, key, counter)


@inline
def pulse_single(w, cell, limits, code, xi, kind, points, own, shape, key, counter):
    """One pulse on a device that has one state; `own` is its multiplicative, additive and write noise."""
    noise_mult, noise_add, write_noise = own
    up = (U32(code) & U32(DOWN_A)) == U32(0)
    i = U64(U32(code) >> U32(2))
    a, c, at = U64(code), i * U64(CELL), i * U64(LIMITS)
    low, high = limits[at + U64(W_MIN)], limits[at + U64(W_MAX)]
    old = limits[at + U64(HIDDEN)] if write_noise > F32(0.0) else w[i]
    size = mean_step(kind, up, old, cell, c, a, low, high, shape, points)
    change = size * (F32(1.0) + noise_mult * xi) + noise_add * xi * limits[at + U64(DW_MIN)]
    new = min(max(F32(old + change) if up else F32(old - change), low), high)
    w[i] = new
    if write_noise > F32(0.0):
        limits[at + U64(HIDDEN)] = new
        # drawn at the pulse and kept, so that reads between two pulses agree; a stuck device has no range and no noise
        read, _ = normal_pair(U32(key ^ WRITE_NOISE), U32((key ^ WRITE_NOISE) >> U64(32)), U32(counter))
        w[i] = F32(new + write_noise * read) if high > low else new


@inline
def pulse_pair(w, cell, limits, code, xi, m, shape):
    """One pulse on a pair: up raises the plus half, down the minus half."""
    up = (U32(code) & U32(DOWN_A)) == U32(0)
    i = U64(U32(code) >> U32(2))
    at = i * U64(LIMITS)
    minus = limits[at + U64(HIDDEN)]
    plus = F32(w[i] + minus)
    g = half_after(plus if up else minus, cell, limits, U64(code), up, xi, m, shape)
    limits[at + U64(HIDDEN)] = minus if up else g
    w[i] = F32(g - minus) if up else F32(plus - g)


@inline
def half_after(g, cell, limits, code, up, xi, m, shape):
    """Return a half's conductance after a pulse; a stuck half has no step and stays."""
    at = U64(code >> U64(2)) * U64(LIMITS)
    k, share = place(F32(cell[code + U64(1)] * g), m.points)
    size = F32(cell[code] * between(shape[k], shape[k + U64(1)], share))
    sigma = m.noise_mult * size + m.noise_add * limits[at + U64(DW_MIN)] + m.noise_slope * g
    top = limits[at + U64(W_MAX)] if up else -limits[at + U64(W_MIN)]
    return min(max(F32(g + size + sigma * xi), F32(0.0)), top) if size > F32(0.0) else g


@kernel
def refresh_pairs(f, parts, m, sample, writes, seed, row):
    """Read all pairs of a matrix every `refresh_every` writes; reset and program anew those that ran up.

    A pair is refreshed where the larger half reads above `refresh_upper` and the smaller above `refresh_lower`.
    Pulses are entered in `row` as those of an update; reads too, though an update's time and energy ignore them.
    """
    if m.step_kind != PAIR or m.refresh_every == 0 or (writes + 1) % m.refresh_every:
        return
    busiest = 0
    for k in range(m.first, m.first + m.count):
        part = parts[k]
        n_in = part.in1 - part.in0
        n_out = part.out1 - part.out0
        w = f[part.w : part.w + n_in * n_out]
        cell = f[part.cell : part.cell + n_in * n_out * CELL]
        limits = f[part.limits : part.limits + n_in * n_out * LIMITS]
        shape = f[m.shape : m.shape + 2 * m.points]
        key = stream_key(seed, part.stream, REFRESH, sample)
        slots = 0
        for j in range(n_in):
            start, stop = j * n_out, (j + 1) * n_out
            taken, pulses, pairs = refresh_line(
                w[start:stop],
                cell[start * CELL : stop * CELL],
                limits[start * LIMITS : stop * LIMITS],
                m,
                shape,
                key,
                start * (2 * m.refresh_bl + 4),
            )
            slots += taken
            row[FIRED] += taken + pulses
            row[COINCIDENCES] += pulses + 2 * pairs  # two resets a pair
        row[PART_PULSES] += slots
        row[MVMS] = max(row[MVMS], 2 * n_in + slots)
        row[PART_MVMS] += 2 * n_in + slots
        row[DRIVEN] += 2 * n_in + slots
        row[CONVERTED] += (2 * n_in + slots) * n_out
        busiest = max(busiest, slots)
    row[PULSES] += busiest


@inline
def refresh_line(row, cell, limits, m, shape, key, counter):
    """Refresh the pairs of one input line; return (pulse slots, pulses, pairs refreshed).

    The devices of a line are reset in one slot and programmed in parallel, so the slowest sets the slots.
    """
    key0, key1 = U32(key), U32(key >> U64(32))
    sigma = single(m)
    slots = pulses = pairs = 0
    per_device = 2 * m.refresh_bl + 4  # draws that are set aside for one pair, more than it needs
    for i in range(row.size):
        base = counter + i * per_device
        at = U64(i) * U64(LIMITS)
        minus = limits[at + U64(HIDDEN)]
        plus = F32(row[U64(i)] + minus)
        a, b = normal_pair(key0, key1, U32(base))
        read_plus, read_minus = F32(plus + sigma * a), F32(minus + sigma * b)
        if max(read_plus, read_minus) <= m.refresh_upper or min(read_plus, read_minus) <= m.refresh_lower:
            continue
        if cell[U64(i) * U64(CELL)] <= F32(0.0):  # stuck
            continue
        a, b = normal_pair(key0, key1, U32(base + 1))
        plus = min(max(F32(m.reset + m.reset_std * a), F32(0.0)), limits[at + U64(W_MAX)])
        minus = min(max(F32(m.reset + m.reset_std * b), F32(0.0)), -limits[at + U64(W_MIN)])
        # what was read, its noise included, is all that the controller knows: that is programmed
        target = F32(read_plus - read_minus)
        up = target > F32(0.0)
        code = U64(i) * U64(CELL) + (U64(UP_A) if up else U64(DOWN_A))
        needed = 0
        for n in range(m.refresh_bl):
            xi, read = normal_pair(key0, key1, U32(base + 2 + n))
            difference = F32(plus - minus) if up else F32(minus - plus)
            if F32(difference + sigma * read) >= abs(target):
                break
            g = plus if up else minus
            g = half_after(g, cell, limits, code, up, xi, m, shape)
            plus, minus = (g, minus) if up else (plus, g)
            needed += 1
        limits[at + U64(HIDDEN)] = minus
        row[U64(i)] = F32(plus - minus)
        slots = max(slots, needed + 1)
        pulses += needed
        pairs += 1
    return slots, pulses, pairs


@kernel
def pair_rest(limits, n_in, n_out, in_rest, out_rest):
    """Sum 2 g_minus over each line: g_plus + g_minus = w + 2 g_minus conducts, and pulses change it."""
    for i in range(n_out):
        out_rest[i] = F32(0.0)
    for j in range(n_in):
        line = F32(0.0)
        for i in range(n_out):
            twice = F32(2.0) * limits[(j * n_out + i) * LIMITS + HIDDEN]
            line += twice
            out_rest[i] += twice
        in_rest[j] = line
