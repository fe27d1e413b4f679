"""Soft bounds: the step shrinks linearly and vanishes at the device's own bound."""

from twin.devices.family import Affine, BoundedFamily, Draws, Steps


class SoftBounds(BoundedFamily):
    """``w += up (1 - w / w_max)`` and ``w -= down (1 - w / w_min)`` with each device's own bounds.

    aihwkit's ``SoftBoundsDevice`` and ``SoftBoundsReferenceDevice``; the reference of the latter
    is not a property of the device here but comes from calibration
    (`twin.machine.calibration`).
    """

    def coefficients(self, draws: Draws, steps: Steps) -> Affine:
        """Slope = step / own bound."""
        w_min, w_max = self.bounds(draws)
        return self.affine(steps, (steps.up / w_max, -steps.down / w_min), (w_min, w_max))
