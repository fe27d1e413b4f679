"""Mixed precision: Nandakumar et al., Front. Neurosci. 14:406, 2020; aihwkit's MixedPrecisionCompound.

Pseudocode, per sample and layer; epsilon is the `granularity`::

    1  y = W x
    2  z = W^T delta
    3  chi <- chi + eta delta x        digital, every element
    4  every B updates (`transfer_every`), line by line:
    5      n = whole(chi / epsilon)    towards 0, at most `desired_bl`
    6      W: |n| pulses with sign(n)  all devices of the line at once
    7      chi <- chi - epsilon n

With a batch (`training.batch`), chi is fetched with the batch's first update and takes those of all its samples; lines
5 to 7 come once, at the batch's end, whatever `transfer_every` is. With `optimised`, the gradients of a step are summed
by themselves, and what the workload's optimiser makes of their mean is added to chi (arXiv 2609.36584)::

    3a  G <- G + delta x                    digital, every element
    4a  at the end of the step:
    5a      chi <- chi + dW(G / B, moments)   AdamW or any other rule; its state is fetched and stored with chi
    5b      lines 5 to 7; G <- 0

Weight decay needs the weights, which are on the array alone: all lines are read for it, one after the other, with the
noise and the converters of any read-out.

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
    """Updates after which all lines of chi take their turns to pulse W; a batch ends with that instead."""
    transfer_every_per_layer: PerLayer = ()
    transfer_axis: Literal["row", "column"] = "row"
    """Whose lines take turns: "row", an output line with all its inputs, or "column", an input line."""
    granularity: Annotated[float, Field(ge=0, le=1e3)] = 0.0
    """Part of chi that one pulse takes away, in raw weight units; 0: the device's dw_min."""
    desired_bl: Annotated[int, Field(ge=1, le=10_000)] = 31
    """Most pulses that a device gets in one transfer; what is left stays in chi."""
    optimised: bool = False
    """Add to chi what the workload's `optimiser` makes of the mean gradient of a step, and transfer at its end;
    `learning_rate` and `transfer_every` have no effect then."""

    def settings(self) -> Settings:
        """Translate them for the executor."""
        return Settings(
            learning_rate=0.0 if self.optimised else self.learning_rate,
            update=Update(pulse_type="none"),
            transfer_update=Update(desired_bl=self.desired_bl),
            transfer_every=self.transfer_every,
            transfer_every_per_layer=self.transfer_every_per_layer,
            transfer_axis=self.transfer_axis,
            accumulates=True,
            granularity=self.granularity,
            state=(H,),  # chi
            optimised=self.optimised,
        )


@final
class MixedPrecision(Algorithm):
    """Mixed precision (Nandakumar 2020): gradients summed digitally, whole steps pulsed onto one analog matrix W."""

    name: ClassVar[str] = "mixed-precision"
    matrices: ClassVar[tuple[str, ...]] = ("W",)
    default_layouts: ClassVar[tuple[str, ...]] = ("two-array",)
    options: ClassVar[type[Table]] = MixedPrecisionTable

    def update(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:
        """Lines 3 to 7; in a batch line 3, with an optimiser 3a."""
        if layer.learner is not None:
            yield from layer.sum_chi("W")
            return
        if layer.batch > 1:
            if layer.member == 0 and layer.first == 0:
                yield layer.load_chi("W")
            yield from layer.accumulate("W")
            return
        yield layer.load_chi("W")
        yield from layer.accumulate("W")
        if layer.due(sample):
            yield layer.pulse_lines("W")
        yield layer.store_chi("W")

    def finish(self, layer: LayerSteps) -> Iterator[Operation]:
        """Lines 5 to 7 of a batch, with an optimiser 4a to 5b."""
        learner, chi = layer.learner, layer.shared("h")
        if learner is None and layer.batch == 1:
            return
        if learner is not None:
            yield layer.load_chi("W")
            if learner.decays:
                yield layer.decay("W")
            yield from layer.step("W", chi, chi)
        yield layer.pulse_lines("W")
        yield layer.store_chi("W")
