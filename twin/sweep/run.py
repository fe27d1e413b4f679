"""A sweep from its description to its tables: what is missing is run, what is there is kept."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from twin.config.loaded import Loaded
from twin.descriptions.load import load_sweep
from twin.descriptions.resolved import resolved_toml
from twin.descriptions.sweep import Sweep
from twin.errors import TwinError
from twin.sweep.agenda import Agenda, FixedPoints, searching
from twin.sweep.executor import Executor
from twin.sweep.limits import Limits
from twin.sweep.measure import Row, measure
from twin.sweep.results import Results, describe

if TYPE_CHECKING:
    import pandas as pd

    from twin.sweep.point import Point

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Settings:
    """How a sweep is run; nothing here changes a result.

    Attributes
    ----------
    shard : (int, int)
        ``(i, n)``: only every n-th point, from the i-th of 1 to n; where values are sought, every n-th of the design.
    retry : bool
        Run points again that failed or were killed.
    parquet : bool
        Keep results as Parquet files.
    keep : bool
        Keep the folder of every run.
    budget_s : float
        Start no more points after this time on the clock of the wall; 0: no limit.
    max_points : int
        Start no more points than these; 0: no limit.
    max_failures : int
        Start no more points after so many that failed, were killed or ran out of memory; 0: no limit.
    """

    shard: tuple[int, int] = (1, 1)
    retry: bool = False
    parquet: bool = False
    keep: bool = False
    budget_s: float = 0.0
    max_points: int = 0
    max_failures: int = 0


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
    results = Results(folder, parquet=settings.parquet)
    agenda = _agenda(loaded, folder, results, settings)
    if refusal := agenda.refusal():
        raise TwinError(f"{loaded.label}: {refusal}")
    describe(folder, resolved_toml(loaded))
    done, total = agenda.size()
    progress(done, total)
    work = partial(measure, folder=folder.resolve() / "runs", stop=loaded.model.stop, keep=settings.keep)
    limits = Limits(settings.budget_s, settings.max_points, settings.max_failures)
    unwritten: list[tuple[Point, Row]] = []
    refused = ((point, work(point)) for point in agenda.refused())
    for point, row in chain(refused, executor.run(limits.within(agenda.points()), work)):
        try:
            results.save(point, row)
        except TwinError:  # a full disk: other points may make room
            unwritten.append((point, row))
        agenda.note(point, row)
        limits.note(row)
        done += 1
        progress(done, total)
    for point, row in unwritten:
        results.save(point, row)
    return agenda.write(folder)


def _agenda(loaded: Loaded[Sweep], folder: Path, results: Results, settings: Settings) -> Agenda:
    if loaded.model.search is None:
        return FixedPoints(loaded.model, results, settings.shard, retry=settings.retry)
    try:
        searches = searching()
    except TwinError as error:
        raise TwinError(f"{loaded.label}: {error}") from error
    return searches(loaded.model, loaded.model.search, folder, results, settings.shard, retry=settings.retry)
