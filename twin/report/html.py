"""report.html: one offline file, no script, no resource from elsewhere."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from twin import __version__
from twin.report.calibration import CALIBRATION, calibration_rows
from twin.report.derived import (
    Derived,
    bound_shares,
    busiest_links,
    derive_all,
    grouped_warnings,
    interval,
    measure,
    tested,
    tiles,
    wait_shares,
)
from twin.report.figures import all_figures, energy_shares, time_shares
from twin.report.overlap import STALENESS, staleness_rows
from twin.report.palette import INKS
from twin.report.result import RunResult, Source
from twin.report.svg import Drawing
from twin.report.text import ABSENT, fixed, percent, si

if TYPE_CHECKING:
    import pandas as pd

STATUS = {
    "S": "primary source, read",
    "S2": "secondary source",
    "D": "derived",
    "M": "from memory",
    "assumption": "chosen here, without a source",
}
MOST_BOUND = 5
MOST_WARNINGS = 12


class Grid(NamedTuple):
    """A table of texts: headings of the leading columns, of the others, and rows of all of them."""

    keys: list[str]
    columns: list[str]
    rows: list[list[str]]


def html(runs: Sequence[RunResult], command: str, drawings: dict[str, list[Drawing]] | None = None) -> str:
    """Give the page; `drawings` are those of `all_figures`, drawn here when not given."""
    from jinja2 import Environment, PackageLoader, StrictUndefined  # noqa: PLC0415
    from markupsafe import Markup  # noqa: PLC0415

    environment = Environment(
        loader=PackageLoader("twin.report", "."),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["svg"] = lambda drawing: Markup(drawing.inline)  # noqa: S704 - our own SVG
    page = environment.get_template("report.html.j2")
    return page.render(_content(runs, command, drawings or all_figures(runs)))


def _content(runs: Sequence[RunResult], command: str, drawings: dict[str, list[Drawing]]) -> dict[str, Any]:
    derived = derive_all(runs)
    return {
        "title": f"{runs[0].workload} on {_list(run.chip for run in runs)}",
        "version": __version__,
        "runs": runs,
        "baseline": runs[0].name,
        "facts": _facts(runs),
        "cards": [_card(run, entry) for run, entry in zip(runs, derived, strict=True)],
        "drawings": drawings,
        "inks": INKS,
        "bounds": [_bound(run) for run in runs],
        "numbers": _numbers(runs),
        "staleness": Grid([*STALENESS], [], [[*row] for row in staleness_rows(runs)]),
        "calibration": Grid([*CALIBRATION], [], [[*row] for row in calibration_rows(runs)]),
        "links": _links(runs),
        "diagnostics": _diagnostics(runs),
        "area": _area(runs),
        "warnings": grouped_warnings(runs),
        "most_warnings": MOST_WARNINGS,
        "constants": _constants(runs),
        "status": STATUS,
        "configs": _configs(runs),
        "command": command,
    }


def _facts(runs: Sequence[RunResult]) -> list[tuple[str, str]]:
    return [
        ("device", _list(run.device for run in runs)),
        ("seed", _list(str(run.seed) for run in runs)),
        ("epochs", _list(str(run.epochs) for run in runs)),
        ("samples a run", _list(f"{run.samples:,}" for run in runs)),
    ]


def _card(run: RunResult, derived: Derived) -> dict[str, Any]:
    moved = derived.bytes_per_sample
    memory, buffer = (sum(moved[path, what] for what in ("H", "other")) for path in ("memory", "buffer"))
    busiest = _percent(derived.tile_utilisation_max)
    return {
        "name": run.name,
        "bound": run.bound,
        "cells": [
            (*_accuracy(run), []),
            ("time", si(run.makespan_s, "s"), _speed(run, derived)),
            ("energy", si(run.energy_J, "J"), [f"{si(derived.energy_J_per_sample, 'J')} per sample"]),
            ("area", f"{fixed(run.area_m2, 1e-6)} mm²", [*_chips(run), f"leaks {si(run.leakage_W, 'W')}"]),
            ("memory", si(memory, "B"), ["per sample", f"H {si(moved['memory', 'H'], 'B')}"]),
            ("buffer", si(buffer, "B"), ["per sample", f"H {si(moved['buffer', 'H'], 'B')}"]),
            ("tiles busy", _percent(derived.tile_utilisation_mean), [f"busiest {busiest}"]),
        ],
    }


def _chips(run: RunResult) -> list[str]:
    return [f"{run.chips:,} chips, {tiles(run):,} tiles"] if run.chips > 1 else []


def _speed(run: RunResult, derived: Derived) -> list[str]:
    lines = [f"{si(derived.samples_per_s)} samples/s", _times(derived)]
    return [*lines, interval(run)] if interval(run) else lines


def _accuracy(run: RunResult) -> tuple[str, str]:
    name, unit = measure([run])
    return name, f"{tested(run, run.test_error)} {unit}".strip() if math.isfinite(run.test_error) else ABSENT


def _percent(fraction: float) -> str:
    return f"{percent(fraction)} %" if math.isfinite(fraction) else ABSENT


def _times(derived: Derived) -> str:
    return "speed unknown" if math.isnan(derived.speed) else f"{fixed(derived.speed)}× speed"


def _bound(run: RunResult) -> dict[str, Any]:
    return {"name": run.name, "line": run.bound, "lists": [_most(bound_shares(run)), _most(wait_shares(run))]}


def _most(shares: dict[str, float]) -> list[tuple[str, str, str]]:
    """Give the largest shares as name, percent and width of a bar, the rest as one."""
    entries = list(shares.items())
    rest = sum(share for _, share in entries[MOST_BOUND:])
    shown = entries[:MOST_BOUND] + ([(f"{len(entries) - MOST_BOUND} others", rest)] if rest else [])
    return [(name, percent(share), f"{min(1.0, share):.1%}") for name, share in shown]


def _numbers(runs: Sequence[RunResult]) -> list[tuple[str, Grid]]:
    """Tables of what the figures show, for those who read numbers."""
    times = [time_shares(run) for run in runs]
    kinds = [energy_shares(run, "kind") for run in runs]
    components = [energy_shares(run, "component") for run in runs]
    traffic = [_traffic(run) for run in runs]
    names = [run.name for run in runs]
    return [
        ("Busy time per sample", _grid("operation", names, times, "s")),
        ("Energy per sample by operation", _grid("operation", names, kinds, "J")),
        ("Energy per sample by component", _grid("component", names, components, "J")),
        ("Bytes per sample by path and stream", _grid("path, stream", names, traffic, "B")),
    ]


def _links(runs: Sequence[RunResult]) -> Grid:
    rows = [[link, run.name, percent(share), si(size, "B")] for run in runs for link, share, size in busiest_links(run)]
    return Grid(["link", "run"], ["busy (%)", "per sample"], rows)


def _traffic(run: RunResult) -> dict[str, float]:
    sums = run.tables["traffic"].groupby(["path", "stream"], sort=False)["bytes"].sum()
    pairs = sums.reset_index().itertuples(index=False, name=None)
    return {f"{path}, {stream}": float(total) / max(run.samples, 1) for path, stream, total in pairs}


def _grid(key: str, names: list[str], entries: list[dict[str, float]], unit: str) -> Grid:
    labels = dict.fromkeys(label for entry in entries for label in entry)
    rows = [[label, *(si(entry[label], unit) if label in entry else ABSENT for entry in entries)] for label in labels]
    return Grid([key], names, rows)


def _diagnostics(runs: Sequence[RunResult]) -> Grid:
    """Give one row per layer, matrix and quantity, a column a run."""
    found: dict[tuple[str, ...], list[str]] = {}
    for position, run in enumerate(runs):
        for row in run.diagnostics[["layer", "matrix", "what", "unit", "value"]].itertuples(index=False, name=None):
            *key, value = row
            cells = found.setdefault(tuple(map(str, key)), [ABSENT] * len(runs))
            cells[position] = fixed(float(value)) if isinstance(value, float | int) else str(value)
    by_layer = sorted(found.items(), key=lambda entry: (len(entry[0][0]), entry[0][0]))
    rows = [[*key[:3], "" if key[3] == "1" else key[3], *cells] for key, cells in by_layer]
    return Grid(["layer", "matrix", "what", "unit"], [run.name for run in runs], rows)


def _area(runs: Sequence[RunResult]) -> Grid:
    tables = [_parts(run.tables["area"]) for run in runs]
    parts = dict.fromkeys(part for table in tables for part in table)
    rows = [[part, *(table.get(part, ABSENT) for table in tables)] for part in parts]
    rows.append(["all", *(f"{fixed(run.area_m2, 1e-6)} mm²" for run in runs)])
    rows.append(["leakage", *(si(run.leakage_W, "W") for run in runs)])
    return Grid(["part"], [run.name for run in runs], rows)


def _parts(area: "pd.DataFrame") -> dict[str, str]:
    rows = area[["part", "count", "area_m2"]].itertuples(index=False, name=None)
    return {str(part): f"{fixed(float(size), 1e-6)} mm² ({count:,.0f})" for part, count, size in rows}


def _constants(runs: Sequence[RunResult]) -> list[tuple[Source, str]]:
    """Give every constant once, with the runs it holds for ("" for all of them)."""
    found: dict[Source, list[str]] = {}
    for run in runs:
        for source in run.sources:
            found.setdefault(source, []).append(run.name)
    return [(source, "" if len(names) == len(runs) else ", ".join(names)) for source, names in found.items()]


def _configs(runs: Sequence[RunResult]) -> list[tuple[str, str]]:
    found: dict[str, list[str]] = {}
    for run in runs:
        found.setdefault(run.config, []).append(run.name)
    return [(", ".join(names), text) for text, names in found.items()]


def _list(names: Any) -> str:
    return ", ".join(dict.fromkeys(names))
