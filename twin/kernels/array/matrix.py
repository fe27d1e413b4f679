"""Effects on a layer's matrices: loops over the physical arrays of a matrix."""

import numpy as np

from twin.kernels.array.coincidences import count_pulses
from twin.kernels.array.matvec import matvec, max_magnitude, whole
from twin.kernels.array.nonlinear import pair_rest, refresh_pairs
from twin.kernels.array.pulsed import exact_update, pulse_plan, pulsed_update, sum_lines
from twin.kernels.array.steps import PAIR
from twin.kernels.jit import inline, kernel
from twin.kernels.records import CELL, LIMITS
from twin.kernels.rng import stream_key
from twin.kernels.streams import BACKWARD, CYCLE, FORWARD, UPDATE_COLUMNS, UPDATE_ROWS
from twin.operation import Counts

F32 = np.float32
SUMS_EVERY = 64
MVMS, PART_MVMS, DRIVEN, CONVERTED = (
    int(Counts.MVMS),
    int(Counts.PART_MVMS),
    int(Counts.DRIVEN),
    int(Counts.CONVERTED),
)
CONDUCTION, PULSES, PART_PULSES, FIRED = (
    int(Counts.CONDUCTION),
    int(Counts.PULSES),
    int(Counts.PART_PULSES),
    int(Counts.FIRED),
)
COINCIDENCES, CLIPPED = int(Counts.COINCIDENCES), int(Counts.CLIPPED)


@inline
def count_matvec(row, repeats, driven, converted, conducted, clipped):
    """Enter one array's mat-vecs; their sums set energy."""
    row[PART_MVMS] += repeats
    row[DRIVEN] += driven
    row[CONVERTED] += converted * repeats
    row[CONDUCTION] += conducted
    row[CLIPPED] += clipped


@kernel
def managed_matvec(f, work, real, parts, m, forward, most_repeats, x, y, low, factor, sample, seed, row):
    """y = W x (forward) or W^T x over all arrays of a matrix; quantised partial sums add up digitally.

    `factor` times the result is added to y. Going backward only the input lines from `low` on are converted.
    The busiest array sets time.
    """
    most = 0
    lines = m.n_out if forward else m.n_in
    partial = real[:lines]
    scratch = real[whole(lines) :]
    for k in range(m.first, m.first + m.count):
        part = parts[k]
        n_in = part.in1 - part.in0
        n_out = part.out1 - part.out0
        # inputs that nobody computed, e.g. symbols of a text, want no error
        skip = 0 if forward else max(low - part.in0, 0)
        n_in -= skip
        if n_in <= 0:
            continue
        w = f[part.w + skip * n_out : part.w + (skip + n_in) * n_out]
        key = stream_key(seed, part.stream, FORWARD if forward else BACKWARD, sample)
        start, n = (part.in0, n_in) if forward else (part.out0, n_out)
        driving = x[start : start + n]
        start = part.in_sum if forward else part.out_sum
        sums = f[start : start + n]
        repeats, driven, conducted, clipped = matvec(
            w, n_in, n_out, forward, driving, partial, m, most_repeats, sums, key, scratch, work
        )
        start, n = (part.out0, n_out) if forward else (part.in0 + skip, n_in)
        for i in range(n):
            y[start + i] += factor * partial[i]
        count_matvec(row, repeats, driven, n, conducted, clipped)
        most = max(most, repeats)
    row[MVMS] += most


@kernel
def gradient_rate(f, m, layer, x, d):
    """Return the learning rate of an update with the gradient: the layer's, or its automatic scale.

    Automatic scale (Rasch 2024, Eq. 15): lr = fast_lr desired_bl dw_min / (mu_x mu_d) with running means of
    max|x| and max|d|, so that layers with small error signals still fire pulses.
    """
    if not layer.auto_scale:
        return layer.lr
    for which in range(2):
        value = max_magnitude(x if which == 0 else d)
        old = f[layer.means + which]
        keep = layer.auto_momentum if old > F32(0.0) else F32(0.0)
        if value > F32(0.0):
            f[layer.means + which] = keep * old + (F32(1.0) - keep) * value
    product = F32(f[layer.means] * f[layer.means + 1])
    return F32(layer.lr * F32(m.desired_bl) * m.dw_min / product) if product > F32(0.0) else F32(0.0)


