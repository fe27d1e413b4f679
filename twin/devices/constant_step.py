"""Constant step: linear and symmetric between hard bounds."""

import numpy as np

from twin.devices.family import Affine, BoundedFamily, Draws, Steps


class ConstantStep(BoundedFamily):
    """Steps that do not depend on the weight: ``w += up`` and ``w -= down`` between hard bounds.

    The RPU device of Gokmen & Vlasov 2016 and aihwkit's ``ConstantStepDevice``. The "symmetric
    device" of Gokmen 2021, whose slopes are zero, is one: it is a family of its own rather than
    a linear step with slope zero because it has no slope parameters to misread.
    """

    def coefficients(self, draws: Draws, steps: Steps) -> Affine:
        """No slopes, drawn bounds."""
        flat = np.zeros_like(steps.up)
        return self.affine(steps, (flat, flat.copy()), self.bounds(draws))
