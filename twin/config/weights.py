"""The description of initial weights, and of how weights are mapped to devices."""

from typing import Annotated, Literal

from pydantic import Field

from twin.config.part import Part


class Initial(Part):
    """The distribution of initial weights."""

    distribution: Literal["uniform"]
    """Shape of the distribution: uniform in +-scale / sqrt(inputs)."""
    scale: Annotated[float, Field(ge=0, le=1e3)]
    """Half width of the distribution, in units of 1 / sqrt(inputs)."""


class WeightMapping(Part):
    """How network weights are mapped to devices."""

    out_scaling: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    """Network weight / device weight (aihwkit's name), applied digitally to the results of mat-vecs: Gokmen 2018 and
    2021 use weights up to 2 on devices that reach 0.6.
    """
