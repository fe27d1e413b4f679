"""The affine device family: what every crosspoint device is to the rest of the program.

Each pulse is affine in the raw weight ``w`` of its device and clipped to the device's bounds::

    up:    w += up_a - up_b w          down:  w -= down_a + down_b w

A family is a frozen set of parameters (names as in aihwkit where it has one) that draws the
coefficients of an array of devices; kernels know the coefficients alone.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Annotated, NamedTuple, final

import numpy as np
import numpy.typing as npt
from pydantic import Field

from twin.config.part import Part

Array = npt.NDArray[np.float32]

# Limits are those of sense and of float32: beyond them coefficients would overflow or vanish.
Positive = Annotated[float, Field(ge=1e-9, le=1e6)]
Negative = Annotated[float, Field(ge=-1e6, le=-1e-9)]
Factor = Annotated[float, Field(ge=0.0, le=1e3)]
Spread = Annotated[float, Field(ge=0.0, le=10.0)]

CLIP = 0.01
"""Smallest share of its nominal value that a drawn step, slope or bound may have.

At 3.3 sigma a Gaussian draw with a spread of 0.3 turns negative, and a device with a negative
step runs away exponentially; such draws are clipped to this share instead.
"""


@dataclass(frozen=True, slots=True, eq=False)
class Affine:
    """Pulse response of an array of devices, all in units of the raw weight.

    Attributes
    ----------
    up_a, up_b, down_a, down_b : float32 array, shape (rows, columns)
        Up pulse ``w += up_a - up_b w``, down pulse ``w -= down_a + down_b w``.
    w_min, w_max : float32 array, shape (rows, columns)
        Bounds to which every pulse clips.
    dw_min : float32 array, shape (rows, columns)
        Size of one step of each device, the unit of additive cycle noise.
    dw_min_mean : float
        Granularity for the rule ``n_pulse = ceil(rate max|delta| max|x| / dw_min_mean)``.
    dw_min_std : float
        Cycle noise per coincidence, with xi ~ N(0, 1):
        ``step (1 + dw_min_std xi)`` if `mult_noise`, else ``step + dw_min dw_min_std xi``.
    mult_noise : bool
    exact : bool
        True where updates are the exact outer product and `dw_min_mean` only counts pulses.
    """

    up_a: Array
    up_b: Array
    down_a: Array
    down_b: Array
    w_min: Array
    w_max: Array
    dw_min: Array
    dw_min_mean: float
    dw_min_std: float
    mult_noise: bool
    exact: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.up_a.shape
        return rows, columns


class DeviceFamily(Part, ABC):
    """A kind of crosspoint device: parameters, and the draw of an array from them.

    Attributes
    ----------
    dw_min : float
        Mean weight change of one coincidence, raw weight units.
    """

    dw_min: Positive

    @property
    @abstractmethod
    def states(self) -> float:
        """Nominal number of states: nominal range / `dw_min`."""

    @abstractmethod
    def populate(self, shape: tuple[int, int], rng: np.random.Generator) -> Affine:
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
        Affine
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
    """Fields and draws common to every device that is really pulsed.

    Attributes
    ----------
    dw_min_dtod : float
        Device-to-device spread of the step, relative; Gaussian and clipped (`CLIP`), or
    dw_min_dtod_log_normal : bool
        log-normal, ``dw_min exp(dw_min_dtod xi)``.
    dw_min_std : float
        Cycle-to-cycle spread of one step, relative.
    mult_noise : bool
        Whether cycle noise is in proportion to the step taken or to `dw_min` (additive).
    up_down : float
        Mean imbalance: positive makes the down step smaller by this share, negative the up step.
    up_down_dtod : float
        Device-to-device spread of the imbalance, in units of `dw_min`.
    """

    dw_min_dtod: Spread = 0.3
    dw_min_dtod_log_normal: bool = False
    dw_min_std: Factor = 0.3
    mult_noise: bool = True
    up_down: Annotated[float, Field(gt=-1.0, lt=1.0)] = 0.0
    up_down_dtod: Spread = 0.01

    @final
    def populate(self, shape: tuple[int, int], rng: np.random.Generator) -> Affine:
        """Draw the devices of one array (see `DeviceFamily.populate`)."""
        draws = Draws.of(shape, rng)
        return self.coefficients(draws, self.steps(draws))

    @abstractmethod
    def coefficients(self, draws: Draws, steps: Steps) -> Affine:
        """Coefficients of the affine pulses from the deviates and the steps at zero weight."""

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
            w_min=bounds[0],
            w_max=bounds[1],
            dw_min=steps.mean,
            dw_min_mean=self.dw_min,
            dw_min_std=self.dw_min_std,
            mult_noise=self.mult_noise,
        )


class BoundedFamily(PulsedFamily):
    """A pulsed device with bounds that are drawn, not implied by its slopes.

    Attributes
    ----------
    w_max, w_min : float
        Mean bounds, raw weight units; zero lies between them.
    w_max_dtod, w_min_dtod : float
        Device-to-device spreads, relative; draws are clipped (`CLIP`), so a bound keeps its sign.
    """

    w_max: Positive
    w_min: Negative
    w_max_dtod: Spread = 0.3
    w_min_dtod: Spread = 0.3

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
