"""The digital baseline: SGD in FP32 on the chip's digital unit, weights in the buffer or memory.

Pseudocode, per sample and layer::

    1  y = W x                 2 n m operations a use, n m words read once for all uses of a convolution
    2  z = W^T delta           the same
    3  W <- W + eta delta x    the same, n m words written
"""

from collections.abc import Iterator
from typing import ClassVar, final

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.settings import Settings, Update
from twin.algorithms.steps import LayerSteps
from twin.algorithms.tables import Table
from twin.config.numbers import LearningRate
from twin.operation import Kind, Opcode, Operation, Resource, Stream, Unit


class DigitalTable(Table):
    """FP32 baseline."""

    learning_rate: LearningRate = 0.01
    """Factor between the gradient of one sample and the change of the weights."""

    def settings(self) -> Settings:
        """Translate them for the executor."""
        return Settings(self.learning_rate, Update(pulse_type="none"))


@final
class Digital(Algorithm):
    """FP32 stochastic gradient descent, the baseline of accuracy."""

    name: ClassVar[str] = "digital"
    matrices: ClassVar[tuple[str, ...]] = ("W",)
    default_layouts: ClassVar[tuple[str, ...]] = ("digital",)
    options: ClassVar[type[Table]] = DigitalTable

    def forward(self, layer: LayerSteps) -> Iterator[Operation]:
        """Line 1."""
        yield load(layer)
        yield multiply(layer, Kind.FORWARD, Opcode.FORWARD, layer.inputs(), layer.filled())

    def backward(self, layer: LayerSteps) -> Iterator[Operation]:
        """Line 2."""
        yield load(layer)
        yield multiply(layer, Kind.BACKWARD, Opcode.BACKWARD, (layer.own("d"),), (layer.own("e"),))

    def update(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:  # noqa: ARG002 - every sample alike
        """Line 3."""
        yield load(layer)
        new = layer.shared("new")
        yield multiply(layer, Kind.UPDATE, Opcode.UPDATE, (layer.own("x"), layer.own("d")), (new,))
        yield layer.move(Stream.WEIGHTS, "W", words(layer), new, layer.shared("W"), store=True)


def words(layer: LayerSteps) -> int:
    """Return the number of weights of a layer."""
    return layer.layer.n_in * layer.layer.n_out


def load(layer: LayerSteps) -> Operation:
    """Fetch all weights of a layer."""
    return layer.move(Stream.WEIGHTS, "W", words(layer), layer.shared("W"), layer.shared("loaded"))


def multiply(
    layer: LayerSteps, kind: Kind, opcode: Opcode, reads: tuple[Resource, ...], writes: tuple[Resource, ...]
) -> Operation:
    """Work through the weights that each use of a layer takes: one multiplication and one addition each."""
    return Operation(
        kind,
        Unit.DIGITAL,
        layer.layer.index,
        reads=(layer.shared("loaded"), layer.shared("W"), *reads),
        writes=writes,
        opcode=opcode,
        matrix="W",
        flops=2 * layer.layer.n_in * layer.layer.answered * layer.uses,
        first=layer.first,
        uses=layer.uses,
    )
