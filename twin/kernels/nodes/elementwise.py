"""Functions of single elements, one tensor in and one out: y = f(a), and da = f'(a) dy."""

import numpy as np

from twin.kernels.jit import inline, kernel
from twin.kernels.nodes.activations import activate, exp32, multiply_by_derivative
from twin.kernels.records import SOFTMAX as OVER_ROWS

KINDS = ("sigmoid", "tanh", "relu", "gelu", "silu", "softmax")  # the first three as activations of layers
GELU, SILU, SOFTMAX = 3, 4, 5
EXACT = 0  # place among the own numbers of a node
F32 = np.float32
ROOT = F32(0.7978845608028654)  # sqrt(2 / pi)
CUBE = F32(0.044715)
HALF_ROOT = F32(0.7071067811865476)  # 1 / sqrt(2)
PEAK = F32(0.3989422804014327)  # 1 / sqrt(2 pi)


@inline
def tanh32(x):
    """Tanh x in float32."""
    return F32(1.0) - F32(2.0) / (F32(1.0) + exp32(F32(F32(2.0) * x)))


@inline
def gelu(x):
    """GELU with the hyperbolic tangent (Hendrycks 2016, Section 2)."""
    return F32(0.5) * x * (F32(1.0) + tanh32(ROOT * (x + CUBE * x * x * x)))


@inline
def gelu_slope(x):
    """Return the derivative of `gelu`."""
    t = tanh32(ROOT * (x + CUBE * x * x * x))
    inner = ROOT * (F32(1.0) + F32(3.0) * CUBE * x * x)
    return F32(0.5) * (F32(1.0) + t) + F32(0.5) * x * (F32(1.0) - t * t) * inner


@inline
def below(x):
    """Return the normal distribution's share below x: (1 + erf(x / sqrt 2)) / 2.

    Abramowitz & Stegun 1964, Eq. 7.1.26, good to 1.5e-7.
    """
    u = abs(x) * HALF_ROOT
    t = F32(1.0) / (F32(1.0) + F32(0.3275911) * u)
    p = F32(1.061405429) * t - F32(1.453152027)
    p = p * t + F32(1.421413741)
    p = p * t - F32(0.284496736)
    p = (p * t + F32(0.254829592)) * t
    beyond = F32(0.5) * p * exp32(F32(-u * u))
    return beyond if x < F32(0.0) else F32(1.0) - beyond


@inline
def exact_gelu_slope(x):
    """Return the derivative of x `below` (x)."""
    return below(x) + x * PEAK * exp32(F32(F32(-0.5) * x * x))


@kernel
def softmax_forward(f, n, shift):
    """Softmax over the last axis."""
    for row in range(n.positions):
        at = row * n.width + shift
        activate(OVER_ROWS, f[n.a + at : n.a + at + n.width], f[n.y + at : n.y + at + n.width])


@kernel
def softmax_backward(f, n, shift):
    """da = y (dy - sum(y dy))."""
    for row in range(n.positions):
        start = n.dy + shift + row * n.dy_step
        dy = f[start : start + n.width]
        at = row * n.width + shift
        y, da = f[n.y + at : n.y + at + n.width], f[n.da + at : n.da + at + n.width]
        total = F32(0.0)
        for i in range(dy.size):
            total += y[i] * dy[i]
        for i in range(dy.size):
            da[i] = y[i] * (dy[i] - total)


@kernel
def forward(f, n, shift, _phase, _sample, _seed):
    """y = f(a)."""
    if n.kind == SOFTMAX:
        softmax_forward(f, n, shift)
        return
    size = n.positions * n.width
    a, y = f[n.a + shift : n.a + shift + size], f[n.y + shift : n.y + shift + size]
    if n.kind == GELU and n.own[EXACT] > F32(0.0):
        for i in range(size):
            y[i] = a[i] * below(a[i])
    elif n.kind == GELU:
        for i in range(size):
            y[i] = gelu(a[i])
    elif n.kind == SILU:
        for i in range(size):
            y[i] = a[i] / (F32(1.0) + exp32(F32(-a[i])))
    else:
        activate(n.kind, a, y)


@kernel
def backward(f, n, shift, _phase):
    """da = f'(a) dy, row by row, as the rows of dy may lie apart."""
    if n.kind == SOFTMAX:
        softmax_backward(f, n, shift)
        return
    for row in range(n.positions):
        start = n.dy + shift + row * n.dy_step
        dy = f[start : start + n.width]
        at = row * n.width + shift
        a, da, y = f[n.a + at : n.a + at + n.width], f[n.da + at : n.da + at + n.width], f[n.y + at :]
        if n.kind == GELU and n.own[EXACT] > F32(0.0):
            for i in range(a.size):
                da[i] = dy[i] * exact_gelu_slope(a[i])
        elif n.kind == GELU:
            for i in range(a.size):
                da[i] = dy[i] * gelu_slope(a[i])
        elif n.kind == SILU:
            for i in range(a.size):
                s = F32(1.0) / (F32(1.0) + exp32(F32(-a[i])))
                da[i] = dy[i] * s * (F32(1.0) + a[i] * (F32(1.0) - s))
        else:
            multiply_by_derivative(n.kind, y, dy, da)
