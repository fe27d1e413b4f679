"""A sweep from its description to its tables: what is missing is run, what is there is kept."""

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from twin.config.load import load_sweep
from twin.config.resolved import resolved_toml
from twin.errors import TwinError
from twin.sweep.executor import Executor
from twin.sweep.measure import Row, measure
from twin.sweep.point import Point, points_of
from twin.sweep.results import Results, describe, write_tables

if TYPE_CHECKING:
    import pandas as pd

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a sweep is run; nothing here changes a result.

    Attributes
    ----------
    shard : (int, int)
        ``(i, n)``: only every n-th point, from the i-th of 1 to n.
    retry : bool
        Run points again that failed or were killed.
    parquet : bool
        Keep results as Parquet files.
    keep : bool
        Keep the folder of every run.
    budget_s : float
        Start no more points after this time on the clock of the wall; 0: no limit.
    """

    shard: tuple[int, int] = (1, 1)
    retry: bool = False
    parquet: bool = False
    keep: bool = False
    budget_s: float = 0.0


def run_sweep(
    description: str, folder: Path, executor: Executor, settings: Settings, progress: Progress
) -> "tuple[pd.DataFrame, int]":
    """Run what a sweep lacks; return the table of all results so far, and how many points it still lacks.

    `progress` is called with (points that have a result, points). Whatever order, place and number of processes, and
    however often the sweep was interrupted, the tables have the same bits.

    Raises
    ------
    TwinError
        When the description or the folder is wrong, no point can be run, or results could not be written.
    """
    loaded = load_sweep(description)
    sweep, results = loaded.model, Results(folder, parquet=settings.parquet)
    points = points_of(sweep)
    if all(point.refused for point in points):
        raise TwinError(f"{loaded.label}: none of {len(points)} points can be run; the first: {points[0].refused}")
    describe(folder, resolved_toml(loaded))
    first, count = settings.shard
    todo = results.waiting(points[first - 1 :: count], retry=settings.retry)
    done = results.count(points) - results.count(todo)
    progress(done, len(points))
    work = partial(measure, folder=folder.resolve() / "runs", stop=sweep.stop, keep=settings.keep)
    unwritten: list[tuple[Point, Row]] = []
    possible = _within([point for point in todo if not point.refused], settings.budget_s)
    refused = ((point, work(point)) for point in todo if point.refused)
    for point, row in chain(refused, executor.run(possible, work)):
        try:
            results.save(point, row)
        except TwinError:  # a full disk: other points may make room
            unwritten.append((point, row))
        done += 1
        progress(done, len(points))
    for point, row in unwritten:
        results.save(point, row)
    table = results.table(points)
    write_tables(table, sweep.axes, folder)
    return table, len(points) - len(table)


def _within(points: Sequence[Point], budget_s: float) -> Iterator[Point]:
    """Give points out while there is time; the results of those that are run do not depend on it."""
    end = time.monotonic() + budget_s
    for point in points:
        if budget_s and time.monotonic() > end:
            return
        yield point
