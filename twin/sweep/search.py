"""Values of further keys sought at one point of a design: trials, what the sampler learns of them, the best."""

import hashlib
import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import final

import optuna
from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import FrozenTrial, TrialState

from twin.descriptions.sweep import Axis, Scalar, Search, Sweep
from twin.runs.library import Library
from twin.sweep.measure import FINAL, UNITS, Row, Status, ended
from twin.sweep.point import ID_LENGTH, SEED, Point, point_of
from twin.sweep.results import Results


@final
class Rows:
    """The rows of points, from this process or from an earlier one.

    Parameters
    ----------
    results : Results
    retry : bool
        Take rows of earlier processes for none where the end was not final.
    """

    def __init__(self, results: Results, *, retry: bool) -> None:
        self.results, self.retry = results, retry
        self.known: dict[str, Row] = {}

    def get(self, point: Point) -> Row | None:
        """Return the row of a point; None where it has to be run."""
        if point.refused:
            return ended(Status.REFUSED, point.refused)
        if point.id not in self.known:
            row = self.results.load(point.id)
            if row is None or (self.retry and row["status"] not in FINAL):
                return None
            self.known[point.id] = row
        return self.known[point.id]

    def add(self, point: Point, row: Row) -> None:
        """Take a new row, as reading its file gives it."""
        self.known[point.id] = {name: float(row[name]) if unit else str(row[name]) for name, unit in UNITS.items()}


@dataclass(frozen=True, slots=True)
class Trial:
    """Values that a sampler proposed, and the points that judge them, one a seed of the search."""

    sought: dict[str, Scalar]
    points: list[Point]
    proposal: optuna.Trial


