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
    19          one pulse on C with sign(H)
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
from twin.operation import Opcode, Operation

HYSTERESIS = 0.6  # |H| after a crossing, Gokmen 2021, "Training Simulations", hysteretic threshold
FILTERED = (H, State("crossed", ("lines", "line_length")))
"""H, and how often each of its elements crossed: what `LayerSteps.filter` works on."""


class TTv2Table(Transfer):
    """Tiki-Taka v2 (Gokmen 2021) with plain or hysteretic reset of H."""

    transfer_lr: LearningRate = 3.0
    """Factor between a line that is read of A and what is added to H."""
    reset: Literal["plain", "hysteretic"] = "plain"
    """Where an element of H goes when it crosses: to 0 ("plain") or to 0.6 of the threshold ("hysteretic")."""

    momentum: Annotated[float, Field(ge=0, lt=1)] = 0.0
    """Share of the threshold that stays in an element of H when it crosses (aihwkit's momentum of the buffer); 0.6 is
    what `reset` calls "hysteretic".
    """
    forget_buffer: bool = True
    """Forget by how much an element of H is beyond its threshold when it crosses (true), or take from it what was
    transferred, one threshold, but for the share `momentum` of it (false).
    """

    @model_validator(mode="after")
    def _one_rule_says_what_stays(self) -> Self:
        own = vars(self)
        if own["reset"] == "hysteretic" and (own["momentum"] or not own["forget_buffer"]):
            key = "momentum" if own["momentum"] else "forget_buffer"
            raise refusal((key,), 'is for reset = "plain"; with "hysteretic" 0.6 of the threshold stays')
        return self

    def left(self) -> float:
        """Return what is put in the place of H after a crossing, as a share of the threshold with H's sign."""
        if not self.forget_buffer:
            return self.momentum - 1.0
        return HYSTERESIS if self.reset == "hysteretic" else self.momentum

    def kept(self) -> float:
        """Return which share of H itself stays after a crossing."""
        return 0.0 if self.forget_buffer else 1.0

    def settings(self) -> Settings:
        """Translate them for the executor."""
        return self.with_transfer(threshold=1.0, reset=self.left(), kept=self.kept(), state=FILTERED)


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
        if layer.due(sample):
            parts = layer.line_parts("A", sample)
            yield layer.read_out("A", parts)
            yield from layer.load_h("A", sample)
            yield layer.filter("A", sample)
            yield layer.store_h("A", sample)
            yield from layer.prefetch_next_h("A", sample)
            yield from layer.hand_over("A", "C")
            yield layer.transfer("C", Opcode.PULSE, parts)
