"""Which of many runs are on the Pareto front: no other one is as good in everything and better in something."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

if TYPE_CHECKING:
    import pandas as pd

OBJECTIVES = ("energy_J", "makespan_s", "area_m2", "test_error")
"""Columns of a run's totals that an architect trades against each other."""

GREATER = frozenset({"samples_per_s", "samples_per_s_per_mm2", "samples_per_J"})
"""Columns of which more is better; of all others less is."""


def front(values: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    """Return which rows no other row dominates; a row with a NaN is not on the front and dominates none.

    Parameters
    ----------
    values : float64 array, shape (n, k)
        Less is better in every column.

    Returns
    -------
    bool array, shape (n,)
        Equal rows are on the front together (Pareto dominance, e.g. Deb 2001, definition 2.5).
    """
    known: npt.NDArray[np.bool_] = np.logical_not(np.isnan(values).any(axis=1, keepdims=True)).ravel()
    found = known.copy()
    for k in np.flatnonzero(known):
        others = values[known]
        found[k] = not ((others <= values[k]).all(axis=1) & (others < values[k]).any(axis=1)).any()
    return found


def front_of(table: "pd.DataFrame", keys: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Return which rows of a table are on the front of some of its columns; columns that are all NaN do not count."""
    shown = [key for key in keys if table[key].notna().any()]
    if not shown:
        return np.zeros(len(table), dtype=bool)
    return front(np.stack([(-1.0 if key in GREATER else 1.0) * table[key].to_numpy(float) for key in shown], axis=1))
