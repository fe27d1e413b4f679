"""Theory of Lee 2022: mismatch factor, gradient schedulers, and where two weights of a line settle.

A device of asymmetry factor AF and range +-1 takes the update -eta g of a gradient g times the mismatch factor
``MF(w, sgn g) = AF (1 + sgn(g) w)`` (Eq. 12); AF = 0 stands for the ideal device, MF = 1. All weights here are logical
weights with the reference at the symmetry point, 0.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def mismatch_factor(asymmetry_factor: float, weight: npt.ArrayLike, gradient: npt.ArrayLike) -> Array:
    """Return MF for weights in units of w_max and the gradients of the loss (Eq. 12); shapes broadcast."""
    lean = np.sign(np.asarray(gradient, np.float64)) * np.asarray(weight, np.float64)
    if asymmetry_factor == 0.0:
        return np.ones_like(lean, np.float64)
    return np.asarray(asymmetry_factor * (1.0 + lean), np.float64)


def sgd_scheduler(steps: int) -> Array:
    """Return t(k) of SGD for k = 1..steps at T = steps: the last gradient alone counts."""
    return np.asarray(np.arange(1, steps + 1) == steps, np.float64)


def momentum_scheduler(steps: int, beta: float) -> Array:
    """Return t(k) = beta^(T - k) of SGD with momentum for k = 1..steps at T = steps."""
    return np.asarray(beta ** np.arange(steps - 1, -1, -1.0))


def tiki_taka_scheduler(mf_a: Array, mf_c: float = 1.0) -> Array:
    """Return t(k) = MF_A,k MF_C,T at a step T at which all of A is transferred (Eq. 15); ideal devices give 1."""
    return mf_a * mf_c


@dataclass(frozen=True, slots=True)
class Plane:
    """A data set for two weights, slope and intercept: inputs (1 in the last column) and targets.

    Attributes
    ----------
    x : float array, shape (examples, 2)
    y : float array, shape (examples,)
    """

    x: Array
    y: Array

    @property
    def optimum(self) -> Array:
        """Least squares: (X^T X)^-1 X^T y."""
        return np.asarray(np.linalg.lstsq(self.x, self.y, rcond=None)[0])

    def loss(self, weights: Array) -> Array:
        """Return the mean squared error, halved, at weights of shape (..., 2)."""
        left = self.y - weights @ self.x.T
        return np.asarray(0.5 * np.mean(left**2, axis=-1))

    def pull(self, weights: Array) -> tuple[Array, Array]:
        """Return the means of max(-gradient, 0) and of max(gradient, 0), by weight."""
        g = self.x * (self.y - self.x @ weights)[:, None]
        return np.maximum(g, 0.0).mean(axis=0), np.maximum(-g, 0.0).mean(axis=0)


def move(asymmetry_factor: float, weights: Array, up: Array, down: Array) -> Array:
    """Return the mean change of weights that are pushed `up` and `down`, both at least 0."""
    rise = mismatch_factor(asymmetry_factor, weights, -1.0)
    return rise * up - mismatch_factor(asymmetry_factor, weights, 1.0) * down


def sgd_rest(plane: Plane) -> Array:
    """Return where SGD's mean update vanishes on devices with AF > 0.

    AF scales both directions alike, so the point does not depend on it; what is left out are fluctuations of the
    weights, which grow with AF and the learning rate.
    """
    from scipy.optimize import root  # noqa: PLC0415

    def drift(weights: Array) -> Array:
        return move(1.0, weights, *plane.pull(weights))

    return np.asarray(root(drift, plane.optimum, tol=1e-12).x)


def tiki_taka_path(
    plane: Plane, af: tuple[float, float], rates: tuple[float, float], samples: npt.NDArray[np.int64]
) -> tuple[Array, Array]:
    """Integrate the mean updates of A and C from 0, without fluctuations; all of A is transferred every sample.

    Parameters
    ----------
    plane : Plane
    af : (float, float)
        Asymmetry factors of A and C.
    rates : (float, float)
        Of the update of A and of the transfer.
    samples : int array, shape (n,)

    Returns
    -------
    (A, C) : float arrays, shape (n, 2)
    """
    from scipy.integrate import solve_ivp  # noqa: PLC0415

    def slope(_: float, state: Array) -> Array:
        a, c = state[:2], state[2:]
        by_gradient = rates[0] * move(af[0], a, *plane.pull(c))
        by_transfer = rates[1] * move(af[1], c, np.maximum(a, 0.0), np.maximum(-a, 0.0))
        return np.concatenate([by_gradient, by_transfer])

    ends = (0.0, float(samples[-1]))
    found = solve_ivp(slope, ends, np.zeros(4), t_eval=samples, rtol=1e-6, atol=1e-9, max_step=20.0)
    return found.y[:2].T, found.y[2:].T
