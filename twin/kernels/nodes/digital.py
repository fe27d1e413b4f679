"""Digital nodes by kind: one step forward, one back, and the step of their parameters.

A file of this folder whose `KINDS` names kinds has their kernels::

    forward(f, n, shift, phase, sample, seed)    fills y from the inputs
    backward(f, n, shift, phase)                 fills the errors of the inputs, and adds to gradients of parameters

with the arena, the NODE record, the words to the slot's vectors, the phase, and the key of random draws. `n.kind` is
the place of the node's kind in `KINDS`. Which function a node takes is compiled into a chain of comparisons.
"""

from importlib import import_module
from pkgutil import iter_modules

import numpy as np

from twin.kernels import nodes
from twin.kernels.jit import kernel, linked
from twin.kernels.optimisers.adam import adapt
from twin.kernels.optimisers.clipping import clipping
from twin.kernels.optimisers.descent import descend
from twin.kernels.records import ADAMW, LOSSES, NESTEROV

F32 = np.float32
FILES = [
    import_module(f"{nodes.__name__}.{name}")
    for name in sorted(one.name for one in iter_modules(nodes.__path__))
    if f"{nodes.__name__}.{name}" != __name__
]
FAMILIES = [file for file in FILES if hasattr(file, "KINDS")]
NODES = {kind: (family, number) for family, file in enumerate(FAMILIES) for number, kind in enumerate(file.KINDS)}
NODES |= {loss: (len(FAMILIES), number) for loss, number in LOSSES.items()}
"""Kind of a node -> the number of its file, and its place there; losses have a function of their own."""


def forward_of(family):
    """Return a function that goes forward through nodes of this family or a later one."""
    if family == len(FAMILIES):
        return linked(lambda f, n, shift, phase, sample, seed: None)  # noqa: ARG005 - as all others
    own, later = FAMILIES[family].forward, forward_of(family + 1)

    def forward(f, n, shift, phase, sample, seed):
        if n.family == family:
            own(f, n, shift, phase, sample, seed)
        else:
            later(f, n, shift, phase, sample, seed)

    return linked(forward)


def backward_of(family):
    """As `forward_of`, on the way back."""
    if family == len(FAMILIES):
        return linked(lambda f, n, shift, phase: None)  # noqa: ARG005
    own, later = FAMILIES[family].backward, backward_of(family + 1)

    def backward(f, n, shift, phase):
        if n.family == family:
            own(f, n, shift, phase)
        else:
            later(f, n, shift, phase)

    return linked(backward)


FORWARD, BACKWARD = forward_of(0), backward_of(0)


@kernel
def node_forward(f, n, slot, phase, sample, seed):
    """Fill y from the inputs."""
    FORWARD(f, n, slot * n.stride, phase, sample, seed)


@kernel
def node_backward(f, n, slot, phase):
    """Fill the errors of the inputs, and add to the gradients of parameters."""
    BACKWARD(f, n, slot * n.stride, phase)


@kernel
def node_step(f, nodes, number):
    """Step the parameters by the summed gradients of a batch, which is cleared."""
    n = nodes[number]
    size, share = n.n_parameters, n.share
    if n.clip > F32(0.0):
        share = share * clipping(f, nodes, n.clip)
    w, g = f[n.p : n.p + size], f[n.g : n.g + size]
    first, second = f[n.moments : n.moments + size], f[n.moments + size : n.moments + 2 * size]
    if n.rule <= NESTEROV:
        descend(w, g, first, n.lr, n.beta1, n.rule == NESTEROV, n.weight_decay, share)
    else:
        f[n.steps] += F32(1.0)
        adapt(w, g, first, second, n.lr, n.beta1, n.beta2, n.tiny, n.weight_decay, n.rule == ADAMW, share, f[n.steps])
