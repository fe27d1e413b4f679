"""Linear step: a slope set by gamma, between hard bounds."""

import numpy as np

from twin.devices.family import Affine, Array, BoundedFamily, Draws, Factor, Spread, Steps


class LinearStep(BoundedFamily):
    """``w += up (1 - gamma_up w / ref_up)`` and ``w -= down (1 - gamma_down w / ref_down)``.

    aihwkit's ``LinearStepDevice`` (``rpu_linearstep_device.cpp``): gamma is the share of the step
    that is lost at the bound; gamma = 1 with own bounds is `SoftBounds`, gamma = 0 `ConstantStep`.
    Additive cycle noise is in units of `dw_min` here, of the step of its direction there; the two
    differ by the imbalance.

    Attributes
    ----------
    gamma_up, gamma_down : float
        Loss of step at the bound, relative to the step at zero.
    gamma_up_dtod, gamma_down_dtod : float
        Device-to-device spread of gamma, absolute: ``|gamma + gamma_dtod xi|``.
    mean_bound_reference : bool
        Whether ``ref`` is the mean bound or each device's own.
    """

    gamma_up: Factor
    gamma_down: Factor
    gamma_up_dtod: Spread = 0.05
    gamma_down_dtod: Spread = 0.05
    mean_bound_reference: bool = True

    def coefficients(self, draws: Draws, steps: Steps) -> Affine:
        """Slope = gamma step / bound."""
        w_min, w_max = self.bounds(draws)
        gamma_up = np.abs(np.float32(self.gamma_up) + np.float32(self.gamma_up_dtod) * draws.slope_up)
        gamma_down = np.abs(np.float32(self.gamma_down) + np.float32(self.gamma_down_dtod) * draws.slope_down)
        upper: Array | np.float32 = np.float32(self.w_max) if self.mean_bound_reference else w_max
        lower: Array | np.float32 = np.float32(self.w_min) if self.mean_bound_reference else w_min
        slopes = (gamma_up * steps.up / upper, -gamma_down * steps.down / lower)
        return self.affine(steps, slopes, (w_min, w_max))
