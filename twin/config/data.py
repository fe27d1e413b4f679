"""The description of a data set."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from twin.config.checks import refusal
from twin.config.numbers import Count, Real
from twin.config.part import Part

CLASSES = {"digits": 10, "mnist": 10, "linear": 1}
_LINE = ("slope", "intercept", "noise")


class Data(Part):
    """The data set, with at most `samples` training samples (0 = all).

    Linear: y = slope x + intercept + N(0, noise^2).
    """

    set: Literal["digits", "mnist", "linear"]
    samples: Count = 0
    slope: Real = 0.0
    intercept: Real = 0.0
    noise: Annotated[float, Field(ge=0, le=1e6)] = 0.0

    @model_validator(mode="after")
    def _a_line_belongs_to_linear(self) -> Self:
        linear = vars(self)["set"] == "linear"
        for key in _LINE:
            if linear and key not in self.model_fields_set:
                raise refusal((), f'needs {key} for set = "linear"')
            if not linear and vars(self)[key] != 0:
                raise refusal((key,), 'belongs to set = "linear"')
        return self
