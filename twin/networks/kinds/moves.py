"""Nodes that only rearrange or drop values."""

from math import prod
from typing import Annotated, Literal, final

from pydantic import Field

from twin.networks.kinds.node import MisfitError, Node, Shape, Shapes, written
from twin.networks.work import Cost, cost


@final
class Flatten(Node):
    """Hands a map on as a vector, position by position, channels last."""

    kind: Literal["flatten"]
    """Chooses a vector of all values."""

    def shape(self, *inputs: Shape) -> Shape:
        """Return one axis."""
        return (prod(inputs[0]),)


@final
class Reshape(Node):
    """Gives the values another shape, in the order in which they lie."""

    kind: Literal["reshape"]
    """Chooses another shape."""
    to: Annotated[
        tuple[Annotated[int, Field(ge=1, le=10_000_000)], ...], Field(strict=False, min_length=1, max_length=3)
    ]
    """The new shape, as many values as before: features; positions, features; or height, width, channels."""

    def shape(self, *inputs: Shape) -> Shape:
        """Return the new shape."""
        if prod(vars(self)["to"]) != prod(inputs[0]):
            rule = f"to (= {written(self.to)}) must hold the {prod(inputs[0])} values of its input"
            raise MisfitError(f"{rule} of {written(inputs[0])}")
        return self.to


@final
class Transpose(Node):
    """Exchanges positions and features."""

    kind: Literal["transpose"]
    """Chooses the exchange of two axes."""

    def shape(self, *inputs: Shape) -> Shape:
        """Return (features, positions)."""
        if len(inputs[0]) != 2:
            raise MisfitError(f"needs positions x features, and gets {written(inputs[0])}")
        return inputs[0][::-1]


@final
class Last(Node):
    """Hands on the last position alone: what a recurrent block knows at the end of a sequence."""

    kind: Literal["last"]
    """Chooses the last position."""

    def shape(self, *inputs: Shape) -> Shape:
        """Return its features."""
        if len(inputs[0]) != 2:
            raise MisfitError(f"needs positions x features, and gets {written(inputs[0])}")
        return inputs[0][1:]

    def moved(self, shapes: Shapes) -> tuple[int, ...]:
        """Return the words of one position."""
        return (shapes.output[0],)

    def record(self, shapes: Shapes) -> dict[str, float]:
        """Return how many positions its input has."""
        return {"rows": shapes.inputs[0][0]}


@final
class Dropout(Node):
    """Drops elements at random in training and scales the others up (Srivastava 2014)."""

    kind: Literal["dropout"]
    """Chooses dropout."""
    probability: Annotated[float, Field(ge=0, lt=1)]
    """Share of the elements that are dropped."""

    def cost(self, shapes: Shapes) -> Cost:
        """Return the work of every element; `twin.networks.work`."""
        return cost(self.kind, *shapes.rows)

    def record(self, shapes: Shapes) -> dict[str, float]:
        """Return the probability."""
        return {"probability": self.probability}

    def kept(self, shapes: Shapes) -> int:
        """Return a factor an element."""
        return prod(shapes.output)
