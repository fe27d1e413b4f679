"""The description of a network."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from twin.config.checks import refusal
from twin.config.part import Part

Width = Annotated[int, Field(ge=1, le=1_000_000)]
Bias = Annotated[bool, Field(description="Add one input line that always carries 1.")]
Activation = Literal["sigmoid", "tanh", "relu", "identity", "softmax"]


class Dense(Part):
    """A dense layer: every output depends on every input."""

    kind: Literal["dense"]
    """Chooses a dense layer."""
    outputs: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """Output lines; 0 in the last layer for a text, which has one output a symbol."""
    activation: Activation
    """Function of the outputs; "softmax" in the last layer of a classifier."""
    bias: Bias


class Conv(Part):
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


class MaxPool(Part):
    """Max-pooling after a convolution, in windows that do not overlap."""

    kind: Literal["max-pool"]
    """Chooses max-pooling."""
    size: Annotated[int, Field(ge=2, le=1000)]
    """Side of the square window, in pixels."""


class Flatten(Part):
    """Hands a map to a dense layer as a vector, position by position, channels last."""

    kind: Literal["flatten"]
    """Chooses the step from a map to a vector."""


class Recurrent(Part):
    """A block of recurrent cells."""

    kind: Literal["lstm", "rnn"]
    """The cell: "lstm", or "rnn" for h = tanh z."""
    hidden: Width
    """Cells of the block, each with one state that is its output."""
    bias: Bias


Layer = Annotated[Dense | Conv | MaxPool | Flatten | Recurrent, Field(discriminator="kind")]


class Network(Part):
    """Layers in order, and the loss that they are trained on."""

    loss: Literal["cross-entropy", "squared-error"]
    """What training makes small; "cross-entropy" needs "softmax" in the last layer."""
    steps: Annotated[int, Field(ge=0, le=100_000)] = 0
    """Time steps of truncated back-propagation; 0 for networks without recurrent layers."""
    layers: Annotated[tuple[Layer, ...], Field(strict=False, min_length=1, max_length=1000)]
    """Layers in order, the one that sees the data first."""

    @property
    def is_recurrent(self) -> bool:
        """Whether samples are sequences."""
        return any(isinstance(layer, Recurrent) for layer in vars(self)["layers"])

    @model_validator(mode="after")
    def _softmax_ends_a_classifier(self) -> Self:
        layers = vars(self)["layers"]
        if not isinstance(layers[-1], Dense):
            raise refusal(("layers", len(layers) - 1, "kind"), 'must be "dense" in the last layer')
        last = len(layers) - 1
        for index, layer in enumerate(layers):
            softmax = vars(layer).get("activation") == "softmax"
            at = ("layers", index, "activation")
            if softmax and index < last:
                raise refusal(at, "may stand in the last layer only")
            if softmax and vars(self)["loss"] != "cross-entropy":
                raise refusal(at, 'needs loss = "cross-entropy"')
            if index == last and not softmax and vars(self)["loss"] == "cross-entropy":
                raise refusal(at, 'must be "softmax" in the last layer under loss = "cross-entropy"')
        return self

    @model_validator(mode="after")
    def _kinds_follow_each_other(self) -> Self:
        before: Part | None = None
        for index, layer in enumerate(vars(self)["layers"]):
            at = ("layers", index, "kind")
            if isinstance(layer, MaxPool) and not isinstance(before, Conv):
                raise refusal(at, 'must follow a layer of kind "conv"')
            if isinstance(layer, Flatten) and not isinstance(before, (Conv, MaxPool)):
                raise refusal(at, 'must follow a layer of kind "conv" or "max-pool"')
            if isinstance(layer, Conv) and isinstance(before, (Dense, Recurrent, Flatten)):
                raise refusal(at, "must come before all dense and recurrent layers")
            if isinstance(layer, Recurrent) and before is not None and not isinstance(before, Recurrent):
                raise refusal(at, "must come first or follow another recurrent layer")
            if isinstance(layer, Dense) and vars(layer)["outputs"] == 0 and index < len(vars(self)["layers"]) - 1:
                raise refusal(("layers", index, "outputs"), "must be given (at least 1) but in the last layer")
            before = layer
        return self

    @model_validator(mode="after")
    def _sequences_have_steps(self) -> Self:
        if self.is_recurrent and vars(self)["steps"] == 0:
            raise refusal(("steps",), "must be at least 1 for recurrent layers (the papers use 100)")
        if not self.is_recurrent and vars(self)["steps"] != 0:
            raise refusal(("steps",), "belongs to networks with recurrent layers")
        return self
