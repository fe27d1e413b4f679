"""Mean step along the range: a monotone curve through the means of `SECTIONS` bins, and whether it is monotone.

The curve is the isotonic regression of the bins' means, joined by a monotone cubic (PCHIP). The means scatter by noise
about any curve, the more the fewer cycles there are; whether they contradict a monotone one is asked by drawing means
about the fitted curve with their standard errors (parametric bootstrap; Efron & Tibshirani 1993, ch. 6 and 16).
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator
from scipy.optimize import isotonic_regression

from twin.devices.noise import Interval

Array = npt.NDArray[np.float64]

SECTIONS = 32  # of the range: a power of two, so that the kernels' table holds the nodes exactly
ROUNDS = 6  # of alternating between the curve and the devices' scales
CHANCE = 0.005  # share of monotone curves that would scatter as much, below which steps are not monotone
MATTERS = 0.02  # misfit beyond the noise, relative to the mean step, below which it is left alone


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Steps of one direction.

    Attributes
    ----------
    nodes : float64 array, shape (SECTIONS + 1,)
        Mean step at equally spaced points of the range, conductance per pulse.
    middle : Interval
        Mean step in the middle of the range.
    scale, scale_error : float64 array, shape (devices,)
        Each device's factor, of mean 1, and its standard error.
    levels : int64 array, shape (SECTIONS,)
        Number of the level that each bin is on: bins that a monotone curve joins share one.
    misfit : float
        Rms distance of the bins' means from the curve beyond what noise makes it, relative to the mean step.
    chance : float
        Probability that noise alone takes the means as far from a monotone curve.
    explained : float
        Share of the steps' variance that curve and scales explain.
    """

    nodes: Array
    middle: Interval
    scale: Array
    scale_error: Array
    levels: npt.NDArray[np.int64]
    misfit: float
    chance: float
    explained: float

    @property
    def monotone(self) -> bool:
        """Whether the steps may be monotone along the range."""
        return self.chance >= CHANCE or self.misfit < MATTERS

    def level(self, place: Array) -> npt.NDArray[np.int64]:
        """Level of the curve at places of the range."""
        found: npt.NDArray[np.int64] = self.levels[np.minimum((place * SECTIONS).astype(np.int64), SECTIONS - 1)]
        return found

    def at(self, place: Array) -> Array:
        """Mean step at places of the range, 0 to 1."""
        return np.interp(place, np.linspace(0.0, 1.0, SECTIONS + 1), self.nodes)


class Steps(NamedTuple):
    """Measured steps of one direction.

    Attributes
    ----------
    place, step, variance : float64 array, shape (steps,)
        Place in the device's range from 0 to 1, step in the pulse's direction, variance of its noise.
    device : int64 array, shape (steps,)
    follows : bool array, shape (steps,)
        Whether a step begins with the read that ended the one before.
    """

    place: Array
    step: Array
    variance: Array
    device: npt.NDArray[np.int64]
    follows: npt.NDArray[np.bool_]

    def of(self, chosen: npt.NDArray[np.bool_]) -> "Steps":
        """Some of them."""
        return Steps(
            self.place[chosen], self.step[chosen], self.variance[chosen], self.device[chosen], self.follows[chosen]
        )


