"""Ideal device: every update is the exact outer product."""

import numpy as np

from twin.devices.family import Affine, DeviceFamily


class Ideal(DeviceFamily):
    """A device without granularity, spread, noise or bounds.

    The exact ``rate delta x^T`` is added to the weights; `dw_min` only sets how many pulses are
    counted for time and energy. It is the yardstick: with wide converters it trains to the same
    weights as floating-point SGD.
    """

    @property
    def states(self) -> float:
        """Without bounds or granularity there are infinitely many."""
        return float("inf")

    def populate(self, shape: tuple[int, int], rng: np.random.Generator) -> Affine:
        """Coefficients of an array (see `DeviceFamily.populate`); nothing is drawn.

        The bounds are infinite; a single pulse, where one is asked for, is a step of `dw_min`.
        """
        del rng
        step = np.full(shape, self.dw_min, dtype=np.float32)
        flat = np.zeros(shape, dtype=np.float32)
        bound = np.full(shape, np.inf, dtype=np.float32)
        return Affine(
            up_a=step,
            up_b=flat,
            down_a=step.copy(),
            down_b=flat.copy(),
            w_min=-bound,
            w_max=bound,
            dw_min=step.copy(),
            dw_min_mean=self.dw_min,
            dw_min_std=0.0,
            mult_noise=True,
            exact=True,
        )
