"""Samples that are performed but not run: entered in the ledger in sum, without an event.

Number, counts, energy and bytes follow exactly from the counts of the effects, and so does the time that each server
is busy. Waiting follows from the order of events alone and is known for the samples that were run. A server whose
service depends on when and where takes as long, and opens as many rows, as for the like operations that were run.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.operation import COSTED, N_COUNTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.engine.binding import Binder, Bound
    from twin.engine.ledger import Constants, Ledger


class Skipped:
    """What was entered without being run, and where running began.

    Attributes
    ----------
    n : ndarray of int64, (n_templates,)
        Operations.
    served, busy_ps : ndarray of int64, (n_servers,)
        Visits and time in service.
    serial_ps : int
        The time all these operations would take one after another.
    elapsed_ps : int
        By how much the clock jumped.
    setup_served, setup_wait_ps, setup_busy_ps : ndarray of int64, (n_servers,)
        Visits, waiting and service of the set-up, which is never skipped and stands for nothing else.
    """

    SCALARS = ("serial_ps", "elapsed_ps")
    SUMS = ("n", "served", "busy_ps", "setup_served", "setup_wait_ps", "setup_busy_ps")

    def __init__(self, n_servers: int) -> None:
        self.n = np.zeros(0, np.int64)
        self.served = np.zeros(n_servers, np.int64)
        self.busy_ps = np.zeros(n_servers, np.int64)
        self.serial_ps = 0
        self.elapsed_ps = 0
        self.setup_served = np.zeros(n_servers, np.int64)
        self.setup_wait_ps = np.zeros(n_servers, np.int64)
        self.setup_busy_ps = np.zeros(n_servers, np.int64)


class Tally:
    """Sums over samples of one program.

    Attributes
    ----------
    n : int
        Samples.
    counts : ndarray of float64, (n_effects, N_COUNTS)
    occasions, amount : ndarray of int64, (n_scaled,)
        How often the count that scales the time was not zero, and its sum.
    uneven_ps : ndarray of int64, (n_scaled,)
        Time in service of operations whose servers differ in pace; zero for all others.
    """

    def __init__(self, bound: Bound, constants: Constants) -> None:
        self.bound, self._constants = bound, constants
        outline = bound.outline
        self.scaled = outline.template[outline.effects[outline.scaled]]
        self._uneven = np.flatnonzero(constants.uneven[self.scaled])
        self.n = 0
        self.counts = np.zeros((outline.effects.size, N_COUNTS))
        self.occasions = np.zeros(self.scaled.size, np.int64)
        self.amount = np.zeros(self.scaled.size, np.int64)
        self.uneven_ps = np.zeros(self.scaled.size, np.int64)

    def add(self, counts: NDArray[np.float64]) -> None:
        """Add samples."""
        outline = self.bound.outline
        self.n += len(counts)
        self.counts += counts.sum(axis=0)
        scale = counts[:, outline.scaled, outline.columns].astype(np.int64)
        self.occasions += (scale > 0).sum(axis=0)
        self.amount += scale.sum(axis=0)
        for k in self._uneven:
            paces = self._constants.paces(int(self.scaled[k]))
            longest = (paces[:, 1, None] + paces[:, 2, None] * scale[:, k]).max(axis=0)
            self.uneven_ps[k] += longest[scale[:, k] > 0].sum()


class Stretch:
    """Consecutive samples that are skipped, summed over templates when all are in.

    Attributes
    ----------
    n, timed, amount : ndarray of int64, (n_templates,)
        Operations; those that took time; the sum of the counts that scaled it.
    busy_ps : ndarray of int64, (n_templates,)
        Time from start to the last server free.
    counts : ndarray of float64, (n_templates, N_COUNTS)
    activations : ndarray of float64, (n_templates,)
        Rows that a stateful server would have opened, on average.
    visits, load_ps : ndarray of int64, (n_servers,)
        Visits of every server and its time in service.
    """

    def __init__(self, tallies: list[Tally], constants: Constants, n_servers: int, served: NDArray[np.float64]) -> None:
        self.constants = constants
        size = constants.size
        self.n, self.timed, self.amount, uneven_ps = (np.zeros(size, np.int64) for _ in range(4))
        self.counts = np.zeros((size, N_COUNTS))
        for tally in tallies:
            outline = tally.bound.outline
            self.n += np.bincount(outline.template, minlength=size) * tally.n
            np.add.at(self.counts, outline.template[outline.effects], tally.counts)
            for sums, values in (
                (self.timed, tally.occasions),
                (self.amount, tally.amount),
                (uneven_ps, tally.uneven_ps),
            ):
                np.add.at(sums, tally.scaled, values)
        fixed = constants.column < 0
        self.timed[fixed] = self.n[fixed]
        even_ps = constants.longest[:, 0] * self.timed + constants.longest[:, 1] * self.amount
        self.busy_ps = np.where(constants.uneven, uneven_ps, even_ps)
        self.latency_ps = constants.latency_ps * self.timed
        which = np.repeat(np.arange(size), constants.width)
        server, fixed_ps, per_count_ps = constants.occupancy.T
        self.visits, self.load_ps = np.zeros(n_servers, np.int64), np.zeros(n_servers, np.int64)
        np.add.at(self.visits, server, self.timed[which])
        np.add.at(self.load_ps, server, fixed_ps * self.timed[which] + per_count_ps * self.amount[which])
        self.requested = sum(tally.n * tally.bound.n_bytes for tally in tallies)
        self.sent = np.zeros(n_servers, np.int64)
        for tally in tallies:
            if tally.bound.carried.size:
                self.sent += tally.n * tally.bound.carried
        self.activations = served[:, 2] * self.n
        self._stateful: list[int] = np.flatnonzero(constants.stateful & (self.n > 0)).tolist()
        for template in self._stateful:
            self._serve(template, served[template])

    def accesses(self) -> list[tuple[int, int]]:
        """Return the transfers of the stateful server that are skipped: (access, times)."""
        return [(int(self.constants.access[template]), int(self.n[template])) for template in self._stateful]

    def _serve(self, template: int, served: NDArray[np.float64]) -> None:
        """Add what the stateful server would take for the operations of a template, by its means."""
        n, mean_ps = int(self.n[template]), served[0]
        server = self.constants.paces(template)[-1, 0]
        busy_ps = int(n * mean_ps)
        self.load_ps[server] += busy_ps
        self.busy_ps[template] = max(int(self.busy_ps[template]), busy_ps)
        self.latency_ps[template] += int(n * served[1])

    @property
    def serial_ps(self) -> int:
        """The time the operations would take one after another."""
        return int(self.busy_ps.sum() + self.latency_ps.sum())

    @property
    def energy_J(self) -> float:
        """The energy without leakage."""
        per_count = self.constants.total_J
        opened_J = (self.constants.activation_J * self.activations).sum()
        return float(
            (per_count[:, 0] * self.n).sum() + (per_count[:, 1 : 1 + COSTED] * self.counts[:, :COSTED]).sum() + opened_J
        )


class Tallies:
    """Gathers a stretch, program by program."""

    def __init__(self, binder: Binder, ledger: Ledger) -> None:
        self._binder, self._ledger = binder, ledger
        self._found: dict[int, Tally] = {}  # by bound program, which its tally keeps alive

    def add(self, sample: int, counts: NDArray[np.float64]) -> None:
        """Add samples of the program of `sample`: counts are (n_samples, n_effects, N_COUNTS)."""
        bound = self._binder.bind(sample)
        tally = self._found.get(id(bound))
        if tally is None:
            tally = self._found[id(bound)] = Tally(bound, self._ledger.constants())
        tally.add(counts)

    def stretch(self) -> Stretch:
        """Sum all that was added."""
        ledger = self._ledger
        constants = ledger.constants()
        return Stretch(list(self._found.values()), constants, len(ledger.costs.servers), self._served(constants))

    def _served(self, constants: Constants) -> NDArray[np.float64]:
        """Return what the stateful server takes for an operation of every template, on average, (n_templates, 3).

        Of a template that was never run: what it takes without a past.
        """
        ledger = self._ledger
        run = ledger.n - ledger.skipped.n
        mean: NDArray[np.float64] = ledger.served / np.maximum(run, 1)[:, None]
        for template in np.flatnonzero(constants.stateful & (run == 0)).tolist():
            if ledger.costs.stateful is not None:
                mean[template] = ledger.costs.stateful.nominal(int(constants.access[template]))
        return mean
