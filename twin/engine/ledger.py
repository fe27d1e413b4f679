"""The ledger: what every operation occupied, cost and moved, summed as the run goes.

Energy and bytes are linear in the counts, so the ledger keeps the number and the summed counts of every
template and multiplies when asked. Operations arrive as rows of plain integers and are summed by the chunk.
"""

from __future__ import annotations

from collections import Counter, deque
from typing import TYPE_CHECKING

import numpy as np

from twin.chip import Component
from twin.engine.binding import STREAMS, no_traffic
from twin.engine.bins import Bins
from twin.engine.gating import Gating
from twin.engine.opening import Opening
from twin.engine.queues import Queues
from twin.engine.skipping import Skipped
from twin.operation import COSTED, N_COUNTS, Stream
from twin.units import PS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.engine.binding import Bound, Template
    from twin.engine.protocols import Costs
    from twin.engine.recorder import Recorder
    from twin.engine.skipping import Stretch

# Columns of a row: template, ready, start, done (ps), count, the operation that released it, the hazard,
# the server that was busy and the operation that held it.
COLUMNS = 9
RECENT = 50_000


class Constants:
    """What the templates say, as arrays over templates."""

    def __init__(self, templates: list[Template]) -> None:
        demands = [template.demand for template in templates]
        self.size = len(templates)
        self.effect = np.array([t.effect for t in templates], bool)
        self.column = np.array([d.column for d in demands], np.int64)
        self.latency_ps = np.array([d.latency_ps for d in demands], np.int64)
        self.energy_J = np.array([d.energy_J for d in demands]).reshape(-1, len(Component), 1 + N_COUNTS)
        self.total_J = self.energy_J.sum(axis=1)
        self.n_bytes = np.array([t.n_bytes for t in templates], np.int64).reshape(-1, *no_traffic().shape)
        self.payload = np.array([d.payload[1] if d.payload else 0 for d in demands], float)
        self.stream = np.array([STREAMS[d.payload[0]] if d.payload else 0 for d in demands], np.int64)
        self.width = np.array([len(d.occupancy) for d in demands], np.int64)
        self.first = np.cumsum(self.width) - self.width
        self.occupancy = np.array([o for d in demands for o in d.occupancy], np.int64).reshape(-1, 3)
        self.access = np.array([d.access for d in demands], np.int64)
        self.stateful = self.access >= 0
        self.activation_J = np.array([d.activation_J for d in demands])
        self.longest, self.uneven = self._longest()
        carried = [(k, server, size) for k, d in enumerate(demands) for server, size in d.carried]
        self.carried = np.array(carried, np.int64).reshape(-1, 3)

    def paces(self, template: int) -> NDArray[np.int64]:
        """Return the occupancies of a template: (n, 3) of server, fixed ps, ps per count."""
        return self.occupancy[self.first[template] :][: self.width[template]]

    def _longest(self) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
        """Return fixed time and time per count of each template's slowest server, (n, 2).

        Beside them, where no server is the slowest whatever the count.
        """
        longest, uneven = np.zeros((self.size, 2), np.int64), np.zeros(self.size, bool)
        for template in np.flatnonzero(self.width).tolist():
            fixed, per_count = self.paces(template)[:, 1:].T
            counted = int(self.column[template] >= 0)
            slowest = np.lexsort((per_count, fixed + per_count * counted))[-1]
            longest[template] = fixed[slowest], per_count[slowest]
            uneven[template] = counted and per_count[slowest] < per_count.max()
        return longest, uneven


