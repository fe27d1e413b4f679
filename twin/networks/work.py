"""Digital work of a network, by formula: floating-point operations, words kept, digital parameters.

One operation for each arithmetic operation of the formula, the exponential counted as four (assumption, as in
`twin.algorithms.steps`). P positions of W elements each:

===============  ================  ================  =======  ==========  ===================================
kind             forward           backward          kept     parameters  formula
===============  ================  ================  =======  ==========  ===================================
bias             P W               P W               0        W           z + b
positions        P W               P W               0        P W         x + p (Vaswani 2017; Devlin 2019)
residual         P W               P W               0        0           x + f(x) (He 2016)
add              P W               0                 0        0           a + b; errors are added where a forks
multiply         P W               2 P W             2 P W    0           a b, element by element
layer-norm       7 P W             11 P W            P W      2 W         Ba 2016, Eq. 4
batch-norm       7 P W             11 P W            P W      2 W         Ioffe 2015, Algorithm 1
rms-norm         5 P W             8 P W             P W      W           Zhang 2019, Eq. 4
relu             P W               P W               0        0           max(0, z)
sigmoid          6 P W             3 P W             0        0           1 / (1 + e^-z)
tanh             8 P W             3 P W             0        0
silu             7 P W             10 P W            P W      0           z sigmoid(z), Elfwing 2018
softmax          6 P W             4 P W             0        0           over the W elements of a position
dropout          P W               P W               P W      0           mask times z (Srivastava 2014)
embedding        0                 P W               0        (symbols)   a row of a table
gelu             15 P W            20 P W            P W      0           Hendrycks 2016, with the tanh
gelu-erf         22 P W            25 P W            P W      0           the same with erf by A&S 7.1.26
max-pool         (k^2 - 1) P W     P W               0        0           k x k windows
average-pool     k^2 P W           k^2 P W           0        0           k x k windows
softmax-loss     8 P W             0                 0        0           softmax, cross-entropy, y - t
attention        4 S W + 7 S h     10 S W + 11 S h   3 P W    0           Vaswani 2017, Eq. 1; see below
===============  ================  ================  =======  ==========  ===================================

Attention of h heads has S = P^2 pairs of positions (causal: P (P + 1) / 2): scores Q K^T and values P V take 2 S W
each, scale and softmax 7 S h. Going back, dV, dP, dQ and dK take 2 S W each and the softmax 4 S h; the scores are
computed again, 2 S W + 7 S h, instead of kept (Dao 2022), so that only Q, K and V are. Every digital parameter
costs two more operations for its update by SGD.
"""

from typing import NamedTuple

ATTENTION, POOLS = "attention", frozenset({"max-pool", "average-pool"})
OPTIMISER_FLOPS = 2
ELEMENTWISE = {
    "bias": (1, 1, 0),
    "positions": (1, 1, 0),
    "residual": (1, 1, 0),
    "add": (1, 0, 0),
    "multiply": (1, 2, 2),
    "identity": (0, 0, 0),
    "sigmoid": (6, 3, 0),
    "silu": (7, 10, 1),
    "softmax": (6, 4, 0),
    "rms-norm": (5, 8, 1),
    "dropout": (1, 1, 1),
    "embedding": (0, 1, 0),
    "layer-norm": (7, 11, 1),
    "batch-norm": (7, 11, 1),
    "relu": (1, 1, 0),
    "tanh": (8, 3, 0),
    "gelu": (15, 20, 1),
    "gelu-erf": (22, 25, 1),
    "softmax-loss": (8, 0, 0),
}
"""Forward and backward operations, and words kept, an element."""


class Cost(NamedTuple):
    """What digital work comes to for one sample.

    Attributes
    ----------
    forward, backward : int
        Floating-point operations; backward with the update of digital parameters.
    kept : int
        Words stored in the forward pass for the backward pass.
    parameters : int
        Digital parameters.
    """

    forward: int
    backward: int
    kept: int
    parameters: int


def cost(kind: str, positions: int, width: int, *, heads: int = 0, causal: bool = False, window: int = 1) -> Cost:
    """Return the cost of one kind of work on `positions` x `width` elements; the table above."""
    elements = positions * width
    if kind == ATTENTION:
        pairs = positions * (positions + 1) // 2 if causal else positions * positions
        forward = 4 * pairs * width + 7 * pairs * heads
        return Cost(forward, 10 * pairs * width + 11 * pairs * heads, 3 * elements, 0)
    if kind in POOLS:
        area = window * window
        best = kind == "max-pool"
        return Cost((area - 1 if best else area) * elements, elements if best else area * elements, 0, 0)
    forward, backward, kept = ELEMENTWISE[kind]
    parameters = {
        "bias": width,
        "positions": elements,
        "layer-norm": 2 * width,
        "batch-norm": 2 * width,
        "rms-norm": width,
    }.get(kind, 0)
    return Cost(forward * elements, backward * elements + OPTIMISER_FLOPS * parameters, kept * elements, parameters)
