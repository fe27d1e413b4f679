"""The description of initial weights, and of how weights are mapped to devices."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from twin.config.checks import refusal
from twin.config.part import Part


class Initial(Part):
    """Initial weights: a distribution, or a file that has them."""

    distribution: Literal["uniform"] | None = None
    """Shape of the distribution: uniform in +-scale / sqrt(inputs)."""
    scale: Annotated[float, Field(ge=0, le=1e3)] | None = None
    """Half width of the distribution, in units of 1 / sqrt(inputs)."""
    file: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """An .npz, .safetensors or .onnx file with the weights of all nodes by name, in place of a distribution; a relative
    path starts at the current folder.
    """

    state: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """An .npz file with matrices by node and name (A, C, H ...) as a run left them, which replace those that the rest
    of this table gives; a relative path starts at the current folder.
    """

    @model_validator(mode="after")
    def _has_weights(self) -> Self:
        own = vars(self)
        for key in ("distribution", "scale"):
            if own[key] is None and not own["file"]:
                raise refusal((key,), "is missing; or name a file of weights: init = { file = ... }")
        return self


class WeightMapping(Part):
    """How network weights are mapped to devices."""

    out_scaling: Annotated[float, Field(gt=0, le=1e6)] | None = None
    """Network weight / device weight (aihwkit's name), applied digitally to the results of mat-vecs: Gokmen 2018 and
    2021 use weights up to 2 on devices that reach 0.6. Left out, it is 1; under init.file every layer has its own,
    which maps its largest weight onto the devices' range.
    """
