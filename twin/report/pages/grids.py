"""The tables of report.html, as grids of cells that sort by their numbers."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from twin.report.figures.layers import layer_operations
from twin.report.figures.standard import energy_shares, time_shares
from twin.report.pages.page import Cell, Column, Grid, words
from twin.results.calibration import CALIBRATION, calibration_rows
from twin.results.derived import busiest_links, energy_parts
from twin.results.designs import DESIGNS, design_rows
from twin.results.endurance import ENDURANCE, endurance_rows
from twin.results.overlap import STALENESS, staleness_rows
from twin.results.programming import PROGRAMMING, programming_rows
from twin.results.result import RunResult, Source
from twin.results.text import ABSENT, fixed, scale, si

if TYPE_CHECKING:
    import pandas as pd

MOST_ROWS = 400
"""Rows of the table by operation and layer: a page of many layers must stay small too."""

TOPICS = {
    "Pulses": ("pulses per", "coincidences", "calibration pulses"),
    "Saturation": ("bound-management", "clipped", "devices at a bound"),
    "Movement": ("crossed", "crossings", "coverage", "devices that moved"),
}
"""Diagnostics by what they begin with or hold; what is left stands under "Other"."""


TOPICS_OF_CONSTANTS: Mapping[str, tuple[str, ...]] = {
    "Chip": (),
    "Devices": ("device.",),
    "Algorithms": ("algorithms.", "statistics."),
    "Training, calibration and timing": (
        "training.", "calibration.", "init.", "timing.", "extraction.", "mapping.out_scaling",
    ),
}  # fmt: skip
"""Constants by what their keys begin with; all others are of the chip or of a baseline."""


def share_grids(runs: Sequence[RunResult]) -> list[Grid]:
    """Give what the bars show: operation or component by run, a sample."""
    return [
        _by_run("Busy time per sample", "operation", "s", runs, [time_shares(run) for run in runs]),
        _by_run("Energy per sample by operation", "operation", "J", runs, [energy_shares(run, "kind") for run in runs]),
        _by_run(
            "Energy per sample by component", "component", "J", runs, [energy_shares(run, "component") for run in runs]
        ),
        _by_run("Energy per sample with and without leakage", "part", "J", runs, [_divided(run) for run in runs]),
        _by_run("Bytes per sample by path and stream", "path, stream", "B", runs, [_traffic(run) for run in runs]),
    ]


def _divided(run: RunResult) -> dict[str, float]:
    parts, samples = energy_parts(run), max(run.samples, 1)
    named = {
        "dynamic (operations)": parts.dynamic_J,
        "idle (awake parts, clocks, controllers)": parts.idle_J,
        "without static": parts.without_static_J,
        "static (leakage)": parts.static_J,
        "with static": run.energy_J,
    }
    return {name: joules / samples for name, joules in named.items()}


def _by_run(
    caption: str, key: str, unit: str, runs: Sequence[RunResult], entries: Sequence[Mapping[str, float]]
) -> Grid:
    labels = dict.fromkeys(label for entry in entries for label in entry)
    factor, symbol = scale(max((value for entry in entries for value in entry.values()), default=0.0), unit)
    rows: list[list[str | Cell]] = [
        [label, *(_number(entry.get(label, math.nan), 1 / factor) for entry in entries)] for label in labels
    ]
    columns = [Column(key, words=True), *(Column(run.name) for run in runs)]
    return Grid(f"{caption} ({symbol})", columns, rows)


def _number(value: float, scale: float) -> Cell:
    return Cell.of(value, scale) if math.isfinite(value) else Cell(ABSENT)


def _traffic(run: RunResult) -> dict[str, float]:
    sums = run.tables["traffic"].groupby(["path", "stream"], sort=False)["bytes"].sum()
    pairs = sums.reset_index().itertuples(index=False, name=None)
    return {f"{path}, {stream}": float(total) / max(run.samples, 1) for path, stream, total in pairs}


def layer_grid(runs: Sequence[RunResult]) -> Grid:
    """Give time and energy by run, layer and operation; the least of very many rows are left to ``time.csv``."""
    import pandas as pd  # noqa: PLC0415

    frame = pd.concat([layer_operations(run).assign(run=run.name) for run in runs], ignore_index=True)
    totals = frame.groupby("run")[["busy_s", "energy_J"]].transform("sum")
    shares = (frame[["busy_s", "energy_J"]] / totals).fillna(0.0)
    kept = shares.max(axis=1).nlargest(MOST_ROWS).index.sort_values()
    dropped = len(frame) - len(kept)
    frame = frame.assign(share=shares["energy_J"]).loc[kept]
    time, time_unit = scale(float(frame[["busy_s", "wait_s"]].to_numpy().max(initial=0.0)), "s")
    energy, energy_unit = scale(float(frame["energy_J"].to_numpy().max(initial=0.0)), "J")
    cells: list[list[str | Cell]] = [
        [
            str(run),
            _layer(str(layer)),
            str(operation),
            Cell.of(float(count)),
            Cell.of(float(busy), 1 / time),
            Cell.of(float(wait), 1 / time),
            Cell.of(float(joules), 1 / energy),
            Cell.of(100 * float(share)),
        ]
        for layer, operation, count, busy, wait, joules, run, share in frame.itertuples(index=False, name=None)
    ]
    columns = [
        Column("run", words=True),
        Column("layer"),
        Column("operation", words=True),
        Column("operations"),
        Column("busy", time_unit),
        Column("waiting", time_unit),
        Column("energy", energy_unit),
        Column("of the run's energy", "%"),
    ]
    left = f"; {dropped} smaller rows are in tables/time.csv and tables/energy.csv" if dropped else ""
    return Grid(f"Time and energy per sample by run, layer and operation{left}", columns, cells)


def links_grid(runs: Sequence[RunResult]) -> Grid:
    """Give the busiest links of every run's network."""
    rows: list[list[str | Cell]] = [
        [link, run.name, Cell.of(100 * share), Cell.of(size)]
        for run in runs
        for link, share, size in busiest_links(run)
    ]
    return Grid(
        "Busiest links of every network",
        [*words("link", "run"), Column("busy", "%"), Column("bytes per sample", "B")],
        rows,
    )


