"""Hyper-parameters of every algorithm."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from twin.config.numbers import Fraction, LearningRate
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


class DigitalSGD(Part):
    """FP32 baseline."""

    learning_rate: LearningRate = 0.01
    """Factor between the gradient of one sample and the change of the weights."""


class AnalogSGD(Part):
    """Plain SGD on one pulsed matrix W."""

    learning_rate: LearningRate = 0.01
    """Factor between the gradient of one sample and the mean change of W."""
    update: Update = Update()
    """How W is pulsed."""


class Transfer(Part):
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


class SHD(Transfer):
    """Stochastic Hamiltonian descent, that is Tiki-Taka v1 (Onen 2021)."""

    transfer_lr: LearningRate = 0.02
    """Factor between a line that is read of A and the mean change of C."""
    gamma: Fraction = 0.0
    """Share of A in the weights of forward and backward passes: W = gamma A + C."""
    threshold: Annotated[float, Field(ge=0, le=1e3)] = 0.06
    """Readings of A that are smaller than this are not passed on to C."""
    transfer_vectors: Literal["one-hot", "hadamard"] = "one-hot"
    """What A is read with: "one-hot", one line after another, or "hadamard", sums and differences of all lines."""
    transfer_update: Update = Update(desired_bl=1)
    """How C is pulsed."""


class TTv2(Transfer):
    """Tiki-Taka v2 (Gokmen 2021) with plain or hysteretic reset of H."""

    transfer_lr: LearningRate = 3.0
    """Factor between a line that is read of A and what is added to H."""
    reset: Literal["plain", "hysteretic"] = "plain"
    """Where an element of H goes when it crosses: to 0 ("plain") or to 0.6 of the threshold ("hysteretic")."""


class Chopped(TTv2):
    """What c-TTv2 and AGAD add to TTv2: a sign for each line along the transfer axis, flipped between reads."""

    in_chop_prob: Seldom = 0.1
    """Probability that a line's sign flips after a read of it; 0: never."""
    in_chop_random: bool = True
    """Flip at random; otherwise after every round(1 / in_chop_prob) reads of the line."""
    threshold: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    """Size beyond which an element of H crosses to C; in units that `auto_granularity` says."""
    auto_granularity: Annotated[float, Field(ge=0, le=1e9)] = 0.0
    """Above 0, the threshold counts in auto_granularity x dw_min / (lines x transfer_every), with which the reads that
    a crossing takes no longer depend on the size of the layer.
    """


class CTTv2(Chopped):
    """Chopped Tiki-Taka v2 (Rasch 2024)."""

    out_chop_prob: Seldom = 0.0
    """Probability that a sign across the transfer axis flips after every cycle over the lines; 0: never."""


class AGAD(Chopped):
    """Analog gradient accumulation with a dynamic reference (Rasch 2024)."""

    in_chop_prob: Annotated[float, Field(ge=SELDOM, le=1)] = 0.1
    """Probability that a line's sign flips after a read of it; it also sets how fast the reference follows."""
    in_chop_random: bool = False
    """Flip at random; otherwise, as in the paper, after every round(1 / in_chop_prob) reads of the line."""
    tail_weightening: Annotated[float, Field(gt=0, le=1e6)] = 5.0
    """A reading weighs min(1, tail_weightening x in_chop_prob) in the running mean that is the reference."""


class MixedPrecision(Part):
    """Gradients summed digitally in chi; whole multiples of `granularity` become pulses on W."""

    learning_rate: LearningRate = 0.01
    """Factor between the gradient of one sample and what is added to chi."""
    transfer_every: Every = 10
    """Updates after which all lines of chi take their turns to pulse W."""
    transfer_every_per_layer: PerLayer = ()
    transfer_axis: Literal["row", "column"] = "row"
    """Whose lines take turns: "row", an output line with all its inputs, or "column", an input line."""
    granularity: Annotated[float, Field(ge=0, le=1e3)] = 0.0
    """Part of chi that one pulse takes away, in raw weight units; 0: the device's dw_min."""
    desired_bl: Annotated[int, Field(ge=1, le=10_000)] = 31
    """Most pulses that a device gets in one transfer; what is left stays in chi."""


Table = DigitalSGD | AnalogSGD | SHD | TTv2 | MixedPrecision


class Algorithms(Part):
    """Hyper-parameters by algorithm; defaults are allowed, as none sets time, energy or area by itself."""

    digital: DigitalSGD = DigitalSGD()
    """FP32 stochastic gradient descent, the baseline of accuracy."""
    sgd: AnalogSGD = AnalogSGD()
    """Stochastic gradient descent by pulses on one analog matrix W."""
    shd: SHD = SHD()
    """Stochastic Hamiltonian descent, Tiki-Taka v1."""
    ttv2: TTv2 = TTv2()
    """Tiki-Taka v2: lines of A pass a digital filter H before they reach C."""
    cttv2: CTTv2 = CTTv2()
    """TTv2 whose signs flip between reads, which averages out what the reference misses."""
    agad: AGAD = AGAD()
    """TTv2 whose signs flip between reads and whose reference follows what was read."""
    mixed_precision: MixedPrecision = Field(default=MixedPrecision(), alias="mixed-precision")
    """Gradients summed in a digital matrix and pulsed on W in whole steps."""
