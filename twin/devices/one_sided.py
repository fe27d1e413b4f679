"""One-sided pair: two devices that pulses can only raise, read as a difference and refreshed when they run up."""

from typing import Annotated

import numpy as np
from pydantic import Field

from twin.devices.exponential_step import Exponent, Shape, exponential
from twin.devices.family import DeviceFamily, Draws, Factor, Positive, Spread, spread
from twin.devices.response import POINTS, Pair, Refresh

Share = Annotated[float, Field(ge=0.0, le=1.0)]


class OneSidedPair(DeviceFamily):
    """``w = g_plus - g_minus``: up pulses raise g_plus, down pulses g_minus, both by an exponential step.

    aihwkit's ``OneSidedUnitCell`` of two ``ExpStepDevice``: with ``z = 2 a g / g_max + b``, a pulse adds
    ``step max(1 - A_up exp(gamma_up z), 0)`` and cycle noise of
    ``dw_min_std (|change| + dw_min_std_add + dw_min_std_slope g)``. Every `refresh_every` updates all pairs are
    read; where the larger half lies above `refresh_upper_thres` of `w_max` and the smaller above
    `refresh_lower_thres`, both are reset and their difference is programmed into one of them, each pulse followed
    by a read, by at most `refresh_bl` pulses. The minus half is the pair's reference: it needs no calibration.
    """

    w_max: Positive
    """Mean largest conductance of a half, in weight units."""
    w_max_dtod: Spread = 0.1
    """Device-to-device spread of the largest conductance, relative."""
    dw_min_dtod: Spread = 0.3
    """Device-to-device spread of the step, relative, drawn for each half by itself."""
    up_down_dtod: Spread = 0.01
    """Further spread of the step, relative: it adds to `dw_min_dtod` in squares."""
    dw_min_std: Factor = 0.3
    """Cycle noise, relative to the change."""
    dw_min_std_add: Factor = 0.0
    """Further cycle noise in units of `dw_min_std`: constant, in weight units."""
    dw_min_std_slope: Factor = 0.0
    """Further cycle noise in units of `dw_min_std`: per unit of conductance."""
    A_up: Shape = 0.0
    """Share of the step that the exponential takes away at z = 0; negative adds to it."""
    gamma_up: Exponent = 0.0
    """Exponent of the step: how fast it changes with z."""
    a: Annotated[float, Field(ge=-10.0, le=10.0)] = 0.0
    """Slope of z over the conductance."""
    b: Annotated[float, Field(ge=-10.0, le=10.0)] = 0.0
    """Offset of z, its value at conductance 0."""
    reset: Annotated[float, Field(ge=0.0, le=1e6)] = 0.0
    """Mean conductance of a half after a reset, in weight units; negative draws are set to 0."""
    reset_dtod: Spread = 0.0
    """Device-to-device spread of the conductance after a reset, in weight units. Assumption: drawn anew at every reset,
    where aihwkit draws it once per device.
    """
    reset_std: Spread = 0.0
    """Cycle-to-cycle spread of the conductance after a reset, in weight units."""
    refresh_every: Annotated[int, Field(ge=0, le=2**31)] = 1
    """Updates between two reads of all pairs; 0: never."""
    refresh_upper_thres: Share = 0.75
    """Share of `w_max` above which the larger half must lie for a pair to be refreshed."""
    refresh_lower_thres: Share = 0.25
    """Share of `w_max` above which the smaller half must lie as well."""
    refresh_bl: Annotated[int, Field(ge=1, le=1000)] = 31
    """Pulses that program the difference into one half at most, each followed by a read."""

    @property
    def states(self) -> float:
        """Nominal number of states of one half, ``w_max / dw_min``."""
        return self.w_max / self.dw_min

    def populate(self, shape: tuple[int, int], rng: np.random.Generator) -> Pair:
        """Draw the devices of one array (see `DeviceFamily.populate`)."""
        draws = Draws.of(shape, rng)
        sigma = float(np.hypot(self.dw_min_dtod, self.up_down_dtod))
        plus, minus = spread(self.w_max, self.w_max_dtod, draws.w_max), spread(self.w_max, self.w_max_dtod, draws.w_min)
        positions = np.float32(POINTS - 1)
        z = np.float32(2 * self.a) * np.linspace(0.0, 1.0, POINTS, dtype=np.float32) + np.float32(self.b)
        table = exponential(z, self.A_up, self.gamma_up)
        scale_plus, scale_minus = spread(self.dw_min, sigma, draws.gain), spread(self.dw_min, sigma, draws.imbalance)
        return Pair(
            scale_plus=scale_plus,
            scale_minus=scale_minus,
            slope_plus=positions / plus,
            slope_minus=positions / minus,
            tables=np.stack([table, table]),
            noise_slope=self.dw_min_std * self.dw_min_std_slope,
            noise_add=self.dw_min_std * self.dw_min_std_add,
            refresh=Refresh(
                self.refresh_every,
                self.refresh_upper_thres * self.w_max,
                self.refresh_lower_thres * self.w_max,
                self.refresh_bl,
                self.reset,
                float(np.hypot(self.reset_dtod, self.reset_std)),
            ),
            w_min=-minus,
            w_max=plus,
            dw_min=np.full(shape, self.dw_min, np.float32),
            dw_min_mean=self.granularity,
            dw_min_std=self.dw_min_std,
            mult_noise=True,
        )

    @property
    def granularity(self) -> float:
        """Mean step over the range of one half."""
        x = np.linspace(0.0, 1.0, POINTS, dtype=np.float32)
        mean = float(exponential(np.float32(2 * self.a) * x + np.float32(self.b), self.A_up, self.gamma_up).mean())
        return self.dw_min * (mean or 1.0)
