"""Digital nodes by kind: one step forward, one back, and the step of their parameters."""

import numpy as np

from twin.kernels.jit import kernel
from twin.kernels.nodes.attention import attention_backward, attention_forward
from twin.kernels.nodes.batch_norm import follow_moments, gather_errors, gather_moments, normalise, spread_errors
from twin.kernels.nodes.elementwise import (
    elementwise_backward,
    elementwise_forward,
    softmax_backward,
    softmax_forward,
)
from twin.kernels.nodes.merges import join_errors, merge_backward, merge_forward
from twin.kernels.nodes.moves import move_backward, move_forward
from twin.kernels.nodes.norms import norm_backward, norm_forward
from twin.kernels.nodes.pools import pool_backward, pool_forward
from twin.kernels.nodes.tables import embedding_backward, embedding_forward, positions_backward, positions_forward
from twin.kernels.optimisers.adam import adapt
from twin.kernels.optimisers.descent import descend
from twin.kernels.records import (
    ADAMW,
    ATTENTION,
    AVERAGE_POOL,
    BATCH_NORM,
    CONCAT,
    EMBEDDING,
    FAN_OUT,
    NESTEROV,
    NODE_SOFTMAX,
    POSITIONS,
    RMS_NORM,
    SILU,
)
from twin.operation import Phase

F32 = np.float32
WHOLE, FIRST, LAST, APPLY, TESTED = (
    int(Phase.WHOLE),
    int(Phase.FIRST),
    int(Phase.LAST),
    int(Phase.APPLY),
    int(Phase.TESTED),
)


@kernel
def node_forward(f, n, slot, phase, sample, seed):
    """Fill y from the inputs."""
    shift = slot * n.stride
    tested = phase == TESTED
    gathers = phase != APPLY and not tested
    if n.kind <= SILU:
        elementwise_forward(f, n, shift)
    elif n.kind == NODE_SOFTMAX:
        softmax_forward(f, n, shift)
    elif n.kind <= CONCAT:
        merge_forward(f, n, shift)
    elif n.kind == FAN_OUT:
        return
    elif n.kind <= AVERAGE_POOL:
        pool_forward(f, n, shift)
    elif n.kind == BATCH_NORM:
        if gathers:
            gather_moments(f, n, shift, phase <= FIRST)
        if phase == WHOLE or phase == LAST:  # noqa: PLR1714 - no containers in kernels
            follow_moments(f, n)
        if phase == WHOLE or not gathers:
            normalise(f, n, shift, tested)
    elif n.kind <= RMS_NORM:
        norm_forward(f, n, shift)
    elif n.kind == EMBEDDING:
        embedding_forward(f, n, shift)
    elif n.kind == POSITIONS:
        positions_forward(f, n, shift)
    elif n.kind == ATTENTION:
        attention_forward(f, n, shift)
    else:
        move_forward(f, n, shift, tested, sample, seed)


@kernel
def node_backward(f, n, slot, phase):
    """Fill the errors of the inputs, and add to the gradients of parameters."""
    shift = slot * n.stride
    if n.kind <= SILU:
        elementwise_backward(f, n, shift)
    elif n.kind == NODE_SOFTMAX:
        softmax_backward(f, n, shift)
    elif n.kind <= CONCAT:
        merge_backward(f, n, shift)
    elif n.kind == FAN_OUT:
        join_errors(f, n, shift)
    elif n.kind <= AVERAGE_POOL:
        pool_backward(f, n, shift)
    elif n.kind == BATCH_NORM:
        if phase != APPLY:
            gather_errors(f, n, shift, phase <= FIRST)
        if phase == WHOLE or phase == APPLY:  # noqa: PLR1714
            spread_errors(f, n, shift)
    elif n.kind <= RMS_NORM:
        norm_backward(f, n, shift)
    elif n.kind == EMBEDDING:
        embedding_backward(f, n, shift)
    elif n.kind == POSITIONS:
        positions_backward(f, n, shift)
    elif n.kind == ATTENTION:
        attention_backward(f, n, shift)
    else:
        move_backward(f, n, shift)


@kernel
def node_step(f, n):
    """Step the parameters by the summed gradients of a batch, which is cleared."""
    size = n.n_parameters
    w, g = f[n.p : n.p + size], f[n.g : n.g + size]
    first, second = f[n.moments : n.moments + size], f[n.moments + size : n.moments + 2 * size]
    if n.rule <= NESTEROV:
        descend(w, g, first, n.lr, n.beta1, n.rule == NESTEROV, n.weight_decay, n.share)
    else:
        f[n.steps] += F32(1.0)
        adapt(w, g, first, second, n.lr, n.beta1, n.beta2, n.tiny, n.weight_decay, n.rule == ADAMW, n.share, f[n.steps])
