"""Spiking networks: a sample over time steps, and leaky integrate-and-fire neurons (Lee 2022, section 6.4)."""

from math import prod
from typing import Annotated, Literal, final

from pydantic import Field

from twin.networks.kinds.node import MisfitError, Node, Shape, Shapes, written
from twin.networks.work import Cost


@final
class TimeSteps(Node):
    """Shows a sample to the nodes behind it for several time steps, which are the positions of its output."""

    kind: Literal["time-steps"]
    """Chooses a sample over several time steps."""
    steps: Annotated[int, Field(ge=1, le=10_000)]
    """Time steps."""
    coding: Literal["current", "rate"] = "current"
    """The same values at every step ("current"), or spikes of which a value is the probability at every step ("rate");
    below 0 there are none, above 1 one at every step.
    """

    def shape(self, *inputs: Shape) -> Shape:
        """Return (steps, values of the sample)."""
        return self.steps, prod(inputs[0])

    def cost(self, shapes: Shapes) -> Cost:
        """Return a draw and a comparison a spike, and one addition going back."""
        elements = prod(shapes.output)
        return Cost(2 * elements if self.coding == "rate" else 0, elements, 0, 0)

    def numbers(self, shapes: Shapes) -> tuple[float, ...]:
        """Return whether there are spikes."""
        return (float(self.coding == "rate"),)


@final
class Lif(Node):
    """Leaky integrate-and-fire neurons, one a feature; positions are time steps, and a sample starts at rest.

    u(t) = decay r(u(t - 1)) + input, and a spike (1, else 0) where u >= threshold. Going back, a spike has the slope
    1 / (1 + slope |u - threshold|)^2, the derivative of a fast sigmoid (Zenke 2018, "SuperSpike", Eq. 5), and a reset
    has none (Zenke 2021).
    """

    kind: Literal["lif"]
    """Chooses spiking neurons."""
    decay: Annotated[float, Field(ge=0, le=1)]
    """Share of the membrane's potential that stays from step to step: exp(-step / time constant); 1 does not leak."""
    threshold: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    """Potential from which a neuron spikes."""
    reset: Literal["subtract", "zero"] = "subtract"
    """What a spike does to the potential: takes the threshold off, or sets it to 0."""
    slope: Annotated[float, Field(gt=0, le=1e6)] = 25.0
    """How fast the surrogate of a spike's slope falls off beside the threshold."""

    def shape(self, *inputs: Shape) -> Shape:
        """Return that of the input."""
        if len(inputs[0]) != 2:
            rule = 'needs time steps x features, as behind a node of kind = "time-steps"'
            raise MisfitError(f"{rule}, and gets {written(inputs[0])}")
        return inputs[0]

    def cost(self, shapes: Shapes) -> Cost:
        """Return reset, decay, sum and comparison an element; 7 for the surrogate, and 2 to carry errors back."""
        elements = prod(shapes.output)
        return Cost(4 * elements, 9 * elements, elements, 0)

    def numbers(self, shapes: Shapes) -> tuple[float, ...]:
        """Return decay, threshold and slope, and whether a reset is to 0."""
        return self.decay, self.threshold, self.slope, float(self.reset == "zero")

    def kept(self, shapes: Shapes) -> int:
        """Return the potentials before resets."""
        return prod(shapes.output)
