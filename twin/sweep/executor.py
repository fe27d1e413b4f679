"""What runs points, wherever that is."""

from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import FIRST_COMPLETED, Future, wait
from itertools import islice
from typing import Protocol

from twin.sweep.measure import Row
from twin.sweep.point import Point

Measure = Callable[[Point], Row]


class Executor(Protocol):
    """Where points are run."""

    def run(self, points: Iterable[Point | None], measure: Measure) -> Iterator[tuple[Point, Row]]:
        """Yield every point with its row, in the order in which they end.

        Points are taken as they are needed; None says that the next one waits for the row of one that was taken.
        """


def outcomes(
    submit: Callable[[Point], "Future[Row]"], points: Iterable[Point | None], window: int
) -> Iterator[tuple[Point, "Future[Row]"]]:
    """Submit points, `window` at a time; yield each with its future when that is done."""
    waiting: dict[Future[Row], Point] = {}
    source = iter(points)
    while True:
        for point in islice(source, window - len(waiting)):
            if point is None:
                break
            waiting[submit(point)] = point
        if not waiting:
            return
        done, _ = wait(waiting, return_when=FIRST_COMPLETED)
        for future in done:
            yield waiting.pop(future), future
