"""Hyper-parameters of every algorithm."""

from typing import Annotated, Literal

from pydantic import Field

from twin.config.numbers import Fraction, LearningRate
from twin.config.part import Part


class Update(Part):
    """The pulsed update, in aihwkit's names; pulse_type "none" writes the exact outer product."""

    pulse_type: Literal["stochastic", "none"] = "stochastic"
    desired_bl: Annotated[int, Field(ge=1, le=10_000)] = 31
    update_management: bool = True
    update_bl_management: bool = True


class DigitalSGD(Part):
    """FP32 baseline."""

    learning_rate: LearningRate = 0.01


class AnalogSGD(Part):
    """Plain SGD on one pulsed matrix W."""

    learning_rate: LearningRate = 0.01
    update: Update = Update()


class Transfer(Part):
    """What SHD and TTv2 share: fast matrix A, slow matrix C, one line read every `transfer_every` updates.

    With `auto_scale` the rate of A is fast_lr x desired_bl x dw_min / (mu_x mu_d), where mu are running means
    (momentum `auto_momentum`) of the largest input and error of the layer (Rasch 2024, Eq. 15).
    """

    fast_lr: LearningRate = 1.0
    auto_scale: bool = True
    auto_momentum: Annotated[float, Field(ge=0, lt=1)] = 0.99
    transfer_every: Annotated[int, Field(ge=1, le=10_000_000)] = 1
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


class Algorithms(Part):
    """Hyper-parameters by algorithm; defaults are allowed, as none sets time, energy or area by itself."""

    digital: DigitalSGD = DigitalSGD()
    sgd: AnalogSGD = AnalogSGD()
    shd: SHD = SHD()
    ttv2: TTv2 = TTv2()
