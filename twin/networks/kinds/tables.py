"""Learnt digital tables and vectors."""

from typing import Annotated, ClassVar, Literal, final

from pydantic import Field

from twin.networks.kinds.node import MisfitError, Node, Shape, Shapes, Start, Symbols, written
from twin.networks.work import OPTIMISER_FLOPS, Cost, cost

OF_BIAS = ".bias"
"""Ends the name of the node that is the digital bias of another."""
Spread = Annotated[float, Field(ge=0, le=100, description="Standard deviation of the initial values.")]


@final
class Embedding(Node):
    """A vector for every symbol of a text, from a digital table."""

    kind: Literal["embedding"]
    """Chooses a table of vectors."""
    width: Annotated[int, Field(ge=1, le=1_000_000)]
    """Features of a symbol."""
    std: Spread = 0.02
    again: ClassVar[Literal["output", "input", ""]] = "input"
    looks_up: ClassVar[bool] = True

    def shape(self, *inputs: Shape) -> Shape:
        """Return (positions, width)."""
        if not isinstance(inputs[0], Symbols):
            raise MisfitError(f"needs the symbols of a text, and gets {written(inputs[0])}")
        return inputs[0][0], self.width

    def cost(self, shapes: Shapes) -> Cost:
        """Return an addition an element going back."""
        work, size = cost(self.kind, *shapes.rows), self.parameters(shapes)[0].size
        return work._replace(backward=work.backward + OPTIMISER_FLOPS * size, parameters=size)

    def parameters(self, shapes: Shapes) -> tuple[Start, ...]:
        """Return a vector a symbol."""
        symbols = shapes.inputs[0].alphabet if isinstance(shapes.inputs[0], Symbols) else 0
        return (Start(symbols * shapes.output[1], std=self.std),)


@final
class Positions(Node):
    """Adds a learnt vector to every position."""

    kind: Literal["positions"]
    """Chooses learnt positions."""
    std: Spread = 0.02

    def cost(self, shapes: Shapes) -> Cost:
        """Return an addition an element, and the parameters."""
        return cost(self.kind, *shapes.rows)

    def parameters(self, shapes: Shapes) -> tuple[Start, ...]:
        """Return a vector a position."""
        positions, width = shapes.rows
        return (Start(positions * width, std=self.std),)


@final
class Bias(Node):
    """Adds one learnt vector, from 0 on, at every position, beside the arrays."""

    kind: Literal["bias"]
    """Chooses a digital bias."""

    def cost(self, shapes: Shapes) -> Cost:
        """Return an addition an element, and the parameters."""
        return cost(self.kind, *shapes.rows)

    def parameters(self, shapes: Shapes) -> tuple[Start, ...]:
        """Return a number a feature."""
        return (Start(shapes.output[-1]),)
