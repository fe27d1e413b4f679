"""Exact updates of digital matrices: all that follow each other in a program at once, with the bits of one by one."""

import numpy as np

from twin.kernels.array.matvec import max_magnitude
from twin.kernels.array.pulsed import pulse_plan
from twin.kernels.jit import kernel, ordered
from twin.kernels.records import ROW
from twin.kernels.simd.lanes import HAS_COMPRESS
from twin.kernels.simd.products import add_eight_by_vectors
from twin.operation import Counts, Opcode

UPDATE, PULSES, PART_PULSES = int(Opcode.UPDATE), int(Counts.PULSES), int(Counts.PART_PULSES)
F32 = np.float32
TOGETHER = 8  # uses a pass: their d stay in the first-level cache


@ordered
def add_eight_by_words(row, factors, d, start, step):
    """`add_eight` for any processor."""
    x0, x1, x2, x3, x4, x5, x6, x7 = factors
    n = row.size
    d = d[start:]
    d0, d1, d2, d3 = d[:n], d[step : step + n], d[2 * step : 2 * step + n], d[3 * step : 3 * step + n]
    d = d[4 * step :]
    d4, d5, d6, d7 = d[:n], d[step : step + n], d[2 * step : 2 * step + n], d[3 * step : 3 * step + n]
    for i in range(n):
        v = (((row[i] + x0 * d0[i]) + x1 * d1[i]) + x2 * d2[i]) + x3 * d3[i]
        row[i] = (((v + x4 * d4[i]) + x5 * d5[i]) + x6 * d6[i]) + x7 * d7[i]


# add_eight(row, factors, d, start, step): row += factors[k] d[start + k step :] for eight k in turn.
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
def unbounded_updates(w, n_in, n_out, x, x_step, d, d_step, uses, lr):
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
    """
    first = 0
    while first + TOGETHER <= uses:
        for j in range(n_in):
            row = w[j * n_out : (j + 1) * n_out]
            at = first * x_step + j
            x0, x1, x2, x3 = x[at], x[at + x_step], x[at + 2 * x_step], x[at + 3 * x_step]
            at += 4 * x_step
            x4, x5, x6, x7 = x[at], x[at + x_step], x[at + 2 * x_step], x[at + 3 * x_step]
            # a line without a signal is left alone, whatever d is (0 x inf is NaN), so all eight must have one
            low = (x0 != F32(0.0)) & (x1 != F32(0.0)) & (x2 != F32(0.0)) & (x3 != F32(0.0))
            if low & (x4 != F32(0.0)) & (x5 != F32(0.0)) & (x6 != F32(0.0)) & (x7 != F32(0.0)):
                factors = lr * x0, lr * x1, lr * x2, lr * x3, lr * x4, lr * x5, lr * x6, lr * x7
                add_eight(row, factors, d, first * d_step, d_step)
            else:
                for use in range(first, first + TOGETHER):
                    add_one(row, lr * x[use * x_step + j], d, use * d_step)
        first += TOGETHER
    for use in range(first, uses):
        for j in range(n_in):
            add_one(w[j * n_out : (j + 1) * n_out], lr * x[use * x_step + j], d, use * d_step)


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
def update_uses(f, parts, m, layer, slot, first, uses):
    """W += lr d x^T for some uses of a sample in turn, on all arrays of the matrix."""
    shift = slot * layer.stride
    x = f[layer.x + shift + first * layer.n_in : layer.x + shift + (first + uses) * layer.n_in]
    d = f[layer.d + shift + first * layer.n_out : layer.d + shift + (first + uses) * layer.n_out]
    for k in range(m.first, m.first + m.count):
        part = parts[k]
        n_in, n_out = part.in1 - part.in0, part.out1 - part.out0
        w = f[part.w : part.w + n_in * n_out]
        unbounded_updates(w, n_in, n_out, x[part.in0 :], layer.n_in, d[part.out0 :], layer.n_out, uses, layer.lr)


@kernel
def sum_gradients(f, n, layer, slot, first, uses):
    """G += d x^T for some uses of a sample; n is the node record with the gradients of the layer's matrix.

    G lies as the matrix does, and where it is for chi, as chi.
    """
    shift = slot * layer.stride
    x = f[layer.x + shift + first * layer.n_in : layer.x + shift + (first + uses) * layer.n_in]
    d = f[layer.d + shift + first * layer.n_out : layer.d + shift + (first + uses) * layer.n_out]
    g = f[n.g : n.g + n.n_parameters]
    if layer.granularity > F32(0.0) and layer.transfer_axis == ROW:
        unbounded_updates(g, layer.n_out, layer.n_in, d, layer.n_out, x, layer.n_in, uses, F32(1.0))
    else:
        unbounded_updates(g, layer.n_in, layer.n_out, x, layer.n_in, d, layer.n_out, uses, F32(1.0))


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
def digital_updates(f, parts, matrices, layers, program, counts, start, stop):
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
                update_uses(f, parts, m, layer, slot, first, uses)
            slot, sample, first, uses = p.slot, p.sample, p.first, p.uses
        if uses:
            update_uses(f, parts, m, layer, slot, first, uses)
