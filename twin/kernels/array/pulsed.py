"""Pulsed rank-1 update of one physical array by coincidences of stochastic pulse trains.

Per pulse slot every line fires with its probability; every firing row meets every firing column in one
coincidence, which applies one noisy, state-dependent step. Work is proportional to the coincidences.

Probabilities and number of pulses: Gokmen 2021 "Array Model", update management of Gokmen 2017; with
more pulses wanted than `desired_bl` allows, the error signal is clipped as in aihwkit::

    k  = lr max|x| max|d| / dw_min             (without update_management lr max(max|x|, max|d|)^2 / dw_min)
    BL = min(ceil(k), desired_bl)              (update_bl_management; otherwise desired_bl)
    P(x_j) = min(|x_j| B, 1), P(d_i) = min(|d_i| A, 1), A B = lr / (dw_min BL)
    A = B without update_management; with it the largest |x| and the largest |d| fire alike
    E[dw_ij] = BL A B dw_min x_j d_i = lr x_j d_i    where nothing clips, that is where k <= BL
"""

import numpy as np

from twin.kernels.array.affine import coincide
from twin.kernels.array.coincidences import fire, prepare
from twin.kernels.array.dense import dense_update, is_dense
from twin.kernels.array.nonlinear import coincide_shaped
from twin.kernels.array.steps import PLAIN
from twin.kernels.jit import inline, kernel
from twin.kernels.records import CELL, DOWN_A, LIMITS, W_MAX, W_MIN
from twin.kernels.rng import BLOCK, fill_normals_to
from twin.kernels.simd.lists import list_devices

F32 = np.float32


@inline
def pulse_plan(lr, x_max, d_max, dw_min, desired_bl, update_management, update_bl_management):
    """Return (BL, factor of |x|, factor of |d|, whether k > BL) for a rank-1 update; BL = 0: nothing is to be done."""
    if lr <= F32(0.0) or x_max == F32(0.0) or d_max == F32(0.0):
        return 0, F32(0.0), F32(0.0), False
    top = max(x_max, d_max)
    k = F32(lr * x_max * d_max / dw_min) if update_management else F32(lr * top * top / dw_min)
    if np.isnan(k):  # a run that diverged goes on to its end
        return 0, F32(0.0), F32(0.0), False
    n = int(min(np.ceil(k), F32(desired_bl))) if update_bl_management else int(desired_bl)
    base = F32(np.sqrt(lr / (dw_min * F32(n))))
    if not update_management:
        return n, base, base, k > F32(n)
    d_top = F32(d_max * F32(n) / k) if k > F32(n) else d_max
    ratio = F32(np.sqrt(d_top / x_max))
    return n, F32(base * ratio), F32(base / ratio), k > F32(n)


@kernel
def perform(w, cell, limits, code, noise, m, shape, key, counter):
    """One pulse on each device of a list without repeats; `counter` coincidences of the update went before."""
    if m.step_kind == PLAIN:
        coincide(w, cell, limits, code, noise, m.clip_below, m.noise_mult, m.noise_add)
    else:
        coincide_shaped(w, cell, limits, code, noise, m, shape, key, counter)


@kernel
def pulsed_update(w, cell, limits, shape, n_in, n_out, x, d, n, x_factor, d_factor, m, keys, work, real):
    """Fire n pulse slots of the update of one array; return (line pulses, coincidences).

    Parameters
    ----------
    w, cell, limits : float32 (n_in * n_out), (n_in * n_out * CELL), (n_in * n_out * LIMITS)
    shape : float32 (2 points)
        Tables of a step that is not affine (twin.kernels.array.nonlinear).
    x, d : float32 (n_in), (n_out)
    m : MATRIX record
    keys : tuple of three uint64
        Streams of the input pulses, the output pulses and the cycle noise.
    work, real : int32 and float32 scratch
        At least 4 (n_in + n_out) + BLOCK and BLOCK words; `dense.scratch` where the dense path may be taken.
    """
    rows = prepare(x, x_factor, work[: 4 * n_in])
    columns = prepare(d, d_factor, work[4 * n_in : 4 * (n_in + n_out)])
    if n > 1 and m.step_kind == PLAIN and is_dense(m.dense_from, n, rows, columns):
        return dense_update(w, cell, limits, n_in, n_out, rows, columns, n, m, keys, work[4 * (n_in + n_out) :], real)
    noise, code = real[:BLOCK], work[4 * (n_in + n_out) : 4 * (n_in + n_out) + BLOCK]
    key_x, key_d, key_cycle = keys
    noisy = m.noise_mult > F32(0.0) or m.noise_add > F32(0.0) or m.noise_slope > F32(0.0)
    if not noisy:
        noise[:] = F32(0.0)  # xi = 0 leaves every step as it is
    x_firing, d_firing = rows[3], columns[3]
    fired = 0
    coincidences = 0
    # code[begin : used] with noise[begin : used] wait to be performed. Coincidences are numbered through the whole
    # update and each has the normal of its number, so the lists may be cut anywhere; of a block of normals those are
    # drawn that a slot needs.
    begin = used = drawn = BLOCK
    block = -1
    for slot in range(n):
        fx = fire(rows, key_x, slot, n_in)
        fd = fire(columns, key_d, slot, n_out)
        fired += fx + fd
        left = fx * fd
        if noisy:
            drawn = fill_normals_to(noise, drawn, used + left, key_cycle, block * BLOCK)
        for a in range(fx):
            place = np.int32(np.int32(x_firing[a] >> np.int32(2)) * np.int32(n_out * CELL))
            flip = np.int32(x_firing[a] & np.int32(DOWN_A))  # signs of x and d multiply
            b = 0
            while b < fd:
                if used == BLOCK:
                    perform(w, cell, limits, code[begin:used], noise[begin:used], m, shape, key_cycle, coincidences)
                    coincidences += used - begin
                    begin = used = 0
                    block += 1
                    if noisy:
                        drawn = fill_normals_to(noise, 0, left, key_cycle, block * BLOCK)
                take = min(fd - b, BLOCK - used)
                list_devices(code, used, d_firing, b, take, flip, place)
                b += take
                used += take
                left -= take
        # the next slot may meet a device again, and the devices of a list must all be different
        perform(w, cell, limits, code[begin:used], noise[begin:used], m, shape, key_cycle, coincidences)
        coincidences += used - begin
        begin = used
    return fired, coincidences


@kernel
def exact_update(w, limits, n_in, n_out, x, d, lr):
    """w[j, i] += lr x_j d_i, clipped to the bounds: the ideal device."""
    d = d[:n_out]
    for j in range(n_in):
        if x[j] == F32(0.0):
            continue
        xj = F32(lr * x[j])
        row = w[j * n_out : (j + 1) * n_out]
        for i in range(n_out):
            c = (j * n_out + i) * LIMITS
            row[i] = min(max(F32(row[i] + xj * d[i]), limits[c + W_MIN]), limits[c + W_MAX])


@kernel
def sum_lines(w, n_in, n_out, in_sum, out_sum, in_rest, out_rest):
    """Sum main and reference weights over each input line and each output line: w + 2 r a device."""
    out_sum = out_sum[:n_out]
    for i in range(n_out):
        out_sum[i] = out_rest[i]
    for j in range(n_in):
        row = w[j * n_out : (j + 1) * n_out]
        line = F32(0.0)
        for i in range(n_out):
            line += row[i]
            out_sum[i] += row[i]
        in_sum[j] = line + in_rest[j]
