"""Energy and bytes over time, in bins that grow with the run."""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

LIMIT = 256


class Bins:
    """At most 256 bins of equal width; when a run outgrows them, neighbours merge.

    Attributes
    ----------
    width_ps : int
    energy_J : ndarray of float64, (256,)
    n_bytes : ndarray of float64, (256, n_streams)
        An operation that spans bins leaves fractions of a byte in each.
    """

    def __init__(self, n_streams: int) -> None:
        self.width_ps = 1000
        self.energy_J = np.zeros(LIMIT)
        self.n_bytes = np.zeros((LIMIT, n_streams))

    def add(
        self,
        start: NDArray[np.int64],
        done: NDArray[np.int64],
        energy_J: NDArray[np.float64],
        n_bytes: NDArray[np.float64],
        stream: NDArray[np.int64],
    ) -> None:
        """Spread operations evenly over [start, done]; those of no duration fall in one bin."""
        while int(done.max()) >= LIMIT * self.width_ps:
            self.merge()
        width = self.width_ps
        first = start // width
        span = np.maximum(done - 1, start) // width - first + 1
        which = np.repeat(np.arange(start.size), span)
        place = first[which] + np.arange(which.size) - np.repeat(np.cumsum(span) - span, span)
        overlap = np.minimum(done[which], (place + 1) * width) - np.maximum(start[which], place * width)
        share = np.where(span[which] == 1, 1.0, overlap / np.maximum(done - start, 1)[which])
        self.energy_J += np.bincount(place, energy_J[which] * share, LIMIT)
        cell = place * self.n_bytes.shape[1] + stream[which]
        flat = np.bincount(cell, n_bytes[which] * share, self.n_bytes.size)
        self.n_bytes += flat.reshape(self.n_bytes.shape)

    def widened(self, width_ps: int) -> NDArray[np.float64]:
        """Return the energy in bins of a width that is `width_ps` or, where these are wider, theirs."""
        copy = deepcopy(self)
        while copy.width_ps < width_ps:
            copy.merge()
        return copy.energy_J

    def merge(self) -> None:
        """Make bins twice as wide."""
        half = LIMIT // 2
        for table in (self.energy_J, self.n_bytes):
            table[:half] = table[0::2] + table[1::2]
            table[half:] = 0
        self.width_ps *= 2
