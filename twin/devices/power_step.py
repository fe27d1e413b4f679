"""Power step: the step is a power of the distance to the bound."""

from typing import Annotated

import numpy as np
from pydantic import Field

from twin.devices.family import CLIP, BoundedFamily, Draws, Positive, Spread, Steps
from twin.devices.response import Power


class PowerStep(BoundedFamily):
    """``w += up u^gamma_up`` with ``u = (w_max - w) / (w_max - w_min)``, and ``w -= down (1 - u)^gamma_down``.

    aihwkit's ``PowStepDevice`` (Fusi & Abbott, Nat. Neurosci. 10:485, 2007; Frascaroli et al., Sci. Rep. 8:7178,
    2018), with each device's own bounds and exponents. The steps `up` and `down` are those at the far bound, not at
    zero weight. The exponents are drawn as steps are: ``pow_gamma (1 + pow_gamma_dtod xi +- r)`` with
    ``r = pow_up_down_dtod xi'``, the imbalance `pow_up_down` taking its share off one of them; clipped at `CLIP`
    where aihwkit takes the absolute value.
    """

    pow_gamma: Positive
    """Mean exponent of both steps."""
    pow_gamma_dtod: Spread = 0.1
    """Device-to-device spread of the exponents, relative to `pow_gamma`."""
    pow_up_down: Annotated[float, Field(gt=-1.0, lt=1.0)] = 0.0
    """Imbalance of the exponents, relative to `pow_gamma`: positive makes the down exponent smaller."""
    pow_up_down_dtod: Spread = 0.0
    """Device-to-device spread of the imbalance of the exponents, relative to `pow_gamma`."""

    def coefficients(self, draws: Draws, steps: Steps) -> Power:
        """Own bounds and exponents."""
        w_min, w_max = self.bounds(draws)
        gain = np.float32(1.0) + np.float32(self.pow_gamma_dtod) * draws.slope_up
        r = np.float32(self.pow_up_down_dtod) * draws.slope_down
        gamma, floor = np.float32(self.pow_gamma), np.float32(CLIP)
        return Power(
            scale_up=steps.up,
            scale_down=steps.down,
            gamma_up=gamma * np.maximum(gain + r + np.float32(min(self.pow_up_down, 0.0)), floor),
            gamma_down=gamma * np.maximum(gain - r - np.float32(max(self.pow_up_down, 0.0)), floor),
            **self.common(steps, (w_min, w_max), self.granularity),
        )

    @property
    def granularity(self) -> float:
        """Mean of the nominal up and down step at zero weight."""
        u = self.w_max / (self.w_max - self.w_min)
        gamma_up = self.pow_gamma * (1.0 + min(self.pow_up_down, 0.0))
        gamma_down = self.pow_gamma * (1.0 - max(self.pow_up_down, 0.0))
        up = (1.0 + min(self.up_down, 0.0)) * float(np.power(u, gamma_up))
        down = (1.0 - max(self.up_down, 0.0)) * float(np.power(1.0 - u, gamma_down))
        return self.dw_min * max((up + down) / 2, CLIP)
