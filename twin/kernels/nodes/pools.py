"""Max and average pooling of maps (height, width, channels), windows of any stride and padding."""

import numpy as np

from twin.kernels.jit import inline, kernel

KINDS = ("max-pool", "average-pool", "global-average-pool")
MAX_POOL = 0
F32 = np.float32
LOWEST = F32(-3.0e38)


@inline
def window(n, at):
    """Return the part of the input map that window `at` covers: rows and columns, half open."""
    top = at // n.out_columns * n.hop - n.padding
    left = at % n.out_columns * n.hop - n.padding
    return max(top, 0), min(top + n.side, n.rows), max(left, 0), min(left + n.side, n.columns)


@kernel
def forward(f, n, shift, _phase, _sample, _seed):
    """The greatest or the mean of every window; which was the greatest is kept."""
    a, chosen = f[n.a + shift :], f[n.kept + shift :]
    for at in range(n.positions):
        y = f[n.y + shift + at * n.width : n.y + shift + (at + 1) * n.width]
        first_row, end_row, first_column, end_column = window(n, at)
        best = n.kind == MAX_POOL
        y[:] = LOWEST if best else F32(0.0)
        for row in range(first_row, end_row):
            for column in range(first_column, end_column):
                start = (row * n.columns + column) * n.width
                for k in range(y.size):
                    if not best:
                        y[k] += a[start + k]
                    elif a[start + k] > y[k]:
                        y[k] = a[start + k]
                        chosen[at * n.width + k] = F32(start + k)
        if not best:
            y /= F32((end_row - first_row) * (end_column - first_column))


@kernel
def backward(f, n, shift, _phase):
    """Errors go to the greatest of a window, or evenly to all of it; windows that overlap add up."""
    size = n.rows * n.columns * n.width
    da, chosen = f[n.da + shift : n.da + shift + size], f[n.kept + shift :]
    da[:] = F32(0.0)
    for at in range(n.positions):
        start = n.dy + shift + at * n.dy_step
        dy = f[start : start + n.width]
        if n.kind == MAX_POOL:
            for k in range(dy.size):
                da[np.int64(chosen[at * n.width + k])] += dy[k]
        else:
            first_row, end_row, first_column, end_column = window(n, at)
            share = F32(1.0) / F32((end_row - first_row) * (end_column - first_column))
            for row in range(first_row, end_row):
                for column in range(first_column, end_column):
                    start = (row * n.columns + column) * n.width
                    for k in range(dy.size):
                        da[start + k] += share * dy[k]
