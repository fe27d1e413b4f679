"""The part of a workload that says which samples are timed one by one."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from twin.config.checks import refusal
from twin.config.part import Part


class Timing(Part):
    """How time is found: every sample runs through the engine, or a window of samples in every period.

    The numerics run for every sample in both modes and give the same weights. The defaults time 1 to 2 % of the
    samples, which is what keeps sampled timing cheap (assumption).
    """

    mode: Literal["exact", "sampled"] = "exact"
    """Run every sample through the engine ("exact"), or a window of samples in every period ("sampled")."""
    warmup: Annotated[int, Field(ge=0, le=1_000_000)] = 2
    """Samples at the start of a window that run but are not measured."""
    measured: Annotated[int, Field(ge=1, le=1_000_000)] = 8
    """Samples of a window that are measured."""
    period: Annotated[int, Field(ge=2, le=1_000_000_000)] = 1499
    """Samples from one window to the next; a prime meets every phase of what happens every so many samples."""
    samples: Annotated[int, Field(ge=1, le=1_000_000)] = 100
    """Training steps that a run times which trains nothing."""
    reuse: bool = True
    """Of a run that trains nothing: simulate the copies of a block once wherever that is exact (docs/timing-only.md):
    with one sample in flight, on a chip that has a table [system].
    """

    @model_validator(mode="after")
    def _windows_lie_apart(self) -> Self:
        own = vars(self)
        if own["period"] < 2 * (own["warmup"] + own["measured"]):
            raise refusal(("period",), "must be at least twice warmup + measured")
        return self