def staleness_grid(runs: Sequence[RunResult]) -> Grid:
    """Give how stale the weights were that mat-vecs read."""
    return Grid("Staleness of the weights that forward mat-vecs read", words(*STALENESS), staleness_rows(runs))


def calibration_grid(runs: Sequence[RunResult]) -> Grid:
    """Give what calibration cost."""
    return Grid("What calibration cost and left", words(*CALIBRATION), calibration_rows(runs))


def design_grid(runs: Sequence[RunResult]) -> Grid:
    """Give where the matrices of mixed designs live."""
    return Grid("Where the matrices live, and by which rule", words(*DESIGNS), design_rows(runs))


def endurance_grid(runs: Sequence[RunResult]) -> Grid:
    """Give when devices wear out."""
    return Grid("When devices wear out, at the pulses of this training", words(*ENDURANCE), endurance_rows(runs))


def programming_grid(runs: Sequence[RunResult]) -> Grid:
    """Give what bringing weights in took."""
    return Grid("What programming the arrays took and left", words(*PROGRAMMING), programming_rows(runs))


def diagnostics_grids(runs: Sequence[RunResult]) -> list[Grid]:
    """Give diagnostics by topic: one row per layer, matrix and quantity, a column a run."""
    found: dict[tuple[str, ...], list[Cell]] = {}
    for position, run in enumerate(runs):
        for row in run.diagnostics[["layer", "matrix", "what", "unit", "value"]].itertuples(index=False, name=None):
            *key, value = row
            cells = found.setdefault(tuple(map(str, key)), [Cell(ABSENT)] * len(runs))
            cells[position] = Cell.whole(float(value)) if isinstance(value, float | int) else Cell(str(value))
    topics: dict[str, list[list[str | Cell]]] = {name: [] for name in (*TOPICS, "Other")}
    for (layer, matrix, what, unit), values in sorted(found.items(), key=lambda one: (len(one[0][0]), one[0][0])):
        topic = next((name for name, parts in TOPICS.items() if any(part in what for part in parts)), "Other")
        topics[topic].append([what, _layer(layer), matrix, "" if unit == "1" else unit, *values])
    columns = [
        Column("what", words=True),
        Column("layer"),
        *words("matrix", "unit"),
        *(Column(run.name) for run in runs),
    ]
    return [Grid(name, columns, rows) for name, rows in topics.items() if rows]


