"""c-TTv2, chopped Tiki-Taka version 2: Rasch et al., Nat. Commun. 15:7133, 2024; aihwkit's ChoppedTransferCompound.

Pseudocode, per sample and layer; c is the sign (chopper) of a line along the transfer axis::

    1   y = C x
    2   z = C^T delta
    3   A <- A + eta_A delta (c x)           pulsed update; along rows (c delta) x
    4   every ns updates:
    5       u = one-hot of t
    6       v = A u                          one line of A
    7       H[t] += eta_C c_t v              digital
    8       c_t <- -c_t with probability rho (`in_chop_prob`)
    9       elements with |H[t]| > threshold:
    10          one pulse on C with sign(H)
    11          H = 0, or 0.6 sign(H) threshold with hysteresis
    12      t = (t + 1) mod number of lines

What A holds whatever the sign, as the symmetry point does where the reference is set badly, enters line 7
with alternating signs. The signs across the axis (aihwkit's `out_chop_prob`) may flip after every cycle of t.
"""

from collections.abc import Iterator
from typing import Annotated, ClassVar, final

from pydantic import Field

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.settings import Settings, State
from twin.algorithms.steps import LayerSteps
from twin.algorithms.tables import Seldom, Table
from twin.algorithms.ttv2 import FILTERED, TTv2Table
from twin.operation import Opcode, Operation

CHOPPED = (
    *FILTERED,
    State("in_chop", ("lines",), 1.0),
    State("out_chop", ("line_length",), 1.0),
    State("chopped_x", ("n_in",)),
    State("chopped_d", ("n_out",)),
    State("read", (2,)),
)
"""H, the signs along and across the transfer axis, x and d with their signs, and under which sign v was read."""


class ChoppedTable(TTv2Table):
    """What c-TTv2 and AGAD add to TTv2: a sign for each line along the transfer axis, flipped between reads."""

    in_chop_prob: Seldom = 0.1
    """Probability that a line's sign flips after a read of it; 0: never."""
    in_chop_random: bool = True
    """Flip at random; otherwise after every round(1 / in_chop_prob) reads of the line."""
    threshold: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    """Size beyond which an element of H crosses to C; in units that `auto_granularity` says."""
    auto_granularity: Annotated[float, Field(ge=0, le=1e9)] = 0.0
    """Above 0, the threshold counts in auto_granularity x dw_min / (lines x transfer_every), with which the reads that
    a crossing takes no longer depend on the size of the layer.
    """

    def chopped(self, **more: object) -> Settings:
        """Translate what c-TTv2 and AGAD share."""
        prob = self.in_chop_prob
        return self.filtered(
            threshold=self.threshold,
            auto_granularity=self.auto_granularity,
            chopped=True,
            in_chop_prob=prob,
            in_chop_period=0 if self.in_chop_random or prob == 0 else round(1 / prob),
            **more,
        )


class CTTv2Table(ChoppedTable):
    """Chopped Tiki-Taka v2 (Rasch 2024)."""

    out_chop_prob: Seldom = 0.0
    """Probability that a sign across the transfer axis flips after every cycle over the lines; 0: never."""

    def settings(self) -> Settings:
        """Translate them for the executor."""
        return self.chopped(out_chop_prob=self.out_chop_prob, state=CHOPPED)


@final
class CTTv2(Algorithm):
    """Chopped Tiki-Taka v2 (Rasch 2024): TTv2 whose lines of A change sign, so that offsets of A average out."""

    name: ClassVar[str] = "cttv2"
    matrices: ClassVar[tuple[str, ...]] = ("C", "A")
    default_layouts: ClassVar[tuple[str, ...]] = ("four-array", "three-array")
    options: ClassVar[type[Table]] = CTTv2Table

    def prefetch(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:
        """Lines of H that are fetched ahead."""
        yield from layer.prefetch_h("A", sample)

    def update(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:
        """Lines 3 to 12."""
        yield from layer.chopped_update("A", main="C")
        for line in layer.reads(sample):
            parts = line.line_parts("A", sample)
            yield line.chopped_read_out("A", parts)
            yield from line.load_h("A", sample)
            yield line.filter("A", sample)
            yield line.store_h("A", sample)
            yield from line.prefetch_next_h("A", sample)
            yield from line.hand_over("A", "C")
            yield line.transfer("C", Opcode.PULSE, parts)
