"""Scaled dot-product attention of several heads (Vaswani 2017, Eq. 1), causal if asked.

Inputs a, b and c are queries, keys and values, (positions, width) each, head h in columns [h w, (h + 1) w). The
weights softmax(q k / sqrt(w)) are kept in the arena, (heads, positions, positions).
"""

import numpy as np

from twin.kernels.jit import kernel
from twin.kernels.nodes.activations import exp32
from twin.kernels.simd.sums import total

KINDS = ("attention",)
F32 = np.float32
ZERO = F32(0.0)


@kernel
def forward(f, n, shift, _phase, _sample, _seed):
    """y = softmax(q k^T / sqrt(w)) v, head by head."""
    width = n.width // n.heads
    scale = F32(1.0) / F32(np.sqrt(F32(width)))
    count = n.positions
    for head in range(n.heads):
        column = head * width
        for i in range(count):
            q = f[n.a + shift + i * n.width + column : n.a + shift + i * n.width + column + width]
            y = f[n.y + shift + i * n.width + column : n.y + shift + i * n.width + column + width]
            start = n.kept + shift + (head * count + i) * count
            weights = f[start : start + count]
            seen = i + 1 if n.causal else count
            top = F32(-3.0e38)
            for j in range(seen):
                k = f[n.b + shift + j * n.width + column : n.b + shift + j * n.width + column + width]
                product = ZERO
                for m in range(q.size):
                    product += q[m] * k[m]
                weights[j] = product * scale
                top = max(top, weights[j])
            for j in range(seen):
                weights[j] = exp32(F32(weights[j] - top))
            whole = total(weights[:seen])
            y[:] = ZERO
            for j in range(seen):
                weights[j] /= whole
                v = f[n.c + shift + j * n.width + column : n.c + shift + j * n.width + column + width]
                for m in range(y.size):
                    y[m] += weights[j] * v[m]


@kernel
def backward(f, n, shift, _phase):
    """Errors of queries, keys and values."""
    width = n.width // n.heads
    scale = F32(1.0) / F32(np.sqrt(F32(width)))
    count, size = n.positions, n.positions * n.width
    da, db, dc = f[n.da + shift :], f[n.db + shift :], f[n.dc + shift :]
    for i in range(size):
        da[i] = db[i] = dc[i] = ZERO
    for head in range(n.heads):
        column = head * width
        for i in range(count):
            start = n.dy + shift + i * n.dy_step + column
            dy = f[start : start + width]
            q = f[n.a + shift + i * n.width + column : n.a + shift + i * n.width + column + width]
            dq = f[n.da + shift + i * n.width + column : n.da + shift + i * n.width + column + width]
            start = n.kept + shift + (head * count + i) * count
            weights = f[start : start + count]
            seen = i + 1 if n.causal else count
            mean = ZERO
            for j in range(seen):
                v = f[n.c + shift + j * n.width + column : n.c + shift + j * n.width + column + width]
                dv = f[n.dc + shift + j * n.width + column : n.dc + shift + j * n.width + column + width]
                slope = ZERO
                for m in range(dy.size):
                    slope += dy[m] * v[m]
                for m in range(dy.size):
                    dv[m] += weights[j] * dy[m]
                mean += weights[j] * slope
            for j in range(seen):
                v = f[n.c + shift + j * n.width + column : n.c + shift + j * n.width + column + width]
                slope = ZERO
                for m in range(dy.size):
                    slope += dy[m] * v[m]
                ds = weights[j] * (slope - mean) * scale
                k = f[n.b + shift + j * n.width + column : n.b + shift + j * n.width + column + width]
                dk = f[n.db + shift + j * n.width + column : n.db + shift + j * n.width + column + width]
                for m in range(dy.size):
                    dq[m] += ds * k[m]
                    dk[m] += ds * q[m]
