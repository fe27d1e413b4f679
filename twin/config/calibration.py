"""The description of a calibration of reference arrays."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from twin.config.checks import refusal
from twin.config.numbers import Count
from twin.config.part import Part
from twin.config.quantity import Time


class Calibration(Part):
    """How references reach the symmetry point, before training and, if so wished, again."""

    method: Literal["exact", "pulses", "none"]
    """Put references at the computed symmetry point ("exact"), pulse them there ("pulses"), or leave them ("none")."""
    pairs: Annotated[int, Field(ge=0, le=10_000_000)] = 0
    """Pairs of up and down pulses that each calibration takes, for "pulses"."""
    reference_std: Annotated[float, Field(ge=0, le=1e3)] = 0.0
    """Standard deviation of what every calibration leaves between a reference and where it was put, raw weight units
    (aihwkit: of SoftBoundsReferenceDevice and its like).
    """
    every: Count = 0
    """Samples from one calibration to the next; 0: never again."""
    interval: Time = 0.0
    """Simulated time from one calibration to the next; 0: never again."""

    @model_validator(mode="after")
    def _pulses_are_counted(self) -> Self:
        if vars(self)["method"] == "pulses" and vars(self)["pairs"] == 0:
            raise refusal((), 'needs pairs (more than 0) for method = "pulses"')
        return self

    @model_validator(mode="after")
    def _one_policy(self) -> Self:
        own = vars(self)
        if own["every"] and own["interval"]:
            raise refusal(("interval",), "must be 0 where every says when to calibrate again")
        if self.repeats and own["method"] == "none":
            raise refusal(("method",), 'must be "exact" or "pulses" where calibration is repeated')
        return self

    @property
    def repeats(self) -> bool:
        """Whether calibration happens again during training."""
        own = vars(self)
        return bool(own["every"] or own["interval"])
