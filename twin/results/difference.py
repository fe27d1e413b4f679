"""What makes finished runs differ: their configuration first, then their totals, then what the totals consist of."""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, NamedTuple

from twin.results.derived import PATHS, derive
from twin.results.result import RunResult
from twin.units import PS

if TYPE_CHECKING:
    import pandas as pd


class Setting(NamedTuple):
    """One value of a run's configuration, as text with its unit, and what set it."""

    value: str
    origin: str


@dataclass(frozen=True, eq=False)
class Compared:
    """A finished run beside others.

    Attributes
    ----------
    label : str
        Unique among the runs that are compared.
    result : RunResult
    settings : dict of str to Setting
        By dotted key, as ``--set`` takes it; those of the layout behind ``layout.``.
    """

    label: str
    result: RunResult
    settings: Mapping[str, Setting]

    @property
    def named(self) -> RunResult:
        """The result by the name that tells it from the others."""
        return replace(self.result, name=self.label)


class Changed(NamedTuple):
    """A key that the runs do not share: its setting in each run, None where a run has no such key."""

    key: str
    settings: list[Setting | None]


class Metric(NamedTuple):
    """A total or a rate of every run; NaN where a run has none."""

    name: str
    unit: str
    amounts: list[float]


class Part(NamedTuple):
    """What one of the parts that a total consists of takes in every run, a sample."""

    names: tuple[str, ...]
    amounts: list[float]


@dataclass(frozen=True)
class Breakdown:
    """A total a sample and the parts that add up to it.

    Attributes
    ----------
    name, title, unit : str
    keys : tuple of str
        What the names of a part are.
    parts : list of Part
        The part whose difference from the first run is largest, in any run, comes first.
    totals : list of float
        Of every run.
    """

    name: str
    title: str
    unit: str
    keys: tuple[str, ...]
    parts: list[Part]
    totals: list[float]

    def share(self, part: Part, run: int) -> float:
        """Give what a part adds to the relative change of the total, against the first run; NaN without a total.

        The shares of all parts add up to the change of the total.
        """
        return (part.amounts[run] - part.amounts[0]) / self.totals[0] if self.totals[0] else math.nan


def changed(runs: Sequence[Compared]) -> list[Changed]:
    """List the keys whose values differ, in the order of the descriptions; tables of other algorithms are left out."""
    algorithms = {run.result.algorithm for run in runs}
    keys = dict.fromkeys(key for run in runs for key in run.settings)
    found = []
    for key in keys:
        first, *rest = key.split(".")
        if first == "algorithms" and rest and rest[0] not in algorithms:
            continue
        settings = [run.settings.get(key) for run in runs]
        if len({setting.value if setting else None for setting in settings}) > 1:
            found.append(Changed(key, settings))
    return found


def metrics(runs: Sequence[Compared]) -> list[Metric]:
    """Give accuracy, time, energy, area and bytes of every run; what no run has is left out."""
    results = [run.result for run in runs]
    derived = [derive(result, results[0]) for result in results]
    tested = {result.regression for result in results}
    found = [
        Metric(name, unit, [100 * value if unit == "%" else value for value in values])
        for name, unit, values in (
            ("test error", "%", [math.nan if one.regression else one.test_error for one in results]),
            ("test loss", "1", [one.test_error if one.regression else math.nan for one in results]),
        )
        if (name == "test loss") in tested
    ]
    each: tuple[tuple[str, str, Callable[[RunResult], float]], ...] = (
        ("time", "s", lambda one: one.makespan_s),
        ("time, half its 95 % interval", "s", lambda one: one.makespan_interval_s),
        ("time a sample", "s", lambda one: one.makespan_s / one.samples if one.samples else math.nan),
        ("energy", "J", lambda one: one.energy_J),
        ("energy a sample", "J", lambda one: one.energy_J / one.samples if one.samples else math.nan),
        ("area", "m2", lambda one: one.area_m2),
        ("leakage", "W", lambda one: one.leakage_W),
    )
    found += [Metric(name, unit, [value(one) for one in results]) for name, unit, value in each]
    found.append(Metric("samples a second", "1/s", [one.samples_per_s for one in derived]))
    found.append(Metric("samples a second and mm²", "1/s/mm2", [one.samples_per_s_per_mm2 for one in derived]))
    found.append(Metric("samples a joule", "1/J", [one.samples_per_J for one in derived]))
    for path in PATHS:
        for what in ("H", "other"):
            moved = [one.bytes_per_sample[path, what] for one in derived]
            found.append(Metric(f"{path.replace('_', ' ')} a sample, {what}", "B", moved))
    busy = [100 * one.tile_utilisation_mean for one in derived], [100 * one.tile_utilisation_max for one in derived]
    found += [Metric("tiles busy, mean", "%", busy[0]), Metric("tiles busy, most", "%", busy[1])]
    found.append(Metric("tiles idle within steps, mean", "%", [100 * one.tile_bubble_mean for one in derived]))
    return [metric for metric in found if any(value for value in metric.amounts if not math.isnan(value))]


