"""When a sweep starts no more points."""

import time
from collections.abc import Iterable, Iterator
from typing import final

from twin.sweep.measure import FINAL, Row
from twin.sweep.point import Point


@final
class Limits:
    """Gives points out until a limit is reached; the results of those that are run do not depend on it.

    Parameters
    ----------
    budget_s : float
        Time on the clock of the wall, s; 0: no limit.
    points : int
        Points that are started; 0: no limit.
    failures : int
        Points that failed, were killed or ran out of memory; 0: no limit.
    """

    def __init__(self, budget_s: float, points: int, failures: int) -> None:
        self.end = time.monotonic() + budget_s if budget_s else 0.0
        self.points, self.failures = points, failures
        self.started = self.failed = 0

    def reached(self) -> bool:
        """Return whether no more points may be started."""
        late = bool(self.end) and time.monotonic() > self.end
        enough = bool(self.points) and self.started >= self.points
        return late or enough or (bool(self.failures) and self.failed >= self.failures)

    def within(self, points: Iterable[Point | None]) -> Iterator[Point | None]:
        """Yield points, and None where there is none yet, until a limit is reached."""
        for point in points:
            if self.reached():
                return
            self.started += point is not None
            yield point

    def note(self, row: Row) -> None:
        """Take notice of how a point ended."""
        self.failed += row["status"] not in FINAL
