"""A study's runs, made where they are missing; whatever ends well is kept by its content and never made again."""

import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from hashlib import sha256
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING

from twin.config.resources import find
from twin.descriptions.load import load_sweep
from twin.descriptions.study import Reproduction
from twin.descriptions.sweep import Scalar, Stop
from twin.errors import TwinError
from twin.files import write_text
from twin.results.store import load_run, read_json
from twin.runs.folder import is_finished
from twin.study.plan import RUN, Group, Searched, StudyPlan, check_runs, placed
from twin.study.published import papers
from twin.sweep.agenda import searching
from twin.sweep.executor import Executor
from twin.sweep.measure import FINAL, Row, Status, measure
from twin.sweep.point import Point
from twin.sweep.results import Results
from twin.version import __version__

if TYPE_CHECKING:
    import pandas as pd

    from twin.results.result import RunResult
    from twin.sweep.searches import Searches

Progress = Callable[[float, int], None]
"""Called with how many of the runs and published figures are done, and how many there are."""

CLAIMS = "claims.json"


@dataclass(frozen=True)
class Reproduced:
    """A published figure in the cache: its folder, its title and source, and claims with whether each holds."""

    name: str
    folder: Path
    title: str
    source: str
    claims: list[tuple[str, str, bool]]


@dataclass(frozen=True)
class Store:
    """What a study has made, below one folder: ``results/ID.csv``, ``runs/ID/``, ``reproductions/ID/``.

    Attributes
    ----------
    folder : Path
    command : str
        What makes the study again; it may not be what once made the runs.
    """

    folder: Path
    command: str
    _searches: "dict[str, Searches]" = field(default_factory=dict, repr=False, compare=False)

    @property
    def results(self) -> Results:
        """The rows of all points."""
        return Results(self.folder)

    def run(self, point: Point) -> Path:
        """Return the folder of a run that is kept whole."""
        return self.folder / "runs" / point.id

    def table(self, group: Group) -> "pd.DataFrame":
        """Return the rows of a group's points that have a result, in their order."""
        if isinstance(group, Searched):
            return self.searches(group).tables()["table"]
        return self.results.table(group.points)

    def searches(self, group: Searched, *, retry: bool = False) -> "Searches":
        """Return the searches of a group that seeks values, with what they have found.

        Raises
        ------
        TwinError
            When Optuna is not installed.
        """
        if group.name not in self._searches:
            agenda, whole = searching(), (1, 1)
            self._searches[group.name] = agenda(
                group.sweep, group.search, self.folder, self.results, whole, retry=retry
            )
        return self._searches[group.name]

    def rows(self, plan: StudyPlan) -> dict[str, Row | None]:
        """Return how every run of a study ended, by its id; None where it was not run."""
        found = {point.id: self.results.load(point.id) for point in plan.points.values()}
        for group in plan.groups.values():
            if isinstance(group, Searched):
                found |= self.searches(group).made()
        return found

    def runs(self, group: Group) -> "list[RunResult]":
        """Load the runs of a group.

        Raises
        ------
        TwinError
            When one of them has not ended well.
        """
        for point in group.points:
            row = self.results.load(point.id)
            if row is None or row["status"] != Status.DONE:
                reason = row["reason"] if row else "was not run"
                raise TwinError(f"{group.name}: {point.axes[RUN]}: {reason}")
        return [replace(load_run(self.run(point)), command=self.command) for point in group.points]

    def kept(self, group: Group) -> "list[tuple[dict[str, Scalar], RunResult]]":
        """Load the runs of a group with what names each: of ``[[runs]]`` all of them, of a sweep those that are done.

        Raises
        ------
        TwinError
            As `runs`.
        """
        if RUN in group.keys:
            return [({RUN: run.name}, run) for run in self.runs(group)]
        rows = ((point, self.results.load(point.id)) for point in group.points)
        return [(point.axes, load_run(self.run(point))) for point, row in rows if row and row["status"] == Status.DONE]

    def lacks(self, plan: StudyPlan, point: Point, *, retry: bool) -> bool:
        """Return whether a point is still to be run."""
        row = self.results.load(point.id)
        if row is None or (retry and row["status"] not in FINAL):
            return True
        whole = point.id in plan.whole and row["status"] == Status.DONE
        return whole and not is_finished(self.run(point))

    def reproduction(self, entry: Reproduction) -> Path:
        """Return the folder of a published figure."""
        sweep = find("sweep", entry.sweep).text if entry.sweep else ""
        content = [__version__, entry.figure, entry.seed, *filter(None, (entry.interval, sweep))]
        return self.folder / "reproductions" / sha256(json.dumps(content).encode()).hexdigest()[:16]


