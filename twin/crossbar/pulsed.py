"""Pulsed rank-1 update of one physical array by coincidences of stochastic pulse trains.

Per pulse slot every line fires with its probability; every firing row meets every firing column in one
coincidence, which applies one noisy, state-dependent step. Work is proportional to the coincidences.

Probabilities and number of pulses: Gokmen 2021 "Array Model", update management of Gokmen 2017; with
more pulses wanted than `desired_bl` allows, the error signal is clipped as in aihwkit::

    k  = lr max|x| max|d| / dw_min
    BL = min(ceil(k), desired_bl)              (update_bl_management; otherwise desired_bl)
    P(x_j) = min(|x_j| B, 1), P(d_i) = min(|d_i| A, 1), A B = lr / (dw_min BL)
    E[dw_ij] = BL A B dw_min x_j d_i = lr x_j d_i    where nothing clips
"""

import numpy as np

from twin.crossbar.jit import inline, njit
from twin.crossbar.records import CELL, DOWN_A, DW_MIN, LIMITS, UP_A, W_MAX, W_MIN
from twin.crossbar.rng import BLOCK, U32, U64, draw, fill_normals

F32 = np.float32
ONE_24 = F32(1 << 24)


@inline
def pulse_plan(lr, x_max, d_max, dw_min, desired_bl, update_management, update_bl_management):
    """Return (BL, factor of |x|, factor of |d|) for a rank-1 update; BL = 0 when nothing is to be done."""
    if lr <= F32(0.0) or x_max == F32(0.0) or d_max == F32(0.0):
        return 0, F32(0.0), F32(0.0)
    k = F32(lr * x_max * d_max / dw_min)
    n = int(min(np.ceil(k), F32(desired_bl))) if update_bl_management else int(desired_bl)
    base = F32(np.sqrt(lr / (dw_min * F32(n))))
    if not update_management:
        return n, base, base
    d_top = F32(d_max * F32(n) / k) if k > F32(n) else d_max
    ratio = F32(np.sqrt(d_top / x_max))
    return n, F32(base * ratio), F32(base / ratio)


@inline
def step(old, cell, at, sign, xi, noise_mult):
    """Return w after one coincidence of the given sign on device `at`, additive noise and bounds left aside.

    up: w + up_a - up_b w; down: w - (down_a + down_b w), times 1 + noise_mult xi.
    """
    c = U64(at) * U64(CELL) + (U64(UP_A) if sign > F32(0.0) else U64(DOWN_A))
    return changed(old, cell, c, sign, xi, noise_mult)


@inline
def changed(old, cell, c, sign, xi, noise_mult):
    """Return w after one coincidence whose coefficients are at `c` and `c` + 1."""
    return F32(old + (sign * cell[c] - cell[c + U64(1)] * old) * (F32(1.0) + noise_mult * xi))


@inline
def limit(new, limits, at, xi, noise_add):
    """Add the additive noise of device `at` and clip to its bounds."""
    c = U64(at) * U64(LIMITS)
    new = F32(new + noise_add * xi * limits[c + U64(DW_MIN)])
    return min(max(new, limits[c + U64(W_MIN)]), limits[c + U64(W_MAX)])


@inline
def prepare(x, factor, index, threshold):
    """List the lines that can fire: their index and the 24-bit threshold of their probability."""
    n = 0
    for j in range(x.size):
        index[n] = j
        n += 1 if x[j] != F32(0.0) else 0
    for a in range(n):
        p = F32(abs(x[U64(index[a])]) * factor)
        threshold[a] = np.int32(min(F32(p * ONE_24), ONE_24))
    return n


@inline
def fire(index, threshold, n, key, slot, lines, hit, firing):
    """List the lines that fire in this slot; draw number = slot * lines + line.

    Two loops: the draws vectorise, and the list is made without branches, which would be mispredicted.
    """
    key0 = U32(key)
    key1 = U32(key >> U64(32))
    base = U32(slot * lines)
    for a in range(n):
        u = np.int32(draw(key0, key1, U32(base + U32(index[a]))) >> U32(8))
        hit[a] = np.int32(1) if u < threshold[a] else np.int32(0)
    count = 0
    for a in range(n):
        firing[count] = index[a]
        count += hit[a]
    return count


@inline
def coincide(row, cell, limits, firing, place, sign, noise, row_sign, clip_below, noise_mult, noise_add):
    """One coincidence on each firing output line of one input line.

    `place` is where the coefficients lie if the input is positive; a negative one swaps up and down, which
    lie DOWN_A words apart. All indices start at 0 in a slice of their own or are unsigned: with Python's
    wrap-around to be checked, each coincidence would take twice as many instructions.
    """
    flip = U64(0) if row_sign > F32(0.0) else U64(DOWN_A)
    for k in range(firing.size):
        i = U64(firing[k])
        xi = noise[k]
        new = changed(row[i], cell, U64(place[k]) ^ flip, row_sign * sign[k], xi, noise_mult)
        row[i] = limit(new, limits, i, xi, noise_add) if xi < clip_below else new