def breakdowns(runs: Sequence[Compared]) -> list[Breakdown]:
    """Split time, energy and bytes a sample of every run into parts, the largest difference first.

    The time is split twice: along the critical path, whose operations add up to it, and over all servers, where
    work that overlaps counts in full.
    """
    return [
        _breakdown(runs, "time", "Time on the critical path", "s", ("layer", "operation"), _critical),
        _breakdown(runs, "busy", "Busy time of all servers", "s", ("layer", "operation"), _busy),
        _breakdown(runs, "energy-by-operation", "Energy by operation", "J", ("layer", "operation"), _energy_operation),
        _breakdown(runs, "energy-by-component", "Energy by component", "J", ("component",), _energy_component),
        _breakdown(runs, "bytes", "Bytes by path and stream", "B", ("path", "stream", "layer"), _bytes),
    ]


Split = Mapping[tuple[str, ...], float]


def _breakdown(
    runs: Sequence[Compared],
    name: str,
    title: str,
    unit: str,
    keys: tuple[str, ...],
    split: Callable[[RunResult], Split],
) -> Breakdown:
    found = [{names: value / max(run.result.samples, 1) for names, value in split(run.result).items()} for run in runs]
    keyed = dict.fromkeys(names for one in found for names in one)
    parts = [Part(names, [one.get(names, 0.0) for one in found]) for names in keyed]
    parts.sort(key=lambda part: (-max(abs(value - part.amounts[0]) for value in part.amounts), part.names))
    return Breakdown(name, title, unit, keys, parts, [math.fsum(one.values()) for one in found])


def _critical(run: RunResult) -> Split:
    table = run.tables["bound"]
    if not {"layer", "kind"} <= set(table.columns):
        return _sums(table, ["what"], "share", run.makespan_s, lambda what: ("", what))
    return _sums(table, ["layer", "kind"], "share", run.makespan_s, _by_layer)


def _busy(run: RunResult) -> Split:
    return _sums(run.tables["operations"], ["layer", "kind"], "busy_ps", PS, _by_layer)


def _energy_operation(run: RunResult) -> Split:
    return _sums(run.tables["energy"], ["layer", "kind"], "energy_J", 1.0, _by_layer)


def _energy_component(run: RunResult) -> Split:
    return _sums(run.tables["energy"], ["component"], "energy_J", 1.0, lambda *names: names)


def _bytes(run: RunResult) -> Split:
    return _sums(run.tables["traffic"], ["path", "stream", "layer"], "bytes", 1.0, lambda *names: names)


def _by_layer(layer: str, kind: str) -> tuple[str, ...]:
    return (layer, kind)


def _sums(
    table: "pd.DataFrame", keys: list[str], column: str, factor: float, names: Callable[..., tuple[str, ...]]
) -> Split:
    sums = table.groupby(keys, sort=False)[column].sum()
    found: dict[tuple[str, ...], float] = {}
    for key, value in sums.items():
        words = key if isinstance(key, tuple) else (key,)
        found[names(*(_word(word) for word in words))] = float(value) * factor
    return found


def _word(word: object) -> str:
    """Write a name; what belongs to no layer has layer -1 in the tables."""
    return "" if str(word) == "-1" else str(word)


def tidy_difference(runs: Sequence[Compared]) -> "dict[str, pd.DataFrame]":
    """Give configuration, metrics and contributions as tables of one fact a row, for CSV files.

    Differences are against the first run; ``ratio`` is to it, ``of_first_total`` is the difference over the first
    run's total.
    """
    import pandas as pd  # noqa: PLC0415

    labels = [run.label for run in runs]
    configuration: list[tuple[object, ...]] = [
        (change.key, label, setting.value if setting else "", setting.origin if setting else "")
        for change in changed(runs)
        for label, setting in zip(labels, change.settings, strict=True)
    ]
    measured: list[tuple[object, ...]] = [
        (name, label, value, value - values[0], value / values[0] if values[0] else math.nan, unit)
        for name, unit, values in metrics(runs)
        for label, value in zip(labels, values, strict=True)
    ]
    tables: dict[str, tuple[list[tuple[object, ...]], list[str]]] = {
        "configuration": (configuration, ["key", "run", "value", "origin"]),
        "metrics": (measured, ["metric", "run", "value", "difference", "ratio", "unit"]),
        "contributions": (
            [row for one in breakdowns(runs) for row in _contributions(one, labels)],
            ["total", "part", "run", "value_per_sample", "difference_per_sample", "of_first_total", "unit"],
        ),
    }
    return {name: pd.DataFrame(rows, columns=pd.Index(names)) for name, (rows, names) in tables.items()}


def _contributions(one: Breakdown, labels: Sequence[str]) -> Iterator[tuple[object, ...]]:
    for part in one.parts:
        for run, label in enumerate(labels):
            value = part.amounts[run]
            yield one.name, part_name(one, part), label, value, value - part.amounts[0], one.share(part, run), one.unit


def part_name(one: Breakdown, part: Part) -> str:
    """Name a part on one line: ``"layer 0 update"``, ``"converters"``, ``"memory H, layer 1"``."""
    named = dict(zip(one.keys, part.names, strict=True))
    layer = named.pop("layer", "")
    rest = " ".join(named.values())
    if not layer:
        return rest
    return f"layer {layer} {rest}" if "operation" in named else f"{rest}, layer {layer}"
