"""Robustness maps of Lee 2022: over how many pairs of learning rates a pair of devices reaches a wanted accuracy.

Maps are over the asymmetry factors of A (first axis) and C (second axis). From accuracies to a specification
(Sec. 6.2): count the rates that pass (`robustness_score`), interpolate linearly (`interpolated`), filter with a
Gaussian as wide as devices vary (`smoothed`), and take the region about the peak (`best_region`).
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float64]


def robustness_score(accuracy: Array, threshold: float) -> Array:
    """Return how many scenarios pass: the sum of 1(accuracy > threshold), Lee 2022, Def. 6.1.

    Parameters
    ----------
    accuracy : float array, shape (..., scenarios)
        NaN, of a run without a result, does not pass.
    threshold : float
        In the unit of `accuracy`; it must be exceeded.

    Returns
    -------
    float array, shape (...)
        0 to the number of scenarios.
    """
    return np.asarray(np.sum(accuracy > threshold, axis=-1), np.float64)


@dataclass(frozen=True, slots=True, eq=False)
class Map:
    """Values over the asymmetry factors of A and C.

    Attributes
    ----------
    af_a, af_c : float array, shape (n_a,) and (n_c,)
        Ascending.
    cells : float array, shape (n_a, n_c)
    """

    af_a: Array
    af_c: Array
    cells: Array


def interpolated(found: Map, step: float) -> Map:
    """Interpolate a map linearly to a square grid of spacing `step`, from its first factors up to its last.

    Of four neighbours the interpolation is bilinear: linear along each axis, exact at the points of the map.
    """
    from scipy.interpolate import RegularGridInterpolator  # noqa: PLC0415

    spans = ((axis[0], int((axis[-1] - axis[0]) / step + 1e-9)) for axis in (found.af_a, found.af_c))
    fine = [(first + step * np.arange(count + 1)) for first, count in spans]
    law = RegularGridInterpolator((found.af_a, found.af_c), found.cells, method="linear")
    inside = [np.minimum(one, axis[-1]) for one, axis in zip(fine, (found.af_a, found.af_c), strict=True)]
    return Map(fine[0], fine[1], law(np.stack(np.meshgrid(*inside, indexing="ij"), axis=-1)))


def smoothed(found: Map, sigma: float) -> Map:
    """Filter an evenly spaced map with a Gaussian of standard deviation `sigma`, in units of the factors.

    The filter has weight 1, so that a constant map stays as it is (the paper's prefactor (2 pi sigma^2)^(-1/2) is
    that of one dimension); beyond its borders the map goes on as it ends.
    """
    from scipy.ndimage import gaussian_filter  # noqa: PLC0415

    spacing = [axis[1] - axis[0] for axis in (found.af_a, found.af_c)]
    filtered = gaussian_filter(found.cells, [sigma / one for one in spacing], mode="nearest")
    return Map(found.af_a, found.af_c, filtered)


def nearest(found: Map, af_a: Array, af_c: Array) -> Array:
    """Return the values of a fine map at its points nearest to these factors, shape (n_a, n_c)."""
    i, j = (np.abs(axis[:, None] - wanted).argmin(axis=0) for axis, wanted in ((found.af_a, af_a), (found.af_c, af_c)))
    return found.cells[np.ix_(i, j)]


def behind_the_best(runs: Array) -> tuple[Array, Array]:
    """Return how far each cell lies behind the best, and the standard error of that, each of shape (n_a, n_c).

    Differences are paired: run k of a cell with run k of the cell whose mean is largest, so that what is common to
    all devices (easy rates, a lucky initialisation) drops out.

    Parameters
    ----------
    runs : float array, shape (n_a, n_c, n)
        Accuracies over rates and seeds; NaN in one makes the cell's distance NaN.
    """
    mean = np.nan_to_num(runs.mean(axis=-1), nan=-np.inf)
    behind = runs[np.unravel_index(int(mean.argmax()), mean.shape)] - runs
    count = runs.shape[-1]
    return behind.mean(axis=-1), behind.std(axis=-1, ddof=min(1, count - 1)) / np.sqrt(count)


def jackknife(parts: Array) -> float:
    """Return the standard error of a map from its values with one of n runs left out at a time.

    sqrt((n - 1) / n sum (part - mean)^2) by cell (Efron & Stein, Ann. Stat. 9:586, 1981), then the root of its mean
    square over the cells: with two or three seeds that of a single cell says little.

    Parameters
    ----------
    parts : float array, shape (n, ...)
    """
    return float(np.sqrt((len(parts) - 1) * np.var(parts, axis=0).mean()))


@dataclass(frozen=True, slots=True, eq=False)
class Region:
    """The connected part of a map that holds its peak and lies at or above a level.

    Attributes
    ----------
    peak : float
        The largest value of the map.
    level : float
    centre : (float, float)
        Mean factors (A, C) of the region.
    low, high : (float, float)
        Smallest and largest factors (A, C) in it.
    mask : bool array, shape of the map
    """

    peak: float
    level: float
    centre: tuple[float, float]
    low: tuple[float, float]
    high: tuple[float, float]
    mask: npt.NDArray[np.bool_]


def best_region(found: Map, within: float) -> Region:
    """Return the region that holds the peak of a map and is nowhere lower than the peak less `within`."""
    from scipy.ndimage import label  # noqa: PLC0415

    peak = float(found.cells.max())
    parts, _ = label(found.cells >= peak - within)
    mask = parts == parts[np.unravel_index(int(found.cells.argmax()), found.cells.shape)]
    a, c = found.af_a[np.nonzero(mask)[0]], found.af_c[np.nonzero(mask)[1]]
    return Region(
        peak,
        peak - within,
        (float(a.mean()), float(c.mean())),
        (float(a.min()), float(c.min())),
        (float(a.max()), float(c.max())),
        mask,
    )
