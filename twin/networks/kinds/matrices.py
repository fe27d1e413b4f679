"""Nodes with an analog matrix: dense layers, convolutions, recurrent blocks."""

from math import prod
from typing import Annotated, Any, ClassVar, Literal, final

from pydantic import BeforeValidator, Field

from twin.networks.kinds.node import MisfitError, Node, Shape, Shapes, Symbols, rows, written
from twin.networks.layers import GATES, Windows, by

Width = Annotated[int, Field(ge=1, le=1_000_000)]
Bias = Annotated[bool, Field(description="Add one input line that always carries 1.")]
Activation = Literal["sigmoid", "tanh", "relu", "identity", "softmax"]


@final
class Dense(Node):
    """A dense layer: every output depends on every input, of positions x features at each position."""

    kind: Literal["dense"]
    """Chooses a dense layer."""
    outputs: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Output lines; 0 in the last layer for a text, which has one output a symbol."""
    activation: Activation
    """Function of the outputs; "softmax" in the last layer of a classifier."""
    bias: Bias
    tied: bool = False
    """The weights are published as those of another node and counted with it; here they are its own all the same."""

    def shape(self, *inputs: Shape) -> Shape:
        """Return the outputs, at every position of positions x features; a map is taken as a vector."""
        return (*(inputs[0][:-1] if len(inputs[0]) == 2 else ()), self.outputs)


def _pixels(count: int, least: int) -> BeforeValidator:
    """Return what checks `count` numbers of pixels, of which one may stand for all."""
    one = Annotated[int, Field(ge=least, le=1000)]

    def written_out(given: Any) -> Any:
        sides = tuple(given) if isinstance(given, (list, tuple)) else (given,) * count
        if len(sides) != count or any(type(side) is not int or not least <= side <= 1000 for side in sides):
            raise ValueError(f"must be a whole number from {least} to 1000, or {count} of them in brackets")
        return sides

    schema = one | Annotated[list[one], Field(min_length=count, max_length=count)]
    return BeforeValidator(written_out, json_schema_input_type=schema)


Sides = Annotated[tuple[int, int], _pixels(2, 1)]
Borders = Annotated[tuple[int, int, int, int], _pixels(4, 0)]


@final
class Conv(Node):
    """A convolution; one array serves all positions of a sample, and all groups, in turn."""

    kind: Literal["conv"]
    """Chooses a convolution."""
    channels: Width
    """Output channels."""
    kernel: Sides
    """Side of the square window, or [height, width], in pixels."""
    stride: Sides = (1, 1)
    """Pixels from one window to the next, or [down, right]."""
    padding: Borders = (0, 0, 0, 0)
    """Pixels of zeros around the map, or [top, bottom, left, right]."""
    dilation: Sides = (1, 1)
    """Pixels from one pixel of a window to the next, or [down, right]."""
    groups: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """Groups of channels that do not mix; as many as input channels for a depthwise convolution."""
    activation: Activation
    """Function of the outputs."""
    bias: Bias

    def shape(self, *inputs: Shape) -> Shape:
        """Return the map of all windows."""
        (shape,) = inputs
        if len(shape) != 3:
            raise MisfitError(f"needs a map (height x width x channels), and gets {written(shape)}")
        height, width = self.windows.fit(*shape[:2])
        if height < 1 or width < 1:
            raise MisfitError(
                f"kernel (= {by(self.windows.kernel)}): the input map is only {shape[0]} x {shape[1]}; "
                "use a smaller kernel or more padding"
            )
        if shape[2] % self.groups or self.channels % self.groups:
            rule = f"must divide the {shape[2]} channels of its input and the {self.channels} of its output"
            raise MisfitError(f"groups (= {self.groups}): {rule}")
        return height, width, self.channels

    @property
    def windows(self) -> Windows:
        """The windows, both axes written out."""
        return Windows(self.kernel, self.stride, self.padding, self.dilation)


@final
class Recurrent(Node):
    """A block of recurrent cells, over the steps of a text or of positions x features."""

    kind: Literal["lstm", "gru", "rnn"]
    """The cell: "lstm", "gru" (two matrices: the candidate sees r h, so its mat-vec follows that of z and r), or "rnn"
    for h = tanh z."""
    hidden: Width
    """Cells of the block, each with one state that is its output."""
    bias: Bias
    inputs_most: ClassVar[int] = 1

    def shape(self, *inputs: Shape) -> Shape:
        """Return the states at every step."""
        (shape,) = inputs
        if not isinstance(shape, Symbols) and len(shape) != 2:
            raise MisfitError(
                f"needs a text or positions x features, a position of which is a step, and gets {written(shape)}"
            )
        return shape[0], self.hidden


MATRICES = (Dense, Conv, Recurrent)
"""The kinds of nodes that have a matrix."""


def matrix_of(node: Node, shapes: Shapes) -> tuple[int, int]:
    """Return the weights of a node's matrix and how often a sample uses it; (0, 0) for kinds without one."""
    (given, *_), output = shapes
    if isinstance(node, Dense):
        apart = len(given) == 2
        inputs, uses = (given[1], given[0]) if apart else (prod(given), 1)
        return (inputs + node.bias) * output[-1], uses
    if isinstance(node, Conv):
        inputs = prod(node.windows.kernel) * given[2] // node.groups
        return (inputs + node.bias) * node.channels, rows(output)[0] * node.groups
    if isinstance(node, Recurrent):
        features = given.alphabet if isinstance(given, Symbols) else given[1]
        return (features + node.hidden + node.bias) * node.hidden * GATES[node.kind], given[0]
    return 0, 0
