"""The run: hazards and FIFO servers on a SimPy clock in integer picoseconds.

An operation is ready when every earlier operation that conflicts with it is complete. It then performs
its effect and reserves all its servers at once: it starts when the last of them is free, keeps each for
that server's own time, and completes after the longest of these plus the latency. One event per operation.

Servers are first come, first served, and every access to a matrix occupies the servers that hold it. So effects on
a matrix happen in the order in which their services start, each as of that start (`Engine.start_ps`), and no
operation sees another's effect before that one's service is over.
"""

from __future__ import annotations

from collections import deque
from heapq import heappush
from typing import TYPE_CHECKING, Any

import simpy

from twin.engine.binding import Binder, Bound
from twin.engine.consistency import Bounded, Consistency
from twin.engine.jobs import Job, Run, wait
from twin.engine.ledger import Ledger
from twin.engine.meeting import Meeting
from twin.engine.sampling import Sampling
from twin.engine.skipping import Tallies
from twin.engine.staleness import Staleness
from twin.errors import TwinError
from twin.operation import Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from twin.engine.binding import Template, Visits
    from twin.engine.protocols import Costs, Effects, Program
    from twin.engine.sampling import Watch
    from twin.engine.skipping import Stretch

NORMAL = simpy.events.NORMAL
SETUP = -1
ADMISSION, NOTHING = -1, -2  # codes beside the hazard codes


