"""Device families: what every crosspoint device is to the rest of the program.

Most are affine, each pulse in the raw weight ``w`` of its device and clipped to the device's bounds::

    up:    w += up_a - up_b w          down:  w -= down_a + down_b w

the others have one of the responses of `twin.devices.response`. A family is a frozen set of parameters (names as
in aihwkit where it has one) that draws the response of an array of devices; kernels know its coefficients alone.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, Any, NamedTuple, final

import numpy as np
from pydantic import Field, ValidatorFunctionWrapHandler, WrapValidator

from twin.config.electricity import Electricity
from twin.config.quantity import Dimension
from twin.devices.response import Array, Columns, PulseResponse

__all__ = [
    "CLIP",
    "Affine",
    "Array",
    "BoundedFamily",
    "DeviceFamily",
    "Draws",
    "Factor",
    "Negative",
    "Positive",
    "PulseResponse",
    "PulsedFamily",
    "Spread",
    "Steps",
    "spread",
]

# Limits are those of sense and of float32: beyond them coefficients would overflow or vanish.
Positive = Annotated[float, Field(ge=1e-9, le=1e6)]
Negative = Annotated[float, Field(ge=-1e6, le=-1e-9)]
Factor = Annotated[float, Field(ge=0.0, le=1e3)]
Spread = Annotated[float, Field(ge=0.0, le=10.0)]


def _or_for_ever(value: object, parse: ValidatorFunctionWrapHandler) -> float:
    return float("inf") if isinstance(value, float | str) and value in {float("inf"), "inf"} else float(parse(value))


Lifetime = Annotated[
    float, Dimension("a time", "s", "1 ms", 1e-12, 1e12, zero=False), WrapValidator(_or_for_ever)
]  # inf: for ever

Pulses = Annotated[float, Field(ge=1, le=1e30), WrapValidator(_or_for_ever)]  # inf: without end

CLIP = 0.01
"""Smallest share of its nominal value that a drawn step, slope or bound may have.

