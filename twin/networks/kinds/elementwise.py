"""Functions of single elements, and the softmax over the last axis."""

from typing import ClassVar, Literal, final

from twin.networks.kinds.node import Node, Shapes
from twin.networks.work import Cost, cost


class _Function(Node):
    """A function that keeps the shape."""

    def cost(self, shapes: Shapes) -> Cost:
        """Return the work of every element; `twin.networks.work`."""
        return cost(self.kind, *shapes.rows)


@final
class Relu(_Function):
    """max(0, x)."""

    kind: Literal["relu"]
    """Chooses the rectifier."""
    again: ClassVar[Literal["output", "input", ""]] = "output"


@final
class Gelu(_Function):
    """GELU, x times the normal distribution's share below x (Hendrycks 2016)."""

    kind: Literal["gelu"]
    """Chooses the Gaussian error linear unit."""
    approximate: Literal["tanh", "none"] = "tanh"
    """How that share is worked out: by a hyperbolic tangent, or by the error function."""

    def cost(self, shapes: Shapes) -> Cost:
        """Return the work of every element; `twin.networks.work`."""
        return cost("gelu" if self.approximate == "tanh" else "gelu-erf", *shapes.rows)

    def numbers(self, shapes: Shapes) -> tuple[float, ...]:
        """Return 1 for the error function."""
        return (float(self.approximate == "none"),)


@final
class Silu(_Function):
    """x sigmoid(x) (Elfwing 2018)."""

    kind: Literal["silu"]
    """Chooses the sigmoid-weighted linear unit."""


@final
class Sigmoid(_Function):
    """1 / (1 + exp(-x))."""

    kind: Literal["sigmoid"]
    """Chooses the logistic function."""
    again: ClassVar[Literal["output", "input", ""]] = "output"


@final
class Tanh(_Function):
    """The hyperbolic tangent."""

    kind: Literal["tanh"]
    """Chooses the hyperbolic tangent."""
    again: ClassVar[Literal["output", "input", ""]] = "output"


@final
class Identity(_Function):
    """Hands its input on."""

    kind: Literal["identity"]
    """Chooses no function."""


@final
class Softmax(_Function):
    """exp(x) / sum exp(x) over the last axis; before a cross-entropy it is part of the loss."""

    kind: Literal["softmax"]
    """Chooses the softmax."""
    again: ClassVar[Literal["output", "input", ""]] = "output"
