"""Exact updates of digital matrices: all that follow each other in a program at once, with the bits of one by one."""

import numpy as np

from twin.kernels.array.matvec import max_magnitude
from twin.kernels.array.pulsed import pulse_plan
from twin.kernels.jit import inline, kernel, ordered
from twin.kernels.records import ROW
from twin.kernels.simd.lanes import HAS_COMPRESS
from twin.kernels.simd.products import add_eight_by_vectors
from twin.operation import Counts, Opcode

UPDATE, PULSES, PART_PULSES = int(Opcode.UPDATE), int(Counts.PULSES), int(Counts.PART_PULSES)
F32 = np.float32
TOGETHER = 8  # uses a pass: their d stay in the first-level cache


@ordered
def add_eight_by_words(w, n_in, n_out, q, d, at, apart):
    """`add_eight` for any processor."""
    for j in range(n_in):
        row = w[j * n_out : (j + 1) * n_out]
        x0, x1, x2, x3 = q[j], q[n_in + j], q[2 * n_in + j], q[3 * n_in + j]
        x4, x5, x6, x7 = q[4 * n_in + j], q[5 * n_in + j], q[6 * n_in + j], q[7 * n_in + j]
        low, high = d[at:], d[at + 4 * apart :]
        d0, d1, d2, d3 = low[:n_out], low[apart:], low[2 * apart :], low[3 * apart :]
        d4, d5, d6, d7 = high[:n_out], high[apart:], high[2 * apart :], high[3 * apart :]
        for i in range(n_out):
            v = (((row[i] + x0 * d0[i]) + x1 * d1[i]) + x2 * d2[i]) + x3 * d3[i]
            row[i] = (((v + x4 * d4[i]) + x5 * d5[i]) + x6 * d6[i]) + x7 * d7[i]


# add_eight(w, n_in, n_out, q, d, at, apart): w[j, i] += q[k n_in + j] d[at + k apart + i] for eight k in turn.
add_eight = add_eight_by_vectors if HAS_COMPRESS else add_eight_by_words


@ordered
def add_one(row, factor, d, start):
    """Row += factor d[start:]; lines without a signal are left alone, whatever d is."""
    if factor == F32(0.0):
        return
    d = d[start : start + row.size]
    for i in range(row.size):
        row[i] += factor * d[i]


@ordered
def add_by_one(w, n_in, n_out, x, x_step, d, d_step, first, end, lr):
    """Perform the updates of some uses one after the other."""
    for use in range(first, end):
        for j in range(n_in):
            add_one(w[j * n_out : (j + 1) * n_out], lr * x[use * x_step + j], d, use * d_step)


@inline
def all_finite(d, at, apart, n):
    """Return whether there is neither NaN nor infinity in the d of eight uses."""
    finite = True
    for use in range(TOGETHER):
        finite &= max_magnitude(d[at + use * apart : at + use * apart + n]) < F32(np.inf)
    return finite


@ordered
def unbounded_updates(w, n_in, n_out, x, x_step, d, d_step, uses, lr, q):
    """w[j, i] += lr x_j d_i for the uses in turn.

    Each weight takes the products in the order of the uses and is rounded after each, so the result is that of
    `uses` updates one after another; but the weights are read and written once in `TOGETHER` uses.

    Parameters
    ----------
    w : float32 (n_in * n_out)
    x, d : float32
        x of use k is x[k x_step : k x_step + n_in], d[k d_step : k d_step + n_out] its d.
    uses : int
    lr : float32
    q : float32, at least TOGETHER * n_in if there are as many uses
        Scratch.
    """
    first = 0
    while first + TOGETHER <= uses:
        # a line without a signal is left alone, whatever d is: adding its products does so unless 0 x inf is NaN
        if all_finite(d, first * d_step, d_step, n_out):
            for use in range(TOGETHER):
                source, scaled = x[(first + use) * x_step :], q[use * n_in : (use + 1) * n_in]
                for j in range(n_in):
                    scaled[j] = lr * source[j]
            add_eight(w, n_in, n_out, q, d, first * d_step, d_step)
        else:
            add_by_one(w, n_in, n_out, x, x_step, d, d_step, first, first + TOGETHER, lr)
        first += TOGETHER
    add_by_one(w, n_in, n_out, x, x_step, d, d_step, first, uses, lr)


