"""Soft bounds drawn by their slopes: the array model of Gokmen 2021."""

from twin.devices.family import Affine, Draws, Positive, PulsedFamily, Spread, Steps, spread


class SlopeSoftBounds(PulsedFamily):
    """Array model of Gokmen, Front. Artif. Intell. 4:699148 (2021), section "Array Model".

    ``dw_up = dw_ij (1 - slope_up w)`` and ``dw_down = dw_ij (1 + slope_down w)`` with
    ``slope = mu_s (1 + s_s xi)`` drawn independently for the two directions. The paper writes
    this after symmetry-point shifting; in raw weights the steps at zero differ by the imbalance
    ``up_down``, ``up_down_dtod``, which moves the symmetry point away from zero. With both at
    zero the raw device is the paper's.
    """

    slope: Positive
    """mu_s, the mean slope, in 1 / raw weight: the nominal range is +-1 / slope."""
    slope_dtod: Spread = 0.2
    """s_s, the device-to-device spread of the slopes, relative; draws are clipped to positive values."""

    @property
    def states(self) -> float:
        """Nominal number of states, ``2 / (slope dw_min)`` as the paper defines it."""
        return 2.0 / (self.slope * self.dw_min)

    def coefficients(self, draws: Draws, steps: Steps) -> Affine:
        """Slopes drawn; a device's bounds are the weights at which its own steps vanish."""
        up_b = steps.mean * spread(self.slope, self.slope_dtod, draws.slope_up)
        down_b = steps.mean * spread(self.slope, self.slope_dtod, draws.slope_down)
        return self.affine(steps, (up_b, down_b), (-steps.down / down_b, steps.up / up_b))