def _layer(layer: str) -> Cell:
    return Cell("chip" if layer.startswith("-") else layer, float(layer))


def area_grid(runs: Sequence[RunResult]) -> Grid:
    """Give area and count of every part, their sum, and the leakage."""
    tables = [_parts(run.tables["area"]) for run in runs]
    parts = dict.fromkeys(part for table in tables for part in table)
    rows: list[list[str | Cell]] = [[part, *(table.get(part, Cell(ABSENT)) for table in tables)] for part in parts]
    rows.append(["all", *(Cell.of(run.area_m2, 1e-6) for run in runs)])
    rows.append(["leakage", *(Cell(si(run.leakage_W, "W"), run.leakage_W) for run in runs)])
    return Grid(
        "Area by part (mm²; how many in parentheses)",
        [Column("part", words=True), *(Column(run.name) for run in runs)],
        rows,
        2,
    )


def _parts(area: "pd.DataFrame") -> dict[str, Cell]:
    rows = area[["part", "count", "area_m2"]].itertuples(index=False, name=None)
    return {str(part): Cell(f"{fixed(float(size), 1e-6)} ({count:,.0f})", float(size)) for part, count, size in rows}


def constants_grids(runs: Sequence[RunResult]) -> list[Grid]:
    """Give every constant once, by topic, with the runs it holds for where these are not all."""
    found: dict[Source, list[str]] = {}
    for run in runs:
        for source in run.sources:
            found.setdefault(source, []).append(run.name)
    topics: dict[str, list[tuple[Source, list[str]]]] = {name: [] for name in TOPICS_OF_CONSTANTS}
    for source, names in found.items():
        key = source.key
        fitting = (name for name, starts in TOPICS_OF_CONSTANTS.items() if key.startswith(starts))
        topic = next(fitting, next(iter(TOPICS_OF_CONSTANTS)))
        topics[topic].append((source, names))
    return [_constants(name, entries, runs) for name, entries in topics.items() if entries]


def _constants(caption: str, entries: Sequence[tuple[Source, list[str]]], runs: Sequence[RunResult]) -> Grid:
    partly = any(len(names) < len(runs) for _, names in entries)
    rows = [
        [one.key, one.value, one.unit, one.status, one.source, one.origin, *(_of(names, runs) if partly else ())]
        for one, names in entries
    ]
    columns = [
        Column(name, words=name != "value") for name in ("constant", "value", "unit", "status", "source", "set in")
    ]
    return Grid(f"{caption} ({len(rows)})", columns + (words("runs") if partly else []), rows)


def statuses(runs: Sequence[RunResult]) -> dict[str, int]:
    """Count the constants of every status."""
    counts = Counter(source.status for source in {source for run in runs for source in run.sources})
    return dict(counts)


def _of(names: Sequence[str], runs: Sequence[RunResult]) -> list[str]:
    others = [run.name for run in runs if run.name not in names]
    if len(others) < len(names):
        return [f"all but {', '.join(others)}" if others else "all"]
    return [", ".join(names)]
