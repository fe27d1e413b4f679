"""Which line a transfer reads, the vector that reads it, and the read-out."""

import numpy as np

from twin.kernels.array.matrix import count_matvec, managed_matvec
from twin.kernels.array.matvec import convert, matvec, single
from twin.kernels.jit import inline, kernel
from twin.kernels.records import ROW
from twin.kernels.rng import fill_normals, stream_key
from twin.kernels.streams import READ_OUT
from twin.operation import Counts

F32 = np.float32
MVMS = int(Counts.MVMS)


@inline
def line_of(layer, sample):
    """Return which line the transfer of this sample reads: lines take turns."""
    return (sample // layer.transfer_every) % layer.lines


@inline
def transfer_number(layer, number, read):
    """Return by which update a line is transferred that is due after update `number`, as if each update had one.

    All that goes by that number, the line and the draws, then tells the lines of one update apart.
    """
    before = number * layer.events // layer.transfer_every * layer.n_reads + read
    return number % layer.transfer_every + before * layer.transfer_every


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
def read_one(f, real, part, m, line, t, by_row, key, index, row):
    """Read line `t` of one array by itself.

    One line driven at full scale, which the input converter has exactly: the sums are the line itself, and the noise
    and the converter of the outputs are those of any mat-vec.
    """
    n = line.size
    noise = real[:n]
    n_out = part.out1 - part.out0
    at = part.w + (t if by_row else t * n_out)
    stride = n_out if by_row else 1
    for i in range(n):
        line[i] = f[at + i * stride]
    sigma = single(m)
    if sigma > F32(0.0):
        fill_normals(noise, n, key, index)
    clipped = convert(line, n, noise, sigma, m.out_bound, m.out_step)
    line_sum = f[(part.out_sum if by_row else part.in_sum) + t]
    count_matvec(row, np.int64(1), np.int64(1), n, F32(2.0) * F32(n) + m.conductance_slope * line_sum, clipped)


@kernel
def read_among_all(f, work, real, part, m, line, u, by_row, key, row):
    """Read the line of one array that u drives, with the noise of all its drivers: those at rest add theirs too."""
    n_in, n_out = part.in1 - part.in0, part.out1 - part.out0
    w = f[part.w : part.w + n_in * n_out]
    start = part.out_sum if by_row else part.in_sum
    sums = f[start : start + u.size]
    once = np.int64(0)
    repeats, driven, conducted, clipped = matvec(w, n_in, n_out, not by_row, u, line, m, once, sums, key, real, work)
    count_matvec(row, repeats, driven, line.size, conducted, clipped)


@kernel
def read_line(f, work, real, parts, m, layer, sample, seed, row):
    """V = A u (axis column) or A^T u (axis row): one line of A for a one-hot u."""
    u = f[layer.u : layer.u + layer.lines]
    v = f[layer.v : layer.v + layer.line_length]
    by_row = layer.transfer_axis == ROW
    if layer.hadamard:
        transfer_vector(layer, sample, u)
        v[:] = F32(0.0)
        low, most = np.int64(0), m.bm_repeats
        managed_matvec(f, work, real, parts, m, not by_row, most, u, v, low, F32(1.0), ~sample, seed, row)
        return
    t = line_of(layer, sample)
    if m.inp_noise > F32(0.0):
        transfer_vector(layer, sample, u)
    for k in range(m.first, m.first + m.count):
        part = parts[k]
        low, high, start, n = lines_of(part, by_row)
        if t < low or t >= high:
            continue
        key = stream_key(seed, part.stream, READ_OUT, sample)
        line = v[start : start + n]
        if m.inp_noise > F32(0.0):
            read_among_all(f, work, real, part, m, line, u[low:high], by_row, key, row)
        else:
            read_one(f, real, part, m, line, t - low, by_row, key, np.int64(0), row)
        row[MVMS] = 1
