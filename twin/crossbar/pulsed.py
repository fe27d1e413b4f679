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
from twin.crossbar.records import CELL, DOWN_A, DW_MIN, UP_A, W_MAX, W_MIN
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
def step(w, cell, at, sign, xi, noise_mult, noise_add):
    """Apply one coincidence of the given sign to device `at`; return the change of w."""
    c = at * CELL
    branch = UP_A if sign > F32(0.0) else DOWN_A
    old = w[at]
    dw = F32(sign * cell[c + branch] - cell[c + branch + 1] * old)
    dw = F32(dw * (F32(1.0) + noise_mult * xi) + noise_add * xi * cell[c + DW_MIN])
    new = min(max(F32(old + dw), cell[c + W_MIN]), cell[c + W_MAX])
    w[at] = new
    return F32(new - old)


@inline
def prepare(x, factor, index, threshold, sign):
    """List the lines that can fire: their index, their 24-bit threshold and their sign."""
    n = 0
    for j in range(x.size):
        p = F32(abs(x[j]) * factor)
        index[n] = j
        threshold[n] = np.int32(min(F32(p * ONE_24), ONE_24))
        sign[n] = F32(1.0) if x[j] > F32(0.0) else F32(-1.0)
        n += 1 if x[j] != F32(0.0) else 0
    return n


@inline
def fire(index, threshold, n, key, slot, lines, hit, firing):
    """List which of the n prepared lines fire in this slot; draw number = slot * lines + line."""
    key0 = U32(key)
    key1 = U32(key >> U64(32))
    base = U32(slot * lines)
    for a in range(n):
        u = np.int32(draw(key0, key1, U32(base + U32(index[a]))) >> U32(8))
        hit[a] = np.int32(1) if u < threshold[a] else np.int32(0)
    count = 0
    for a in range(n):
        firing[count] = a
        count += hit[a]
    return count


@njit
def pulsed_update(w, cell, n_in, n_out, x, d, n, x_factor, d_factor, m, in_sum, out_sum, keys, work, real):
    """Fire n pulse slots of the update of one array; return (line pulses, coincidences).

    Parameters
    ----------
    w, cell : float32 (n_in * n_out), (n_in * n_out * 8)
    x, d : float32 (n_in), (n_out)
    m : MATRIX record
    in_sum, out_sum : float32 line sums, kept up to date
    keys : tuple of three uint64
        Streams of the input pulses, the output pulses and the cycle noise.
    work : int32 scratch, at least 4 (n_in + n_out)
    real : float32 scratch, at least n_in + n_out + 256
    """
    nx, nd = n_in, n_out
    x_index, x_threshold = work[:nx], work[nx : 2 * nx]
    x_hit, x_firing = work[2 * nx : 3 * nx], work[3 * nx : 4 * nx]
    rest = work[4 * nx :]
    d_index, d_threshold = rest[:nd], rest[nd : 2 * nd]
    d_hit, d_firing = rest[2 * nd : 3 * nd], rest[3 * nd : 4 * nd]
    x_sign, d_sign = real[:nx], real[nx : nx + nd]
    noise = real[nx + nd : nx + nd + BLOCK]
    count_x = prepare(x, x_factor, x_index, x_threshold, x_sign)
    count_d = prepare(d, d_factor, d_index, d_threshold, d_sign)
    key_x, key_d, key_cycle = keys
    noisy = m.noise_mult > F32(0.0) or m.noise_add > F32(0.0)
    if not noisy:
        noise[:] = F32(0.0)
    fired = 0
    coincidences = 0
    at_noise = BLOCK
    blocks = 0
    for slot in range(n):
        fx = fire(x_index, x_threshold, count_x, key_x, slot, nx, x_hit, x_firing)
        fd = fire(d_index, d_threshold, count_d, key_d, slot, nd, d_hit, d_firing)
        fired += fx + fd
        coincidences += fx * fd
        for a in range(fx):
            ja = x_firing[a]
            j = x_index[ja]
            sx = x_sign[ja]
            row = j * n_out
            line = F32(0.0)
            for b in range(fd):
                if at_noise == BLOCK:
                    at_noise = 0
                    if noisy:
                        fill_normals(noise, BLOCK, key_cycle, blocks * BLOCK)
                        blocks += 1
                ib = d_firing[b]
                i = d_index[ib]
                dw = step(w, cell, row + i, sx * d_sign[ib], noise[at_noise], m.noise_mult, m.noise_add)
                at_noise += 1
                out_sum[i] += dw
                line += dw
            in_sum[j] += line
    return fired, coincidences


@njit
def exact_update(w, n_in, n_out, x, d, lr, m, in_sum, out_sum):
    """w[j, i] += lr x_j d_i, clipped to the bounds: the ideal device and the digital baseline."""
    d = d[:n_out]
    out_sum = out_sum[:n_out]
    for j in range(n_in):
        if x[j] == F32(0.0):
            continue
        xj = F32(lr * x[j])
        row = w[j * n_out : (j + 1) * n_out]
        if m.perfect:
            for i in range(n_out):
                row[i] += xj * d[i]
            continue
        line = F32(0.0)
        for i in range(n_out):
            new = min(max(F32(row[i] + xj * d[i]), m.w_low), m.w_high)
            dw = F32(new - row[i])
            row[i] = new
            out_sum[i] += dw
            line += dw
        in_sum[j] += line
