"""The digital baseline: SGD in FP32 on the chip's digital unit, weights in the buffer or memory.

Pseudocode, per sample and layer::

    1  y = W x                 2 n m operations, n m words read
    2  z = W^T delta           the same
    3  W <- W + eta delta x    the same, n m words written
"""

from collections.abc import Iterator
from typing import ClassVar, final

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.operation import Operation
from twin.algorithms.steps import LayerSteps


@final
class Digital(Algorithm):
    """Stochastic gradient descent without any analog array."""

    name: ClassVar[str] = "digital"
    matrices: ClassVar[tuple[str, ...]] = ("W",)
    default_layouts: ClassVar[tuple[str, ...]] = ("digital",)

    def forward(self, layer: LayerSteps) -> Iterator[Operation]:
        """Line 1."""
        yield from layer.digital_forward("W")

    def backward(self, layer: LayerSteps) -> Iterator[Operation]:
        """Line 2."""
        yield from layer.digital_backward("W")

    def update(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:  # noqa: ARG002 - every sample alike
        """Line 3."""
        yield from layer.digital_update("W")
