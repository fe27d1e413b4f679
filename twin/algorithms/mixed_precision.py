"""Mixed precision: Nandakumar et al., Front. Neurosci. 14:406, 2020; aihwkit's MixedPrecisionCompound.

Pseudocode, per sample and layer; epsilon is the `granularity`::

    1  y = W x
    2  z = W^T delta
    3  chi <- chi + eta delta x        digital, every element
    4  every B updates (`transfer_every`), line by line:
    5      n = whole(chi / epsilon)    towards 0, at most `desired_bl`
    6      W: |n| pulses with sign(n)  all devices of the line at once
    7      chi <- chi - epsilon n

The sum of gradients is exact, and a pulse is fired only where it is due; what the pulse then does to its device
is not read back. The price is digital work and traffic in proportion to the number of weights in every sample.
Chi is as large as TTv2's H and is placed where the chip places H.
"""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, final

from pydantic import Field

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.settings import H, Settings, Update
from twin.algorithms.steps import LayerSteps
from twin.algorithms.tables import Every, PerLayer, Table
from twin.config.numbers import LearningRate
from twin.operation import Operation


class MixedPrecisionTable(Table):
    """Gradients summed digitally in chi; whole multiples of `granularity` become pulses on W."""

    learning_rate: LearningRate = 0.01
    """Factor between the gradient of one sample and what is added to chi."""
    transfer_every: Every = 10
    """Updates after which all lines of chi take their turns to pulse W."""
    transfer_every_per_layer: PerLayer = ()
    transfer_axis: Literal["row", "column"] = "row"
    """Whose lines take turns: "row", an output line with all its inputs, or "column", an input line."""
    granularity: Annotated[float, Field(ge=0, le=1e3)] = 0.0
    """Part of chi that one pulse takes away, in raw weight units; 0: the device's dw_min."""
    desired_bl: Annotated[int, Field(ge=1, le=10_000)] = 31
    """Most pulses that a device gets in one transfer; what is left stays in chi."""

    def settings(self) -> Settings:
        """Translate them for the executor."""
        return Settings(
            learning_rate=self.learning_rate,
            update=Update(pulse_type="none"),
            transfer_update=Update(desired_bl=self.desired_bl),
            transfer_every=self.transfer_every,
            transfer_every_per_layer=self.transfer_every_per_layer,
            transfer_axis=self.transfer_axis,
            accumulates=True,
            granularity=self.granularity,
            state=(H,),  # chi
        )


@final
class MixedPrecision(Algorithm):
    """Mixed precision (Nandakumar 2020): gradients summed digitally, whole steps pulsed onto one analog matrix W."""

    name: ClassVar[str] = "mixed-precision"
    matrices: ClassVar[tuple[str, ...]] = ("W",)
    default_layouts: ClassVar[tuple[str, ...]] = ("two-array",)
    options: ClassVar[type[Table]] = MixedPrecisionTable

    def update(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:
        """Lines 3 to 7."""
        yield layer.load_chi("W")
        yield from layer.accumulate("W")
        if layer.due(sample):
            yield layer.pulse_lines("W")
        yield layer.store_chi("W")
