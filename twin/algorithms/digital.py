"""The digital baseline: SGD in FP32 on the chip's digital unit, weights in the buffer or memory.

Pseudocode, per sample and layer::

    1  y = W x                 2 n m operations a use, n m words read once for all uses of a convolution
    2  z = W^T delta           the same
    3  W <- W + eta delta x    the same, n m words written
"""

from collections.abc import Iterator
from typing import ClassVar, Self, final

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
    optimised: bool = False
    """Learn the weights by the workload's `optimiser` instead, as all other digital parameters."""

    def settings(self) -> Settings:
        """Translate them for the executor."""
        rate = 0.0 if self.optimised else self.learning_rate
        return Settings(rate, Update(pulse_type="none"), optimised=self.optimised)


@final
class Digital(Algorithm):
    """FP32 stochastic gradient descent, the baseline of accuracy."""

    name: ClassVar[str] = "digital"
    matrices: ClassVar[tuple[str, ...]] = ("W",)
    default_layouts: ClassVar[tuple[str, ...]] = ("digital",)
    options: ClassVar[type[Table]] = DigitalTable
    digital: ClassVar[bool] = True

    def __init__(self, *, optimised: bool = False) -> None:
        self.optimised = optimised

    @classmethod
    def of(cls, table: Table) -> Self:
        """Take over whether the optimiser learns the weights."""
        return cls(optimised=isinstance(table, DigitalTable) and table.optimised)

    def forward(self, layer: LayerSteps) -> Iterator[Operation]:
        """Line 1."""
        yield load(layer, "W")
        yield multiply(layer, "W", Kind.FORWARD, Opcode.FORWARD, layer.inputs(), layer.filled())

    def backward(self, layer: LayerSteps) -> Iterator[Operation]:
        """Line 2."""
        yield load(layer, "W")
        yield multiply(layer, "W", Kind.BACKWARD, Opcode.BACKWARD, layer.gradients(), (layer.own("e"),))

    def update(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:  # noqa: ARG002 - every sample alike
        """Line 3, or for an optimiser the sum of the gradients of a step."""
        if self.optimised:
            summed = layer.shared("g")
            reads = layer.own("x"), layer.own("d"), summed
            yield multiply(layer, "W", Kind.UPDATE, Opcode.GRADIENT, reads, (summed,))
            return
        yield load(layer, "W")
        new = layer.shared("new")
        yield multiply(layer, "W", Kind.UPDATE, Opcode.UPDATE, (layer.own("x"), layer.own("d")), (new,))
        yield layer.move(Stream.WEIGHTS, "W", words(layer), new, layer.shared("W"), store=True)

    def finish(self, layer: LayerSteps) -> Iterator[Operation]:
        """The optimiser's step: load weights and moments, step them, store them."""
        learner = layer.learner
        if not self.optimised or learner is None:
            return
        kept, moved, new = words(layer) * (1 + learner.moments), layer.shared("moved"), layer.shared("new")
        w = layer.shared("W")
        yield layer.move(Stream.WEIGHTS, "W", kept, w, moved)
        yield from layer.step("W", moved, new)
        yield layer.move(Stream.WEIGHTS, "W", kept, new, w, store=True)


def words(layer: LayerSteps) -> int:
    """Return the number of weights of a layer."""
    return layer.layer.n_in * layer.layer.n_out


def load(layer: LayerSteps, matrix: str) -> Operation:
    """Fetch a whole matrix of a layer."""
    return layer.move(Stream.WEIGHTS, matrix, words(layer), layer.shared(matrix), layer.shared("loaded"))


def multiply(
    layer: LayerSteps,
    matrix: str,
    kind: Kind,
    opcode: Opcode,
    reads: tuple[Resource, ...],
    writes: tuple[Resource, ...],
    *,
    each: int = 2,
) -> Operation:
    """Work through the elements of a matrix that each use of a layer takes: a multiplication and an addition each.

    `each` is the number of operations where they are others.
    """
    return Operation(
        kind,
        Unit.DIGITAL,
        layer.layer.index,
        reads=(layer.shared("loaded"), layer.shared(matrix), *reads),
        writes=writes,
        opcode=opcode,
        matrix=matrix,
        flops=each * layer.layer.n_in * layer.layer.answered * layer.uses,
        first=layer.first,
        uses=layer.uses,
    )
