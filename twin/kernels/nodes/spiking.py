"""Spiking networks: a sample over time steps, and leaky integrate-and-fire neurons with a surrogate gradient.

A neuron's membrane is u(t) = decay r(u(t - 1)) + a(t), where r takes what a spike takes: u - threshold s, or u (1 - s).
It spikes, s = 1, where u >= threshold. Going back, the slope of a spike is 1 / (1 + slope |u - threshold|)^2 (Zenke
2018, Eq. 5), and what a spike resets is taken as given (Zenke 2021).
"""

import numpy as np

from twin.kernels.jit import kernel
from twin.kernels.rng import draw, stream_key
from twin.kernels.streams import SPIKES

KINDS = ("time-steps", "lif")
TIME_STEPS, LIF = range(2)
DECAY, THRESHOLD, SLOPE, ZEROED = range(4)  # of a neuron's own numbers
RATE = 0  # of an input's
F32 = np.float32
ZERO, ONE = F32(0.0), F32(1.0)
U32, U64 = np.uint32, np.uint64
WORDS = F32(1.0 / (1 << 24))  # a draw's upper 24 bits as a fraction


@kernel
def unfold(f, n, shift, sample, seed):
    """Give every step the whole sample, or spikes with its values as their probabilities."""
    a, y = f[n.a + shift : n.a + shift + n.width], f[n.y + shift : n.y + shift + n.positions * n.width]
    key = stream_key(seed, n.stream, SPIKES, sample)
    key0, key1 = U32(key), U32(key >> U64(32))
    for i in range(y.size):
        value = a[i % n.width]
        if n.own[RATE] > ZERO:
            share = F32(np.int32(draw(key0, key1, U32(i)) >> U32(8))) * WORDS
            value = ONE if share < value else ZERO
        y[i] = value


@kernel
def fire(f, n, shift):
    """Keep the membranes before they are reset; y are the spikes."""
    size = n.positions * n.width
    a, y, kept = f[n.a + shift : n.a + shift + size], f[n.y + shift : n.y + shift + size], f[n.kept + shift :]
    for i in range(size):
        before = ZERO
        if i >= n.width:
            spike, u = y[i - n.width], kept[i - n.width]
            before = u * (ONE - spike) if n.own[ZEROED] > ZERO else u - n.own[THRESHOLD] * spike
        kept[i] = n.own[DECAY] * before + a[i]
        y[i] = ONE if kept[i] >= n.own[THRESHOLD] else ZERO


@kernel
def forward(f, n, shift, _phase, sample, seed):
    """Fill y."""
    if n.kind == TIME_STEPS:
        unfold(f, n, shift, sample, seed)
    else:
        fire(f, n, shift)


@kernel
def gather(f, n, shift):
    """Errors of all steps add up; a spike has the slope of its probability."""
    da = f[n.da + shift : n.da + shift + n.width]
    da[:] = ZERO
    for step in range(n.positions):
        start = n.dy + shift + step * n.dy_step
        dy = f[start : start + n.width]
        for k in range(dy.size):
            da[k] += dy[k]


@kernel
def integrate(f, n, shift):
    """Errors of membranes, from the last step to the first."""
    size = n.positions * n.width
    da, kept = f[n.da + shift : n.da + shift + size], f[n.kept + shift : n.kept + shift + size]
    threshold, slope = n.own[THRESHOLD], n.own[SLOPE]
    for back in range(1, n.positions + 1):
        step = n.positions - back
        start = n.dy + shift + step * n.dy_step
        dy = f[start : start + n.width]
        for k in range(dy.size):
            at = step * n.width + k
            over = kept[at] - threshold
            near = ONE / (ONE + slope * abs(over))
            error = dy[k] * near * near
            if back > 1 and not (n.own[ZEROED] > ZERO and over >= ZERO):
                error += n.own[DECAY] * da[at + n.width]
            da[at] = error


@kernel
def backward(f, n, shift, _phase):
    """Fill the errors of the input."""
    if n.da < 0:
        return
    if n.kind == TIME_STEPS:
        gather(f, n, shift)
    else:
        integrate(f, n, shift)
