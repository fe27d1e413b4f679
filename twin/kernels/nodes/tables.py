"""Learnt tables: embedding of symbols, and positions that are added. Both are digital."""

import numpy as np

from twin.kernels.jit import kernel

KINDS = ("embedding", "positions")
EMBEDDING = 0
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
def positions_forward(f, n, shift):
    """y = a + p (Vaswani 2017; Devlin 2019)."""
    size = n.positions * n.width
    a, y, p = f[n.a + shift : n.a + shift + size], f[n.y + shift : n.y + shift + size], f[n.p : n.p + size]
    for i in range(size):
        y[i] = a[i] + p[i]


@kernel
def positions_backward(f, n, shift):
    """da = dy, which is also the gradient of p."""
    for row in range(n.positions):
        start = n.dy + shift + row * n.dy_step
        dy = f[start : start + n.width]
        grad = f[n.g + row * n.width : n.g + (row + 1) * n.width]
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
        positions_forward(f, n, shift)


@kernel
def backward(f, n, shift, _phase):
    """Gradients of the table, and the error of what positions were added to."""
    if n.kind == EMBEDDING:
        embedding_backward(f, n, shift)
    else:
        positions_backward(f, n, shift)
