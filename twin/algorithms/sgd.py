"""SGD on one matrix: Gokmen & Vlasov 2016; Onen 2021, Fig. 1A.

Pseudocode, per sample and layer::

    1  y = W x               forward
    2  z = W^T delta         backward
    3  W <- W + eta delta x  parallel pulsed update
"""

from collections.abc import Iterator
from typing import ClassVar, final

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.settings import Settings, Update
from twin.algorithms.steps import LayerSteps
from twin.algorithms.tables import Table
from twin.config.numbers import LearningRate
from twin.operation import Operation


class SGDTable(Table):
    """Plain SGD on one pulsed matrix W."""

    learning_rate: LearningRate = 0.01
    """Factor between the gradient of one sample and the mean change of W."""
    update: Update = Update()
    """How W is pulsed."""

    def settings(self) -> Settings:
        """Translate them for the executor."""
        return Settings(self.learning_rate, self.update)


@final
class SGD(Algorithm):
    """Stochastic gradient descent by pulses on one analog matrix W."""

    name: ClassVar[str] = "sgd"
    matrices: ClassVar[tuple[str, ...]] = ("W",)
    default_layouts: ClassVar[tuple[str, ...]] = ("two-array",)
    options: ClassVar[type[Table]] = SGDTable

    def update(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:  # noqa: ARG002 - every sample alike
        """Line 3."""
        yield from layer.update("W", main="W")
