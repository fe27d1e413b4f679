"""What tables of hyper-parameters are made of; the table of an algorithm stands where the algorithm does."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from twin.algorithms.settings import Settings, Update
from twin.config.numbers import LearningRate
from twin.config.part import Part

Every = Annotated[int, Field(ge=1, le=10_000_000)]
PerLayer = Annotated[
    tuple[Every, ...],
    Field(strict=False, description="A number of its own for every layer, in order, in place of `transfer_every`."),
]


def _never_or_seldom(value: float) -> float:
    if 0 < value < SELDOM:
        raise ValueError(f"must be 0 (never) or at least {SELDOM:g}")
    return value


SELDOM = 1e-9
Seldom = Annotated[float, Field(ge=0, le=1), AfterValidator(_never_or_seldom)]
"""A probability whose inverse is a count."""


class Table(Part, ABC):
    """Hyper-parameters of an algorithm; every field has a default, and no default sets time, energy or area by itself.

    Attributes
    ----------
    sources : ClassVar[mapping of str to str]
        Who says so of a default, by key, where `twin/config/defaults.toml` does not.
    """

    sources: ClassVar[Mapping[str, str]] = {}

    @abstractmethod
    def settings(self) -> Settings:
        """Translate them for the executor."""


class Transfer(Table):
    """What SHD and TTv2 share: fast matrix A, slow matrix C, one line read every `transfer_every` updates."""

    fast_lr: LearningRate = 1.0
    """Learning rate of the pulses on A; with `auto_scale` in units of desired_bl pulses."""
    auto_scale: bool = True
    """Set the rate of A to fast_lr x desired_bl x dw_min / (mu_x mu_d), where mu are running means of the largest input
    and error of the layer (Rasch 2024, Eq. 15).
    """
    auto_momentum: Annotated[float, Field(ge=0, lt=1)] = 0.99
    """Weight of the past in the running means of `auto_scale`: near 1 they follow slowly."""
    transfer_every: Every = 1
    """Updates of a layer between two reads of a line of A; a convolution updates once a position."""
    transfer_every_per_layer: PerLayer = ()
    transfer_axis: Literal["row", "column"] = "row"
    """What is read at once: "row", an output line with all its inputs, or "column", an input line."""
    transfer_lr: LearningRate
    """Factor between what is read of A and what reaches the slow matrix."""
    update: Update = Update(desired_bl=1)
    """How A is pulsed."""

    def with_transfer(self, **more: object) -> Settings:
        """Translate what SHD, TTv2 and their kin share; `more` are settings that only some of them have."""
        return Settings(
            learning_rate=self.fast_lr,
            update=self.update,
            auto_scale=self.auto_scale,
            auto_momentum=self.auto_momentum if self.auto_scale else 0.0,
            transfer_every=self.transfer_every,
            transfer_every_per_layer=self.transfer_every_per_layer,
            transfer_axis=self.transfer_axis,
            transfer_lr=self.transfer_lr,
            decays_learning_rate=not self.auto_scale,
            decays_transfer_lr=True,
            **more,  # type: ignore[arg-type]
        )