At 3.3 sigma a Gaussian draw with a spread of 0.3 turns negative, and a device with a negative
step runs away exponentially; such draws are clipped to this share instead.
"""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Affine(PulseResponse):
    """Steps that are affine in the weight.

    Attributes
    ----------
    up_a, up_b, down_a, down_b : float32 array, shape (rows, columns)
        Up pulse ``w += up_a - up_b w``, down pulse ``w -= down_a + down_b w``.
    """

    STEP = "affine"
    COLUMNS = ("up_a", "up_b", "down_a", "down_b")
    SIZES = COLUMNS

    up_a: Array
    up_b: Array
    down_a: Array
    down_b: Array

    def up(self, w: Array) -> Array:
        """Mean step of an up pulse (see `PulseResponse.up`)."""
        return self.up_a - self.up_b * w

    def down(self, w: Array) -> Array:
        """Mean step of a down pulse (see `PulseResponse.down`)."""
        return self.down_a + self.down_b * w

    @staticmethod
    def moved(columns: Columns, reference: Array) -> Columns:
        """With ``main = w + r``: ``up_a' = up_a - up_b r``, ``down_a' = down_a + down_b r``."""
        up_a, up_b, down_a, down_b = columns
        return up_a - up_b * reference, up_b, down_a + down_b * reference, down_b


class DeviceFamily(Electricity, ABC):
    """A kind of crosspoint device: parameters, and the draw of an array from them."""

    dw_min: Positive
    """Mean weight change of one coincidence, raw weight units."""
    endurance: Pulses = float("inf")
    """Pulses that a device withstands; "inf": not known, or without end. Runs that count pulses (`--endurance`) say
    when the first devices wear out; what a worn device does is not simulated.
    """
    lifetime: Lifetime = float("inf")
    """Retention: time constant with which a device relaxes towards `reset`, in simulated seconds (aihwkit: in
    mini-batches); "inf" for ever.
    """
    lifetime_dtod: Spread = 0.0
    """Device-to-device spread of the lifetime, relative; Gaussian, clipped at 1 % of the mean."""
    reset: Annotated[float, Field(ge=-1e6, le=1e6)] = 0.0
    """Raw weight at which a device rests, within its bounds."""
    reset_dtod: Spread = 0.0
    """Device-to-device spread of the weight at rest, raw weight units."""
    reference_drift: bool = False
    """Let the devices of reference arrays relax as well."""
    nu: Annotated[float, Field(ge=0.0, le=1.0)] = 0.0
    """Mean exponent of the power law by which conductances drift while a chip rests before inference,
    ``(1 + t / t_0)^-nu``; training knows no drift.
    """
    nu_dtod: Spread = 0.0
    """Device-to-device spread of the exponent, relative; Gaussian, clipped at 1 % of the mean."""
    t_0: Annotated[float, Dimension("a time", "s", "20 s", 1e-12, 1e12, zero=False)] = 20.0
    """Time between programming and the first read, from which drift counts (aihwkit's PCM model: 20 s)."""

    @final
    def relaxation(self, shape: tuple[int, int], rng: np.random.Generator) -> tuple[Array, Array]:
        """Draw lifetimes (s) and rest weights (raw) of an array, float32, shape (rows, columns) each."""
        lifetime, rest = (rng.standard_normal(shape, dtype=np.float32) for _ in range(2))
        return (
            spread(self.lifetime, self.lifetime_dtod, lifetime),
            np.float32(self.reset) + np.float32(self.reset_dtod) * rest,
        )

    @property
    @abstractmethod
    def states(self) -> float:
        """Nominal number of states: nominal range / `dw_min`."""

    @abstractmethod
    def populate(self, shape: tuple[int, int], rng: np.random.Generator) -> PulseResponse:
        """Draw the devices of one array.

        Parameters
        ----------
        shape : (int, int)
            Rows (output lines) and columns (input lines).
        rng : numpy.random.Generator
            Used only for this draw; every family takes the same normal deviates from it in the
            same order, whatever its spreads are (see `Draws`).

        Returns
        -------
        PulseResponse
        """


class Draws(NamedTuple):
    """Standard normal deviates of an array of devices, float32, shape (rows, columns) each.

    All six are drawn by every family, in this order, and multiplied by the spreads afterwards:
    turning one spread off, or taking another family, leaves all others as they were.
    """

    gain: Array
    imbalance: Array
    w_max: Array
    w_min: Array
    slope_up: Array
    slope_down: Array

    @classmethod
    def of(cls, shape: tuple[int, int], rng: np.random.Generator) -> "Draws":
        """Draw the six deviates of every device."""
        return cls(*(rng.standard_normal(shape, dtype=np.float32) for _ in cls._fields))


class Steps(NamedTuple):
    """Step sizes of an array of devices at zero raw weight, float32, shape (rows, columns) each."""

    mean: Array
    up: Array
    down: Array


def spread(nominal: float, sigma: float, xi: Array) -> Array:
    """Gaussian draw ``nominal (1 + sigma xi)``, clipped to `CLIP` of the nominal value.

    Parameters
    ----------
    nominal : float
        Of either sign, or zero.
    sigma : float
        Relative standard deviation.
    xi : float32 array
        Standard normal deviates.

    Returns
    -------
    float32 array
        Of the sign of `nominal`.
    """
    share: Array = np.maximum(np.float32(1.0) + np.float32(sigma) * xi, np.float32(CLIP))
    return np.float32(nominal) * share


class PulsedFamily(DeviceFamily):
    """Fields and draws common to every device that is really pulsed."""

    dw_min_dtod: Spread = 0.3
    """Device-to-device spread of the step, relative; Gaussian, clipped at 1 % of the mean."""
    dw_min_dtod_log_normal: bool = False
    """Draw the steps log-normal instead: ``dw_min exp(dw_min_dtod xi)``."""
    dw_min_std: Factor = 0.3
    """Cycle-to-cycle spread of one step, relative."""
    mult_noise: bool = True
    """Make cycle noise proportional to the step taken; otherwise to `dw_min` (additive)."""
    up_down: Annotated[float, Field(gt=-1.0, lt=1.0)] = 0.0
    """Mean imbalance: positive makes the down step smaller by this share, negative the up step."""
    up_down_dtod: Spread = 0.01
    """Device-to-device spread of the imbalance, in units of `dw_min`."""
    write_noise_std: Factor = 0.0
    """Spread, in units of `dw_min`, of the weight that is read about the one that the next pulse starts from; drawn
    anew at every pulse.
    """
    corrupt_devices_prob: Annotated[float, Field(ge=0.0, lt=1.0)] = 0.0
    """Share of the devices that no pulse moves, each stuck at a weight drawn uniformly within its bounds."""
    corrupt_devices_range: Positive = 1000.0
    """Largest distance of a stuck device from raw weight 0."""

    @final
    def populate(self, shape: tuple[int, int], rng: np.random.Generator) -> PulseResponse:
        """Draw the devices of one array (see `DeviceFamily.populate`).

        Corrupt devices are drawn last, so that turning them on leaves all others as they were.
        """
        draws = Draws.of(shape, rng)
        response = self.coefficients(draws, self.steps(draws))
        if self.corrupt_devices_prob == 0.0:
            return response
        where = rng.random(shape, dtype=np.float32) < self.corrupt_devices_prob
        low = np.maximum(response.w_min, np.float32(-self.corrupt_devices_range))
        high = np.minimum(response.w_max, np.float32(self.corrupt_devices_range))
        return response.stuck(where, low + (high - low) * rng.random(shape, dtype=np.float32))

    @abstractmethod
    def coefficients(self, draws: Draws, steps: Steps) -> PulseResponse:
        """Response of the devices from the deviates and the steps at zero weight."""

    def steps(self, draws: Draws) -> Steps:
        """Step sizes at zero raw weight.

        ``gain = 1 + dw_min_dtod xi`` (or log-normal), ``r = up_down_dtod xi'``,
        ``up = dw_min (gain + r + min(up_down, 0))``, ``down = dw_min (gain - r - max(up_down, 0))``
        as aihwkit has it (``rpu_pulsed_device.cpp``), clipped at `CLIP` dw_min where aihwkit
        takes the absolute value.
        """
        if self.dw_min_dtod_log_normal:
            gain = np.exp(np.float32(self.dw_min_dtod) * draws.gain)
        else:
            gain = spread(1.0, self.dw_min_dtod, draws.gain)
        imbalance = np.float32(self.up_down_dtod) * draws.imbalance
        weaker_up = np.float32(min(self.up_down, 0.0))
        weaker_down = np.float32(max(self.up_down, 0.0))
        size, floor = np.float32(self.dw_min), np.float32(CLIP)
        return Steps(
            mean=size * gain,
            up=size * np.maximum(gain + imbalance + weaker_up, floor),
            down=size * np.maximum(gain - imbalance - weaker_down, floor),
        )

    def affine(self, steps: Steps, slopes: tuple[Array, Array], bounds: tuple[Array, Array]) -> Affine:
        """Assemble coefficients from steps, (up_b, down_b) and (w_min, w_max)."""
        return Affine(
            up_a=steps.up,
            up_b=slopes[0],
            down_a=steps.down,
            down_b=slopes[1],
            **self.common(steps, bounds, self.dw_min),
        )

    def common(self, steps: Steps, bounds: tuple[Array, Array], granularity: float) -> dict[str, Any]:
        """Return what a `PulseResponse` of any kind holds: (w_min, w_max), mean step and noise."""
        return {
            "w_min": bounds[0],
            "w_max": bounds[1],
            "dw_min": steps.mean,
            "dw_min_mean": granularity,
            "dw_min_std": self.dw_min_std,
            "mult_noise": self.mult_noise,
            "write_noise": self.write_noise_std * self.dw_min,
        }


class BoundedFamily(PulsedFamily):
    """A pulsed device with bounds that are drawn, not implied by its slopes."""

    w_max: Positive
    """Mean upper bound, raw weight units, above zero."""
    w_min: Negative
    """Mean lower bound, raw weight units, below zero."""
    w_max_dtod: Spread = 0.3
    """Device-to-device spread of the upper bound, relative; clipped at 1 % of the mean."""
    w_min_dtod: Spread = 0.3
    """Device-to-device spread of the lower bound, relative; clipped at 1 % of the mean."""

    @property
    def states(self) -> float:
        """Nominal number of states, ``(w_max - w_min) / dw_min`` (aihwkit's definition)."""
        return (self.w_max - self.w_min) / self.dw_min

    def bounds(self, draws: Draws) -> tuple[Array, Array]:
        """Own bounds (w_min, w_max) of every device."""
        return (
            spread(self.w_min, self.w_min_dtod, draws.w_min),
            spread(self.w_max, self.w_max_dtod, draws.w_max),
        )
