"""Servers that are switched off when they have no work, and what that saves and takes.

A server that has been without work for longer than `Gate.after_ps` when an operation becomes ready is off by then. It
wakes at once, so that the operation starts `Gate.wake_ps` later at the earliest, and costs `Gate.wake_J`. One that an
operation has reserved stays awake, however long that waits for its other servers. All servers begin awake.

The scheduler delays starts by this rule; here it is applied again to the rows of the ledger, a chunk at a time.
"""

from __future__ import annotations

from copy import deepcopy
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin.engine.bins import Bins
from twin.units import PS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from twin.chip.demand import Component
    from twin.chip.power import Gate
    from twin.engine.ledger import Constants
    from twin.engine.skipping import Stretch

NEVER = np.iinfo(np.int64).max


class Woken(NamedTuple):
    """What waking took of each operation: energy, and the time of the slowest server, (n_rows,) each."""

    joules: NDArray[np.float64]
    ps: NDArray[np.int64]


class Gating:
    """Sums over the servers of a chip and over its operations.

    Parameters
    ----------
    gates : mapping of int to Gate
        By server.
    n_servers : int

    Attributes
    ----------
    since_ps : ndarray of int64, (n_servers,)
        When each server was last busy.
    off_ps : ndarray of int64, (n_servers,)
        The time each was off, but for what follows `since_ps`.
    skipped_off_ps : ndarray of int64, (n_servers,)
        The part of it that was not run.
    pairs : ndarray of int64, (n,)
        template x servers + server of all wake-ups so far.
    run, skipped : ndarray of float64, (n,)
        How often an operation of that template woke that server: those run, and an estimate of those that were not.
    saved : Bins
        What did not flow, over time, without what follows `since_ps`.
    """

    SUMS = ("since_ps", "off_ps", "skipped_off_ps", "pairs", "run", "skipped")

    def __init__(self, gates: Mapping[int, Gate], n_servers: int) -> None:
        self._n = n_servers
        self._after_ps = np.full(n_servers, NEVER)
        self._wake_ps = np.zeros(n_servers, np.int64)
        self._wake_J, self._saved_W = np.zeros(n_servers), np.zeros(n_servers)
        for number, gate in gates.items():
            self._after_ps[number], self._wake_ps[number] = gate.after_ps, gate.wake_ps
            self._wake_J[number], self._saved_W[number] = gate.wake_J, sum(gate.saved_W.values())
        self._gates = dict(gates)
        self.since_ps, self.off_ps, self.skipped_off_ps = (np.zeros(n_servers, np.int64) for _ in range(3))
        self.pairs, self.run, self.skipped = np.zeros(0, np.int64), np.zeros(0), np.zeros(0)
        self.saved = Bins(1)
        self._jumped_ps = 0

    def enter(
        self,
        template: NDArray[np.int64],
        ready: NDArray[np.int64],
        which: NDArray[np.int64],
        server: NDArray[np.int64],
        end: NDArray[np.int64],
    ) -> Woken:
        """Enter visits in the order of their reservation: `which` is the operation of each visit."""
        order = np.argsort(server, kind="stable")
        server, which, end = server[order], which[order], end[order]
        first = np.flatnonzero(np.diff(server, prepend=-1))  # visit of each server
        before = np.roll(end, 1)
        before[first] = self.since_ps[server[first]]
        last = np.flatnonzero(np.diff(server, append=-1))
        self.since_ps[server[last]] = end[last]
        woken = np.flatnonzero(ready[which] - before > self._after_ps[server])
        server, which, before = server[woken], which[woken], before[woken]
        self._switch_off(server, before + self._after_ps[server], ready[which])
        self._count(template[which] * self._n + server)
        taken = Woken(np.zeros(template.size), np.zeros(template.size, np.int64))
        np.add.at(taken.joules, which, self._wake_J[server])
        np.maximum.at(taken.ps, which, self._wake_ps[server])
        return taken

    def _switch_off(self, server: NDArray[np.int64], begin: NDArray[np.int64], end: NDArray[np.int64]) -> None:
        if server.size:
            np.add.at(self.off_ps, server, end - begin)
            joules = self._saved_W[server] * (end - begin) * PS
            self.saved.add(begin, end, joules, np.zeros(server.size), np.zeros(server.size, np.int64))

    def _count(self, pairs: NDArray[np.int64]) -> None:
        every = np.concatenate([self.pairs, pairs])
        self.pairs, place = np.unique(every, return_inverse=True)
        old = place[: self.run.size]
        self.skipped = _sums(old, self.skipped, self.pairs.size)
        self.run = _sums(place, np.concatenate([self.run, np.ones(pairs.size)]), self.pairs.size)

    def settle(self, now_ps: int) -> None:
        """Enter the time that drained servers have been off by `now_ps`."""
        begin = self.since_ps[self._numbers] + self._after_ps[self._numbers]
        off = begin < now_ps
        self._switch_off(self._numbers[off], begin[off], np.full(int(off.sum()), now_ps))
        self.since_ps[self._numbers] = now_ps

    @property
    def _numbers(self) -> NDArray[np.int64]:
        return np.array(sorted(self._gates), np.int64)

    def skip(
        self, stretch: Stretch, run: NDArray[np.int64], busy_ps: NDArray[np.int64], now_ps: int, elapsed_ps: int
    ) -> float:
        """Enter samples that are not run, of which servers are off and woken as often as in those that were.

        Parameters
        ----------
        stretch : Stretch
        run : ndarray of int64, (n_templates,)
            Operations run so far.
        busy_ps : ndarray of int64, (n_servers,)
            Busy time of what was run until `now_ps`.
        now_ps, elapsed_ps : int

        Returns
        -------
        float
            Energy of waking, J.
        """
        self.settle(now_ps)
        mine = self._numbers
        run_ps = now_ps - self._jumped_ps
        idle_ps = np.maximum(run_ps - busy_ps[mine], 1)
        share = np.minimum((self.off_ps - self.skipped_off_ps)[mine] / idle_ps, 1.0)
        off_ps = (share * np.maximum(elapsed_ps - stretch.load_ps[mine], 0)).astype(np.int64)
        self.off_ps[mine] += off_ps
        self.skipped_off_ps[mine] += off_ps
        joules = np.array([float((self._saved_W[mine] * off_ps).sum()) * PS])
        now = np.array([now_ps])
        self.saved.add(now, now + elapsed_ps, joules, np.zeros(1), np.zeros(1, np.int64))
        self.since_ps[mine] = now_ps + elapsed_ps
        self._jumped_ps += elapsed_ps
        template, server = np.divmod(self.pairs, self._n)
        more = self.run * stretch.n[template] / np.maximum(run[template], 1)
        self.skipped += more
        return float((more * self._wake_J[server]).sum())

    def longest_wake_ps(self, constants: Constants) -> NDArray[np.int64]:
        """Return the longest time that waking can take an operation of each template, (n_templates,)."""
        found = np.zeros(constants.size, np.int64)
        which = np.repeat(np.arange(constants.size), constants.width)
        np.maximum.at(found, which, self._wake_ps[constants.occupancy[:, 0]])
        return found

    def wake_ups(self) -> NDArray[np.float64]:
        """Return how often each server was woken, (n_servers,)."""
        return _sums(self.pairs % self._n, self.run + self.skipped, self._n)

    def woken_J(self) -> NDArray[np.float64]:
        """Return the energy of waking each server, (n_servers,)."""
        return self.wake_ups() * self._wake_J

    def by_template_J(self, n_templates: int) -> NDArray[np.float64]:
        """Return the energy of waking servers for operations of each template, (n_templates,)."""
        template, server = np.divmod(self.pairs, self._n)
        return _sums(template, (self.run + self.skipped) * self._wake_J[server], n_templates)

    def off_until(self, now_ps: int) -> NDArray[np.int64]:
        """Return the time each server was off until `now_ps`, when the engine is drained, (n_servers,)."""
        mine, found = self._numbers, self.off_ps.copy()
        found[mine] += np.maximum(now_ps - self.since_ps[mine] - self._after_ps[mine], 0)
        return found

    def saved_J(self, now_ps: int) -> dict[Component, float]:
        """Return what did not flow until `now_ps`, by component."""
        off: list[int] = self.off_until(now_ps).tolist()
        found: dict[Component, float] = {}
        for number, gate in self._gates.items():
            for component, watts in gate.saved_W.items():
                found[component] = found.get(component, 0.0) + watts * off[number] * PS
        return found

    def saved_until(self, now_ps: int) -> Bins:
        """Return what did not flow until `now_ps`, over time."""
        copy = deepcopy(self)
        copy.settle(now_ps)
        return copy.saved

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return everything as plain arrays."""
        scalars = np.array([self._jumped_ps, self.saved.width_ps], np.int64)
        return {name: getattr(self, name).copy() for name in self.SUMS} | {
            "scalars": scalars,
            "saved_J": self.saved.energy_J.copy(),
        }

    def restore(self, arrays: Mapping[str, NDArray[np.generic]]) -> None:
        """Take what `state` returned."""
        for name in self.SUMS:
            setattr(self, name, arrays[name].copy())
        self._jumped_ps, self.saved.width_ps = (int(value) for value in arrays["scalars"])
        self.saved.energy_J = np.asarray(arrays["saved_J"], float)


def _sums(place: NDArray[np.int64], values: NDArray[np.float64], size: int) -> NDArray[np.float64]:
    """Return the sums of values by place, (size,)."""
    return np.asarray(np.bincount(place, values, size), float)