@kernel
def rank_one_update(f, work, real, parts, m, x, d, lr, desired_bl, sample, salt, seed, row):
    """Pulsed (or exact) update W += lr d x^T on all arrays of a matrix.

    `salt` keeps the pulses of transfers apart from those of gradients (`twin.kernels.streams`: OF_...).
    """
    n, x_factor, d_factor, clips = pulse_plan(
        lr, max_magnitude(x), max_magnitude(d), m.dw_min, desired_bl, m.update_management, m.update_bl_management
    )
    if n == 0:
        return
    row[PULSES] += n
    row[CLIPPED] += 1 if clips else 0
    for k in range(m.first, m.first + m.count):
        part = parts[k]
        n_in = part.in1 - part.in0
        n_out = part.out1 - part.out0
        w = f[part.w : part.w + n_in * n_out]
        xs = x[part.in0 : part.in1]
        ds = d[part.out0 : part.out1]
        # a one-hot vector leaves most arrays without a pulse: they are not occupied either
        if salt and (max_magnitude(xs) == F32(0.0) or max_magnitude(ds) == F32(0.0)):
            continue
        row[PART_PULSES] += n
        limits = f[part.limits : part.limits + n_in * n_out * LIMITS]
        if m.exact:
            exact_update(w, limits, n_in, n_out, xs, ds, lr)
            continue
        cell = f[part.cell : part.cell + n_in * n_out * CELL]
        shape = f[m.shape : m.shape + 2 * m.points]
        keys = (
            stream_key(seed, part.stream, UPDATE_ROWS + salt, sample),
            stream_key(seed, part.stream, UPDATE_COLUMNS + salt, sample),
            stream_key(seed, part.stream, CYCLE + salt, sample),
        )
        fired, coincidences = pulsed_update(
            w, cell, limits, shape, n_in, n_out, xs, ds, n, x_factor, d_factor, m, keys, work, real
        )
        row[FIRED] += fired
        row[COINCIDENCES] += coincidences
        if part.pulses > 0:
            # the trains are drawn again from the same keys, so that counting costs nothing where nobody asked for it
            counted = f[part.pulses : part.pulses + n_in * n_out]
            count_pulses(counted, n_in, n_out, xs, ds, n, x_factor, d_factor, keys, work)


@kernel
def refresh_sums(f, parts, m, writes):
    """Sum the lines of all arrays anew every `SUMS_EVERY` writes of the matrix.

    The sums only weigh the conduction energy. Keeping them exact would cost a third of every coincidence.
    """
    if m.perfect or writes % SUMS_EVERY:
        return
    for k in range(m.first, m.first + m.count):
        part = parts[k]
        n_in = part.in1 - part.in0
        n_out = part.out1 - part.out0
        w = f[part.w : part.w + n_in * n_out]
        in_sum = f[part.in_sum : part.in_sum + n_in]
        out_sum = f[part.out_sum : part.out_sum + n_out]
        in_rest = f[part.in_rest : part.in_rest + n_in]
        out_rest = f[part.out_rest : part.out_rest + n_out]
        if m.step_kind == PAIR:
            pair_rest(f[part.limits : part.limits + n_in * n_out * LIMITS], n_in, n_out, in_rest, out_rest)
        sum_lines(w, n_in, n_out, in_sum, out_sum, in_rest, out_rest)


@kernel
def refresh(f, parts, m, sample, writes, seed, row):
    """Do what follows a write of a matrix: refresh its pairs and its sums, where they are due."""
    refresh_pairs(f, parts, m, sample, writes, seed, row)
    refresh_sums(f, parts, m, writes)
