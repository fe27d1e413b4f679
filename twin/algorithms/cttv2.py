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
from typing import ClassVar, final

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.steps import LayerSteps
from twin.operation import Opcode, Operation


@final
class CTTv2(Algorithm):
    """Chopped Tiki-Taka v2 (Rasch 2024): TTv2 whose lines of A change sign, so that offsets of A average out."""

    name: ClassVar[str] = "cttv2"
    matrices: ClassVar[tuple[str, ...]] = ("C", "A")
    default_layouts: ClassVar[tuple[str, ...]] = ("four-array", "three-array")

    def prefetch(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:
        """Lines of H that are fetched ahead."""
        yield from layer.prefetch_h("A", sample)

    def update(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:
        """Lines 3 to 12."""
        yield from layer.chopped_update("A", main="C")
        if layer.due(sample):
            parts = layer.line_parts("A", sample)
            yield layer.chopped_read_out("A", parts)
            yield from layer.load_h("A", sample)
            yield layer.filter("A", sample)
            yield layer.store_h("A", sample)
            yield from layer.prefetch_next_h("A", sample)
            yield from layer.hand_over("A", "C")
            yield layer.transfer("C", Opcode.PULSE, parts)
