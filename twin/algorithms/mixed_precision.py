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
from typing import ClassVar, final

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.steps import LayerSteps
from twin.operation import Operation


@final
class MixedPrecision(Algorithm):
    """Mixed precision (Nandakumar 2020): gradients summed digitally, whole steps pulsed onto one analog matrix W."""

    name: ClassVar[str] = "mixed-precision"
    matrices: ClassVar[tuple[str, ...]] = ("W",)
    default_layouts: ClassVar[tuple[str, ...]] = ("two-array",)

    def update(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:
        """Lines 3 to 7."""
        yield layer.load_chi("W")
        yield from layer.accumulate("W")
        if layer.due(sample):
            yield layer.pulse_lines("W")
        yield layer.store_chi("W")
