"""Normalisation: layer norm and RMS norm of every row, batch norm of every channel; scale and shift are learnt.

Ba 2016, Eq. 4 (layer); Zhang 2019, Eq. 4 (RMS); Ioffe 2015, Algorithms 1 and 2 (batch). Parameters lie as gamma and
then beta (`width` each), their negative gradients behind `g` in the same order.
"""

import numpy as np

from twin.kernels.jit import kernel

KINDS = ("layer-norm", "rms-norm")
LAYER_NORM = 0
F32 = np.float32


@kernel
def forward(f, n, shift, _phase, _sample, _seed):
    """y = gamma (a - mean) / sigma + beta, a row; mean 0 and no beta for RMS norm. Keeps mean and 1 / sigma."""
    gamma, beta = f[n.p : n.p + n.width], f[n.p + n.width :]
    for row in range(n.positions):
        at = row * n.width + shift
        a, y = f[n.a + at : n.a + at + n.width], f[n.y + at : n.y + at + n.width]
        mean = F32(0.0)
        if n.kind == LAYER_NORM:
            for i in range(a.size):
                mean += a[i]
            mean /= F32(n.width)
        power = F32(0.0)
        for i in range(a.size):
            power += (a[i] - mean) * (a[i] - mean)
        inverse = F32(1.0) / F32(np.sqrt(power / F32(n.width) + n.epsilon))
        f[n.kept + shift + 2 * row] = mean
        f[n.kept + shift + 2 * row + 1] = inverse
        for i in range(a.size):
            y[i] = gamma[i] * (a[i] - mean) * inverse
        if n.kind == LAYER_NORM:
            for i in range(a.size):
                y[i] += beta[i]


@kernel
def backward(f, n, shift, _phase):
    """da, and the gradients of gamma and beta added to what is there."""
    gamma, grad = f[n.p : n.p + n.width], f[n.g : n.g + 2 * n.width]
    for row in range(n.positions):
        start = n.dy + shift + row * n.dy_step
        dy = f[start : start + n.width]
        at = row * n.width + shift
        a, mean, inverse = (
            f[n.a + at : n.a + at + n.width],
            f[n.kept + shift + 2 * row],
            f[n.kept + shift + 2 * row + 1],
        )
        first = second = F32(0.0)
        for i in range(dy.size):
            first += gamma[i] * dy[i]
            second += gamma[i] * dy[i] * ((a[i] - mean) * inverse)
        for i in range(dy.size):
            grad[i] += dy[i] * ((a[i] - mean) * inverse)
        if n.kind == LAYER_NORM:
            for i in range(dy.size):
                grad[n.width + i] += dy[i]
        else:
            first = F32(0.0)
        if n.da >= 0:
            da = f[n.da + at : n.da + at + n.width]
            first, second = first / F32(n.width), second / F32(n.width)
            for i in range(da.size):
                da[i] = inverse * (gamma[i] * dy[i] - first - (a[i] - mean) * inverse * second)
