"""The description of a network."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from twin.config.checks import refusal
from twin.config.part import Part


class Layer(Part):
    """A dense layer; a bias adds one input line that always carries 1."""

    kind: Literal["dense"]
    outputs: Annotated[int, Field(ge=1, le=1_000_000)]
    activation: Literal["sigmoid", "tanh", "relu", "identity", "softmax"]
    bias: bool


class Network(Part):
    """Layers in order, and the loss."""

    loss: Literal["cross-entropy", "squared-error"]
    layers: Annotated[tuple[Layer, ...], Field(strict=False, min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _softmax_ends_a_classifier(self) -> Self:
        last = len(vars(self)["layers"]) - 1
        for index, layer in enumerate(vars(self)["layers"]):
            softmax = vars(layer)["activation"] == "softmax"
            at = ("layers", index, "activation")
            if softmax and index < last:
                raise refusal(at, "may stand in the last layer only")
            if softmax and vars(self)["loss"] != "cross-entropy":
                raise refusal(at, 'needs loss = "cross-entropy"')
            if index == last and not softmax and vars(self)["loss"] == "cross-entropy":
                raise refusal(at, 'must be "softmax" in the last layer under loss = "cross-entropy"')
        return self
