"""What a study has to run: the points of its runs and sweeps, each once."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

from twin.config.loaded import Loaded
from twin.config.place import Places
from twin.descriptions.study import (
    LedgerTable,
    Lines,
    Plot,
    ReportFigure,
    Rows,
    RowTable,
    Runs,
    Scatter,
    Study,
    StudySweep,
)
from twin.descriptions.sweep import Axis, Scalar, Search, Stop
from twin.errors import TwinError
from twin.results.result import LEDGER, MAPPED
from twin.runs.library import Library
from twin.runs.plan import Plan
from twin.runs.planning import check_all, kind_named, plan_request, plan_runs
from twin.sweep.measure import UNITS
from twin.sweep.point import SEED, Point, none_possible, overrides_of, point_id, points_of

DATA = "data"
"""The column that names the runs or the sweep that a row is of."""

RUN = "run"
"""The column that names a run of an entry of ``[[runs]]``."""

N = "n"
"""The column with the number of seeds that a mean is over."""


@dataclass(frozen=True)
class Group:
    """The points of one entry of ``[[runs]]`` or ``[[sweeps]]``.

    Attributes
    ----------
    name : str
    points : list of Point
    keys : tuple of str
        Columns that name a point, without the seed.
    stop : Stop or None
        When a point is given up.
    whole : bool
        Whether the folders of the runs are kept, not only their rows.
    """

    name: str
    points: list[Point]
    keys: tuple[str, ...]
    stop: Stop | None
    whole: bool

    @property
    def sought(self) -> dict[str, Axis]:
        """Axes whose values are sought, by key."""
        return {}


@dataclass(frozen=True)
class Searched(Group):
    """The points of a sweep at each of which values are sought, without these values."""

    sweep: StudySweep
    search: Search

    @property
    def sought(self) -> dict[str, Axis]:
        """Axes whose values are sought, by key."""
        return {axis.key: axis for axis in self.search.axes}


@dataclass(frozen=True)
class StudyPlan:
    """All that a study runs, by the name of its entry."""

    loaded: Loaded[Study]
    places: Places
    groups: dict[str, Group]

    @property
    def study(self) -> Study:
        """The description."""
        return self.loaded.model

    @cached_property
    def points(self) -> dict[str, Point]:
        """Every point that is known from the start once, by its id."""
        return {point.id: point for group in self.groups.values() if not group.sought for point in group.points}

    @cached_property
    def stops(self) -> dict[str, Stop]:
        """The rule by which points are given up, by id."""
        return {point.id: group.stop for group in self.groups.values() if group.stop for point in group.points}

    @cached_property
    def whole(self) -> frozenset[str]:
        """Ids of the runs whose folders are kept."""
        return frozenset(point.id for group in self.groups.values() if group.whole for point in group.points)


def plan_study(loaded: Loaded[Study], places: Places) -> StudyPlan:
    """Resolve everything that a study names.

    Raises
    ------
    TwinError
        Naming file, line and key, where a run or a sweep is not possible, or what is to be shown is not there.
    """
    study = loaded.model
    library = Library()
    groups = [_runs(entry, ("runs", index), places, library) for index, entry in enumerate(study.runs)]
    kept = {name for table in study.tables if isinstance(table, LedgerTable) for name in table.data}
    groups += [
        _sweep(entry, ("sweeps", index), places, whole=entry.name in kept) for index, entry in enumerate(study.sweeps)
    ]
    plan = StudyPlan(loaded, places, {group.name: group for group in groups})
    _check_columns(plan)
    _check_figures(plan)
    return plan


def check_runs(plan: StudyPlan, ids: Sequence[str]) -> None:
    """Find what is wrong with runs that are still to be made, before any is.

    Raises
    ------
    TwinError
        As `twin.runs.planning.check_all`, with the place in the study.
    """
    for index, entry in enumerate(plan.study.runs):
        points = [point for point in plan.groups[entry.name].points if point.id in ids]
        library = Library()
        try:
            plans = [plan_request(point.request, library) for point in points]
            check_all(plans)
        except TwinError as error:
            raise placed(error, ("runs", index), plan.places) from error


def _runs(entry: Runs, path: tuple[str, int], places: Places, library: Library) -> Group:
    points = []
    try:
        algorithms = entry.algorithms or kind_named(entry.workload, library).algorithms
        for name in dict.fromkeys(algorithms):
            workload, chip = overrides_of(name, entry.fixed)
            if entry.seed is not None:
                workload["training.seed"] = str(entry.seed)
            overrides = {"workload_overrides": workload, "chip_overrides": chip}
            plans = plan_runs(entry.workload, entry.chip, [name], entry.layouts, library, mode=entry.mode, **overrides)
            points += [_point(plan) for plan in plans]
    except TwinError as error:
        raise placed(error, path, places) from error
    return Group(entry.name, points, (RUN, "algorithm", "layout"), None, whole=True)


def _point(plan: Plan) -> Point:
    workload = plan.workload.model
    values: dict[str, Scalar] = {
        RUN: plan.name,
        "algorithm": plan.algorithm,
        "layout": plan.layout.model.name,
        SEED: 0 if plan.only_timed else workload.training.seed,
    }
    return Point(point_id([plan.id], None), values, plan.request)


def _sweep(entry: StudySweep, path: tuple[str, int], places: Places, *, whole: bool) -> Group:
    try:
        points = points_of(entry)
    except TwinError as error:
        raise placed(error, path, places) from error
    keys = [axis.key for axis in entry.axes]
    if entry.search is not None:
        keys += [axis.key for axis in entry.search.axes]
        return Searched(entry.name, points, tuple(keys), entry.stop, whole=False, sweep=entry, search=entry.search)
    if rule := none_possible([point.refused for point in points]):
        raise TwinError(places.message(path, rule))
    return Group(entry.name, points, tuple(keys), entry.stop, whole=whole)


def placed(error: TwinError, path: tuple[str, int], places: Places) -> TwinError:
    """Return the error with the place in the study of what it is about."""
    return TwinError(places.message(path, str(error).removeprefix("--")))


def _check_columns(plan: StudyPlan) -> None:
    """Refuse columns that the rows of what an entry shows do not have."""
    for group, entries in (("tables", plan.study.tables), ("figures", plan.study.figures)):
        for index, entry in enumerate(entries):
            if not isinstance(entry, RowTable | Plot):
                continue
            names = {SEED, DATA, "id", *UNITS, *(key for name in entry.data for key in plan.groups[name].keys)}
            over_seeds = isinstance(entry, Plot) or entry.over_seeds
            for path, key in _keys(entry):
                if key not in names and not (key == N and over_seeds):
                    raise TwinError(plan.places.unknown((group, index, *path), key, names))


def _keys(entry: RowTable | Plot) -> list[tuple[tuple[str | int, ...], str]]:
    found: list[tuple[tuple[str | int, ...], str]] = [(("where", key), key) for key in entry.where]
    if isinstance(entry, RowTable):
        return found + [(("columns", k, "key"), column.key) for k, column in enumerate(entry.columns)]
    found += [(("x",), entry.x), (("y",), entry.y), *((("series", k), key) for k, key in enumerate(entry.series))]
    found += [(("label",), entry.label)] if isinstance(entry, Scatter) and entry.label else []
    return found + ([(("panels",), entry.panels)] if entry.panels else [])


def _check_figures(plan: StudyPlan) -> None:
    """Refuse tables of runs and figures of reports that there are not, and quantities that are none."""
    for index, table in enumerate(plan.study.tables):
        if isinstance(table, LedgerTable):
            names = [*LEDGER, *MAPPED, "curve", "diagnostics"]
            if table.table not in names:
                raise TwinError(plan.places.unknown(("tables", index, "table"), table.table, names))
    for index, shown in enumerate(plan.study.figures):
        if isinstance(shown, Plot):
            _check_quantities(plan, index, shown)
            _check_apart(plan, ("figures", index), shown)
        if isinstance(shown, Lines) and shown.x_scale == "log":
            values = [value for name in shown.data for value in _values(plan.groups[name], shown.x)]
            if not all(isinstance(value, int | float) and value > 0 for value in values):
                rule = "needs numbers greater than 0 on x; take linear"
                raise TwinError(plan.places.message(("figures", index, "x_scale"), rule, "log"))
        if isinstance(shown, ReportFigure) and shown.figure not in FIGURES:
            raise TwinError(plan.places.unknown(("figures", index, "figure"), shown.figure, FIGURES))


def _check_quantities(plan: StudyPlan, index: int, shown: Plot) -> None:
    for axis in ("x", "y") if isinstance(shown, Scatter) else ("y",):
        key = getattr(shown, axis)
        if not UNITS.get(key):
            quantities = [name for name, unit in UNITS.items() if unit]
            raise TwinError(plan.places.unknown(("figures", index, axis), key, quantities))


def _values(group: Group, key: str) -> list[Scalar]:
    """Return values of a key that rows may have; of a range that is searched, its lower end."""
    if key in group.sought:
        axis = group.sought[key]
        return [*axis.values, *([axis.low] if axis.low is not None else [])]
    return [point.axes[key] for point in group.points if key in point.axes]


def _check_apart(plan: StudyPlan, path: tuple[str | int, ...], shown: Plot) -> None:
    """Refuse a figure in which rows that differ elsewhere would lie on each other."""
    shows = [shown.x, *shown.series, *([shown.panels] if shown.panels else [])]
    if shown.x in UNITS or any(shown.x in plan.groups[name].sought for name in shown.data):
        return
    seen: dict[tuple[object, ...], dict[str, Scalar]] = {}
    for name in shown.data:
        group = plan.groups[name]
        for point in group.points:
            own = {DATA: name} | {key: point.axes[key] for key in group.keys if key not in group.sought}
            known = {key: value for key, value in shown.where.items() if key not in group.sought}
            if (point.refused and not group.sought) or not _passes(known, own):
                continue
            other = seen.setdefault(tuple(own.get(key) for key in shows), own)
            differ = [key for key in own if own[key] != other.get(key)]
            if differ:
                listed = ", ".join(differ)
                rule = f"rows that differ in {listed} would lie on each other; name it in series, panels or where"
                raise TwinError(plan.places.message(path, rule))


def _passes(where: Rows, values: dict[str, Scalar]) -> bool:
    wanted = {key: value if isinstance(value, list) else [value] for key, value in where.items()}
    return all(str(values.get(key)) in map(str, value) for key, value in wanted.items() if key not in {*UNITS, SEED})


FIGURES = (
    "error-by-epoch",
    "error-by-time",
    "time-by-operation",
    "energy-by-operation",
    "energy-by-component",
    "area-by-part",
    "area-by-kind",
)
"""Figures of a report that a study can take: those of which there is one, whatever the runs are called."""
