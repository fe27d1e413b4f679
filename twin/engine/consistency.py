"""How far apart reads and writes of a weight matrix by different samples may drift (`training.consistency`).

``strict``: every hazard holds, the weights are those of the program's order. ``bounded`` by s samples: a forward or
backward mat-vec of sample n waits for the writes of samples before n - s only, and a write of sample n for the
mat-vecs of samples before n - s only, so that weights are at most s samples older or newer than the program has
them; writes stay in order among themselves. ``none``: samples meet on weight matrices only as servers order them.
What happens inside a sample, private vectors, H and all other shared data are never relaxed.

Bounded staleness is that of stale synchronous parallel training (Ho et al., NIPS 2013), with samples as clocks.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, NamedTuple

from twin.engine.hazards import N_EDGES, Edge

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from twin.engine.binding import Weights
    from twin.engine.jobs import Job


@dataclass(frozen=True, slots=True)
class Consistency:
    """Which order of samples on weight matrices is kept.

    Attributes
    ----------
    mode : "strict", "bounded" or "none"
    staleness : int
        Samples that weights may be off, of mode "bounded".
    """

    mode: Literal["strict", "bounded", "none"] = "strict"
    staleness: int = 0

    @property
    def strict(self) -> bool:
        """Whether the weights are those of the program's order."""
        return self.mode == "strict"

    def most(self, in_flight: int) -> int:
        """Return how many samples weights can be off."""
        return min(self.staleness, in_flight - 1) if self.mode == "bounded" else 0 if self.strict else in_flight - 1


class Use(NamedTuple):
    """An operation that reads or writes a weight matrix."""

    sample: int
    job: Job
    relaxed: bool


class Bounded:
    """Makes samples wait for each other on weight matrices no more than a bounded staleness asks for.

    Parameters
    ----------
    staleness : int
    wait : callable
        ``wait(job, earlier, code)`` makes a job wait.
    """

    def __init__(self, staleness: int, wait: Callable[[Job, Job, int], None]) -> None:
        self._staleness, self._wait = staleness, wait
        self._writes: dict[int, deque[Use]] = {}  # by resource, in the order of samples
        self._reads: dict[int, list[Use]] = {}

    def meet(self, weights: Weights, jobs: Sequence[Job], sample: int) -> None:
        """Make the operations of a sample wait for those of earlier ones on a weight matrix."""
        resource, first_readers, first_writer, last_writer, last_readers = weights.uses
        writes = self._writes.setdefault(resource, deque())
        oldest = sample - self._staleness  # writes of samples before it must be seen
        for reader in first_readers:
            limit = oldest if reader in weights.relaxed else sample
            seen = next((use.job for use in reversed(writes) if use.sample < limit), None)
            self._hold(jobs[reader], seen, resource * N_EDGES + Edge.RAW)
        if first_writer >= 0:
            self._write(resource, jobs[first_writer], oldest)
            writes.append(Use(sample, jobs[last_writer], relaxed=False))
        while len(writes) > 1 and writes[1].sample <= oldest:
            writes.popleft()
        reads = self._reads.setdefault(resource, [])
        reads += [Use(sample, jobs[k], k in weights.relaxed) for k in last_readers]

    def _write(self, resource: int, job: Job, oldest: int) -> None:
        """Order a write after the one before and after the reads that must not see it."""
        writes, reads = self._writes[resource], self._reads.get(resource, [])
        if writes:
            self._hold(job, writes[-1].job, resource * N_EDGES + Edge.WAW)
        for use in reads:
            if not use.relaxed or use.sample < oldest:
                self._hold(job, use.job, resource * N_EDGES + Edge.WAR)
        self._reads[resource] = [use for use in reads if use.relaxed and use.sample >= oldest and not use.job.done]

    def _hold(self, job: Job, earlier: Job | None, code: int) -> None:
        if earlier is not None and not earlier.done:
            self._wait(job, earlier, code)
