"""SHD on a conventional processor, with simulated asymmetry: the closing conjecture of Onen 2021.

Pseudocode, per sample and layer; A and C are FP32 in digital memory, and A = 0 is the symmetry point::

    I    y = C x                             2 n m operations a use
    II   z = C^T delta                       the same
    III  p = eta_A delta x                   Eq. 3, every element: 6 n m operations a use, with auto_scale n + m more
         A <- A + p - slope |p| A
         every ns updates, one line t of n elements:
    IV   v = A[t]
    V    C[t] <- C[t] + eta_C v              Eq. 4 without C's asymmetry (Fig. 2C): 2 n operations

A positive p steps by p (1 - slope A), a negative one by p (1 + slope A), as a soft-bounds device does in many small
pulses; while slope |p| <= 1, A stays within 1 / slope. A pulls itself to 0 at a rate that grows with the size of the
gradients, whatever their sign: it is a momentum whose friction is each weight's own.
"""

from collections.abc import Iterator, Mapping
from typing import Annotated, ClassVar, Literal, Self, final

from pydantic import Field

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.digital import load, multiply, words
from twin.algorithms.settings import Settings, Update
from twin.algorithms.steps import MANAGEMENT_FLOPS, LayerSteps
from twin.algorithms.tables import Every, PerLayer, Table
from twin.config.numbers import LearningRate
from twin.operation import Kind, Opcode, Operation, Stream

ASYMMETRIC_FLOPS = 6  # an element: p, its magnitude, times slope, times A, difference and sum
TRANSFER_FLOPS = 2  # an element of a line


class DigitalSHDTable(Table):
    """SHD on a conventional processor, with simulated asymmetry (Onen 2021)."""

    fast_lr: LearningRate = 0.01
    """Factor between the gradient of one sample and the change of A; `training.decay_at` leaves it alone. With
    `auto_scale` about the largest step p of a sample."""
    auto_scale: bool = True
    """Set the rate of A to fast_lr / (mu_x mu_d), where mu are running means of the largest input and error of the
    layer (Rasch 2024, Eq. 15, for steps of 1)."""
    auto_momentum: Annotated[float, Field(ge=0, lt=1)] = 0.99
    """Weight of the past in the running means of `auto_scale`: near 1 they follow slowly."""
    slope: Annotated[float, Field(ge=0, le=1e3)] = 1.66
    """How much weaker a step away from A = 0 is, by unit of A, and how much stronger one towards it; 0: symmetric."""
    transfer_lr: LearningRate = 0.02
    """Factor between a line of A and the change of the same line of C."""
    transfer_every: Every = 1
    """Updates of a layer between two transfers of a line."""
    transfer_every_per_layer: PerLayer = ()
    transfer_axis: Literal["row", "column"] = "row"
    """What is transferred at once: "row", an output line with all its inputs, or "column", an input line."""
    sources: ClassVar[Mapping[str, str]] = {
        "fast_lr": "assumption: half the mean step of a device of 60 states",
        "slope": "S: the mean slope of the devices of Gokmen 2021",
        "transfer_lr": "assumption: that of SHD",
    }

    def settings(self) -> Settings:
        """Translate them for the executor."""
        exact = Update(pulse_type="none")
        return Settings(
            learning_rate=self.fast_lr,
            update=exact,
            transfer_update=exact,
            auto_scale=self.auto_scale,
            auto_momentum=self.auto_momentum if self.auto_scale else 0.0,
            transfer_every=self.transfer_every,
            transfer_every_per_layer=self.transfer_every_per_layer,
            transfer_axis=self.transfer_axis,
            transfer_lr=self.transfer_lr,
            decays_learning_rate=False,
            decays_transfer_lr=True,
            own=(self.slope,),
        )


@final
class DigitalSHD(Algorithm):
    """SHD on a conventional processor (Onen 2021): A and C in digital memory, asymmetry of A simulated."""

    name: ClassVar[str] = "digital-shd"
    matrices: ClassVar[tuple[str, ...]] = ("C", "A")
    default_layouts: ClassVar[tuple[str, ...]] = ("digital-shd",)
    options: ClassVar[type[Table]] = DigitalSHDTable
    digital: ClassVar[bool] = True

    def __init__(self, *, auto_scale: bool = True) -> None:
        self.auto_scale = auto_scale

    @classmethod
    def of(cls, table: Table) -> Self:
        """Take over whether the rate of A is scaled."""
        return cls(auto_scale=isinstance(table, DigitalSHDTable) and table.auto_scale)

    def forward(self, layer: LayerSteps) -> Iterator[Operation]:
        """Step I."""
        yield load(layer, "C")
        yield multiply(layer, "C", Kind.FORWARD, Opcode.FORWARD, layer.inputs(), layer.filled())

    def backward(self, layer: LayerSteps) -> Iterator[Operation]:
        """Step II."""
        yield load(layer, "C")
        yield multiply(layer, "C", Kind.BACKWARD, Opcode.BACKWARD, layer.gradients(), (layer.own("e"),))

    def update(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:
        """Step III, and where a transfer is due steps IV and V."""
        a, new = layer.shared("A"), layer.shared("new A")
        yield load(layer, "A")
        if self.auto_scale:
            largest = MANAGEMENT_FLOPS * (layer.layer.n_in + layer.layer.answered) * layer.uses
            yield layer.digital(Kind.UPDATE_MANAGEMENT, Opcode.NONE, "A", largest, ("x", "d"), ("p",))
        factors = layer.own("x"), layer.own("d"), *((layer.own("p"),) if self.auto_scale else ())
        yield multiply(layer, "A", Kind.UPDATE, Opcode.UPDATE_ASYMMETRIC, factors, (new,), each=ASYMMETRIC_FLOPS)
        yield layer.move(Stream.WEIGHTS, "A", words(layer), new, a, store=True)
        if layer.due(sample):
            yield from self._transfer(layer)

    @staticmethod
    def _transfer(layer: LayerSteps) -> Iterator[Operation]:
        """Load a line of A and the same of C, add them, and store that of C."""
        n, a, c = layer.line_length, layer.shared("A"), layer.shared("C")
        v, line, new = layer.shared("v"), layer.shared("line"), layer.shared("new line")
        yield layer.move(Stream.WEIGHTS, "A", n, a, v)
        yield layer.move(Stream.WEIGHTS, "C", n, c, line)
        flops = TRANSFER_FLOPS * n
        yield layer.digital(Kind.TRANSFER, Opcode.TRANSFER_LINE, "C", flops, (v, line, a, c), (new,))
        yield layer.move(Stream.WEIGHTS, "C", n, new, c, store=True)
