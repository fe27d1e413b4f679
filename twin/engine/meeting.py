"""Makes the operations of a sample wait for those of earlier ones on the resources they share."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from twin.engine.binding import Binder
from twin.engine.hazards import N_EDGES, Crossing, Edge, Shared, between, needed

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from twin.engine.binding import Bound
    from twin.engine.jobs import Job


class Plan(NamedTuple):
    """What happens when one sample follows another, as their programs say.

    Most resources are written by every sample: a sample waits there for operations of the one before, whose
    positions are known. The others are looked up.
    """

    waits: tuple[Crossing | Shared, ...]  # a use: look up who accessed the resource
    leaves: tuple[Shared, ...]  # what the sample before wrote and this one does not
    reads: tuple[Shared, ...]  # what this sample reads only


class Meeting:
    """Remembers who accessed every resource last.

    Parameters
    ----------
    wait : callable
        ``wait(job, earlier, code)`` makes a job wait.
    """

    def __init__(self, wait: Callable[[Job, Job, int], None]) -> None:
        self._wait = wait
        self._plans: dict[tuple[Bound | None, Bound], Plan] = {}
        self._planned = 0  # operations of programs in `_plans`
        self.forget()

    def forget(self) -> None:
        """Start again with an empty pipeline."""
        self._before: Bound | None = None
        self._jobs: Sequence[Job] = ()
        self._writers: dict[int, Job] = {}  # of resources that the sample before did not write
        self._readers: dict[int, list[Job]] = {}  # since the last write

    def meet(self, bound: Bound, jobs: Sequence[Job]) -> None:
        """Make the operations of a sample wait for those of earlier ones."""
        before, pair = self._jobs, (self._before, bound)
        plan = self._plans.get(pair) or self._plan(*pair)
        for use in plan.leaves:
            self._writers[use.resource] = before[use.last_writer]
            self._readers[use.resource] = [before[k] for k in use.last_readers]
        for one in plan.waits:
            if isinstance(one, Shared):
                self._look(one, jobs)
            elif not before[one.earlier].done:
                self._wait(jobs[one.later], before[one.earlier], one.code)
        for use in plan.reads:
            readers = [job for job in self._readers.get(use.resource, ()) if not job.done]
            self._readers[use.resource] = readers + [jobs[k] for k in use.last_readers]
        self._before, self._jobs = bound, jobs

    def _plan(self, before: Bound | None, after: Bound) -> Plan:
        if self._planned >= Binder.CACHE:
            self._plans.clear()
            self._planned = 0
        written = {use.resource: use for use in before.shared if use.first_writer >= 0} if before else {}
        rewritten = {use.resource for use in after.shared if use.first_writer >= 0}
        found = [between(written[use.resource], use) if use.resource in written else [use] for use in after.shared]
        waits: list[Crossing | Shared] = [one for some in found for one in some]
        if before is not None:
            crossings = [one for one in waits if isinstance(one, Crossing)]
            kept = set(needed(crossings, before.older, after.older))
            waits = [one for one in waits if isinstance(one, Shared) or one in kept]
        plan = Plan(
            tuple(waits),
            tuple(use for resource, use in written.items() if resource not in rewritten),
            tuple(use for use in after.shared if use.first_writer < 0),
        )
        self._plans[before, after] = plan
        self._planned += len(after.steps)
        return plan

    def _look(self, use: Shared, jobs: Sequence[Job]) -> None:
        """Wait for whoever wrote a resource last, and a write for those who read it since."""
        resource, first_readers, first_writer, _, _ = use
        writer, code = self._writers.get(resource), resource * N_EDGES
        if writer is not None and not writer.done:
            for reader in first_readers:
                self._wait(jobs[reader], writer, code + Edge.RAW)
            if first_writer >= 0 and not first_readers:
                self._wait(jobs[first_writer], writer, code + Edge.WAW)
        if first_writer >= 0:
            for job in self._readers.get(resource, ()):
                if not job.done:
                    self._wait(jobs[first_writer], job, code + Edge.WAR)
