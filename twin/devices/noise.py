"""Noise of measured steps: cycle noise, which stays in the state, told from read noise, which does not.

A device at ``g_t`` is read as ``y_t = g_t + r eta_t`` and moves by ``step + c_t``. The residual of a measured step is
then ``c_t + r (eta_t+1 - eta_t)``: read noise doubles its share in the variance and makes neighbours correlate by
``-r^2``, cycle noise does not. Their covariance is tridiagonal, so the Gaussian likelihood is exact and linear in the
number of steps (a Kalman filter; Harvey, Forecasting, Structural Time Series Models and the Kalman Filter, ch. 3).
Repeated reads of one state, where a file has them, add their own likelihood of r.
"""

from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.linalg import lapack
from scipy.special import lambertw
from scipy.stats import chi2

Array = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

CONFIDENCE = 0.95
DROP = float(chi2.ppf(CONFIDENCE, 1))  # of twice the log-likelihood, at the ends of an interval
RATIOS = np.concatenate([[0.0], np.geomspace(1e-4, 1e4, 25)])  # of read to cycle variance, for a step of mean size
REFINED = 17  # ratios tried between the neighbours of the likeliest
DECIDED = 2.0  # log-likelihood from which the kind of cycle noise counts as known (a factor of 7)


class Interval(NamedTuple):
    """A value and its 95 % interval; NaN for ends that the data do not give."""

    value: float
    low: float
    high: float

    def times(self, factor: float) -> "Interval":
        """In another unit."""
        return Interval(self.value * factor, self.low * factor, self.high * factor)

    def text(self, digits: int = 3, percent: bool = False) -> str:
        """``value (low to high)``, or the value alone where there is no interval."""
        value, low, high = (f"{100 * x if percent else x:.{digits}g}" for x in self)
        unit = " %" if percent else ""
        return f"{value}{unit} ({low} to {high})" if np.isfinite([self.low, self.high]).all() else f"{value}{unit}"


class Noise(NamedTuple):
    """Noise of a fit.

    Attributes
    ----------
    mult_noise : bool
        Whether cycle noise is relative to the step (else to the device's middle step).
    cycle : Interval
        Its standard deviation in that unit.
    read : Interval
        Standard deviation of one read, conductance.
    advantage : float
        Log-likelihood by which this kind of cycle noise is ahead of the other.
    """

    mult_noise: bool
    cycle: Interval
    read: Interval
    advantage: float

    @property
    def decided(self) -> bool:
        """Whether the data tell multiplicative from additive."""
        return self.advantage >= DECIDED


class Repeats(NamedTuple):
    """Repeated reads of one state: mean number a state, pooled standard deviation of one read, degrees of freedom."""

    reads: float = 1.0
    std: float = 0.0
    freedom: int = 0


class Whitening(NamedTuple):
    """Splits off what the past of a train foretells of each residual.

    Attributes
    ----------
    below : float64 array, shape (steps - 1,), or None
        Share of the residual before that is foretold; None where reads are exact.
    variance : float64 array, shape (steps,)
        Of what is new.
    """

    below: Array | None
    variance: Array

    @classmethod
    def of(cls, first: Flags, cycle: Array, read: float) -> "Whitening":
        """Factorise the residuals' covariance.

        Parameters
        ----------
        first : bool array, shape (steps,)
            Where a train begins.
        cycle : float64 array, shape (steps,)
            Variance of the cycle noise of each step, above zero.
        read : float
            Variance of the read noise.
        """
        if read == 0.0 or first.size < 2:
            return cls(None, cycle + 2 * read)
        variance, below, info = lapack.dpttrf(cycle + 2 * read, np.where(first[1:], 0.0, -read))
        if info:
            raise FloatingPointError("covariance of the residuals is not positive")  # cannot be: cycle is above zero
        return cls(np.asarray(below), np.asarray(variance))

    def new(self, rest: Array) -> Array:
        """Return the new parts of residuals in units of their deviation, shape (steps,) or (steps, columns)."""
        deviation = np.sqrt(self.variance)
        if self.below is not None:
            bands = np.stack([deviation, np.append(self.below, 0.0)])  # of the diagonal, which is 1, nothing is read
            rest, _ = lapack.dtbtrs(bands, rest, uplo="L", diag="U")
        return np.asarray((rest.T / deviation).T, np.float64)


