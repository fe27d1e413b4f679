"""Mixed precision: a digital chi sums the gradient, and whole steps of it become pulses on W.

Nandakumar et al., Front. Neurosci. 14:406, 2020; aihwkit's MixedPrecisionCompound, whose `granularity` is
the step. Chi lies where TTv2 has H, one row a line along the transfer axis.
"""

import numpy as np

from twin.kernels.array.matrix import refresh
from twin.kernels.jit import inline, kernel
from twin.kernels.optimisers.clipping import clipping
from twin.kernels.records import ADAMW, CELL, LIMITS, ROW
from twin.kernels.rng import fill_normals, stream_key
from twin.kernels.streams import H_WORDS, READ_OUT, TRANSFER
from twin.kernels.transfer.lines import lines_of, read_one
from twin.kernels.transfer.pulses import pulse_device
from twin.kernels.transfer.words import round_words
from twin.operation import Counts

F32 = np.float32
PULSES, PART_PULSES, FIRED = int(Counts.PULSES), int(Counts.PART_PULSES), int(Counts.FIRED)
COINCIDENCES, CROSSED, MVMS = int(Counts.COINCIDENCES), int(Counts.CROSSED), int(Counts.MVMS)


@kernel
def accumulate_uses(f, layer, stream, shift, first, uses, sample, seed):
    """Chi += lr d x^T for some of a sample's uses of the matrix."""
    for use in range(first, first + uses):
        start = layer.x + shift + use * layer.n_in
        x = f[start : start + layer.n_in]
        start = layer.d + shift + use * layer.n_out
        number = sample * layer.uses + use
        accumulate(f, layer, stream, x, f[start : start + layer.n_out], number, seed)


@kernel
def accumulate(f, layer, stream, x, d, number, seed):
    """Chi += lr d x^T for one use, number `number` of the layer; chi is kept in words (`twin.machine.words`)."""
    by_row = layer.transfer_axis == ROW
    n = layer.line_length
    along = d if by_row else x
    across = (x if by_row else d)[:n]
    for t in range(layer.lines):
        if along[t] == F32(0.0):
            continue
        factor = F32(layer.lr * along[t])
        line = f[layer.h + t * n : layer.h + (t + 1) * n]
        for i in range(n):
            line[i] += factor * across[i]
        if layer.h_step > F32(0.0):
            key = stream_key(seed, stream, H_WORDS, number)
            round_words(line, n, layer.h_step, layer.word_top, layer.word_nearest, key, t * n)


@kernel
def decay_lines(f, real, parts, m, layer, nodes, sample, seed, row):
    """Pull weights towards 0 by what is read of them, line by line: chi for AdamW, the gradient for all others.

    The layer's node record has its gradients, and a rate that is divided by the scale of its weights.
    """
    n = nodes[layer.learner]
    by_row = layer.transfer_axis == ROW
    apart = n.rule == ADAMW
    share = n.share * clipping(f, nodes, n.clip) if n.clip > F32(0.0) else n.share
    for k in range(m.first, m.first + m.count):
        part = parts[k]
        low, high, start, length = lines_of(part, by_row)
        key = stream_key(seed, part.stream, READ_OUT, sample)
        v = f[layer.v : layer.v + length]
        for t in range(low, high):
            read_one(f, real, part, m, v, t - low, by_row, key, (t - low) * length, row)
            begin = (layer.h if apart else n.g) + t * layer.line_length + start
            factor = F32(n.lr * n.decay * layer.scale) if apart else F32(n.decay * layer.scale / share)
            for i in range(length):
                f[begin + i] -= factor * v[i]
        row[MVMS] = max(row[MVMS], high - low)


@kernel
def round_chi(f, layer, stream, number, seed):
    """Round all of chi to its words."""
    n = layer.line_length
    key = stream_key(seed, stream, H_WORDS, number)
    for t in range(layer.lines):
        line = f[layer.h + t * n : layer.h + (t + 1) * n]
        round_words(line, n, layer.h_step, layer.word_top, layer.word_nearest, key, t * n)


@inline
def whole_steps(value, inverse, most):
    """Return the pulses that an element of chi gives: its whole steps, at most `most`; NaN gives `most`."""
    steps = F32(abs(value) * inverse)
    return int(steps) if steps < F32(most) else most


@kernel
def pulse_lines(f, real, parts, m, layer, sample, seed, row):
    """Whole steps of chi become pulses on W, line by line; chi keeps the rest.

    A line takes as many slots as its largest element has pulses; lines of one array take turns.
    """
    by_row = layer.transfer_axis == ROW
    inverse = F32(F32(1.0) / layer.granularity)
    for k in range(m.first, m.first + m.count):
        part = parts[k]
        low, high, start, n = lines_of(part, by_row)
        n_out, size = part.out1 - part.out0, n * (high - low)
        w = f[part.w : part.w + size]
        cell = f[part.cell : part.cell + size * CELL]
        limits = f[part.limits : part.limits + size * LIMITS]
        key = stream_key(seed, part.stream, TRANSFER, sample)
        shape = f[m.shape : m.shape + 2 * m.points]
        slots = 0
        fired = 0
        for t in range(low, high):
            begin = layer.h + t * layer.line_length + start
            chi = f[begin : begin + n]
            most = 0
            for i in range(n):
                most = max(most, whole_steps(chi[i], inverse, m.transfer_bl))
            # a device pulses in the first slots, as many as its element has whole steps
            for slot in range(most):
                noise = real[:n]
                fill_normals(noise, n, key, (slots + slot) * n)
                for i in range(n):
                    if whole_steps(chi[i], inverse, m.transfer_bl) <= slot:
                        continue
                    at = i * n_out + t - low if by_row else (t - low) * n_out + i
                    sign = F32(1.0) if chi[i] > F32(0.0) else F32(-1.0)
                    pulse_device(w, cell, limits, shape, at, sign, noise[i], m, key, (slots + slot) * n + i)
                    if part.pulses > 0:
                        f[part.pulses + at] += F32(1.0)
            for i in range(n):
                pulses = whole_steps(chi[i], inverse, m.transfer_bl)
                signed = F32(pulses) if chi[i] > F32(0.0) else F32(-pulses)
                chi[i] -= signed * layer.granularity
                fired += pulses
                row[CROSSED] += 1 if pulses > 0 else 0
            slots += most
        row[PULSES] = max(row[PULSES], slots)
        row[PART_PULSES] += slots
        row[FIRED] += slots + fired
        row[COINCIDENCES] += fired
    refresh(f, parts, m, sample, sample // layer.transfer_every, seed, row)