def run_study(
    plan: StudyPlan, store: Store, executor: Executor, progress: Progress, *, retry: bool
) -> list[Reproduced]:
    """Run what the store lacks; return the published figures. Interrupted, the next call goes on.

    Raises
    ------
    TwinError
        When a run is not possible, a published figure is unknown, or a result cannot be written.
    """
    for index, entry in enumerate(plan.study.reproductions):
        figures = papers().FIGURES
        if entry.figure not in figures:
            raise TwinError(plan.places.unknown(("reproductions", index, "figure"), entry.figure, figures))
        for key, value, rule in papers().mistakes(*_options(entry)):
            raise TwinError(plan.places.message(("reproductions", index, key), rule, value))
        if entry.sweep:
            load_sweep(entry.sweep)
    todo = [point for point in plan.points.values() if store.lacks(plan, point, retry=retry)]
    check_runs(plan, [point.id for point in todo])
    searches = list(_searches(plan, store, retry=retry))
    total = len(plan.points) + sum(one.size()[1] for _, one in searches) + len(plan.study.reproductions)
    done = len(plan.points) - len(todo)
    progress(done, total)
    folder = store.folder.resolve() / "runs"
    work = partial(_measure, folder=folder, stops=plan.stops, whole=plan.whole)
    for point, row in _outcomes(todo, executor, work):
        store.results.save(point, row)
        done += 1
        progress(done, total)
    for group, search in searches:  # one after another: two may come upon the same point
        _seek(group, search, store, executor, folder, partial(_step, progress, done, total))
        done += search.size()[1]
    made = []
    for number, entry in enumerate(plan.study.reproductions):
        base = done + number
        made.append(_reproduced(entry, store, partial(_step, progress, base, total)))
        progress(base + 1, total)
    return made


def _searches(plan: StudyPlan, store: Store, *, retry: bool) -> "Iterator[tuple[Searched, Searches]]":
    """Yield the searches of a study; refuse those of which no point can be run."""
    for index, entry in enumerate(plan.study.sweeps):
        group = plan.groups[entry.name]
        if isinstance(group, Searched):
            try:
                found = store.searches(group, retry=retry)
            except TwinError as error:
                raise placed(error, ("sweeps", index), plan.places) from error
            if rule := found.refusal():
                raise TwinError(plan.places.message(("sweeps", index), rule))
            yield group, found


def _seek(
    group: Searched,
    search: "Searches",
    store: Store,
    executor: Executor,
    folder: Path,
    progress: Callable[[float], None],
) -> None:
    """Run the trials that searches lack, and what they find; `progress` is called with the points that are done."""
    done, total = search.size()
    progress(done)
    if done == total:
        return
    work = partial(measure, folder=folder, stop=group.stop, keep=False)
    for point, row in executor.run(search.points(), work):
        store.results.save(point, row)
        search.note(point, row)
        done += 1
        progress(done)


def _outcomes(todo: list[Point], executor: Executor, work: Callable[[Point], Row]) -> Iterator[tuple[Point, Row]]:
    possible = [point for point in todo if not point.refused]
    refused = ((point, work(point)) for point in todo if point.refused)
    return chain(refused, executor.run(possible, work) if possible else ())


def _step(progress: Progress, done: int, total: int, part: float) -> None:
    progress(done + part, total)


def _measure(point: Point, folder: Path, stops: Mapping[str, Stop], whole: frozenset[str]) -> Row:
    return measure(point, folder, stops.get(point.id), keep=point.id in whole)


def _options(entry: Reproduction) -> tuple[str, int, str, str]:
    """Figure, seed, sweep and interval, as `papers` takes them."""
    return entry.figure, entry.seed, entry.sweep, entry.interval or ""


def _reproduced(entry: Reproduction, store: Store, progress: Callable[[float], None]) -> Reproduced:
    folder = store.reproduction(entry)
    if not (folder / CLAIMS).exists():
        done = papers().made(*_options(entry), lambda k, of: progress(k / of if of else 0.0))
        done.write(folder, papers().asked(*_options(entry)))
        claims = [(claim.paper, claim.measured, bool(claim.holds)) for claim in done.claims]
        content = {"title": done.drawing.title, "source": done.source, "claims": claims}
        write_text(folder / CLAIMS, json.dumps(content, indent=2) + "\n")  # last: it marks the figure as whole
    kept = read_json(folder / CLAIMS)
    claims = [(str(paper), str(measured), bool(holds)) for paper, measured, holds in kept["claims"]]
    return Reproduced(entry.figure, folder, str(kept["title"]), str(kept["source"]), claims)
