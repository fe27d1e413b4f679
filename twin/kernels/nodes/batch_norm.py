"""Batch norm of every channel over the positions of all samples of a batch (Ioffe 2015, Algorithms 1 and 2).

A batch goes through it in two phases each way, with all of its samples through the first before one is in the second.
Shared by the batch lie at `shared`: count, mean and summed squares (width each); behind them the running mean and
variance, and the two sums of the way back. Parameters are gamma and beta, as in `twin.kernels.nodes.norms`.
"""

import numpy as np

from twin.kernels.jit import kernel
from twin.operation import Phase

KINDS = ("batch-norm",)
WHOLE, FIRST, LAST, APPLY, TESTED = (
    int(Phase.WHOLE),
    int(Phase.FIRST),
    int(Phase.LAST),
    int(Phase.APPLY),
    int(Phase.TESTED),
)
F32 = np.float32
ZERO, ONE = F32(0.0), F32(1.0)
COUNT = 16  # words before the vectors: a cache line, whose first word counts the positions seen


@kernel
def gather_moments(f, n, shift, first):
    """Join mean and summed squares of a sample's positions to those of the samples before (Chan 1983, Eq. 2.1).

    The sample's own are made where `normalise` will put those of the batch.
    """
    w, rows = n.width, F32(n.positions)
    before = ZERO if first else f[n.shared]
    total = before + rows
    mean, squares = f[n.shared + COUNT : n.shared + COUNT + w], f[n.shared + COUNT + w : n.shared + COUNT + 2 * w]
    own, power = f[n.kept + shift : n.kept + shift + w], f[n.kept + shift + w : n.kept + shift + 2 * w]
    own[:] = power[:] = ZERO
    for row in range(n.positions):
        a = f[n.a + shift + row * w : n.a + shift + (row + 1) * w]
        for k in range(w):
            own[k] += a[k]
    for k in range(w):
        own[k] /= rows
    for row in range(n.positions):
        a = f[n.a + shift + row * w : n.a + shift + (row + 1) * w]
        for k in range(w):
            power[k] += (a[k] - own[k]) * (a[k] - own[k])
    for k in range(w):
        apart = own[k] - (ZERO if first else mean[k])
        mean[k] = own[k] if first else mean[k] + apart * rows / total
        squares[k] = power[k] if first else squares[k] + power[k] + apart * apart * before * rows / total
    f[n.shared] = total


@kernel
def follow_moments(f, n):
    """Move the running mean and the running (unbiased) variance towards those of the batch."""
    w = n.width
    at, total = n.shared + COUNT, f[n.shared]
    for k in range(w):
        f[at + 2 * w + k] += n.momentum * (f[at + k] - f[at + 2 * w + k])
        f[at + 3 * w + k] += n.momentum * (f[at + w + k] / max(total - ONE, ONE) - f[at + 3 * w + k])


@kernel
def normalise(f, n, shift, tested):
    """y = gamma (a - mean) / sigma + beta with the moments of the batch, or in a test the running ones."""
    w = n.width
    at = n.shared + COUNT + (2 * w if tested else 0)
    total = ONE if tested else f[n.shared]
    kept, gamma, beta = f[n.kept + shift :], f[n.p : n.p + w], f[n.p + w : n.p + 2 * w]
    for k in range(w):
        kept[k] = f[at + k]
        kept[w + k] = ONE / F32(np.sqrt(f[at + w + k] / total + n.epsilon))
    for row in range(n.positions):
        start = row * w + shift
        a, y = f[n.a + start : n.a + start + w], f[n.y + start : n.y + start + w]
        for k in range(w):
            y[k] = gamma[k] * (a[k] - kept[k]) * kept[w + k] + beta[k]


@kernel
def gather_errors(f, n, shift, first):
    """Add up dy and dy x hat: the gradients of beta and gamma, and what the errors of the batch need."""
    w = n.width
    sums = f[n.shared + COUNT + 4 * w : n.shared + COUNT + 6 * w]
    kept, grad = f[n.kept + shift :], f[n.g : n.g + 2 * w]
    if first:
        sums[:] = ZERO
    for row in range(n.positions):
        start = n.dy + shift + row * n.dy_step
        dy = f[start : start + w]
        start = row * w + shift
        a = f[n.a + start : n.a + start + w]
        for k in range(w):
            scaled = dy[k] * (a[k] - kept[k]) * kept[w + k]
            sums[k] += dy[k]
            sums[w + k] += scaled
            grad[k] += scaled
            grad[w + k] += dy[k]


@kernel
def spread_errors(f, n, shift):
    """da = gamma / sigma (dy - mean(dy) - hat mean(dy hat))."""
    w, total = n.width, f[n.shared]
    sums = f[n.shared + COUNT + 4 * w : n.shared + COUNT + 6 * w]
    kept, gamma = f[n.kept + shift :], f[n.p : n.p + w]
    for row in range(n.positions):
        start = n.dy + shift + row * n.dy_step
        dy = f[start : start + w]
        start = row * w + shift
        a, da = f[n.a + start : n.a + start + w], f[n.da + start : n.da + start + w]
        for k in range(w):
            hat = (a[k] - kept[k]) * kept[w + k]
            da[k] = gamma[k] * kept[w + k] * (dy[k] - sums[k] / total - hat * sums[w + k] / total)


@kernel
def forward(f, n, shift, phase, _sample, _seed):
    """Moments, then values: both of a sample at once, or one after the other where a batch meets between them."""
    gathers = phase != APPLY and phase != TESTED  # noqa: PLR1714 - no containers in kernels
    if gathers:
        gather_moments(f, n, shift, phase <= FIRST)
    if phase == WHOLE or phase == LAST:  # noqa: PLR1714
        follow_moments(f, n)
    if phase == WHOLE or not gathers:
        normalise(f, n, shift, phase == TESTED)


@kernel
def backward(f, n, shift, phase):
    """Sums, then errors, as forward."""
    if phase != APPLY:
        gather_errors(f, n, shift, phase <= FIRST)
    if phase == WHOLE or phase == APPLY:  # noqa: PLR1714
        spread_errors(f, n, shift)
