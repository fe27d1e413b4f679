"""Clipping of gradients by the norm of all of them together (Pascanu 2013, Algorithm 1), as PyTorch has it."""

import numpy as np

from twin.kernels.jit import kernel

F32 = np.float32
SMALL = 1e-6  # added to the norm, as torch.nn.utils.clip_grad_norm_ does


@kernel
def node_norm(f, n):
    """Sum the squares of a node's mean gradient."""
    total = 0.0
    for i in range(n.n_parameters):
        g = n.share * f[n.g + i]
        total += g * g
    f[n.squares] = F32(total)


@kernel
def clipping(f, nodes, most):
    """Return what all gradients are multiplied by: most / (norm + 1e-6), at most 1."""
    total = 0.0
    for k in range(nodes.size):
        if nodes[k].n_parameters > 0:
            total += f[nodes[k].squares]
    return F32(min(1.0, most / (np.sqrt(total) + SMALL)))
