"""What a transfer writes: one pulse on each crossed device of C's line (TTv2), or x, d and rate of an update (SHD)."""

import numpy as np

from twin.kernels.array.affine import limit, step
from twin.kernels.array.matrix import refresh
from twin.kernels.array.matvec import max_magnitude
from twin.kernels.array.nonlinear import pulse_shaped
from twin.kernels.array.steps import PLAIN
from twin.kernels.jit import inline, kernel
from twin.kernels.records import CELL, DOWN_A, LIMITS, ROW
from twin.kernels.rng import U32, fill_normals, stream_key
from twin.kernels.streams import TRANSFER
from twin.kernels.transfer.lines import cycle_of, line_of, lines_of, transfer_vector
from twin.operation import Counts

F32 = np.float32
PULSES, PART_PULSES, FIRED = int(Counts.PULSES), int(Counts.PART_PULSES), int(Counts.FIRED)
COINCIDENCES, CROSSED = int(Counts.COINCIDENCES), int(Counts.CROSSED)


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
    """Pulses on every device of C's line whose element of H crossed: one (Algorithm 2, line 19), or as many as s says.

    A line takes as many slots as its largest element has pulses; a device pulses in the first of them.
    """
    t = line_of(layer, sample)
    s = f[layer.s : layer.s + layer.line_length]
    by_row = layer.transfer_axis == ROW
    for k in range(m.first, m.first + m.count):
        part = parts[k]
        low, high, start, n = lines_of(part, by_row)
        if t < low or t >= high:
            continue
        own, fired = s[start : start + n], 0
        for i in range(n):
            fired += np.int32(abs(own[i]))
        if fired == 0:
            continue
        most, noise, signs = int(max_magnitude(own)), real[:n], real[n : 2 * n]
        for i in range(n):
            signs[i] = F32(1.0) if own[i] > F32(0.0) else F32(-1.0)
        key = stream_key(seed, part.stream, TRANSFER, sample)
        shape = f[m.shape : m.shape + 2 * m.points]
        n_out, size = part.out1 - part.out0, n * (high - low)
        w = f[part.w : part.w + size]
        cell = f[part.cell : part.cell + size * CELL]
        limits = f[part.limits : part.limits + size * LIMITS]
        for slot in range(most):
            fill_normals(noise, n, key, np.int64(slot * n))
            for i in range(n):
                if abs(own[i]) <= F32(slot):
                    continue
                at = i * n_out + t - low if by_row else (t - low) * n_out + i
                pulse_device(w, cell, limits, shape, at, signs[i], noise[i], m, key, slot * n + i)
                if part.pulses > 0:
                    f[part.pulses + at] += F32(1.0)
        row[PULSES] = max(row[PULSES], most)
        row[PART_PULSES] += most
        row[FIRED] += fired + most
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