def separate(rest: Array, first: Flags, sizes: tuple[Array, Array], repeats: Repeats, fitted: Array) -> Noise:
    """Find cycle and read noise by maximum likelihood, and the kind of cycle noise that is likelier.

    Parameters
    ----------
    rest : float64 array, shape (steps,)
        Residuals of measured steps, signed as conductance.
    first : bool array, shape (steps,)
        Where a train begins.
    sizes : (float64 array, float64 array), shape (steps,) each
        Of what multiplicative and additive noise are a multiple: each step's mean, and its device's middle step.
    repeats : Repeats
    fitted : float64 array, shape (steps, parameters)
        Derivatives of the mean steps by what was fitted to them: what a curve follows looks like less noise, which
        restricted likelihood (Patterson & Thompson, Biometrika 58:545, 1971) takes into account.
    """
    mult, additive = (_profile(np.column_stack([rest, fitted]), first, size, repeats) for size in sizes)
    likelier = mult if mult[0] <= additive[0] else additive
    return Noise(likelier is mult, likelier[1], likelier[2], abs(mult[0] - additive[0]) / 2)


def _profile(columns: Array, first: Flags, size: Array, repeats: Repeats) -> tuple[float, Interval, Interval]:
    """Return least -2 log-likelihood, cycle noise in units of `size`, read noise; ends by the likelihood ratio.

    For each ratio of the variances the likeliest cycle variance has a closed form, and the ends of what lies within
    `DROP` of the best likelihood follow from Lambert's function.
    """
    unit = float(np.sqrt(np.mean(size**2)))
    relative = (size / unit) ** 2
    freedom = first.size - (columns.shape[1] - 1) + repeats.freedom

    def at(ratio: float) -> tuple[float, float]:
        whitening = Whitening.of(first, relative, ratio / repeats.reads)
        white = whitening.new(columns)
        triangle = np.linalg.cholesky(white.T[1:] @ white[:, 1:])
        along = np.linalg.solve(triangle, white.T[1:] @ white[:, 0])
        square = float(np.sum(white[:, 0] ** 2) - np.sum(along**2))
        cost = float(np.sum(np.log(whitening.variance)) + 2 * np.sum(np.log(np.diag(triangle))))
        if repeats.freedom:
            square += repeats.freedom * repeats.std**2 / max(ratio, 1e-300)
            cost += repeats.freedom * np.log(max(ratio, 1e-300))
        cycle = max(square / freedom, np.finfo(float).tiny)
        return cost + freedom * (np.log(cycle) + 1), cycle

    found = {float(ratio): at(float(ratio)) for ratio in RATIOS}
    for _ in range(2):  # first between the neighbours of the likeliest, then over all that is likely
        tried = sorted(found)
        least = min(cost for cost, _ in found.values())
        likely = [k for k, ratio in enumerate(tried) if found[ratio][0] - least <= DROP]
        low, high = tried[max(likely[0] - 1, 0)], tried[min(likely[-1] + 1, len(tried) - 1)]
        found |= {float(ratio): at(float(ratio)) for ratio in np.linspace(low, high, REFINED)}
    best = min(found, key=lambda ratio: found[ratio][0])
    ends = np.array([end for ratio, (cost, cycle) in found.items() for end in _ends(
        ratio, cycle, (DROP - (cost - found[best][0])) / freedom)])  # fmt: skip
    value = np.sqrt(found[best][1])
    (cycle_low, read_low), (cycle_high, read_high) = np.sqrt(ends.min(axis=0)), np.sqrt(ends.max(axis=0))
    return (
        found[best][0],
        Interval(float(value), float(cycle_low), float(cycle_high)).times(1 / unit),
        Interval(float(np.sqrt(best) * value), float(read_low), float(read_high)),
    )


def _ends(ratio: float, cycle: float, room: float) -> list[tuple[float, float]]:
    """Cycle and read variance where ``log s + cycle / s`` is `room` above its least, below and above ``s = cycle``."""
    if room < 0:
        return []
    squares = [cycle / -float(lambertw(-np.exp(-1 - room), branch).real) for branch in (-1, 0)]
    return [(square, ratio * square) for square in squares]


def spread_of(values: Array, noise: float) -> Interval:
    """Spread of a quantity over devices, the variance `noise` of each one's measurement taken off.

    The ends are those of the variance of a normal sample; one device has no spread and no interval.
    """
    if values.size < 2:
        return Interval(0.0, np.nan, np.nan)
    freedom = values.size - 1
    square = float(values.var(ddof=1))
    tails = (1 - CONFIDENCE) / 2
    low, high = (freedom * square / float(chi2.ppf(q, freedom)) for q in (1 - tails, tails))
    return Interval(*(float(np.sqrt(max(x - noise, 0.0))) for x in (square, low, high)))
