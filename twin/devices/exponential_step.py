"""Exponential step: the step grows or shrinks exponentially along the range."""

from typing import Annotated

import numpy as np
from pydantic import Field

from twin.devices.family import Array, BoundedFamily, Draws, Steps
from twin.devices.response import POINTS, Tabulated

Exponent = Annotated[float, Field(ge=-50.0, le=50.0)]
Shape = Annotated[float, Field(ge=-1e4, le=1e4)]

SPAN = 2.0  # 2 w / (w_max - w_min) lies within +-2, since the bounds have opposite signs


def exponential(z: Array, scale: float, gamma: float) -> Array:
    """Relative step ``max(1 - scale exp(gamma z), 0)`` (aihwkit, ``rpu_expstep_device.cpp``)."""
    step: Array = np.maximum(np.float32(1.0) - np.float32(scale) * np.exp(np.float32(gamma) * z), np.float32(0.0))
    return step


class ExponentialStep(BoundedFamily):
    """``w += up max(1 - A_up exp(gamma_up z), 0)``, ``w -= down max(1 - A_down exp(-gamma_down z), 0)``.

    aihwkit's ``ExpStepDevice``, with ``z = 2 a w / (w_max - w_min) + b`` and each device's own bounds. `up` and
    `down` are the steps far from the exponential part, not those at zero weight. aihwkit's extra terms of cycle
    noise (``dw_min_std_add``, ``dw_min_std_slope``) exist for the one-sided pair alone.
    """

    A_up: Shape
    """Share of the up step that the exponential takes away at z = 0; negative adds to it."""
    A_down: Shape
    """Share of the down step that the exponential takes away at z = 0; negative adds to it."""
    gamma_up: Exponent
    """Exponent of the up step: how fast it changes with z."""
    gamma_down: Exponent
    """Exponent of the down step: how fast it changes with z."""
    a: Annotated[float, Field(ge=-10.0, le=10.0)]
    """Slope of z over the weight."""
    b: Annotated[float, Field(ge=-10.0, le=10.0)]
    """Offset of z, its value at weight 0."""

    def coefficients(self, draws: Draws, steps: Steps) -> Tabulated:
        """Position in the table: 2 w / (own range) from -2 to 2."""
        w_min, w_max = self.bounds(draws)
        span = np.float32(SPAN)
        x = np.linspace(-span, span, POINTS, dtype=np.float32)
        z = np.float32(self.a) * x + np.float32(self.b)
        per_unit = np.float32((POINTS - 1) / (2 * SPAN))
        tables = np.stack([exponential(z, self.A_up, self.gamma_up), exponential(-z, self.A_down, self.gamma_down)])
        return Tabulated(
            scale_up=steps.up,
            scale_down=steps.down,
            slope=np.float32(2.0) * per_unit / (w_max - w_min),
            offset=np.full_like(w_min, (POINTS - 1) / 2),
            tables=tables,
            **self.common(steps, (w_min, w_max), self.granularity),
        )

    @property
    def granularity(self) -> float:
        """Mean of the nominal up and down step at zero weight, or `dw_min` where both vanish."""
        z = np.full(1, self.b, np.float32)
        up = (1.0 + min(self.up_down, 0.0)) * float(exponential(z, self.A_up, self.gamma_up)[0])
        down = (1.0 - max(self.up_down, 0.0)) * float(exponential(-z, self.A_down, self.gamma_down)[0])
        return self.dw_min * (up + down) / 2 or self.dw_min
