"""Intervals about what several seeds came to: which kinds there are, and that none leaves what a quantity can be."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

Floats = npt.NDArray[np.float64]

CONFIDENCE = 0.95
T95 = "t-95"
INTERVALS = {
    T95: "95 % t interval",
    "standard-error": "± 1 standard error",
    "standard-deviation": "± 1 standard deviation",
    "min-max": "least to largest",
}
"""Every kind of interval with the words that a figure has for it: of the mean the first two, of single seeds the
others."""


def half_width(values: Floats, kind: str = T95) -> Floats:
    """Return half the width of an interval that is symmetric about the mean, over the first axis.

    Parameters
    ----------
    values : float64 array, shape (n, ...)
        One entry a seed, n at least 2.
    kind : str
        A key of `INTERVALS` but ``"min-max"``.
    """
    from scipy import stats  # noqa: PLC0415

    deviation = np.asarray(values.std(axis=0, ddof=1))
    if kind == "standard-deviation":
        return deviation
    quantile = float(stats.t.ppf(0.5 + CONFIDENCE / 2, len(values) - 1)) if kind == T95 else 1.0
    return np.asarray(quantile * deviation / math.sqrt(len(values)))


def ends(values: Floats, kind: str, least: float = -math.inf, most: float = math.inf) -> tuple[Floats, Floats]:
    """Return both ends of an interval over the first axis, within `least` and `most`; NaN where there is one seed.

    Parameters
    ----------
    values : float64 array, shape (n, ...)
    kind : str
        A key of `INTERVALS`.
    least, most : float
        What the quantity can be.
    """
    if len(values) < 2:
        unknown = np.full(values.shape[1:], math.nan)
        return unknown, unknown
    if kind == "min-max":
        return values.min(axis=0), values.max(axis=0)
    mean, half = values.mean(axis=0), half_width(values, kind)
    return np.clip(mean - half, least, most), np.clip(mean + half, least, most)


def limits(rows: "pd.DataFrame", column: str) -> tuple[float, float]:
    """Return what a column of `twin.results.totals.TOTALS` can be: no less than 0, and of a fraction no more than 1.

    The test error of a regression is its test loss, and as such has no upper limit.
    """
    fraction = column.endswith("test_error") and not (rows["test_error"] == rows["test_loss"]).all()
    return 0.0, 1.0 if fraction else math.inf


def said(counts: Sequence[int], kind: str, drawn: str = "error bars") -> str:
    """Say how many seeds stand behind each point of a figure, and what the bars or bands about it are."""
    least, most = min(counts), max(counts)
    if most < 2:
        return "one seed, no interval"
    number = f"{most}" if least == most else f"{least} to {most}"
    return f"mean of {number} seeds; {drawn}: {INTERVALS[kind]}"
