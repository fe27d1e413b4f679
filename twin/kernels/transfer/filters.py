"""Digital filters between A and C: H of TTv2 (Gokmen 2021), and AGAD's reference before it (Rasch 2024)."""

import numpy as np

from twin.kernels.jit import inline, kernel
from twin.kernels.rng import stream_key
from twin.kernels.streams import H_WORDS, MEAN_WORDS
from twin.kernels.transfer.lines import line_of
from twin.kernels.transfer.words import round_words
from twin.operation import Counts

F32 = np.float32
CROSSED = int(Counts.CROSSED)


@inline
def whole_thresholds(value, threshold, most):
    """Return how many whole thresholds an element is beyond 0, at most `most`; NaN gives `most`."""
    count = F32(np.floor(F32(abs(value) / threshold)))
    return max(count, F32(1.0)) if count < F32(most) else F32(most)


@inline
def reset_crossed(h, s, n, layer):
    """Give the elements that crossed, whose sign is in s, the number of their pulses, and leave in H what stays."""
    if layer.crossing_bl > 1:
        for i in range(n):
            if s[i] != F32(0.0):
                s[i] *= whole_thresholds(h[i], layer.threshold, layer.crossing_bl)
    if layer.kept == F32(0.0):
        for i in range(n):
            left = F32(layer.reset if s[i] > F32(0.0) else -layer.reset)
            h[i] = left if s[i] != F32(0.0) else h[i]
        return
    for i in range(n):
        if s[i] != F32(0.0):
            h[i] = F32(s[i] * layer.reset) + layer.kept * h[i]
            if layer.h_most > F32(0.0):
                h[i] = min(max(h[i], -layer.h_most), layer.h_most)


@kernel
def filter_h(f, layer, stream, sample, seed, row):
    """H[t] += transfer_lr v; elements beyond the threshold leave their pulses in s, with their sign, and are reset.

    Gokmen 2021, Algorithm 2, lines 17, 18 and 20; `reset` 0 is plain, 0.6 hysteretic; with `kept` 1 it is taken
    from H for every pulse, which keeps what it has beyond (aihwkit: forget_buffer off) up to `h_most`. The sum is
    compared in float32 and then kept as a word (`twin.machine.words`).
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
        h[i] = value
        crossed[i] += F32(1.0) if beyond else F32(0.0)
        count += 1 if beyond else 0
    if count > 0:
        reset_crossed(h, s, n, layer)
    row[CROSSED] = count
    if layer.h_step > F32(0.0):
        key = stream_key(seed, stream, H_WORDS, sample)
        round_words(h, n, layer.h_step, layer.word_top, layer.word_nearest, key, 0)


@kernel
def filter_beside_reference(f, layer, stream, sample, seed, row):
    """H[t] += transfer_lr c (v - P_ref[t]), with P[t] <- (1 - beta) P[t] + beta v, and P_ref[t] <- P[t] at a flip.

    v here is what A reads before its sign is corrected. A line without a reference (NaN), whose sign has not flipped
    yet, adds nothing: what A holds from its fabrication is not told from the gradient.
    """
    n = layer.line_length
    at = line_of(layer, sample) * n
    mean = f[layer.mean + at : layer.mean + at + n]
    reference = f[layer.reference + at : layer.reference + at + n]
    v = f[layer.v : layer.v + n]
    sign = f[layer.read]
    flipped = f[layer.read + 1] != F32(0.0)
    without = np.isnan(reference[0])
    for i in range(n):
        raw = sign * v[i]
        v[i] = F32(0.0) if without else sign * (raw - reference[i])
        mean[i] = (F32(1.0) - layer.tail) * mean[i] + layer.tail * raw
    if layer.mean_step > F32(0.0):
        key = stream_key(seed, stream, MEAN_WORDS, sample)
        round_words(mean, n, layer.mean_step, layer.word_top, layer.word_nearest, key, 0)
    for i in range(n):
        reference[i] = mean[i] if flipped else reference[i]
    filter_h(f, layer, stream, sample, seed, row)
