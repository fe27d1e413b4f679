"""Nodes that only move or drop values: copy, transpose, dropout, the last position."""

import numpy as np

from twin.kernels.jit import kernel
from twin.kernels.rng import draw, stream_key
from twin.kernels.streams import MASK
from twin.operation import Phase

KINDS = ("copy", "transpose", "dropout", "last")
_, TRANSPOSE, DROPOUT, LAST = range(4)
TESTED = int(Phase.TESTED)
F32 = np.float32
U32, U64 = np.uint32, np.uint64
WORDS = F32(1.0 / (1 << 24))  # a draw's upper 24 bits as a fraction


@kernel
def forward(f, n, shift, phase, sample, seed):
    """y = a, a transposed, its last row, or a with elements dropped and the others scaled up (Srivastava 2014)."""
    size = n.positions * n.width
    a, y, mask = f[n.a + shift : n.a + shift + size], f[n.y + shift : n.y + shift + size], f[n.kept + shift :]
    if n.kind == TRANSPOSE:
        for row in range(n.positions):
            for k in range(n.width):
                y[row * n.width + k] = a[k * n.positions + row]
    elif n.kind == DROPOUT and phase != TESTED:
        key = stream_key(seed, n.stream, MASK, sample)
        key0, key1 = U32(key), U32(key >> U64(32))
        for i in range(size):
            share = F32(np.int32(draw(key0, key1, U32(i)) >> U32(8))) * WORDS
            mask[i] = F32(0.0) if share < n.probability else F32(1.0) / (F32(1.0) - n.probability)
            y[i] = a[i] * mask[i]
    else:
        first = (n.rows - 1) * n.width if n.kind == LAST else 0
        for i in range(size):
            y[i] = f[n.a + shift + first + i]


@kernel
def backward(f, n, shift, _phase):
    """Errors go the same way back; rows that were not handed on have none."""
    da, mask = f[n.da + shift :], f[n.kept + shift :]
    if n.kind == LAST:
        first = (n.rows - 1) * n.width
        da[:first] = F32(0.0)
        for k in range(n.width):
            da[first + k] = f[n.dy + shift + k]
        return
    for row in range(n.positions):
        start = n.dy + shift + row * n.dy_step
        dy = f[start : start + n.width]
        for k in range(dy.size):
            at = row * n.width + k
            if n.kind == TRANSPOSE:
                da[k * n.positions + row] = dy[k]
            elif n.kind == DROPOUT:
                da[at] = dy[k] * mask[at]
            else:
                da[at] = dy[k]
