"""Closed forms and the continuum limit of one weight that learns on an affine device.

With g = x (y - w x) for a sample, a pulsed update of rate eta moves the weight on average by ::

    eta [ max(g, 0) up(w) - max(-g, 0) down(w) ]      up(w) = (up_a - up_b w) / dw_min, down alike

which is Eq. 2 of Onen 2021: for up = 1 - w and down = 1 + w it reads eta (g - |g| w), where the second
term is the asymmetry's pull to the symmetry point. Averages run over the data set, so the sampling error of
a finite data set is no part of a comparison.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin.devices.family import Affine

Array = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Line:
    """A data set for one weight: inputs and targets, shape (examples,)."""

    x: Array
    y: Array

    @property
    def curvature(self) -> float:
        """Mean of x^2: the second derivative of the error."""
        return float(np.mean(self.x**2))

    @property
    def optimum(self) -> float:
        """The least-squares slope: G0, where the mean gradient is 0."""
        return float(np.mean(self.x * self.y)) / self.curvature

    def pull(self, weight: float) -> tuple[float, float]:
        """Return the means of max(g, 0) and of max(-g, 0) at a weight."""
        g = self.x * (self.y - weight * self.x)
        return float(np.maximum(g, 0.0).mean()), float(np.maximum(-g, 0.0).mean())


@dataclass(frozen=True, slots=True)
class Response:
    """Mean step of one device in units of `dw_min`, up and down, each affine in the logical weight."""

    up_a: float
    up_b: float
    down_a: float
    down_b: float
    low: float
    high: float

    @classmethod
    def of(cls, affine: Affine) -> "Response":
        """Take the one device of an array of shape (1, 1)."""
        steps = (affine.up_a, affine.up_b, affine.down_a, affine.down_b)
        up_a, up_b, down_a, down_b = (float(step[0, 0]) / affine.dw_min_mean for step in steps)
        return cls(up_a, up_b, down_a, down_b, float(affine.w_min[0, 0]), float(affine.w_max[0, 0]))

    @property
    def symmetry_point(self) -> float:
        """Weight at which both steps are equal; 0 for constant steps, which have none."""
        slope = self.up_b + self.down_b
        return (self.up_a - self.down_a) / slope if slope else 0.0

    def move(self, weight: float, up: float, down: float) -> float:
        """Return the mean change of a weight that is pushed `up` and `down`, both at least 0."""
        return up * (self.up_a - self.up_b * weight) - down * (self.down_a + self.down_b * weight)


def sgd_fixed_point(line: Line, response: Response) -> float:
    """Weight at which SGD's mean update vanishes: the gradient and the asymmetry balance."""
    return _root(lambda w: response.move(w, *line.pull(w)), response)


def shd_fixed_point_of_c(line: Line, response: Response) -> float:
    """Weight C at which SHD's mean update of A vanishes while A = 0.

    With A's reference at its symmetry point that is G0; with it elsewhere, up and down steps differ at A = 0.
    """
    return _root(lambda c: response.move(0.0, *line.pull(c)), response)


def _root(function: Callable[[float], float], response: Response) -> float:
    from scipy.optimize import brentq  # noqa: PLC0415

    return float(brentq(function, 4 * response.low, 4 * response.high, xtol=1e-10))


@dataclass(frozen=True, slots=True)
class Oscillator:
    """SHD without dissipation: dA/dt = -rate_A curvature (C - C0), dC/dt = rate_C A, t in samples."""

    rate_a: float
    rate_c: float
    curvature: float

    @property
    def frequency(self) -> float:
        """Angular frequency sqrt(rate_A rate_C curvature), radians a sample."""
        return float(np.sqrt(self.rate_a * self.rate_c * self.curvature))

    @property
    def axis_ratio(self) -> float:
        """Largest A over largest C - C0 on the ellipse."""
        return float(np.sqrt(self.rate_a * self.curvature / self.rate_c))

    def polar(self, a: Array, c: Array, optimum: float) -> tuple[Array, Array]:
        """Return radius (in units of C) and unwrapped phase of a path; both are simple on the ellipse."""
        scaled = a / self.axis_ratio
        return np.hypot(scaled, c - optimum), np.unwrap(np.arctan2(scaled, optimum - c))


def shd_continuum(line: Line, response: Response, rate_a: float, rate_c: float, samples: Array) -> tuple[Array, Array]:
    """Integrate Eq. 3 and 4 of Onen 2021, without their fluctuations, from A = C = 0.

    Returns
    -------
    (A, C) : float arrays, shape of `samples`
    """
    from scipy.integrate import solve_ivp  # noqa: PLC0415

    def slope(_: float, state: Array) -> tuple[float, float]:
        a, c = float(state[0]), float(state[1])
        up, down = line.pull(c)
        return rate_a * response.move(a, up, down), rate_c * response.move(c, max(a, 0.0), max(-a, 0.0))

    path = solve_ivp(slope, (0.0, float(samples[-1])), (0.0, 0.0), t_eval=samples, rtol=1e-6, atol=1e-8, max_step=50.0)
    return path.y[0], path.y[1]
