"""A loss at the end of a graph: outputs, the loss of every row, and the errors of the rows, which are its inputs'."""

import numpy as np

from twin.kernels.jit import kernel
from twin.kernels.nodes.activations import activate, loss_and_delta
from twin.kernels.records import CROSS_ENTROPY, IDENTITY, SOFTMAX

F32 = np.float32


@kernel
def lose_rows(f, n, slot, target):
    """Y = a, or softmax(a) before a cross-entropy, and da, its negative gradient; (loss, rows with a wrong class).

    The target of a row is its class, or as many values as it has.
    """
    shift, loss, missed = slot * n.stride, F32(0.0), F32(0.0)
    for row in range(n.positions):
        at = row * n.width + shift
        a, y = f[n.a + at : n.a + at + n.width], f[n.y + at : n.y + at + n.width]
        da = f[n.da + at : n.da + at + n.width]
        classes = n.kind == CROSS_ENTROPY
        activate(SOFTMAX if classes else IDENTITY, a, y)
        own = target if classes else target[row * n.width : (row + 1) * n.width]
        value, wrong = loss_and_delta(n.kind, IDENTITY, y, own, row, da)
        loss += value
        missed += wrong
    return loss, missed
