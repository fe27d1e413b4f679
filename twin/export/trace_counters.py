"""What operations add up to at every moment, as steps: exact, because every operation is a constant while it lasts."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.units import PS

if TYPE_CHECKING:
    from numpy.typing import NDArray


def depths(arrival_ps: NDArray[np.int64], end_ps: NDArray[np.int64]) -> list[tuple[int, int]]:
    """Return (time, how many are present from then on) wherever that changes."""
    at_ps, present = _steps(arrival_ps, end_ps, np.ones(len(arrival_ps)))
    return list(zip(at_ps.tolist(), present.astype(int).tolist(), strict=True))


def rates(
    start_ps: NDArray[np.int64], done_ps: NDArray[np.int64], amount: NDArray[np.float64]
) -> list[tuple[int, float]]:
    """Return (time, amount a second from then on) wherever that changes.

    Amounts are spread evenly over [start, done]; those of no duration are left out.
    """
    lasts = done_ps > start_ps
    start_ps, done_ps, amount = start_ps[lasts], done_ps[lasts], amount[lasts]
    at_ps, rate = _steps(start_ps, done_ps, amount / ((done_ps - start_ps) * PS))
    _, present = _steps(start_ps, done_ps, np.ones(len(start_ps)))
    rate = np.where(present > 0, np.maximum(rate, 0.0), 0.0)  # sums of floats do not come back to zero by themselves
    return list(zip(at_ps.tolist(), rate.tolist(), strict=True))


def _steps(
    begin_ps: NDArray[np.int64], end_ps: NDArray[np.int64], height: NDArray[np.float64]
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    at_ps, place = np.unique(np.concatenate([begin_ps, end_ps]), return_inverse=True)
    return at_ps, np.cumsum(np.bincount(place, np.concatenate([height, -height]), at_ps.size))
