"""Nodes with an analog matrix: dense layers, convolutions, recurrent blocks."""

from math import prod
from typing import Annotated, ClassVar, Literal, final

from pydantic import Field

from twin.networks.kinds.node import MisfitError, Node, Shape, Shapes, Symbols, rows, written
from twin.networks.layers import GATES

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

    def shape(self, *inputs: Shape) -> Shape:
        """Return the outputs, at every position of positions x features; a map is taken as a vector."""
        return (*(inputs[0][:-1] if len(inputs[0]) == 2 else ()), self.outputs)


@final
class Conv(Node):
    """A convolution with square windows; one array serves all positions of a sample in turn."""

    kind: Literal["conv"]
    """Chooses a convolution."""
    channels: Width
    """Output channels."""
    kernel: Annotated[int, Field(ge=1, le=1000)]
    """Side of the square window, in pixels."""
    stride: Annotated[int, Field(ge=1, le=1000)] = 1
    """Pixels from one window to the next."""
    padding: Annotated[int, Field(ge=0, le=1000)] = 0
    """Pixels of zeros around the map."""
    activation: Activation
    """Function of the outputs."""
    bias: Bias

    def shape(self, *inputs: Shape) -> Shape:
        """Return the map of all windows."""
        (shape,) = inputs
        if len(shape) != 3:
            raise MisfitError(f"needs a map (height x width x channels), and gets {written(shape)}")
        own = vars(self)
        height, width = ((side + 2 * own["padding"] - own["kernel"]) // own["stride"] + 1 for side in shape[:2])
        if height < 1 or width < 1:
            raise MisfitError(
                f"kernel (= {own['kernel']}): the input map is only {shape[0]} x {shape[1]}; "
                "use a smaller kernel or more padding"
            )
        return height, width, self.channels


@final
class Recurrent(Node):
    """A block of recurrent cells."""

    kind: Literal["lstm", "rnn"]
    """The cell: "lstm", or "rnn" for h = tanh z."""
    hidden: Width
    """Cells of the block, each with one state that is its output."""
    bias: Bias
    inputs_most: ClassVar[int] = 1

    def shape(self, *inputs: Shape) -> Shape:
        """Return the states at every step."""
        return inputs[0][0], self.hidden


def matrix_of(node: Node, shapes: Shapes) -> tuple[int, int]:
    """Return the weights of a node's matrix and how often a sample uses it; (0, 0) for kinds without one."""
    (given, *_), output = shapes
    if isinstance(node, Dense):
        apart = len(given) == 2
        inputs, uses = (given[1], given[0]) if apart else (prod(given), 1)
        return (inputs + node.bias) * output[-1], uses
    if isinstance(node, Conv):
        return (node.kernel**2 * given[2] + node.bias) * node.channels, rows(output)[0]
    if isinstance(node, Recurrent):
        features = given.alphabet if isinstance(given, Symbols) else given[1]
        return (features + node.hidden + node.bias) * node.hidden * GATES[node.kind], given[0]
    return 0, 0
