"""What tables of hyper-parameters are made of; the table of an algorithm stands where the algorithm does."""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from fractions import Fraction
from typing import Annotated, ClassVar, Literal

from pydantic import AfterValidator, Field

from twin.algorithms.settings import Settings, Update
from twin.config.numbers import LearningRate
from twin.config.part import Part

Every = Annotated[int, Field(ge=1, le=10_000_000)]
MOST_PARTS = 1000


def _of_few_parts(value: float) -> float:
    if Fraction(repr(value)).denominator > MOST_PARTS:
        raise ValueError(f"must be a fraction with a denominator of at most {MOST_PARTS}, e.g. 2.5")
    return value


Spaced = Annotated[int | float, Field(ge=1e-3, le=10_000_000), AfterValidator(_of_few_parts)]
"""A number of updates that need not be whole."""
SpacedPerLayer = Annotated[
    tuple[Spaced, ...],
    Field(strict=False, description="A number of its own for every layer, in order, in place of `transfer_every`."),
]
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
    """What SHD and TTv2 share: fast matrix A, slow matrix C, lines of A read every `transfer_every` updates."""

    fast_lr: LearningRate = 1.0
    """Learning rate of the pulses on A; with `auto_scale` in units of desired_bl pulses."""
    auto_scale: bool = True
    """Set the rate of A to fast_lr x desired_bl x dw_min / (mu_x mu_d), where mu are running means of the largest input
    and error of the layer (Rasch 2024, Eq. 15).
    """
    auto_momentum: Annotated[float, Field(ge=0, lt=1)] = 0.99
    """Weight of the past in the running means of `auto_scale`: near 1 they follow slowly."""
    transfer_every: Spaced = 1
    """Updates of a layer between two transfers; a convolution updates once a position. 2.5: after 2 and 3 updates by
    turns; 0.5: two transfers after every update.
    """
    transfer_every_per_layer: SpacedPerLayer = ()
    units_in_mbatch: bool = False
    """Count `transfer_every` in steps of the training, each of `training.batch` samples with all their updates of the
    layer, up to a whole number of updates (aihwkit's rule).
    """
    n_reads_per_transfer: Annotated[int, Field(ge=1, le=1_000_000)] = 1
    """Lines of A that a transfer reads and passes on, one after the other."""
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
            units_in_mbatch=self.units_in_mbatch,
            n_reads_per_transfer=self.n_reads_per_transfer,
            transfer_axis=self.transfer_axis,
            transfer_lr=self.transfer_lr,
            decays_learning_rate=not self.auto_scale,
            decays_transfer_lr=True,
            **more,  # type: ignore[arg-type]
        )
