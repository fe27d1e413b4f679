"""Operations one by one, for whoever asks: the ledger sums them up and forgets them.

A row of the ledger does not say to which sample it belongs; the engine tells the recorder when a sample is complete.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Final

import numpy as np

from twin.operation import N_COUNTS

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray

    Events = NDArray[Any]
    Sink = Callable[[Events], None]

EVENT: Final = np.dtype(
    [
        ("index", np.int64),
        ("sample", np.int64),
        ("template", np.int64),
        ("ready_ps", np.int64),
        ("start_ps", np.int64),
        ("done_ps", np.int64),
        ("count", np.int64),
        ("release", np.int64),
        ("code", np.int64),
        ("server", np.int64),
        ("blocker", np.int64),
        ("latency_ps", np.int64),
        ("served_ps", np.int64),
        ("energy_J", np.float64),
        ("counts", np.float64, (N_COUNTS,)),
    ]
)
"""One operation: its number in the order of reservation, then the columns of a row of the ledger and what follows.

`served_ps` is the time that a stateful server took, `energy_J` is without leakage.
"""

COLUMNS: Final = ("template", "ready_ps", "start_ps", "done_ps", "count", "release", "code", "server", "blocker")
UNKNOWN: Final = -2


class Recorder:
    """Puts the operations of an engine together with their samples.

    Parameters
    ----------
    index : int
        Operations that were reserved before the recorder was there.
    sink : callable
        Called with arrays of `EVENT` in the order of reservation, as soon as the samples of all of them are complete;
        nothing is left out or kept when the engine is drained.
    """

    def __init__(self, index: int, sink: Sink) -> None:
        self._sink, self._next = sink, index
        self._pending = np.zeros(0, EVENT)
        self._left: list[tuple[int, list[int]]] = []

    def leave(self, sample: int, indices: list[int]) -> None:
        """Note the operations of a completed sample."""
        self._left.append((sample, indices))

    def take(
        self,
        rows: NDArray[np.int64],
        latency_ps: NDArray[np.int64],
        served_ps: NDArray[np.int64],
        energy_J: NDArray[np.float64],
        counts: NDArray[np.float64],
    ) -> None:
        """Take the next rows of the ledger, (n, 9), and what it found of each; counts are (n, N_COUNTS)."""
        events = np.zeros(len(rows), EVENT)
        events["index"] = np.arange(self._next, self._next + len(rows))
        self._next += len(rows)
        events["sample"] = UNKNOWN
        for name, values in zip(COLUMNS, rows.T, strict=True):
            events[name] = values
        events["latency_ps"], events["served_ps"] = latency_ps, served_ps
        events["energy_J"], events["counts"] = energy_J, counts
        self._pending = np.concatenate([self._pending, events])
        self._emit()

    def _emit(self) -> None:
        pending = self._pending
        first = self._next - len(pending)
        for sample, indices in self._left:
            pending["sample"][np.array(indices) - first] = sample
        self._left.clear()
        open_ = np.flatnonzero(pending["sample"] == UNKNOWN)
        cut = int(open_[0]) if open_.size else len(pending)
        self._pending = pending[cut:].copy()
        if cut:
            self._sink(pending[:cut])
