"""AGAD, analog gradient accumulation with a dynamic reference: Rasch et al., Nat. Commun. 15:7133, 2024.

aihwkit's DynamicTransferCompound. Pseudocode, per sample and layer; c as in c-TTv2::

    1   y = C x
    2   z = C^T delta
    3   A <- A + eta_A delta (c x)           pulsed update; along rows (c delta) x
    4   every ns updates:
    5       u = one-hot of t
    6       v = A u                          one line of A
    7       H[t] += eta_C c_t (v - Pref[t])  digital
    8       P[t] <- (1 - beta) P[t] + beta v
    9       c_t <- -c_t with probability rho; then Pref[t] <- P[t]
    10      elements with |H[t]| > threshold:
    11          one pulse on C with sign(H)
    12          H = 0, or 0.6 sign(H) threshold with hysteresis
    13      t = (t + 1) mod number of lines

Pref is where A stood when the line's sign last flipped, so A needs no reference at its symmetry point. Before a line's
sign has flipped once there is none, and line 7 adds nothing: what A holds from its fabrication would pass for a
gradient. aihwkit, whose Pref is 0 until then, fires no pulse before each sign has been read once after its first flip.
The layout `three-array-c` has no reference for A. H, P and Pref pass the tile at every transfer.
"""

from collections.abc import Iterator
from dataclasses import replace
from math import nan
from typing import Annotated, ClassVar, final

from pydantic import Field

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.cttv2 import CHOPPED, ChoppedTable
from twin.algorithms.settings import Settings, State
from twin.algorithms.steps import LayerSteps
from twin.algorithms.tables import SELDOM, Table
from twin.operation import Opcode, Operation

# Rasch 2024, Table 1: 6 for each element of a transferred line (lines 7 and 8), where TTv2 has 2.
DYNAMIC_FLOPS = 6
DIGITAL_LINES = 3  # of H, P and Pref
P = State("mean", ("lines", "line_length"), stored=True)
REFERENCE = State("reference", ("lines", "line_length"), nan, stored=True)  # none yet


class AGADTable(ChoppedTable):
    """Analog gradient accumulation with a dynamic reference (Rasch 2024)."""

    in_chop_prob: Annotated[float, Field(ge=SELDOM, le=1)] = 0.1
    """Probability that a line's sign flips after a read of it; it also sets how fast the reference follows."""
    in_chop_random: bool = False
    """Flip at random; otherwise, as in the paper, after every round(1 / in_chop_prob) reads of the line."""
    tail_weightening: Annotated[float, Field(gt=0, le=1e6)] = 5.0
    """A reading weighs min(1, tail_weightening x in_chop_prob) in the running mean that is the reference."""

    def settings(self) -> Settings:
        """Translate them for the executor."""
        tail = min(1.0, self.tail_weightening * self.in_chop_prob)
        return self.chopped(tail=tail, state=(*CHOPPED, P, REFERENCE))


@final
class AGAD(Algorithm):
    """Analog gradient accumulation with a dynamic reference (Rasch 2024): c-TTv2 that needs no calibration of A."""

    name: ClassVar[str] = "agad"
    matrices: ClassVar[tuple[str, ...]] = ("C", "A")
    default_layouts: ClassVar[tuple[str, ...]] = ("three-array-c", "four-array")
    options: ClassVar[type[Table]] = AGADTable

    def prefetch(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:
        """Lines of H that are fetched ahead."""
        yield from layer.prefetch_h("A", sample, DIGITAL_LINES)

    def update(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:
        """Lines 3 to 13."""
        yield from layer.chopped_update("A", main="C")
        for line in layer.reads(sample):
            parts = line.line_parts("A", sample)
            yield line.chopped_read_out("A", parts)
            yield from line.load_h("A", sample, DIGITAL_LINES)
            flops = DYNAMIC_FLOPS * line.line_length
            yield replace(line.filter("A", sample), opcode=Opcode.FILTER_DYNAMIC, flops=flops)
            yield line.store_h("A", sample, DIGITAL_LINES)
            yield from line.prefetch_next_h("A", sample, DIGITAL_LINES)
            yield from line.hand_over("A", "C")
            yield line.transfer("C", Opcode.PULSE, parts)
