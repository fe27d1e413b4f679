"""What the executor needs to know of an algorithm: learning rates, transfer, choppers, pulse settings."""

from dataclasses import dataclass
from fractions import Fraction
from math import ceil
from typing import Annotated, Literal

from pydantic import Field

from twin.config.part import Part
from twin.networks.layers import Layer


class Update(Part):
    """The pulsed update, in aihwkit's names."""

    pulse_type: Literal["stochastic", "none"] = "stochastic"
    """Pulse every line at random times ("stochastic"), or write the exact outer product ("none")."""
    desired_bl: Annotated[int, Field(ge=1, le=10_000)] = 31
    """Longest pulse train of one update, in pulse slots a sample."""
    update_management: bool = True
    """Balance the probabilities of both sides, so that the largest input and the largest error pulse alike."""
    update_bl_management: bool = True
    """Shorten the train where the largest input times the largest error needs fewer pulses."""
    kernel: Literal["auto", "exact"] = "auto"
    """Simulate every coincidence by itself ("exact"), or give a device all its coincidences of an update at once, with
    their mean and variance, where they are many ("auto"; docs/performance.md states the error).
    """


@dataclass(frozen=True, slots=True)
class State:
    """A vector or matrix that an algorithm keeps for every layer, beside its analog matrices.

    Attributes
    ----------
    name : str
        How kernels and `Machine.state` know it.
    shape : tuple of str or int
        Numbers, or what the layer has of "lines" (along the transfer axis), "line_length", "n_in" and "n_out".
    initial : float
        What every element is before the first sample.
    stored : bool
        Whether the chip keeps it where it keeps H: what counts against that memory is a word an element.
    """

    name: str
    shape: tuple[str | int, ...]
    initial: float = 0.0
    stored: bool = False


H = State("h", ("lines", "line_length"), stored=True)


@dataclass(frozen=True, slots=True)
class Settings:
    """Numerical settings of one algorithm, the same for all layers.

    Attributes
    ----------
    learning_rate : float
        Of the gradient's update; with `auto_scale` in units of desired_bl pulses (Rasch 2024, Eq. 15).
    transfer_lr : float
        Of C (SHD) or of H (TTv2).
    threshold, reset : float
        SHD: f(v) zeroes |v| below the threshold; TTv2: H crosses beyond it and is left at `reset` times it.
    kept : float
        TTv2: share of H itself that stays after a crossing as well.
    crossing_bl : int
        TTv2: most pulses of one crossing.
    buffer_cap : float
        TTv2: most of H that stays after a crossing, in thresholds times `crossing_bl`; 0: any.
    auto_granularity : float
        Above 0, the threshold is in units of auto_granularity dw_min / (lines transfer_every).
    units_in_mbatch : bool
        `transfer_every` counts steps of the training.
    n_reads_per_transfer : int
        Lines of a transfer.
    in_chop_prob, out_chop_prob : float
        How often a chopper flips; `in_chop_period` reads between flips, 0 for flips at random.
    tail : float
        Weight of a reading in AGAD's reference; 0 without one.
    state : tuple of State
        What the algorithm keeps for every layer.
    own : tuple of float
        Numbers for effects of the algorithm's own, at most as many as a layer's record has room for.
    accumulates : bool
        Gradients are summed in a digital chi (mixed precision) instead of being pulsed.
    granularity : float
        Of chi; 0 for the device's dw_min.
    optimised : bool
        Digital matrices, or chi, learn by the optimiser of digital parameters.
    decays_learning_rate, decays_transfer_lr : bool
        Which of the two the schedule multiplies.
    """

    learning_rate: float
    update: Update
    transfer_update: Update | None = None
    auto_scale: bool = False
    auto_momentum: float = 0.0
    transfer_every: float = 0
    transfer_every_per_layer: tuple[float, ...] = ()
    units_in_mbatch: bool = False
    n_reads_per_transfer: int = 1
    transfer_axis: str = "column"
    transfer_lr: float = 0.0
    gamma: float = 0.0
    hadamard: bool = False
    threshold: float = 0.0
    reset: float = 0.0
    kept: float = 0.0
    crossing_bl: int = 1
    buffer_cap: float = 0.0
    auto_granularity: float = 0.0
    chopped: bool = False
    in_chop_prob: float = 0.0
    in_chop_period: int = 0
    out_chop_prob: float = 0.0
    tail: float = 0.0
    accumulates: bool = False
    granularity: float = 0.0
    optimised: bool = False
    decays_learning_rate: bool = True
    decays_transfer_lr: bool = False
    state: tuple[State, ...] = ()
    own: tuple[float, ...] = ()

    def spacing(self, layer: int) -> float:
        """Return what is said of how far the transfers of a layer are apart, in units of its own."""
        given = self.transfer_every_per_layer
        return given[layer] if given else self.transfer_every

    def cadence(self, layer: Layer, batch: int) -> tuple[int, int]:
        """Return a number of updates of a layer (0: never), and how many transfers are spread over them."""
        spacing = Fraction(repr(self.spacing(layer.index)))
        if self.units_in_mbatch:
            return ceil(spacing * batch * layer.uses), 1
        return spacing.numerator, spacing.denominator

    def gathers(self, batch: int) -> bool:
        """Return whether a step of `batch` samples writes chi once, at its end."""
        return self.accumulates and (batch > 1 or self.optimised)

    @property
    def filtered(self) -> bool:
        """Whether transfers pass a digital H (TTv2) instead of pulsing C directly (SHD)."""
        return self.transfer_every > 0 and self.transfer_update is None

    @property
    def h_words(self) -> int:
        """Words that are kept for each weight in digital matrices: H, AGAD's P and P_ref, or chi."""
        return sum(one.stored for one in self.state)
