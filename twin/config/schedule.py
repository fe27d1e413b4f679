"""The description of how the rates of a run change."""

from math import cos, pi
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from twin.config.checks import refusal
from twin.config.numbers import Count, Fraction
from twin.config.part import Part


class Schedule(Part):
    """How all rates of a run change, from epoch to epoch or from step to step.

    Factors are those of PyTorch's LinearLR, and behind it of ConstantLR, MultiStepLR or CosineAnnealingLR.
    """

    kind: Literal["constant", "steps", "cosine"]
    """How rates go on behind the warm-up: as they are, shrinking at `training.decay_at`, or along half a period of a
    cosine (Loshchilov 2017, Eq. 5) that ends with the run."""
    per: Literal["epoch", "step"] = "epoch"
    """When rates change, and what `warmup` counts: epochs, or steps of `training.batch` samples."""
    warmup: Count = 0
    """Epochs or steps in which rates grow linearly to their full size."""
    warmup_from: Annotated[float, Field(gt=0, le=1)] = 0.1
    """Share of the rates with which a warm-up begins."""
    end: Fraction = 0.0
    """Share of the rates to which a cosine falls."""

    @model_validator(mode="after")
    def _keys_belong_to_the_kind(self) -> Self:
        own = vars(self)
        if own["end"] and own["kind"] != "cosine":
            raise refusal(("end",), 'belongs to kind = "cosine"')
        if not own["warmup"] and own["warmup_from"] != type(self).model_fields["warmup_from"].default:
            raise refusal(("warmup_from",), "needs a warmup of at least 1")
        return self

    def factor(self, at: int, total: int) -> float:
        """Return what rates are multiplied by in epoch or step `at` of `total`, `training.decay_at` apart."""
        if at < self.warmup:
            return self.warmup_from + (1.0 - self.warmup_from) * at / self.warmup
        if self.kind != "cosine":
            return 1.0
        turned = pi * (at - self.warmup) / max(total - self.warmup, 1)
        return self.end + (1.0 - self.end) * (1.0 + cos(turned)) / 2.0
