"""Nodes that join tensors."""

from typing import ClassVar, Literal, final

from twin.networks.kinds.node import MisfitError, Node, Shape, Shapes, written
from twin.networks.work import Cost, cost


class _Alike(Node):
    """Joins tensors of one shape, element by element."""

    inputs_least: ClassVar[int] = 2
    inputs_most: ClassVar[int] = 2

    def shape(self, *inputs: Shape) -> Shape:
        """Return the shape of the inputs, which must agree."""
        if inputs[0] != inputs[1]:
            rule = f"its inputs must have one shape, and are {' and '.join(map(written, inputs))}"
            raise MisfitError(f"{rule}; let a conv or dense node give one the shape of the other")
        return inputs[0]

    def cost(self, shapes: Shapes) -> Cost:
        """Return the work of every element; `twin.networks.work`."""
        return cost(self.kind, *shapes.rows)


@final
class Add(_Alike):
    """The sum of two tensors: a residual connection (He 2016)."""

    kind: Literal["add"]
    """Chooses the sum of two inputs."""


@final
class Multiply(_Alike):
    """The product of two tensors, element by element: a gate."""

    kind: Literal["multiply"]
    """Chooses the product of two inputs."""


@final
class Concat(Node):
    """Two tensors side by side on the last axis: channels of maps, features of positions."""

    kind: Literal["concat"]
    """Chooses concatenation on the last axis."""
    inputs_least: ClassVar[int] = 2
    inputs_most: ClassVar[int] = 2

    def shape(self, *inputs: Shape) -> Shape:
        """Add up the last axis; the others must agree."""
        if inputs[0][:-1] != inputs[1][:-1]:
            rule = "its inputs must agree in all axes but the last"
            shown = " and ".join(map(written, inputs))
            raise MisfitError(f"{rule}, and are {shown}; give both maps the same height and width")
        return (*inputs[0][:-1], inputs[0][-1] + inputs[1][-1])
