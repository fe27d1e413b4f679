"""The transfer A -> H -> C of one line, and SHD's pulsed transfer."""

import numpy as np

from twin.kernels.array.affine import limit, step
from twin.kernels.array.matrix import count_matvec, managed_matvec, refresh
from twin.kernels.array.matvec import convert
from twin.kernels.array.nonlinear import PLAIN, pulse_shaped
from twin.kernels.jit import inline, kernel
from twin.kernels.records import CELL, DOWN_A, LIMITS, ROW
from twin.kernels.rng import U32, fill_normals, stream_key
from twin.kernels.streams import H_WORDS, READ_OUT, TRANSFER
from twin.kernels.transfer.words import round_words
from twin.operation import Counts

F32 = np.float32
PULSES, PART_PULSES, FIRED = int(Counts.PULSES), int(Counts.PART_PULSES), int(Counts.FIRED)
MVMS, COINCIDENCES, CROSSED = int(Counts.MVMS), int(Counts.COINCIDENCES), int(Counts.CROSSED)


@inline
def line_of(layer, sample):
    """Return which line the transfer of this sample reads: lines take turns."""
    return (sample // layer.transfer_every) % layer.lines


@inline
def cycle_of(layer):
    """Return the length of a cycle of Hadamard vectors: the power of two that holds all lines."""
    size = 1
    while size < layer.lines:
        size *= 2
    return size


@inline
def lines_of(part, by_row):
    """Return the first of a layer's lines that an array holds, their end, where it begins on them, and its length."""
    if by_row:
        return part.out0, part.out1, part.in0, part.in1 - part.in0
    return part.in0, part.in1, part.out0, part.out1 - part.out0


@kernel
def transfer_vector(layer, sample, u):
    """Fill u with the transfer vector of this sample: one-hot, or a column of a Hadamard matrix."""
    t = line_of(layer, sample)
    if layer.hadamard:
        t = (sample // layer.transfer_every) % cycle_of(layer)
    for j in range(layer.lines):
        if layer.hadamard:
            bits = t & j
            odd = 0
            while bits:
                bits &= bits - 1
                odd ^= 1
            u[j] = F32(-1.0) if odd else F32(1.0)
        else:
            u[j] = F32(1.0) if j == t else F32(0.0)


@kernel
def read_line(f, work, real, parts, m, layer, sample, seed, row):
    """V = A u (axis column) or A^T u (axis row): one line of A for a one-hot u."""
    u = f[layer.u : layer.u + layer.lines]
    v = f[layer.v : layer.v + layer.line_length]
    by_row = layer.transfer_axis == ROW
    if layer.hadamard:
        transfer_vector(layer, sample, u)
        v[:] = F32(0.0)
        managed_matvec(f, work, real, parts, m, not by_row, u, v, np.int64(0), F32(1.0), ~sample, seed, row)
        return
    t = line_of(layer, sample)
    for k in range(m.first, m.first + m.count):
        part = parts[k]
        low, high, start, n = lines_of(part, by_row)
        if t < low or t >= high:
            continue
        line = v[start : start + n]
        noise = real[:n]
        n_out = part.out1 - part.out0
        at = part.w + (t - low if by_row else (t - low) * n_out)
        stride = n_out if by_row else 1
        for i in range(n):
            line[i] = f[at + i * stride]
        key = stream_key(seed, part.stream, READ_OUT, sample)
        if m.out_noise > F32(0.0):
            fill_normals(noise, n, key, np.int64(0))
        clipped = convert(line, n, noise, m.out_noise, m.out_bound, m.out_step)
        row[MVMS] = 1
        line_sum = f[(part.out_sum if by_row else part.in_sum) + t - low]
        count_matvec(row, np.int64(1), np.int64(1), n, F32(2.0) * F32(n) + m.conductance_slope * line_sum, clipped)


@kernel
def filter_h(f, layer, stream, sample, seed, row):
    """H[t] += transfer_lr v; elements beyond the threshold leave their sign in s and are reset.

    Gokmen 2021, Algorithm 2, lines 17, 18 and 20; `reset` 0 is plain, 0.6 hysteretic. The sum is compared in
    float32 and then kept as a word (`twin.machine.words`).
    """
    n = layer.line_length
    start = layer.h + line_of(layer, sample) * n
    h = f[start : start + n]
    v = f[layer.v : layer.v + n]
    s = f[layer.s : layer.s + n]
    start = layer.crossed + line_of(layer, sample) * n
    crossed = f[start : start + n]
    count = 0
    for i in range(n):
        value = F32(h[i] + layer.transfer_lr * v[i])
        beyond = abs(value) > layer.threshold
        sign = F32(1.0) if value > F32(0.0) else F32(-1.0)
        s[i] = sign if beyond else F32(0.0)
        h[i] = F32(sign * layer.reset) if beyond else value
        crossed[i] += F32(1.0) if beyond else F32(0.0)
        count += 1 if beyond else 0
    row[CROSSED] = count
    if layer.h_step > F32(0.0):
        key = stream_key(seed, stream, H_WORDS, sample)
        round_words(h, n, layer.h_step, layer.word_top, layer.word_nearest, key, 0)


@inline
def pulse_device(w, cell, limits, shape, at, sign, xi, m, key, counter):
    """One pulse of the given sign on device `at` of an array; `key` and `counter` are those of its noise `xi`."""
    if m.step_kind != PLAIN:
        code = U32(at * CELL) | (U32(0) if sign > F32(0.0) else U32(DOWN_A))
        pulse_shaped(w, cell, limits, code, xi, m, shape, key, counter)
        return
    new = step(w[at], cell, at, sign, xi, m.noise_mult)
    w[at] = limit(new, limits, at, xi, m.noise_add) if xi < m.clip_below else new


@kernel
def pulse_line(f, real, parts, m, layer, sample, seed, row):
    """One pulse on every device of C's line whose element of H crossed (Algorithm 2, line 19)."""
    t = line_of(layer, sample)
    s = f[layer.s : layer.s + layer.line_length]
    by_row = layer.transfer_axis == ROW
    for k in range(m.first, m.first + m.count):
        part = parts[k]
        low, high, start, n = lines_of(part, by_row)
        if t < low or t >= high:
            continue
        fired = 0
        for i in range(n):
            fired += 1 if s[start + i] != F32(0.0) else 0
        if fired == 0:
            continue
        noise = real[:n]
        key = stream_key(seed, part.stream, TRANSFER, sample)
        shape = f[m.shape : m.shape + 2 * m.points]
        fill_normals(noise, n, key, np.int64(0))
        n_out, size = part.out1 - part.out0, n * (high - low)
        w = f[part.w : part.w + size]
        cell = f[part.cell : part.cell + size * CELL]
        limits = f[part.limits : part.limits + size * LIMITS]
        for i in range(n):
            sign = s[start + i]
            if sign == F32(0.0):
                continue
            at = i * n_out + t - low if by_row else (t - low) * n_out + i
            pulse_device(w, cell, limits, shape, at, sign, noise[i], m, key, i)
            if part.pulses > 0:
                f[part.pulses + at] += F32(1.0)
        row[PULSES] = 1
        row[PART_PULSES] += 1
        row[FIRED] += fired + 1
        row[COINCIDENCES] += fired
    refresh(f, parts, m, sample, sample // layer.transfer_every, seed, row)


@kernel
def choose_transfer(f, layer, sample, row):
    """SHD: return x, d and the rate of C += transfer_lr f(v) u^T (Onen 2021, Fig. 2A, step V).

    f zeroes |v| below the threshold. Over a cycle, u u^T of Hadamard vectors sums to (length of the cycle) x
    identity, of one-hot vectors to the identity, so the former's rate is divided by that length.
    """
    n = layer.line_length
    v = f[layer.v : layer.v + n]
    s = f[layer.s : layer.s + n]
    u = f[layer.u : layer.u + layer.lines]
    transfer_vector(layer, sample, u)
    count = 0
    for i in range(n):
        keep = abs(v[i]) >= layer.threshold
        s[i] = v[i] if keep else F32(0.0)
        count += 1 if s[i] != F32(0.0) else 0
    row[CROSSED] = count
    lr = F32(layer.transfer_lr / F32(cycle_of(layer))) if layer.hadamard else layer.transfer_lr
    return (s, u, lr) if layer.transfer_axis == ROW else (u, s, lr)
