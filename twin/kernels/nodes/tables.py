"""Learnt tables: embedding of symbols, and vectors that are added, one a position or one for all. All are digital."""

import numpy as np

from twin.kernels.jit import kernel

KINDS = ("embedding", "positions", "bias")
EMBEDDING, POSITIONS, BIAS = range(3)
F32 = np.float32


@kernel
def embedding_forward(f, n, shift):
    """y of a position = the row of the table that its symbol names."""
    for row in range(n.positions):
        symbol = np.int64(f[n.a + shift + row])
        y = f[n.y + shift + row * n.width : n.y + shift + (row + 1) * n.width]
        table = f[n.p + symbol * n.width : n.p + (symbol + 1) * n.width]
        for i in range(y.size):
            y[i] = table[i]


@kernel
def embedding_backward(f, n, shift):
    """The error of a position is the gradient of its symbol's row."""
    for row in range(n.positions):
        symbol = np.int64(f[n.a + shift + row])
        start = n.dy + shift + row * n.dy_step
        dy = f[start : start + n.width]
        grad = f[n.g + symbol * n.width : n.g + (symbol + 1) * n.width]
        for i in range(dy.size):
            grad[i] += dy[i]


@kernel
def added_forward(f, n, shift):
    """y = a + p, of positions a vector each (Vaswani 2017; Devlin 2019), of a bias the same."""
    step = np.int64(0) if n.kind == BIAS else n.width
    for row in range(n.positions):
        at = shift + row * n.width
        a, y = f[n.a + at : n.a + at + n.width], f[n.y + at : n.y + at + n.width]
        p = f[n.p + row * step : n.p + row * step + n.width]
        for i in range(y.size):
            y[i] = a[i] + p[i]


@kernel
def added_backward(f, n, shift):
    """da = dy, which is also the gradient of p."""
    step = np.int64(0) if n.kind == BIAS else n.width
    for row in range(n.positions):
        start = n.dy + shift + row * n.dy_step
        dy = f[start : start + n.width]
        grad = f[n.g + row * step : n.g + row * step + n.width]
        for i in range(dy.size):
            grad[i] += dy[i]
        if n.da >= 0:
            start = n.da + shift + row * n.width
            da = f[start : start + n.width]
            for i in range(dy.size):
                da[i] = dy[i]


@kernel
def forward(f, n, shift, _phase, _sample, _seed):
    """Look up, or add."""
    if n.kind == EMBEDDING:
        embedding_forward(f, n, shift)
    else:
        added_forward(f, n, shift)


@kernel
def backward(f, n, shift, _phase):
    """Gradients of the table, and the error of what a vector was added to."""
    if n.kind == EMBEDDING:
        embedding_backward(f, n, shift)
    else:
        added_backward(f, n, shift)
