"""Nodes that join or fan out tensors: add, multiply, concat, and the sum of the errors of a tensor used twice."""

import numpy as np

from twin.kernels.jit import kernel

KINDS = ("add", "multiply", "concat", "fan-out")
ADD, _, CONCAT, FAN_OUT = range(4)
F32 = np.float32


@kernel
def join_errors(f, n, shift):
    """da = the sum of the errors of a tensor's two uses: dy, and the one at b with rows `b_width` apart."""
    for row in range(n.positions):
        start = n.dy + shift + row * n.dy_step
        dy = f[start : start + n.width]
        start = n.b + shift + row * n.b_width
        other = f[start : start + n.width]
        start = n.da + shift + row * n.width
        da = f[start : start + n.width]
        for i in range(da.size):
            da[i] = dy[i] + other[i]


@kernel
def forward(f, n, shift, _phase, _sample, _seed):
    """y = a + b, a b, or a and b side by side on the last axis; a fan-out has nothing to do."""
    if n.kind == FAN_OUT:
        return
    if n.kind == CONCAT:
        for row in range(n.positions):
            y = f[n.y + shift + row * n.width :]
            a, b = f[n.a + shift + row * n.a_width :], f[n.b + shift + row * n.b_width :]
            for i in range(n.a_width):
                y[i] = a[i]
            for i in range(n.b_width):
                y[n.a_width + i] = b[i]
        return
    size = n.positions * n.width
    a, b = f[n.a + shift : n.a + shift + size], f[n.b + shift : n.b + shift + size]
    y = f[n.y + shift : n.y + shift + size]
    if n.kind == ADD:
        for i in range(size):
            y[i] = a[i] + b[i]
    else:
        for i in range(size):
            y[i] = a[i] * b[i]


@kernel
def backward(f, n, shift, _phase):
    """Errors of both inputs, of those that are wanted."""
    if n.kind == FAN_OUT:
        join_errors(f, n, shift)
        return
    for row in range(n.positions):
        start = n.dy + shift + row * n.dy_step
        dy = f[start : start + n.width]
        at_a, at_b = shift + row * n.a_width, shift + row * n.b_width
        a, b = f[n.a + at_a : n.a + at_a + n.a_width], f[n.b + at_b : n.b + at_b + n.b_width]
        if n.da >= 0:
            da = f[n.da + at_a : n.da + at_a + n.a_width]
            for i in range(da.size):
                da[i] = dy[i] if n.kind == ADD or n.kind == CONCAT else dy[i] * b[i]  # noqa: PLR1714
        if n.db >= 0:
            first = n.a_width if n.kind == CONCAT else 0
            db = f[n.db + at_b : n.db + at_b + n.b_width]
            for i in range(db.size):
                db[i] = dy[first + i] if n.kind == ADD or n.kind == CONCAT else dy[i] * a[i]  # noqa: PLR1714
