"""Normalisation; scale and shift are digital parameters."""

from typing import Annotated, ClassVar, Literal, final

from pydantic import Field

from twin.networks.kinds.node import Node, Shapes, Start
from twin.networks.work import Cost, cost

Epsilon = Annotated[float, Field(gt=0, le=1, description="Added to the variance.")]


class _Norm(Node):
    """Scales to mean 0 and variance 1, then by what is learnt."""

    epsilon: Epsilon = 1e-5

    def cost(self, shapes: Shapes) -> Cost:
        """Return the work of every element; `twin.networks.work`."""
        return cost(self.kind, *shapes.rows)

    def parameters(self, shapes: Shapes) -> tuple[Start, ...]:
        """Return gamma, which starts as 1, and beta, which starts as 0."""
        return Start(shapes.output[-1], 1.0), Start(shapes.output[-1])

    def record(self, shapes: Shapes) -> dict[str, float]:
        """Return the constants."""
        return {"epsilon": self.epsilon}

    def kept(self, shapes: Shapes) -> int:
        """Return mean and spread of every position."""
        return 2 * shapes.rows[0]


@final
class LayerNorm(_Norm):
    """Over the features of every position (Ba 2016)."""

    kind: Literal["layer-norm"]
    """Chooses layer norm."""


@final
class RmsNorm(_Norm):
    """As layer norm without mean and shift (Zhang 2019)."""

    kind: Literal["rms-norm"]
    """Chooses root mean square norm."""

    def parameters(self, shapes: Shapes) -> tuple[Start, ...]:
        """Return gamma, which starts as 1."""
        return (Start(shapes.output[-1], 1.0),)


@final
class BatchNorm(_Norm):
    """Over all positions of a batch, channel by channel; running statistics in tests (Ioffe 2015)."""

    kind: Literal["batch-norm"]
    """Chooses batch norm."""
    momentum: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Share of a batch in the running statistics."""
    meets: ClassVar[bool] = True

    def record(self, shapes: Shapes) -> dict[str, float]:
        """Return the constants."""
        return {"epsilon": self.epsilon, "momentum": self.momentum}

    def kept(self, shapes: Shapes) -> int:
        """Return mean and spread of every channel."""
        return 2 * shapes.output[-1]

    def shared(self, shapes: Shapes) -> tuple[Start, ...]:
        """Return a count and moments, running moments, which start as those of N(0, 1), and sums of errors."""
        width = shapes.output[-1]
        return Start(16 + 3 * width), Start(width, 1.0), Start(2 * width)
