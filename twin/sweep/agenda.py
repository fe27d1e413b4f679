"""What a sweep still has to run, and what its results amount to."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Protocol, final

from twin.descriptions.sweep import Sweep
from twin.errors import TwinError
from twin.sweep.measure import Row
from twin.sweep.point import Point, none_possible, points_of
from twin.sweep.results import Results, write_tables

if TYPE_CHECKING:
    import pandas as pd

    from twin.sweep.searches import Searches

Shard = tuple[int, int]
"""``(i, n)``: every n-th point, from the i-th of 1 to n."""


class Agenda(Protocol):
    """The points of a sweep, however it comes by them."""

    def refusal(self) -> str:
        """Return why no point at all can be run; empty if one can."""

    def size(self) -> tuple[int, int]:
        """Return how many points have a result, and how many there are."""

    def refused(self) -> list[Point]:
        """Return the points that need a row and no run."""

    def points(self) -> Iterator[Point | None]:
        """Yield the points to run; None where the next one waits for the result of another."""

    def note(self, point: Point, row: Row) -> None:
        """Take notice of a result, which is saved, or will be when there is room."""

    def write(self, folder: Path) -> "tuple[pd.DataFrame, int]":
        """Write the tables; return that of all points, and how many rows it lacks."""


@final
class FixedPoints:
    """A sweep whose points are known from the start."""

    def __init__(self, sweep: Sweep, results: Results, shard: Shard, *, retry: bool) -> None:
        self.sweep, self.results = sweep, results
        self.all = points_of(sweep)
        first, count = shard
        self.todo = results.waiting(self.all[first - 1 :: count], retry=retry)

    def refusal(self) -> str:
        """Return why no point at all can be run; empty if one can."""
        return none_possible([point.refused for point in self.all])

    def size(self) -> tuple[int, int]:
        """Return how many points have a result, and how many there are."""
        return self.results.count(self.all) - self.results.count(self.todo), len(self.all)

    def refused(self) -> list[Point]:
        """Return the points that need a row and no run."""
        return [point for point in self.todo if point.refused]

    def points(self) -> Iterator[Point | None]:
        """Yield the points to run."""
        return (point for point in self.todo if not point.refused)

    def note(self, point: Point, row: Row) -> None:
        """Do nothing: no point follows from the result of another."""

    def write(self, folder: Path) -> "tuple[pd.DataFrame, int]":
        """Write the tables; return that of all points, and how many rows it lacks."""
        table = self.results.table(self.all)
        write_tables(table, [axis.key for axis in self.sweep.axes], folder)
        return table, len(self.all) - len(table)


def searching() -> "type[Searches]":
    """Return the agenda of a sweep that seeks values; it alone needs Optuna.

    Raises
    ------
    TwinError
        When Optuna is not installed.
    """
    try:
        from twin.sweep.searches import Searches  # noqa: PLC0415
    except ImportError as error:
        raise TwinError("search: needs Optuna; pip install 'analog-twin[search]'") from error
    return Searches
