"""Pooling of maps."""

from typing import Annotated, ClassVar, Literal, final

from pydantic import Field

from twin.networks.kinds.node import MisfitError, Node, Shape, Shapes, rows, written
from twin.networks.work import Cost, cost

Side = Annotated[int, Field(ge=1, le=1000)]


class _Pool(Node):
    """A function of square windows."""

    size: Side
    """Side of the square window, in pixels."""
    stride: Annotated[int, Field(ge=0, le=1000)] = 0
    """Pixels from one window to the next; 0 for windows that touch."""
    padding: Annotated[int, Field(ge=0, le=500)] = 0
    """Pixels around the map that windows may cover and that count for nothing."""

    def shape(self, *inputs: Shape) -> Shape:
        """Return as many windows as fit."""
        (shape,) = inputs
        if len(shape) != 3:
            raise MisfitError(f"needs a map (height x width x channels), and gets {written(shape)}")
        own = vars(self)
        size, step, padding = own["size"], own["stride"] or own["size"], own["padding"]
        if 2 * padding > size:
            raise MisfitError(f"padding (= {padding}) must be at most half of size (= {size})")
        height, width = ((side + 2 * padding - size) // step + 1 for side in shape[:2])
        if height < 1 or width < 1:
            raise MisfitError(f"size (= {size}) must fit into the map of {written(shape)}; use a smaller window")
        return height, width, shape[2]

    def cost(self, shapes: Shapes) -> Cost:
        """Return the work of all windows; `twin.networks.work`."""
        return cost(self.kind, *shapes.rows, window=self.size)

    def record(self, shapes: Shapes) -> dict[str, float]:
        """Return the geometry."""
        (height, width, _), (_, columns, _) = shapes.inputs[0], shapes.output
        window: dict[str, float] = {"side": self.size, "hop": self.stride or self.size, "padding": self.padding}
        return {"rows": height, "columns": width, "out_columns": columns} | window

    def kept(self, shapes: Shapes) -> int:
        """Return a word a value: where it came from."""
        positions, width = shapes.rows
        return positions * width


@final
class MaxPool(_Pool):
    """The greatest value of every window."""

    kind: Literal["max-pool"]
    """Chooses max-pooling."""
    again: ClassVar[Literal["output", "input", ""]] = "output"


@final
class AveragePool(_Pool):
    """The mean of every window; pixels beyond the border do not count."""

    kind: Literal["average-pool"]
    """Chooses average pooling."""


@final
class GlobalAveragePool(Node):
    """The mean of every channel over all positions (Lin 2013)."""

    kind: Literal["global-average-pool"]
    """Chooses the mean over all positions."""

    def shape(self, *inputs: Shape) -> Shape:
        """Return the channels."""
        if len(inputs[0]) < 2:
            raise MisfitError(f"needs several positions, and gets {written(inputs[0])}")
        return inputs[0][-1:]

    def cost(self, shapes: Shapes) -> Cost:
        """Return an addition an element, and as many going back."""
        positions, width = rows(shapes.inputs[0])
        return Cost(positions * width, positions * width, 0, 0)

    def record(self, shapes: Shapes) -> dict[str, float]:
        """Return one window that covers all positions."""
        positions, _ = rows(shapes.inputs[0])
        return {"rows": positions, "columns": 1, "out_columns": 1, "side": positions, "hop": positions}
