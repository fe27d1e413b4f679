"""TTv2, Tiki-Taka version 2: Gokmen 2021, Algorithm 2 (line numbers are the paper's).

Pseudocode, per sample and layer::

    10  y = C x
    11  z = C^T delta
    12  A <- A + eta_A delta x               pulsed update
    13  k = (k + 1) mod ns
    14  if k = 0:
    15      u = one-hot of t
    16      v = A u                          one line of A
    17      H[t] += eta_C v                  digital
    18      elements with |H[t]| > 1:
    19          one pulse on C with sign(H)    (up to `transfer_update.desired_bl`, one for each whole threshold)
    20          H = 0, or 0.6 sign(H) with hysteresis
    22      t = (t + 1) mod number of lines

Whether anything crosses is known only when H has been filtered, so C's pulse is always an operation of the
program; where nothing crossed it takes neither time nor energy.
"""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self, final

from pydantic import Field, model_validator

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.settings import H, Settings, State
from twin.algorithms.steps import LayerSteps
from twin.algorithms.tables import Table, Transfer
from twin.config.checks import refusal
from twin.config.numbers import LearningRate
from twin.config.part import Part
from twin.operation import Opcode, Operation

HYSTERESIS = 0.6  # |H| after a crossing, Gokmen 2021, "Training Simulations", hysteretic threshold
FILTERED = (H, State("crossed", ("lines", "line_length")))
"""H, and how often each of its elements crossed: what `LayerSteps.filter` works on."""


class Crossing(Part):
    """What a crossing of H does to C."""

    desired_bl: Annotated[int, Field(ge=1, le=10_000)] = 1
    """Most pulses that an element of C gets at once: as many as H is beyond its threshold, in whole thresholds."""


class TTv2Table(Transfer):
    """Tiki-Taka v2 (Gokmen 2021) with plain or hysteretic reset of H."""

    transfer_lr: LearningRate = 3.0
    """Factor between a line that is read of A and what is added to H."""
    reset: Literal["plain", "hysteretic"] = "plain"
    """Where an element of H goes when it crosses: to 0 ("plain") or to 0.6 of the threshold ("hysteretic")."""

    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of H that stays in an element when it crosses; of what was transferred, where `forget_buffer` is false."""
    forget_buffer: bool = True
    """Forget an element of H when it crosses, but for the share `momentum` of it (true), or take from it what was
    transferred, a threshold for each pulse, but for that share (false).
    """
    buffer_cap: Annotated[float, Field(ge=0, le=1e6)] = 0.0
    """Most that an element of H keeps beyond a crossing, in thresholds times `transfer_update.desired_bl`; 0: any."""
    transfer_update: Crossing = Crossing()
    """How C is pulsed."""

    @model_validator(mode="after")
    def _one_rule_says_what_stays(self) -> Self:
        own = vars(self)
        if own["reset"] == "hysteretic" and (own["momentum"] or not own["forget_buffer"]):
            key = "momentum" if own["momentum"] else "forget_buffer"
            raise refusal((key,), 'is for reset = "plain"; with "hysteretic" 0.6 of the threshold stays')
        if own["buffer_cap"] and own["forget_buffer"]:
            raise refusal(("buffer_cap",), "needs forget_buffer = false: what crosses is forgotten with it")
        return self

    def left(self) -> float:
        """Return what is put in the place of H for a pulse, as a share of the threshold with H's sign."""
        if not self.forget_buffer:
            return self.momentum - 1.0
        return HYSTERESIS if self.reset == "hysteretic" else 0.0

    def kept(self) -> float:
        """Return which share of H itself stays after a crossing."""
        return self.momentum if self.forget_buffer else 1.0

    def filtered(self, **more: object) -> Settings:
        """Translate what TTv2, c-TTv2 and AGAD share."""
        return self.with_transfer(
            reset=self.left(),
            kept=self.kept(),
            crossing_bl=self.transfer_update.desired_bl,
            buffer_cap=self.buffer_cap,
            **more,
        )

    def settings(self) -> Settings:
        """Translate them for the executor."""
        return self.filtered(threshold=1.0, state=FILTERED)


@final
class TTv2(Algorithm):
    """Tiki-Taka v2 (Gokmen 2021): lines of A pass a digital filter H before they reach C."""

    name: ClassVar[str] = "ttv2"
    matrices: ClassVar[tuple[str, ...]] = ("C", "A")
    default_layouts: ClassVar[tuple[str, ...]] = ("four-array", "three-array")
    options: ClassVar[type[Table]] = TTv2Table

    def prefetch(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:
        """Lines of H that are fetched ahead."""
        yield from layer.prefetch_h("A", sample)

    def update(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:
        """Lines 12 to 22."""
        yield from layer.update("A", main="C")
        for line in layer.reads(sample):
            parts = line.line_parts("A", sample)
            yield line.read_out("A", parts)
            yield from line.load_h("A", sample)
            yield line.filter("A", sample)
            yield line.store_h("A", sample)
            yield from line.prefetch_next_h("A", sample)
            yield from line.hand_over("A", "C")
            yield line.transfer("C", Opcode.PULSE, parts)