@njit
def pulsed_update(w, cell, limits, n_in, n_out, x, d, n, x_factor, d_factor, m, keys, work, real):
    """Fire n pulse slots of the update of one array; return (line pulses, coincidences).

    Parameters
    ----------
    w, cell, limits : float32 (n_in * n_out), (n_in * n_out * CELL), (n_in * n_out * LIMITS)
    x, d : float32 (n_in), (n_out)
    m : MATRIX record
    keys : tuple of three uint64
        Streams of the input pulses, the output pulses and the cycle noise.
    work : int32 scratch, at least 4 (n_in + n_out)
    real : float32 scratch, at least 2 (n_in + n_out) + BLOCK
    """
    nx, nd = n_in, n_out
    x_index, x_threshold = work[:nx], work[nx : 2 * nx]
    x_hit, x_firing = work[2 * nx : 3 * nx], work[3 * nx : 4 * nx]
    rest = work[4 * nx :]
    d_index, d_threshold = rest[:nd], rest[nd : 2 * nd]
    d_hit, d_firing = rest[2 * nd : 3 * nd], rest[3 * nd : 4 * nd]
    d_place = d_hit  # a slot's hits are no longer needed when its places are written
    d_sign = real[:nd]
    noise = real[nd : nd + BLOCK]
    count_x = prepare(x, x_factor, x_index, x_threshold)
    count_d = prepare(d, d_factor, d_index, d_threshold)
    key_x, key_d, key_cycle = keys
    noise_mult, noise_add, clip_below = m.noise_mult, m.noise_add, m.clip_below
    noisy = noise_mult > F32(0.0) or noise_add > F32(0.0)
    noise[:] = F32(0.0)
    fired = 0
    coincidences = 0
    used = BLOCK
    blocks = 0
    for slot in range(n):
        fx = fire(x_index, x_threshold, count_x, key_x, slot, nx, x_hit, x_firing)
        fd = fire(d_index, d_threshold, count_d, key_d, slot, nd, d_hit, d_firing)
        fired += fx + fd
        coincidences += fx * fd
        for b in range(fd):
            i = U64(d_firing[b])
            positive = d[i] > F32(0.0)
            d_sign[b] = F32(1.0) if positive else F32(-1.0)
            d_place[b] = d_firing[b] * np.int32(CELL) + (np.int32(UP_A) if positive else np.int32(DOWN_A))
        for a in range(fx):
            j = x_firing[a]
            row_sign = F32(1.0) if x[U64(j)] > F32(0.0) else F32(-1.0)
            start, stop = j * n_out, (j + 1) * n_out
            b = 0
            while b < fd:
                if used == BLOCK:
                    used = 0
                    if noisy:
                        fill_normals(noise, BLOCK, key_cycle, blocks * BLOCK)
                        blocks += 1
                take = min(fd - b, BLOCK - used)
                coincide(
                    w[start:stop],
                    cell[start * CELL : stop * CELL],
                    limits[start * LIMITS : stop * LIMITS],
                    d_firing[b : b + take],
                    d_place[b : b + take],
                    d_sign[b : b + take],
                    noise[used : used + take],
                    row_sign,
                    clip_below,
                    noise_mult,
                    noise_add,
                )
                b += take
                used += take
    return fired, coincidences


@njit
def exact_update(w, limits, n_in, n_out, x, d, lr, m):
    """w[j, i] += lr x_j d_i, clipped to the bounds: the ideal device and the digital baseline."""
    d = d[:n_out]
    for j in range(n_in):
        if x[j] == F32(0.0):
            continue
        xj = F32(lr * x[j])
        row = w[j * n_out : (j + 1) * n_out]
        if m.perfect:
            for i in range(n_out):
                row[i] += xj * d[i]
        else:
            for i in range(n_out):
                c = (j * n_out + i) * LIMITS
                row[i] = min(max(F32(row[i] + xj * d[i]), limits[c + W_MIN]), limits[c + W_MAX])


@njit
def sum_lines(w, n_in, n_out, in_sum, out_sum, in_rest, out_rest):
    """Sum main and reference weights over each input line and each output line: w + 2 r a device."""
    out_sum = out_sum[:n_out]
    out_sum[:] = out_rest
    for j in range(n_in):
        row = w[j * n_out : (j + 1) * n_out]
        line = F32(0.0)
        for i in range(n_out):
            line += row[i]
            out_sum[i] += row[i]
        in_sum[j] = line + in_rest[j]
