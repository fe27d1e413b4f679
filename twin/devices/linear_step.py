"""Linear step: a slope set by gamma, between hard bounds."""

import numpy as np

from twin.devices.family import Affine, Array, BoundedFamily, Draws, Factor, Spread, Steps


class LinearStep(BoundedFamily):
    """``w += up (1 - gamma_up w / ref_up)`` and ``w -= down (1 - gamma_down w / ref_down)``.

    aihwkit's ``LinearStepDevice`` (``rpu_linearstep_device.cpp``): gamma is the share of the step
    that is lost at the bound; gamma = 1 with own bounds is `SoftBounds`, gamma = 0 `ConstantStep`.
    Additive cycle noise is in units of `dw_min` here, of the step of its direction there; the two
    differ by the imbalance.
    """

    gamma_up: Factor
    """Loss of the up step at the upper bound, relative to the step at zero."""
    gamma_down: Factor
    """Loss of the down step at the lower bound, relative to the step at zero."""
    gamma_up_dtod: Spread = 0.05
    """Device-to-device spread of gamma_up, absolute: ``|gamma + gamma_dtod xi|``."""
    gamma_down_dtod: Spread = 0.05
    """Device-to-device spread of gamma_down, absolute: ``|gamma + gamma_dtod xi|``."""
    mean_bound_reference: bool = True
    """Refer the slopes to the mean bounds (``ref``); otherwise to each device's own."""

    def coefficients(self, draws: Draws, steps: Steps) -> Affine:
        """Slope = gamma step / bound."""
        w_min, w_max = self.bounds(draws)
        gamma_up = np.abs(np.float32(self.gamma_up) + np.float32(self.gamma_up_dtod) * draws.slope_up)
        gamma_down = np.abs(np.float32(self.gamma_down) + np.float32(self.gamma_down_dtod) * draws.slope_down)
        upper: Array | np.float32 = np.float32(self.w_max) if self.mean_bound_reference else w_max
        lower: Array | np.float32 = np.float32(self.w_min) if self.mean_bound_reference else w_min
        slopes = (gamma_up * steps.up / upper, -gamma_down * steps.down / lower)
        return self.affine(steps, slopes, (w_min, w_max))
