"""Points on processes of this machine. A process that dies takes its point with it and no other."""

import resource
import signal
from collections.abc import Iterable, Iterator
from concurrent.futures.process import BrokenProcessPool
from functools import partial
from multiprocessing import get_context
from typing import TYPE_CHECKING, final

from pebble import ProcessExpired, ProcessPool

from twin.runs.pool import deaf_children, obey_parent
from twin.sweep.executor import Measure, outcomes
from twin.sweep.measure import Row, Status, ended, out_of_memory
from twin.sweep.point import Point

if TYPE_CHECKING:
    from concurrent.futures import Future


@final
class LocalProcesses:
    """Runs points on `jobs` processes.

    Parameters
    ----------
    jobs : int
    memory_B : int
        Address space that each process may have, bytes; 0: as much as there is.
    """

    def __init__(self, jobs: int, memory_B: int = 0) -> None:
        self.jobs, self.memory_B = jobs, memory_B

    def run(self, points: Iterable[Point | None], measure: Measure) -> Iterator[tuple[Point, Row]]:
        """Yield every point with its row, in the order in which they end."""
        pool = self._pool()

        def submit(point: Point) -> "Future[Row]":
            nonlocal pool
            with deaf_children():  # the first use starts them, and the thread that replaces those that end
                if not pool.active:  # its processes ended before they could take a point
                    pool = self._pool()
                return pool.schedule(measure, args=[point])

        try:
            for point, future in outcomes(submit, points, self.jobs):
                yield point, _row(future)
            pool.close()
        except BaseException:
            pool.stop()
            raise
        finally:
            pool.join()

    def _pool(self) -> ProcessPool:
        start = partial(_start_worker, self.memory_B)
        return ProcessPool(max_workers=self.jobs, context=get_context("spawn"), initializer=start)


@final
class ThisProcess:
    """Runs points one after another, here; what would kill a process kills this one."""

    def run(self, points: Iterable[Point | None], measure: Measure) -> Iterator[tuple[Point, Row]]:
        """Yield every point with its row, in order."""
        for point in points:
            if point is not None:
                yield point, measure(point)


def _start_worker(memory_B: int) -> None:
    obey_parent()
    if memory_B:
        resource.setrlimit(resource.RLIMIT_AS, (memory_B, memory_B))


def _row(future: "Future[Row]") -> Row:
    reason = future.exception()
    if isinstance(reason, ProcessExpired):
        code = int(reason.exitcode or 0)
        if code >= 0:
            return ended(Status.KILLED, f"the process ended with code {code}")
        name = signal.Signals(-code).name
        hint = ", often because the machine had no memory left" if name == "SIGKILL" else ""
        return ended(Status.KILLED, f"the process was ended by {name}{hint}")
    if isinstance(reason, BrokenProcessPool):
        return ended(Status.KILLED, "the process ended before it could take the point")
    if isinstance(reason, MemoryError):
        return out_of_memory()
    return future.result()