@final
class PointSearch:
    """The search at one point of the design.

    It depends on nothing but the description and the rows of its trials: what the sampler proposes follows from its
    seed and from what it was told, and it is told of trials in the order of their numbers, `together` at a time. A
    search that was interrupted hears of the same rows in the same order and goes on as if nothing had been.

    Parameters
    ----------
    sweep : Sweep
    search : Search
    outer : dict
        Value of every axis of the design.
    rows : Rows

    Attributes
    ----------
    id : str
        Hash of what decides the search.
    refused : str
        Why neither the point by itself nor with the first trial's values can be run; empty if one of them can.
    told : list of (Trial, float)
        Trials that have ended, and their objectives; NaN where they have none.
    asked : list of Trial
        Trials that have not.
    chosen : list of Point
        The best values with the seeds of the sweep, once all trials have ended; empty where no trial has an objective.
    """

    def __init__(self, sweep: Sweep, search: Search, outer: dict[str, Scalar], rows: Rows) -> None:
        self.sweep, self.search, self.outer, self.rows = sweep, search, outer, rows
        self._library = Library()
        self.bare = self._points(outer, sweep.seeds)
        content = json.dumps([self.bare[0].id, search.model_dump(mode="json")], sort_keys=True)
        self.id = hashlib.sha256(content.encode()).hexdigest()[:ID_LENGTH]
        optuna.logging.set_verbosity(optuna.logging.WARNING)  # it reports every trial otherwise
        self.study = optuna.create_study(sampler=sampler_of(search), direction=search.direction)
        self.distributions = {axis.key: distribution_of(axis) for axis in search.axes}
        self.told: list[tuple[Trial, float]] = []
        self.chosen: list[Point] = []
        self.asked = self._ask()
        self.refused = self.asked[0].points[0].refused if self.bare[0].refused else ""
        if self.refused:
            self.asked = []

    def wanted(self) -> list[Point]:
        """Tell the sampler what has ended; return the points that must be run next, none when all have been."""
        while self.asked and all(self.rows.get(point) is not None for trial in self.asked for point in trial.points):
            self._tell()
            self.asked = self._ask()
            if not self.asked:
                self._choose()
        points = [point for trial in self.asked for point in trial.points] or self.chosen
        return [point for point in points if self.rows.get(point) is None]

    def remaining(self) -> int:
        """Return how many points are still to be run, if all goes well."""
        if self.refused:
            return 0
        now = len(self.wanted())
        ahead = self.search.trials - len(self.told) - len(self.asked)
        later = ahead * len(self.search.seeds) + (len(self.sweep.seeds) if self.asked else 0)
        return now + later

    def best(self) -> tuple[Trial, float] | None:
        """Return the best trial that has ended and its objective, of equals the first; None where there is none."""
        ended_well = [pair for pair in self.told if math.isfinite(pair[1])]
        sign = 1 if self.search.direction == "minimize" else -1
        return min(ended_well, key=lambda pair: sign * pair[1], default=None)

    def journal(self) -> list[FrozenTrial]:
        """Return the trials that have ended, as Optuna keeps them."""
        return self.study.get_trials(deepcopy=False)[: len(self.told)]

    def final_rows(self) -> list[tuple[Point, Row]]:
        """Return the rows of the sweep's table that there are: of the best values, or why there are none."""
        if self.chosen:
            return [(point, row) for point in self.chosen if (row := self.rows.get(point)) is not None]
        if self.refused:
            return [(point, ended(Status.REFUSED, self.refused)) for point in self.bare]
        if self.asked:
            return []
        first = next(row for row in self._rows(self.told[0][0]) if row["status"] != Status.DONE)
        reason = f"no trial of {len(self.told)} finished; the first: {first['reason']}"
        return [(point, ended(Status(str(first["status"])), reason)) for point in self.bare]

    def _ask(self) -> list[Trial]:
        count = min(self.search.together, self.search.trials - len(self.told))
        return [self._trial(self.study.ask(self.distributions)) for _ in range(count)]

    def _trial(self, proposal: optuna.Trial) -> Trial:
        values: dict[str, Scalar] = {key: proposal.params[key] for key in self.distributions}
        points = self._points(self.outer | values, self.search.seeds)
        proposal.set_user_attr("results", [point.id for point in points])
        return Trial(values, points, proposal)

    def _tell(self) -> None:
        """Tell the sampler of the trials asked for.

        A trial that was refused, stopped or diverged is worse than any that finished (Optuna's "pruned"). One that
        failed for another reason says nothing about its values (Optuna's "fail").
        """
        for trial in self.asked:
            rows = self._rows(trial)
            objective = math.nan
            if any(row["status"] not in FINAL for row in rows):
                self.study.tell(trial.proposal, state=TrialState.FAIL)
            elif any(row["status"] != Status.DONE for row in rows):
                self.study.tell(trial.proposal, state=TrialState.PRUNED)
            else:
                objective = math.fsum(float(row[self.search.objective]) for row in rows) / len(rows)
                self.study.tell(trial.proposal, objective)
            self.told.append((trial, objective))

    def _choose(self) -> None:
        best = self.best()
        if best is not None:
            values = self.outer | best[0].sought
            self.chosen = self._points(values, self.sweep.seeds)

    def _points(self, values: dict[str, Scalar], seeds: Sequence[int]) -> list[Point]:
        return [point_of(self.sweep, values | {SEED: seed}, self._library) for seed in seeds]

    def _rows(self, trial: Trial) -> list[Row]:
        return [row for point in trial.points if (row := self.rows.get(point)) is not None]


def sampler_of(search: Search) -> optuna.samplers.BaseSampler:
    """Return what proposes values: a tree-structured Parzen estimator (Bergstra et al. 2011), or chance."""
    if search.sampler == "random":
        return optuna.samplers.RandomSampler(seed=search.sampler_seed)
    return optuna.samplers.TPESampler(seed=search.sampler_seed, n_startup_trials=search.startup)


def distribution_of(axis: Axis) -> BaseDistribution:
    """Return the values that an axis allows, as Optuna has them."""
    if axis.low is None or axis.high is None:
        return CategoricalDistribution(axis.values)
    if axis.integer:
        return IntDistribution(int(axis.low), int(axis.high), log=axis.scale == "log")
    return FloatDistribution(axis.low, axis.high, log=axis.scale == "log")
