"""Asymmetry factor: one knob for how strongly the steps depend on the weight."""

import numpy as np

from twin.devices.family import Affine, BoundedFamily, Draws, Factor, Steps


class AsymmetryFactor(BoundedFamily):
    """Lee et al., Front. Neurosci. 15:767953 (2022), Eq. 7.

    ``dw_up = AF dw0 (1 - w / w_max)`` and ``dw_down = AF dw0 (1 - w / w_min)``, where
    ``dw0 = dw_min`` and bounds are the device's own. By the paper's convention AF = 0 stands for
    the ideal device, a constant step of dw0. Pulses are counted in units of dw0 whatever AF is,
    so the expected update is in proportion to AF as the paper has it.
    """

    asymmetry_factor: Factor
    """AF in the steps above: 0 is constant steps, 1 steps that vanish at the bounds."""

    @property
    def states(self) -> float:
        """Nominal number of states, ``(w_max - w_min) / (AF dw_min)``, or over dw_min for AF = 0."""
        return super().states / (self.asymmetry_factor or 1.0)

    def coefficients(self, draws: Draws, steps: Steps) -> Affine:
        """Scale the steps by AF; slope = step / own bound, or none for AF = 0."""
        w_min, w_max = self.bounds(draws)
        factor = np.float32(self.asymmetry_factor or 1.0)
        scaled = Steps(mean=factor * steps.mean, up=factor * steps.up, down=factor * steps.down)
        slanted = np.float32(self.asymmetry_factor > 0.0)
        slopes = (slanted * scaled.up / w_max, -slanted * scaled.down / w_min)
        return self.affine(scaled, slopes, (w_min, w_max))
