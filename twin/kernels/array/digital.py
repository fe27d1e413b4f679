"""Updates of digital matrices: all that follow each other in a program at once, with the bits of one after another."""

from twin.kernels.array.matvec import max_magnitude
from twin.kernels.array.pulsed import pulse_plan
from twin.kernels.array.unbounded import unbounded_updates
from twin.kernels.jit import kernel
from twin.operation import Counts, Opcode

UPDATE, PULSES, PART_PULSES = int(Opcode.UPDATE), int(Counts.PULSES), int(Counts.PART_PULSES)


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
def count_updates(f, m, layer, p, row):
    """Enter the updates of one instruction that are not zero."""
    for use in range(p.first, p.first + p.uses):
        start = layer.x + p.slot * layer.stride + use * layer.n_in
        x = f[start : start + layer.n_in]
        start = layer.d + p.slot * layer.stride + use * layer.n_out
        d = f[start : start + layer.n_out]
        n, _, _ = pulse_plan(
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
