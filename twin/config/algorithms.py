"""Hyper-parameters of every algorithm."""

from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from twin.config.numbers import Fraction, LearningRate
from twin.config.part import Part

Every = Annotated[int, Field(ge=1, le=10_000_000)]


def _never_or_seldom(value: float) -> float:
    if 0 < value < SELDOM:
        raise ValueError(f"must be 0 (never) or at least {SELDOM:g}")
    return value


SELDOM = 1e-9
Seldom = Annotated[float, Field(ge=0, le=1), AfterValidator(_never_or_seldom)]
"""A probability whose inverse is a count."""


class Update(Part):
    """The pulsed update, in aihwkit's names; pulse_type "none" writes the exact outer product.

    `kernel` "exact" simulates every coincidence by itself; "auto" gives a device all its coincidences of an update
    at once, with their mean and variance, where they are many (docs/performance.md states the error).
    """

    pulse_type: Literal["stochastic", "none"] = "stochastic"
    desired_bl: Annotated[int, Field(ge=1, le=10_000)] = 31
    update_management: bool = True
    update_bl_management: bool = True
    kernel: Literal["auto", "exact"] = "auto"


class DigitalSGD(Part):
    """FP32 baseline."""

    learning_rate: LearningRate = 0.01


class AnalogSGD(Part):
    """Plain SGD on one pulsed matrix W."""

    learning_rate: LearningRate = 0.01
    update: Update = Update()


class Transfer(Part):
    """What SHD and TTv2 share: fast matrix A, slow matrix C, one line read every `transfer_every` updates.

    A convolution updates once a position, so `transfer_every_per_layer` may give each layer a number of its own.
    With `auto_scale` the rate of A is fast_lr x desired_bl x dw_min / (mu_x mu_d), where mu are running means
    (momentum `auto_momentum`) of the largest input and error of the layer (Rasch 2024, Eq. 15).
    """

    fast_lr: LearningRate = 1.0
    auto_scale: bool = True
    auto_momentum: Annotated[float, Field(ge=0, lt=1)] = 0.99
    transfer_every: Every = 1
    transfer_every_per_layer: Annotated[tuple[Every, ...], Field(strict=False)] = ()
    transfer_axis: Literal["row", "column"] = "row"
    transfer_lr: LearningRate
    update: Update = Update(desired_bl=1)


class SHD(Transfer):
    """Stochastic Hamiltonian descent, that is Tiki-Taka v1 (Onen 2021)."""

    transfer_lr: LearningRate = 0.02
    gamma: Fraction = 0.0
    threshold: Annotated[float, Field(ge=0, le=1e3)] = 0.06
    transfer_vectors: Literal["one-hot", "hadamard"] = "one-hot"
    transfer_update: Update = Update(desired_bl=1)


class TTv2(Transfer):
    """Tiki-Taka v2 (Gokmen 2021) with plain or hysteretic reset of H."""

    transfer_lr: LearningRate = 3.0
    reset: Literal["plain", "hysteretic"] = "plain"


class Chopped(TTv2):
    """What c-TTv2 and AGAD add to TTv2: a sign for each line along the transfer axis, flipped between reads.

    A line's sign flips after a read of it with probability `in_chop_prob`, or, unless `in_chop_random`, after
    every round(1 / in_chop_prob) reads. H crosses beyond `threshold`; with `auto_granularity` above 0 beyond
    threshold x auto_granularity x dw_min / (lines x transfer_every), with which the reads that a crossing
    takes no longer depend on the size of the layer.
    """

    in_chop_prob: Seldom = 0.1
    in_chop_random: bool = True
    threshold: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    auto_granularity: Annotated[float, Field(ge=0, le=1e9)] = 0.0


class CTTv2(Chopped):
    """Chopped Tiki-Taka v2 (Rasch 2024); the signs across the axis flip with `out_chop_prob` after every cycle."""

    out_chop_prob: Seldom = 0.0


class AGAD(Chopped):
    """Analog gradient accumulation with a dynamic reference (Rasch 2024).

    The reference is a running mean of the readings in which one has the weight
    min(1, tail_weightening x in_chop_prob).
    """

    in_chop_prob: Annotated[float, Field(ge=SELDOM, le=1)] = 0.1
    in_chop_random: bool = False
    tail_weightening: Annotated[float, Field(gt=0, le=1e6)] = 5.0


class MixedPrecision(Part):
    """Gradients summed digitally in chi; whole multiples of `granularity` become pulses on W.

    Every `transfer_every` updates all lines of chi take their turns; a device gets at most `desired_bl` pulses
    each time, and what is left stays in chi. A granularity of 0 stands for the device's dw_min.
    """

    learning_rate: LearningRate = 0.01
    transfer_every: Every = 10
    transfer_every_per_layer: Annotated[tuple[Every, ...], Field(strict=False)] = ()
    transfer_axis: Literal["row", "column"] = "row"
    granularity: Annotated[float, Field(ge=0, le=1e3)] = 0.0
    desired_bl: Annotated[int, Field(ge=1, le=10_000)] = 31


Table = DigitalSGD | AnalogSGD | SHD | TTv2 | MixedPrecision


class Algorithms(Part):
    """Hyper-parameters by algorithm; defaults are allowed, as none sets time, energy or area by itself."""

    digital: DigitalSGD = DigitalSGD()
    sgd: AnalogSGD = AnalogSGD()
    shd: SHD = SHD()
    ttv2: TTv2 = TTv2()
    cttv2: CTTv2 = CTTv2()
    agad: AGAD = AGAD()
    mixed_precision: MixedPrecision = Field(default=MixedPrecision(), alias="mixed-precision")