class Scheduler:
    """Runs samples through a chip and keeps the ledger.

    Parameters
    ----------
    program : Program
    effects : Effects
    costs : Costs
        ``ChipCosts(chip, mapping)``.
    in_flight : int
        Samples under way at once, at least 1; private resources have as many copies, and one for each sample ahead.
    on_sample : callable, optional
        Called with the number of every completed sample.
    consistency : Consistency, optional
        Of weight matrices between samples; strict by default.
    ahead : int
        Samples that may arrive from the host while those before are under way: nothing else of them is done until the
        sample `in_flight` before has left. 1 is double-buffered input.

    Attributes
    ----------
    now_ps : int
    start_ps : int
        When the service starts of the operation whose effect is being performed.
    setup_ps : int
        When the set-up was complete; the first sample starts then.
    stateful : Stateful or None
        The server whose service depends on when and where, if the chip has one.
    ledger : Ledger
    sampling : Sampling
        What timed windows found, where samples are skipped.
    staleness : Staleness
        How old the weights were that mat-vecs read.
    """

    __slots__ = (  # a dictionary of this many attributes would slow every look-up
        "_add_counts",
        "_add_row",
        "_add_served",
        "_arrivals",
        "_bounded",
        "_callbacks",
        "_chains",
        "_counts",
        "_effects",
        "_env",
        "_free",
        "_gates",
        "_held",
        "_meeting",
        "_next",
        "_now",
        "_number",
        "_on_sample",
        "_program",
        "_queue",
        "_running",
        "_stop",
        "_user",
        "_watch",
        "binder",
        "consistency",
        "costs",
        "critical_ps",
        "in_flight",
        "index",
        "last_index",
        "ledger",
        "sampling",
        "setup_done",
        "setup_ps",
        "slots",
        "sojourn_ps",
        "staleness",
        "start_ps",
        "stateful",
    )

    def __init__(
        self,
        program: Program,
        effects: Effects,
        costs: Costs,
        in_flight: int,
        on_sample: Callable[[int], None] | None = None,
        consistency: Consistency | None = None,
        ahead: int = 0,
    ) -> None:
        if in_flight < 1:
            raise TwinError(f"training.in_flight (= {in_flight}): must be at least 1")
        self.costs = costs
        self._program, self._effects, self._on_sample = program, effects, on_sample
        self.in_flight, self.slots = in_flight, in_flight + ahead
        self.stateful = costs.stateful
        self.consistency = consistency or Consistency()
        self.binder = Binder(program, self.costs, self.slots, relaxed=not self.consistency.strict)
        self.staleness = Staleness()
        self.ledger = Ledger(self.binder.templates, self.costs)
        self.setup_ps = 0
        self.setup_done = False
        self.index = 0  # operations reserved so far
        self.last_index = -1  # the operation whose completion let the newest sample in
        self.critical_ps = 0  # longest chain of hazards so far
        self.sojourn_ps = [0] * len(self.costs.servers)
        self.sampling = Sampling()
        self._watch: Watch | None = None
        self._counts = effects.counts
        self._meeting = Meeting(wait)
        self._arrivals: dict[int, tuple[Bound, tuple[int, ...]]] = {}  # of a bound program, by its identity
        self._add_row, self._add_counts = self.ledger.rows.extend, self.ledger.count_rows.extend
        self._add_served = self.ledger.served_rows.extend
        self._gates = costs.standing.gates
        self.start_clock(0)

    def start_clock(self, now_ps: int) -> None:
        """Start an empty pipeline at `now_ps`."""
        self._env = simpy.Environment(now_ps)
        # What `Environment.schedule` enters an event with; to call it would cost as much as the entry.
        self._queue, self._number = self._env._queue, self._env._eid.__next__  # noqa: SLF001
        self._now = self.start_ps = now_ps
        self._bounded = Bounded(self.consistency.staleness, wait) if self.consistency.mode == "bounded" else None
        self._meeting.forget()
        self._callbacks: list[Callable[[Any], None]] = [self._complete]
        self._free = [now_ps] * len(self.costs.servers)
        self._user = [-1] * len(self.costs.servers)
        self._running: dict[int, Run] = {}
        self._chains: dict[int, int] = {}  # longest chain of completed samples, until that lets one in
        self._held: deque[Run] = deque()  # samples of which nothing but the arrival may go on yet
        self._next = self._stop = 0

    @property
    def now_ps(self) -> int:
        """The simulated time, ps."""
        return self._now

    def advance(self, first_sample: int, last_sample: int, watch: Watch | None = None) -> None:
        """Run samples until the pipeline has drained, without checks; tell `watch` of every completed sample.

        The set-up runs before the first sample ever.
        """
        self.prepare()
        self._next, self._stop, self._watch = first_sample, last_sample, watch
        self._go()
        self._watch = None

    def prepare(self) -> None:
        """Run the set-up, unless it has run."""
        if self.setup_done:
            return
        self.set_up(self._effects.setup_counts())
        self.setup_ps, self.setup_done = self.now_ps, True
        self.ledger.set_up()

    def close(self) -> None:
        """Let no further sample in; those in flight go on until the pipeline has drained."""
        self._stop = self._next

    @property
    def next_sample(self) -> int:
        """The first sample that was not let in."""
        return self._next

    def tallies(self) -> Tallies:
        """Return an empty sum of samples to be skipped."""
        return Tallies(self.binder, self.ledger)

    def skip(self, stretch: Stretch, elapsed_ps: int) -> None:
        """Enter samples that are not run; the clock of the drained engine jumps by `elapsed_ps`."""
        if self.under_way:
            raise ValueError(f"{self.under_way} samples are in flight; only a drained engine can skip")
        self.ledger.skip(stretch, self.now_ps, elapsed_ps)
        if self.stateful is not None:
            for access, times in stretch.accesses():
                self.stateful.skip(access, times)
            self.stateful.jump(elapsed_ps)
        self.start_clock(self.now_ps + elapsed_ps)

    def announce(self, sample: int) -> None:
        """Say that a sample is complete."""
        if self._on_sample is not None:
            self._on_sample(sample)

    def set_up(self, rows: Sequence[Sequence[float]], *, again: bool = False) -> None:
        """Run the set-up program on the drained engine, with one row of counts per operation.

        `again`: only what of it is repeated.
        """
        self._counts = lambda sample, position: rows[position]  # noqa: ARG005
        bound = self.binder.bind_setup(again=again)
        if len(rows) != len(bound.steps):
            raise ValueError(f"{len(rows)} rows of set-up counts for {len(bound.steps)} operations")
        if rows:
            self._complete_all(self._enter(SETUP, bound))
            self._go()
        self._counts = self._effects.counts

    def _go(self) -> None:
        self._complete_all(self._admit())
        self._env.run()
        self.critical_ps = max(self.critical_ps, *self._chains.values(), 0)
        self._chains.clear()
        self.ledger.flush(self.now_ps)

    def _admit(self) -> list[Job]:
        """Let samples in, in order, while their slots are free; return operations that are complete."""
        finished = self._release() if self._held else []
        running = self._running
        while self._next < self._stop and self._next - self.slots not in running:
            sample = self._next
            self._next += 1
            if self.slots == self.in_flight:
                self.critical_ps = max(self.critical_ps, self._chains.pop(sample - self.in_flight, 0))
            finished += self._enter(sample, self.binder.bind(sample))
            if self._held:
                finished += self._release()
        return finished

    def _release(self) -> list[Job]:
        """Let samples go on that have arrived or are about to, in order, while fewer than `in_flight` are under way."""
        finished: list[Job] = []
        while self._held and self._held[0].sample - self.in_flight not in self._running:
            run = self._held.popleft()
            self.critical_ps = max(self.critical_ps, self._chains.pop(run.sample - self.in_flight, 0))
            jobs = [run.jobs[k] for k in self._waiting_for_arrival(run.bound)]
            code = ADMISSION if self.last_index >= 0 else NOTHING
            for job in jobs:
                job.critical_ps = max(job.critical_ps, self.critical_ps)
                job.waiting -= 1
                if not job.waiting and self._start(job, self.last_index, code):
                    finished.append(job)
        return finished

    def _waiting_for_arrival(self, bound: Bound) -> tuple[int, ...]:
        """Return what of a sample that comes ahead is held back: roots but arrivals, and what follows these."""
        known = self._arrivals.get(id(bound))
        if known is None or known[0] is not bound:
            arrivals = {k for k, step in enumerate(bound.steps) if step[1].operation.kind is Kind.INPUT}
            after = {later for k in arrivals for later, _ in bound.steps[k][3]}
            known = self._arrivals[id(bound)] = bound, tuple(sorted((after | {*bound.roots}) - arrivals))
        return known[1]

    def _enter(self, sample: int, bound: Bound) -> list[Job]:
        run = Run(sample, bound, self.critical_ps)
        self.ledger.request(bound)
        if not run.jobs:
            return []
        self._running[sample] = run
        jobs = run.jobs
        self.staleness.enter(sample, bound.written)
        if self.slots > 1:
            self._meeting.meet(bound, jobs)
        if self._bounded is not None:
            for weights in bound.weights:
                self._bounded.meet(weights, jobs, sample)
        if self.slots > self.in_flight and sample != SETUP:
            for position in self._waiting_for_arrival(bound):
                jobs[position].waiting += 1
            self._held.append(run)
        code = ADMISSION if self.last_index >= 0 else NOTHING
        free = [job for job in (jobs[k] for k in bound.roots) if not job.waiting]
        return [job for job in free if self._start(job, self.last_index, code)]

    def _wake_and_start(self, job: Job, release: int, code: int) -> bool:
        """As `_start`, of an operation that finds servers switched off (`twin.engine.gating`)."""
        now, free, user, gates = self._now, self._free, self._user, self._gates
        off = [one for one, after_ps in job.template.gated if now - free[one] > after_ps]
        before = [(free[one], user[one]) for one in off]
        for one in off:
            free[one], user[one] = now + gates[one].wake_ps, release
        no_time = Scheduler._start(self, job, release, code)  # a subclass's own start is under way already
        for one, (since, last) in zip(off, before, strict=True):
            if user[one] != job.index:  # there was nothing to do, so it did not wake
                free[one], user[one] = since, last
        return no_time

    def rest_since(self, since_ps: Sequence[int]) -> None:
        """Say when each server of the drained engine was last busy: servers that are switched off count from there."""
        for number in self._gates:
            self._free[number] = since_ps[number]

    def _start(self, job: Job, release: int, code: int) -> bool:  # noqa: C901, PLR0912 - the hot loop: calls cost more
        """Perform the effect of an operation that `release` made ready, and reserve its servers.

        True if it took no time.
        """
        template, now, count = job.template, self._now, 0
        free, user, sojourn_ps = self._free, self._user, self.sojourn_ps
        for number, after_ps in template.gated:
            if now - free[number] > after_ps:
                return self._wake_and_start(job, release, code)
        index = job.index = self.index
        self.index = index + 1
        start, server, blocker = now, -1, -1
        for number in template.servers:  # comparisons, not max()
            if free[number] > start:
                start, server, blocker = free[number], number, user[number]
        if job.uses is not None:
            self.staleness.note(*job.uses, job.run.sample, template.index)
        if template.effect:
            self.start_ps = start
            counts = self._counts(job.run.sample, job.position)
            self._add_counts(counts)
            if template.column >= 0:
                count = int(counts[template.column])
                if not count:
                    job.due_ps = now
                    self._add_row((template.index, now, now, now, 0, release, code, -1, -1))
                    return True
        if count:
            visits, longest = template.services.get(count) or template.service(count)
        elif template.access < 0:
            visits, longest = template.visits, template.longest_ps
        else:
            visits, longest = self._serve(template, start)
        for number, busy in visits:
            free[number] = end = start + busy
            user[number] = index
            sojourn_ps[number] += end - now
        job.critical_ps += longest
        job.run.serial_ps += longest
        done = job.due_ps = start + longest
        self._add_row((template.index, now, start, done, count, release, code, server, blocker))
        if done == now:
            return True
        job.callbacks = self._callbacks
        heappush(self._queue, (done, NORMAL, self._number(), job))
        return False

    def _serve(self, template: Template, start_ps: int) -> tuple[Visits, int]:
        """Ask the stateful server how long it takes from `start_ps`; return what `Template.service` does."""
        if self.stateful is None:
            raise ValueError(f"access {template.access} of a chip without a stateful server")
        served = busy_ps, latency_ps, _ = self.stateful.serve(template.access, start_ps)
        self._add_served(served)
        *others, (last, _) = template.visits
        visits = (*others, (last, busy_ps))
        return visits, max(busy for _, busy in visits) + template.latency_ps + latency_ps

    def _complete_all(self, finished: list[Job]) -> None:
        if finished:
            first, *others = finished
            self._complete(first, others)

    def _complete(self, first: Job, others: Sequence[Job] = ()) -> None:
        """Start what a complete operation releases, and `others` as well, and so on for those that take no time."""
        self._now = first.due_ps
        ready = [first, *others]
        for job in ready:
            job.done = True
            run, index, critical_ps = job.run, job.index, job.critical_ps
            if critical_ps > run.critical_ps:  # noqa: PLR1730
                run.critical_ps = critical_ps
            jobs = run.jobs
            for position, code in job.successors:
                other = jobs[position]
                if critical_ps > other.critical_ps:  # noqa: PLR1730
                    other.critical_ps = critical_ps
                other.waiting -= 1
                if not other.waiting and self._start(other, index, code):
                    ready.append(other)
            run.left -= 1
            if not run.left:
                ready += self._leave(run, job)

    def _leave(self, run: Run, last: Job) -> list[Job]:
        del self._running[run.sample]
        self._chains[run.sample] = run.critical_ps
        self.last_index = last.index
        if self.ledger.opening.open or self.ledger.recorder is not None:
            self.ledger.leave(run.sample, [job.index for job in run.jobs if job.run is run])
        run.jobs = []  # breaks the cycle between samples through their hazards
        if self._watch is not None:
            self._watch.leave(run.sample, self._now, run.serial_ps)
        if run.sample != SETUP:
            self.announce(run.sample)
        if len(self.ledger.rows) >= Ledger.CHUNK:
            self.ledger.flush(self.now_ps)
        return self._admit()

    @property
    def under_way(self) -> int:
        """How many samples are let in and not complete."""
        return len(self._running)