@kernel
def end_of_updates(matrices, layers, program, k):
    """Return where the updates of digital matrices end that start with instruction k: k where it is none."""
    while k < program.size and program[k].opcode == UPDATE:
        layer = layers[program[k].layer]
        if layer.auto_scale or not matrices[layer.update].perfect:
            break
        k += 1
    return k


@kernel
def update_uses(f, real, parts, m, layer, slot, first, uses):
    """W += lr d x^T for some uses of a sample in turn, on all arrays of the matrix."""
    shift = slot * layer.stride
    x = f[layer.x + shift + first * layer.n_in : layer.x + shift + (first + uses) * layer.n_in]
    d = f[layer.d + shift + first * layer.n_out : layer.d + shift + (first + uses) * layer.n_out]
    for k in range(m.first, m.first + m.count):
        part = parts[k]
        n_in, n_out = part.in1 - part.in0, part.out1 - part.out0
        w = f[part.w : part.w + n_in * n_out]
        unbounded_updates(w, n_in, n_out, x[part.in0 :], layer.n_in, d[part.out0 :], layer.n_out, uses, layer.lr, real)


@kernel
def sum_gradients(f, real, n, layer, slot, first, uses):
    """G += d x^T for some uses of a sample; n is the node record with the gradients of the layer's matrix.

    G lies as the matrix does, and where it is for chi, as chi.
    """
    shift = slot * layer.stride
    x = f[layer.x + shift + first * layer.n_in : layer.x + shift + (first + uses) * layer.n_in]
    d = f[layer.d + shift + first * layer.n_out : layer.d + shift + (first + uses) * layer.n_out]
    g = f[n.g : n.g + n.n_parameters]
    if layer.granularity > F32(0.0) and layer.transfer_axis == ROW:
        unbounded_updates(g, layer.n_out, layer.n_in, d, layer.n_out, x, layer.n_in, uses, F32(1.0), real)
    else:
        unbounded_updates(g, layer.n_in, layer.n_out, x, layer.n_in, d, layer.n_out, uses, F32(1.0), real)


@kernel
def count_updates(f, m, layer, p, row):
    """Enter the updates of one instruction that are not zero."""
    for use in range(p.first, p.first + p.uses):
        start = layer.x + p.slot * layer.stride + use * layer.n_in
        x = f[start : start + layer.n_in]
        start = layer.d + p.slot * layer.stride + use * layer.n_out
        d = f[start : start + layer.n_out]
        n, _, _, _ = pulse_plan(
            layer.lr,
            max_magnitude(x),
            max_magnitude(d),
            m.dw_min,
            m.desired_bl,
            m.update_management,
            m.update_bl_management,
        )
        row[PULSES] += n
        row[PART_PULSES] += n * m.count


@kernel
def digital_updates(f, real, parts, matrices, layers, program, counts, start, stop):
    """Perform instructions start..stop-1, all updates of digital matrices, layer by layer.

    Layers do not share matrices, so their order is free; each layer's updates keep theirs.
    """
    for number in range(layers.size):
        layer = layers[number]
        m = matrices[layer.update]
        slot = sample = first = uses = 0
        for k in range(start, stop):
            p = program[k]
            if p.layer != number:
                continue
            count_updates(f, m, layer, p, counts[k])
            if uses and p.sample == sample and p.first == first + uses:
                uses += p.uses
                continue
            if uses:
                update_uses(f, real, parts, m, layer, slot, first, uses)
            slot, sample, first, uses = p.slot, p.sample, p.first, p.uses
        if uses:
            update_uses(f, real, parts, m, layer, slot, first, uses)