class Ledger:
    """Sums over templates, servers and time.

    Attributes
    ----------
    rows, count_rows, served_rows : list
        The operations since the last `flush`, flat, filled by the engine; counts of those with an effect; what the
        stateful server said of those that it served: its time, its latency (ps), and the rows it opened.
    n, busy_ps, wait_ps, latency_ps : ndarray of int64, (n_templates,)
        Operations; time from start to the last server free; time from ready to start; latency added.
    counts : ndarray of float64, (n_templates, N_COUNTS)
    served : ndarray of int64, (n_templates, 3)
        Sums of `served_rows`, of what was run.
    activations : ndarray of float64, (n_templates,)
        Rows opened; those of skipped operations are estimated.
    requested : ndarray of int64, (len(Path), len(Stream))
        Bytes of all samples let in.
    sent : ndarray of int64, (n_servers,)
        Bytes that links of a network are to carry for all samples let in.
    serial_ps : int
        The time all operations would take one after another, waking their servers included.
    queues : Queues
        Of what was run.
    bins : Bins
    opening : Opening
    gating : Gating or None
        Of servers that are switched off when idle, if the chip has such.
    recorder : Recorder or None
        Who is told of every operation.
    remember : int
        How many of the last operations `recent` returns.
    skipped : Skipped
        The part of `n`, `busy_ps`, `latency_ps`, `counts` and `requested` that was not run; `wait_ps`,
        `serial_ps` and `queues` are without it.
    """

    CHUNK = 4096 * COLUMNS

    def __init__(self, templates: list[Template], costs: Costs) -> None:
        self.templates, self.costs = templates, costs
        self.rows: list[int] = []
        self.count_rows: list[float] = []
        self.served_rows: list[int] = []
        self.n = np.zeros(0, np.int64)
        self.busy_ps = np.zeros(0, np.int64)
        self.wait_ps = np.zeros(0, np.int64)
        self.latency_ps = np.zeros(0, np.int64)
        self.counts = np.zeros((0, N_COUNTS))
        self.served = np.zeros((0, 3), np.int64)
        self.activations = np.zeros(0)
        self.requested = no_traffic()
        self.sent = np.zeros(len(costs.servers), np.int64)
        self.serial_ps = 0
        self.queues = Queues(len(costs.servers))
        self.bins = Bins(len(Stream))
        self.opening = Opening()
        self.skipped = Skipped(len(costs.servers))
        gates = costs.standing.gates
        self.gating = Gating(gates, len(costs.servers)) if gates else None
        self.recorder: Recorder | None = None
        self.remember = RECENT
        self._let_in: list[Bound] = []
        self._recent: deque[NDArray[np.int64]] = deque()
        self._kept = 0
        self._constants = Constants([])

    def request(self, bound: Bound) -> None:
        """Note the bytes of a sample that is let in."""
        self._let_in.append(bound)

    def leave(self, sample: int, operations: list[int]) -> None:
        """Tell who asks to which sample operations belong, by their numbers in the order of reservation."""
        if self.opening.open:
            self.opening.leave(sample, operations)
        if self.recorder is not None:
            self.recorder.leave(sample, operations)

    def constants(self) -> Constants:
        """Return the templates as arrays; the sums grow with them."""
        if self._constants.size != len(self.templates):
            self._constants = Constants(self.templates)
            more = self._constants.size - self.n.size
            self.n, self.busy_ps, self.wait_ps, self.latency_ps, self.skipped.n = (
                np.concatenate([sums, np.zeros(more, np.int64)])
                for sums in (self.n, self.busy_ps, self.wait_ps, self.latency_ps, self.skipped.n)
            )
            self.counts = np.concatenate([self.counts, np.zeros((more, N_COUNTS))])
            self.served = np.concatenate([self.served, np.zeros((more, 3), np.int64)])
            self.activations = np.concatenate([self.activations, np.zeros(more)])
        return self._constants

    def flush(self, now_ps: int) -> None:
        """Sum the rows; all that become ready later do so at `now_ps` or after."""
        constants = self.constants()
        for bound, n in Counter(self._let_in).items():
            self.requested += n * bound.n_bytes
            if bound.carried.size:
                self.sent += n * bound.carried
        self._let_in.clear()
        if self.rows:
            rows = np.fromiter(self.rows, np.int64, len(self.rows)).reshape(-1, COLUMNS)
            self._keep(rows)
            self._sum(rows, constants, now_ps)
            self.rows.clear()
            self.count_rows.clear()
            self.served_rows.clear()
        else:
            self.queues.settle(now_ps)

    def _sum(self, rows: NDArray[np.int64], constants: Constants, now_ps: int) -> None:
        template, ready, start, done, count = np.ascontiguousarray(rows[:, :5].T)
        effect = constants.effect[template]
        counts = np.fromiter(self.count_rows, float, len(self.count_rows)).reshape(-1, N_COUNTS)
        counted = template[effect]
        timed = (constants.column[template] < 0) | (count > 0)
        latency = np.where(timed, constants.latency_ps[template], 0)
        served = self._served(constants, template)
        latency += served[:, 1]
        self.n += np.bincount(template, minlength=constants.size)
        np.add.at(self.wait_ps, template, start - ready)
        np.add.at(self.latency_ps, template, latency)
        np.add.at(self.busy_ps, template, done - start - latency)
        cells = (counted * N_COUNTS)[:, None] + np.arange(N_COUNTS)
        self.counts += np.bincount(cells.ravel(), counts.ravel(), self.counts.size).reshape(self.counts.shape)
        self.serial_ps += int((done - start).sum())
        width = np.where(timed, constants.width[template], 0)
        which, server, begin, end = self._visits(template, start, count, width, served[:, 0])
        energy_J = constants.total_J[template, 0] + constants.activation_J[template] * served[:, 2]
        energy_J[effect] += (constants.total_J[counted, 1 : 1 + COSTED] * counts[:, :COSTED]).sum(axis=1)
        if self.gating is not None:
            woken = self.gating.enter(template, ready, which, server, end)
            energy_J += woken.joules
            self.serial_ps += int(woken.ps.sum())
        self.bins.add(start, done, energy_J, constants.payload[template], constants.stream[template])
        if self.recorder is not None:
            found = np.zeros((len(rows), N_COUNTS))
            found[effect] = counts
            self.recorder.take(rows, latency, served[:, 0], energy_J, found)
        self.queues.add(server, ready[which], begin, end, now_ps)
        self.opening.take(template, which, server, begin, end)

    def _served(self, constants: Constants, template: NDArray[np.int64]) -> NDArray[np.int64]:
        """Sum what the stateful server said; return it by operation, zeros for all others, (n_rows, 3)."""
        served = np.zeros((template.size, 3), np.int64)
        if self.served_rows:
            mine = constants.stateful[template]
            served[mine] = np.reshape(self.served_rows, (-1, 3))
            np.add.at(self.served, template[mine], served[mine])
            np.add.at(self.activations, template[mine], served[mine, 2])
        return served

    def _visits(
        self,
        template: NDArray[np.int64],
        start: NDArray[np.int64],
        count: NDArray[np.int64],
        width: NDArray[np.int64],
        served_ps: NDArray[np.int64],
    ) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return the visits of operations at their first `width` servers: operation, server, begin, end.

        The last one is busy for `served_ps` more.
        """
        constants = self._constants
        which = np.repeat(np.arange(width.size), width)
        place = np.arange(which.size) + np.repeat(constants.first[template] + width - np.cumsum(width), width)
        server, fixed, per_count = constants.occupancy[place].T
        begin = start[which]
        end = begin + fixed + per_count * count[which]
        if self.served_rows:
            end[(np.cumsum(width) - 1)[width > 0]] += served_ps[width > 0]
        return which, server, begin, end

    def skip(self, stretch: Stretch, now_ps: int, elapsed_ps: int) -> None:
        """Enter samples that are not run, spread evenly over `elapsed_ps` from `now_ps`."""
        constants, skipped = stretch.constants, self.skipped
        woken_J, woken_ps = self._skip_gated(stretch, now_ps, elapsed_ps) if self.gating is not None else (0.0, 0)
        self.n += stretch.n
        self.busy_ps += stretch.busy_ps
        self.latency_ps += stretch.latency_ps
        self.counts += stretch.counts
        self.activations += stretch.activations
        self.requested += stretch.requested
        self.sent += stretch.sent
        skipped.n += stretch.n
        skipped.served += stretch.visits
        skipped.busy_ps += stretch.load_ps
        skipped.serial_ps += stretch.serial_ps + woken_ps
        skipped.elapsed_ps += elapsed_ps
        n_streams = len(Stream)
        n_bytes = np.bincount(constants.stream, constants.payload * stretch.n, n_streams).astype(float)
        energy_J = np.zeros(n_streams)
        energy_J[0] = stretch.energy_J + woken_J
        start = np.full(n_streams, now_ps)
        self.bins.add(start, start + elapsed_ps, energy_J, n_bytes, np.arange(n_streams))
        self.queues.settle(now_ps + elapsed_ps)

    def _skip_gated(self, stretch: Stretch, now_ps: int, elapsed_ps: int) -> tuple[float, int]:
        """Let servers be off and woken as in what was run; return the energy, and the longest time that can take."""
        if self.gating is None:
            return 0.0, 0
        run = self.n - self.skipped.n
        joules = self.gating.skip(stretch, run, self.queues.busy_ps, now_ps, elapsed_ps)
        return joules, int((self.gating.longest_wake_ps(stretch.constants) * stretch.n).sum())

    def set_up(self) -> None:
        """Note that all visits so far belong to the set-up."""
        self.opening.begin()
        self.skipped.setup_served = self.queues.served.copy()
        self.skipped.setup_wait_ps = self.queues.wait_ps.copy()
        self.skipped.setup_busy_ps = self.queues.busy_ps.copy()

    @property
    def load_ps(self) -> NDArray[np.int64]:
        """The time every server is in service, skipped samples included, (n_servers,)."""
        return self.queues.busy_ps + self.skipped.busy_ps

    def visits(self) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return visits, busy time and waiting of every server, (n_servers,) each, skipped samples included.

        A visit that was skipped counts as having waited as long as those that were not, on average.
        """
        queues, skipped = self.queues, self.skipped
        served = queues.served + skipped.served
        seen, wait_ps = queues.served - skipped.setup_served, queues.wait_ps - skipped.setup_wait_ps
        return served, self.load_ps, queues.wait_ps + scaled(wait_ps, skipped.served, seen)

    def _keep(self, rows: NDArray[np.int64]) -> None:
        self._recent.append(rows)
        self._kept += len(rows)
        while self._kept - len(self._recent[0]) >= self.remember:
            self._kept -= len(self._recent.popleft())

    def recent(self) -> NDArray[np.int64]:
        """Return the rows of the last operations, 50,000 unless `remember` says otherwise."""
        rows = np.concatenate([np.zeros((0, COLUMNS), np.int64), *self._recent])
        return rows[-self.remember :]

    def restore_recent(self, rows: NDArray[np.int64]) -> None:
        """Take rows that `recent` returned."""
        self._recent, self._kept = deque([rows]), len(rows)

    def energy_J(self) -> NDArray[np.float64]:
        """Return the energy of operations, (n_templates, len(Component))."""
        constants = self.constants()
        amounts = np.concatenate([self.n[:, None], self.counts], axis=1)
        amounts[:, 1 + COSTED :] = 0.0
        table = np.asarray(np.einsum("tck,tk->tc", constants.energy_J, amounts), float)
        table[:, Component.MEMORY] += constants.activation_J * self.activations
        if self.gating is not None:
            table[:, Component.WAKE] += self.gating.by_template_J(constants.size)
        return table

    def standing_J(self, now_ps: int) -> dict[Component, float]:
        """Return the energy that flows without an operation until `now_ps`, by component."""
        found = {component: watts * now_ps * PS for component, watts in self.costs.standing.watts.items()}
        for component, joules in self.gating.saved_J(now_ps).items() if self.gating is not None else ():
            found[component] -= joules
        return found

    def delivered(self) -> NDArray[np.int64]:
        """Return the bytes moved, (n_templates, len(Path), len(Stream))."""
        return self.constants().n_bytes * self.n[:, None, None]

    def carried(self) -> NDArray[np.int64]:
        """Return the bytes that went over the links of a network, (n_servers,)."""
        template, server, n_bytes = self.constants().carried.T
        table = np.zeros(len(self.costs.servers), np.int64)
        np.add.at(table, server, n_bytes * self.n[template])
        return table


def scaled(sums: NDArray[np.int64], more: NDArray[np.int64], seen: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return what `more` cases add to sums over `seen` cases at the same mean, rounded; nothing where none was seen."""
    mean = sums / np.maximum(seen, 1)
    return np.rint(mean * more).astype(np.int64)
