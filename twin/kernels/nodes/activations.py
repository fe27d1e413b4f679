"""Activation functions, their derivatives and losses as float32 kernels that vectorise."""

import numpy as np

from twin.kernels.jit import inline, kernel
from twin.kernels.records import CROSS_ENTROPY, IDENTITY, RELU, SIGMOID, SOFTMAX, TANH
from twin.kernels.simd.sums import total

F32 = np.float32


@inline
def exp32(x):
    """e^x in float32 to 2 ulp: Cephes expf, branch free."""
    x = min(max(x, F32(-87.0)), F32(88.0))
    n = F32(np.floor(F32(x * F32(1.4426950408889634) + F32(0.5))))
    r = F32(x - n * F32(0.693359375))
    r = F32(r + n * F32(2.12194440e-4))
    p = F32(1.9875691500e-4)
    p = F32(p * r + F32(1.3981999507e-3))
    p = F32(p * r + F32(8.3334519073e-3))
    p = F32(p * r + F32(4.1665795894e-2))
    p = F32(p * r + F32(1.6666665459e-1))
    p = F32(p * r + F32(5.0000001201e-1))
    p = F32(p * r * r + r + F32(1.0))
    bits = np.int32((np.int32(n) + np.int32(127)) << np.int32(23))
    return F32(p * bits.view(np.float32))


@kernel
def activate(kind, z, y):
    """y = f(z)."""
    n = z.size
    y = y[:n]
    if kind == SIGMOID:
        for i in range(n):
            y[i] = F32(1.0) / (F32(1.0) + exp32(F32(-z[i])))
    elif kind == TANH:
        for i in range(n):
            y[i] = F32(1.0) - F32(2.0) / (F32(1.0) + exp32(F32(F32(2.0) * z[i])))
    elif kind == RELU:
        for i in range(n):
            y[i] = max(z[i], F32(0.0))
    elif kind == SOFTMAX:
        top = z[0]
        for i in range(n):
            top = max(top, z[i])
        for i in range(n):
            y[i] = exp32(F32(z[i] - top))
        whole = total(y)
        for i in range(n):
            y[i] /= whole
    elif kind == IDENTITY:
        for i in range(n):
            y[i] = z[i]


@kernel
def multiply_by_derivative(kind, y, e, d):
    """d = e f'(z), with f' written in terms of y = f(z)."""
    n = d.size
    for i in range(n):
        if kind == SIGMOID:
            d[i] = e[i] * y[i] * (F32(1.0) - y[i])
        elif kind == TANH:
            d[i] = e[i] * (F32(1.0) - y[i] * y[i])
        elif kind == RELU:
            d[i] = e[i] if y[i] > F32(0.0) else F32(0.0)
        else:
            d[i] = e[i]


@kernel
def loss_and_delta(loss, kind, y, target, at, d):
    """Fill d with the negative gradient of the loss by z; return (loss, 1.0 when the class is wrong).

    Cross-entropy follows a softmax (d = t - y) with target[at] the class; squared error is
    1/2 sum (y - t)^2 and counts no class.
    """
    n = d.size
    if loss == CROSS_ENTROPY:
        label = int(target[at])
        best = 0
        for i in range(n):
            d[i] = -y[i]
            best = i if y[i] > y[best] else best
        d[label] += F32(1.0)
        value = -np.log(max(y[label], F32(1e-30)))
        return value, F32(0.0) if best == label else F32(1.0)
    value = F32(0.0)
    for i in range(n):
        miss = F32(target[i] - y[i])
        value += F32(0.5) * miss * miss
    for i in range(n):
        d[i] = F32(target[i] - y[i])
    multiply_by_derivative(kind, y, d, d)
    return value, F32(0.0)