def fit_curve(steps: Steps, read: float, draws: int) -> Curve:
    """Fit the curve and the devices' scales, in turn, by least squares.

    Parameters
    ----------
    steps : Steps
    read : float
        Variance of a read.
    draws : int
        How often the bins' means are drawn about the curve, for `misfit`, `chance` and the ends of `middle`.
    """
    place, step, device = steps.place, steps.step, steps.device
    scale = np.ones(int(device.max()) + 1)
    bins = np.minimum((place * SECTIONS).astype(np.int64), SECTIONS - 1)
    for _ in range(ROUNDS):
        own = scale[device]
        weight = np.bincount(bins, own**2, SECTIONS)
        full = weight > 0
        mean = np.asarray(np.bincount(bins, own * step, SECTIONS)[full] / weight[full], np.float64)
        where = np.asarray(np.bincount(bins, own**2 * place, SECTIONS)[full] / weight[full], np.float64)
        smooth = _monotone(mean, np.asarray(weight[full], np.float64))
        nodes = _nodes(where, smooth)
        fitted = np.interp(place, np.linspace(0.0, 1.0, SECTIONS + 1), nodes)
        square = np.maximum(np.bincount(device, fitted**2), np.finfo(float).tiny)
        scale = np.bincount(device, fitted * step) / square
        mean_scale = float(scale.mean())
        scale = np.maximum(scale / mean_scale, 0.0)
    error = np.sqrt(_variance(steps, fitted, device, read)) / square / mean_scale
    scatter = _covariance(steps, own, bins, read)[np.ix_(full, full)] / np.outer(weight[full], weight[full])
    chance, misfit, middle = _scatter(where, mean, scatter, np.asarray(weight[full], np.float64), draws)
    rest = step - scale[device] * fitted
    explained = float(1 - rest.var() / step.var()) if step.var() > 0 else 1.0
    at_middle = float(nodes[SECTIONS // 2])
    level = np.cumsum(np.diff(smooth, prepend=smooth[0]) != 0)
    levels = np.interp(np.arange(SECTIONS), np.flatnonzero(full), level).astype(np.int64)
    interval = Interval(at_middle, at_middle + middle[0], at_middle + middle[1])
    return Curve(nodes, interval, scale, error, levels, misfit, chance, explained)


def _variance(steps: Steps, factor: Array, group: npt.NDArray[np.int64], read: float) -> Array:
    """Variance of the groups' sums of ``factor x step``; a read that two steps share cancels."""
    found = np.bincount(group, factor**2 * steps.variance, group.max() + 1)
    both = steps.follows[1:] & (group[1:] == group[:-1])
    shared = np.bincount(group[1:][both], (factor[1:] * factor[:-1])[both], group.max() + 1)
    return np.asarray(np.maximum(found - 2 * read * shared, 1e-3 * found), np.float64)


def _covariance(steps: Steps, factor: Array, group: npt.NDArray[np.int64], read: float) -> Array:
    """Covariance of the bins' sums: a read shared by steps of two bins makes one large where the other is small."""
    found = np.zeros((SECTIONS, SECTIONS))
    follows = steps.follows[1:]
    np.add.at(found, (group[:-1][follows], group[1:][follows]), -read * (factor[1:] * factor[:-1])[follows])
    found += found.T
    own = np.bincount(group, factor**2 * steps.variance, SECTIONS)
    found[np.diag_indices(SECTIONS)] = np.maximum(np.diag(found) + own, 1e-3 * own)
    return found


def _scatter(
    where: Array, mean: Array, scatter: Array, weight: Array, draws: int
) -> tuple[float, float, tuple[float, float]]:
    """Draw the bins' means about the curve; return chance, misfit beyond the noise and the middle's 95 % deviations."""
    rng = np.random.default_rng(0)
    spread = np.sqrt(np.diag(scatter))
    precision = 1.0 / np.maximum(spread, 1e-6 * np.abs(mean).max()) ** 2
    found = _monotone(mean, precision)
    value, direction = np.linalg.eigh(scatter)
    drawn = found + rng.standard_normal((draws, mean.size)) @ (direction * np.sqrt(np.maximum(value, 0.0))).T
    fits = np.stack([_monotone(one, precision) for one in drawn])
    far = float(np.sum(precision * (mean - found) ** 2))
    chance = (1 + np.count_nonzero(np.sum(precision * (drawn - fits) ** 2, axis=1) >= far)) / (1 + draws)
    squares = (
        np.average((mean - found) ** 2, weights=weight),
        np.mean(np.average((drawn - fits) ** 2, axis=1, weights=weight)),
    )
    misfit = float(np.sqrt(max(squares[0] - squares[1], 0.0))) / float(np.average(mean, weights=weight))
    middle = [float(np.interp(0.5, where, fit) - np.interp(0.5, where, found)) for fit in fits]
    low, high = np.quantile(middle, (0.025, 0.975))
    return float(chance), misfit, (float(low), float(high))


def _monotone(mean: Array, weight: Array) -> Array:
    """Isotonic regression, rising or falling, whichever fits better; a step is never negative."""
    fits = [
        np.asarray(isotonic_regression(mean, weights=weight, increasing=rising).x, np.float64)
        for rising in (False, True)
    ]
    best = min(fits, key=lambda fit: float(np.sum(weight * (mean - fit) ** 2)))
    return np.maximum(best, 0.0)


def _nodes(where: Array, mean: Array) -> Array:
    """Monotone cubic through the bins, continued as a line beyond the outermost; constant for one bin."""
    x = np.linspace(0.0, 1.0, SECTIONS + 1)
    if where.size == 1:
        return np.full(x.size, mean[0])
    nodes = np.asarray(PchipInterpolator(where, mean)(np.clip(x, where[0], where[-1])), np.float64)
    for outside, a, b in ((x < where[0], 0, 1), (x > where[-1], -1, -2)):
        slope = (mean[a] - mean[b]) / (where[a] - where[b])
        nodes[outside] = mean[a] + slope * (x[outside] - where[a])
    return np.maximum(nodes, 0.0)
