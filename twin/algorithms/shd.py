"""SHD (stochastic Hamiltonian descent), also Tiki-Taka: Onen 2021, Fig. 2A; Gokmen 2021, Algorithm 1.

Pseudocode, per sample and layer; W = gamma A + C::

    I    y = W x                     forward
    II   z = W^T delta               backward
    III  A <- A + eta_A delta x      pulsed update
         every ns samples:
    IV   v = A u                     read-out, u one-hot (cyclic) or a Hadamard column
    V    C <- C + eta_C f(v) u       pulsed update; f zeroes |v| below the threshold
"""

from collections.abc import Iterator
from typing import ClassVar, final

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.steps import LayerSteps
from twin.operation import Opcode, Operation


@final
class SHD(Algorithm):
    """Stochastic Hamiltonian descent.

    Parameters
    ----------
    gamma : float
        Share of A in the weights that forward and backward use, in [0, 1].
    hadamard : bool
        Transfer vectors are Hadamard columns (every line of A and C takes part) instead of one-hot.
    """

    name: ClassVar[str] = "shd"
    matrices: ClassVar[tuple[str, ...]] = ("C", "A")
    default_layouts: ClassVar[tuple[str, ...]] = ("four-array", "three-array")

    def __init__(self, gamma: float = 0.0, *, hadamard: bool = False) -> None:
        self.used = ("C", "A") if gamma > 0 else ("C",)
        self.hadamard = hadamard

    def forward(self, layer: LayerSteps) -> Iterator[Operation]:
        """Step I."""
        yield from layer.forward(*self.used)

    def backward(self, layer: LayerSteps) -> Iterator[Operation]:
        """Step II."""
        yield from layer.backward(*self.used)

    def update(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:
        """Steps III to V."""
        yield from layer.update("A", main="C")
        if layer.due(sample):
            parts = None if self.hadamard else layer.line_parts("A", sample)
            yield layer.read_out("A", parts)
            yield layer.choose_pulses("A")
            yield from layer.hand_over("A", "C")
            yield layer.transfer("C", Opcode.TRANSFER_UPDATE, parts)
