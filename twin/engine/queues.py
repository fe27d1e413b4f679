"""The queue of every server: who came, who waited, and how many were there over time."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from numpy.typing import NDArray

NONE = np.zeros(0, np.int64)


class Queues:
    """Sums over the visits of each server, each (n_servers,), int64.

    Attributes
    ----------
    served : visits
    busy_ps : time in service
    wait_ps : time from arrival to start
    content_ps : the integral over time of the number present, waiting or in service
    last_end_ps : when the last visit ends
    overlaps : visits that began before the one before had ended: none, unless there is a bug
    """

    SUMS = ("served", "busy_ps", "wait_ps", "content_ps", "overlaps", "last_end_ps")

    def __init__(self, n_servers: int) -> None:
        self.served = np.zeros(n_servers, np.int64)
        self.busy_ps = np.zeros(n_servers, np.int64)
        self.wait_ps = np.zeros(n_servers, np.int64)
        self.content_ps = np.zeros(n_servers, np.int64)
        self.overlaps = np.zeros(n_servers, np.int64)
        self.last_end_ps = np.zeros(n_servers, np.int64)
        self._narrow = np.min_scalar_type(n_servers)  # NumPy sorts integers of one or two bytes by radix
        self._present = (NONE, NONE)  # server and end of visits beyond the time settled
        self.settled_ps = 0

    def add(
        self,
        server: NDArray[np.int64],
        arrival: NDArray[np.int64],
        start: NDArray[np.int64],
        end: NDArray[np.int64],
        now_ps: int,
    ) -> None:
        """Enter visits in the order of their reservation and settle the queues at `now_ps`."""
        self.served += np.bincount(server, minlength=self.served.size)
        np.add.at(self.busy_ps, server, end - start)
        np.add.at(self.wait_ps, server, start - arrival)
        self._check_order(server, start, end)
        self._integrate(server, arrival, end, now_ps)

    def settle(self, now_ps: int) -> None:
        """Integrate up to `now_ps`."""
        self._integrate(NONE, NONE, NONE, now_ps)

    def _check_order(self, server: NDArray[np.int64], start: NDArray[np.int64], end: NDArray[np.int64]) -> None:
        order = np.argsort(server.astype(self._narrow), kind="stable")
        server, start, end = server[order], start[order], end[order]
        first = np.flatnonzero(np.diff(server, prepend=-1))  # visit of each server
        before = np.roll(end, 1)
        before[first] = self.last_end_ps[server[first]]
        self.overlaps += np.bincount(server[start < before], minlength=self.served.size)
        self.last_end_ps[server[first]] = np.maximum.reduceat(end, first) if first.size else end

    def _integrate(
        self, server: NDArray[np.int64], arrival: NDArray[np.int64], end: NDArray[np.int64], now_ps: int
    ) -> None:
        """Add the integral of the number present from the time settled to `now_ps`."""
        server = np.concatenate([self._present[0], server])
        end = np.concatenate([self._present[1], end])
        arrival = np.concatenate([np.full(self._present[0].size, self.settled_ps), arrival])
        # All who came by now leave by now or are cut off there, so each server's count ends at zero.
        time = np.concatenate([arrival, np.minimum(end, now_ps)])
        where = np.concatenate([server, server])
        change = np.repeat([1, -1], server.size)
        order = np.lexsort((time, where.astype(self._narrow)))
        present = np.cumsum(change[order])
        interval = np.diff(time[order], append=0)
        np.add.at(self.content_ps, where[order], np.where(present == 0, 0, present * interval))
        still = end > now_ps
        self._present = (server[still], end[still])
        self.settled_ps = now_ps
