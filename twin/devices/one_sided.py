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

    Attributes
    ----------
    w_max, w_max_dtod : float
        Mean largest conductance of a half in weight units, and its relative spread.
    dw_min_dtod, up_down_dtod : float
        Relative spreads of the step: common to no two halves; they add in squares.
    dw_min_std : float
        Cycle noise, relative to the change.
    dw_min_std_add, dw_min_std_slope : float
        Further cycle noise in units of `dw_min_std`: constant (weight units), and per unit of conductance.
    A_up, gamma_up, a, b : float
        As in `twin.devices.exponential_step.ExponentialStep`.
    reset, reset_dtod, reset_std : float
        Conductance after a reset and its spreads (weight units), negative draws set to 0. Assumption: both spreads
        are drawn anew at every reset, where aihwkit draws the first once per device.
    refresh_every : int
        Updates between two reads of all pairs; 0: never.
    """

    w_max: Positive
    w_max_dtod: Spread = 0.1
    dw_min_dtod: Spread = 0.3
    up_down_dtod: Spread = 0.01
    dw_min_std: Factor = 0.3
    dw_min_std_add: Factor = 0.0
    dw_min_std_slope: Factor = 0.0
    A_up: Shape = 0.0
    gamma_up: Exponent = 0.0
    a: Annotated[float, Field(ge=-10.0, le=10.0)] = 0.0
    b: Annotated[float, Field(ge=-10.0, le=10.0)] = 0.0
    reset: Annotated[float, Field(ge=0.0, le=1e6)] = 0.0
    reset_dtod: Spread = 0.0
    reset_std: Spread = 0.0
    refresh_every: Annotated[int, Field(ge=0, le=2**31)] = 1
    refresh_upper_thres: Share = 0.75
    refresh_lower_thres: Share = 0.25
    refresh_bl: Annotated[int, Field(ge=1, le=1000)] = 31

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
