"""The figures of the report; each function draws one and knows nothing of files or pages."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from twin.report.figures.area import area_bars
from twin.report.figures.axes import LOGARITHMIC, log_axis, plain_axis
from twin.report.figures.bandwidth import bandwidth_panels
from twin.report.figures.bars import WIDE, bars
from twin.report.figures.endurance import endurance_panels
from twin.report.figures.floorplan import energy_panels, floorplan_panels
from twin.report.figures.gantt import schedule_panels
from twin.report.figures.graph import graph_panels
from twin.report.figures.layers import layer_panels
from twin.report.figures.palette import (
    ALGORITHMS,
    COMPONENTS,
    GROUPS,
    colours,
    group,
)
from twin.report.figures.svg import Drawing, figure, styled
from twin.report.figures.utilisation import utilisation_panels
from twin.results.derived import derive_all, is_timed_only, measure, tested
from twin.results.result import RunResult
from twin.results.text import scale, si
from twin.units import PS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

LINES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))
MARKERS = ("o", "s", "^", "D")


def learning_curves(runs: Sequence[RunResult]) -> list[Drawing]:
    """Draw test error against epochs and against simulated time; nothing where no run was trained."""
    if is_timed_only(runs):
        return []
    name, unit = measure(runs)
    title = name.capitalize()
    ends = "; ".join(
        f"{run.name} ends at {tested(run, run.test_error)}{unit} after {si(run.makespan_s, 's')}" for run in runs
    )
    with styled():
        return [
            Drawing("error-by-epoch", f"{title} by epoch", ends, _curves(runs, "epoch")),
            Drawing("error-by-time", f"{title} by simulated time", ends, _curves(runs, "time")),
        ]


def time_by_operation(runs: Sequence[RunResult]) -> Drawing:
    """Draw the busy time of all servers, by operation, a sample."""
    shares = {run.name: time_shares(run) for run in runs}
    return bars("time-by-operation", "Busy time by operation", shares, "s", GROUPS)


def energy_by_operation(runs: Sequence[RunResult]) -> Drawing:
    """Draw the energy by operation, a sample."""
    shares = {run.name: energy_shares(run, "kind") for run in runs}
    return bars("energy-by-operation", "Energy by operation", shares, "J", GROUPS)


def energy_by_component(runs: Sequence[RunResult]) -> Drawing:
    """Draw the energy by component, a sample."""
    shares = {run.name: energy_shares(run, "component") for run in runs}
    return bars("energy-by-component", "Energy by component", shares, "J", COMPONENTS)


def time_shares(run: RunResult) -> dict[str, float]:
    """Give the busy seconds a sample of every group of operations, summed over servers."""
    busy = run.tables["operations"].groupby("kind", sort=False)["busy_ps"].sum()
    return _grouped(busy * PS / max(run.samples, 1), grouped=True)


def energy_shares(run: RunResult, by: str) -> dict[str, float]:
    """Give the joules a sample of every component, or of every group of operations (``"kind"``)."""
    energy = run.tables["energy"].groupby(by, sort=False)["energy_J"].sum()
    return _grouped(energy / max(run.samples, 1), grouped=by == "kind")


def _grouped(totals: "pd.Series[float]", *, grouped: bool) -> dict[str, float]:
    shares: dict[str, float] = {}
    for name, value in totals.items():
        key = group(str(name)) if grouped else str(name)
        shares[key] = shares.get(key, 0.0) + float(value)
    return {key: value for key, value in shares.items() if value}


def _curves(runs: Sequence[RunResult], over: str) -> "Figure":
    drawn = figure(WIDE, 3.5)
    draw_curves(drawn.add_subplot(), runs, over)
    drawn.legend(loc="outside lower center", ncols=2, handlelength=3.2)
    return drawn


def draw_curves(axes: "Axes", runs: Sequence[RunResult], over: str) -> None:
    """Draw the test error of every run over the ``"epoch"`` or the simulated ``"time"``, without a legend."""
    from matplotlib.ticker import MaxNLocator  # noqa: PLC0415

    timed = over == "time"
    column, factor, label = "epoch", 1.0, "epoch"
    if timed:
        factor, name = scale(max(run.makespan_s for run in runs), "s")
        column, label = "time_s", f"simulated time ({name})"
    hues = colours((run.algorithm for run in runs), ALGORITHMS)
    seen: dict[str, int] = {}
    shown: list[float] = []
    for run in runs:
        order = seen[run.algorithm] = seen.get(run.algorithm, -1) + 1
        points = run.curve[[column, "test_error"]].dropna()
        points = points[(points[column] > 0) | (column == "epoch")]
        errors = points["test_error"] * (1 if run.regression else 100)
        shown += errors.tolist()
        axes.plot(
            points[column] * factor,
            errors,
            color=hues[run.algorithm],
            linestyle=LINES[order % len(LINES)],
            marker=MARKERS[order % len(MARKERS)],
            markersize=4 if len(points) <= 40 else 0,
            label=run.name,
        )
    axes.set_xlabel(label)
    name, unit = measure(runs)
    if min(shown, default=0.0) > 0:
        log_axis(axes, "y", shown)
        unit = f"{unit}, {LOGARITHMIC}" if unit else LOGARITHMIC
    else:
        axes.set_ylim(bottom=0)
        plain_axis(axes, "y")
    axes.set_ylabel(f"{name} ({unit})" if unit else name)
    if timed:
        _time_axis(axes, runs, factor)
    else:
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def _time_axis(axes: "Axes", runs: Sequence[RunResult], factor: float) -> None:
    """Make the axis of times logarithmic where runs differ a lot."""
    ends = [run.makespan_s for run in runs if run.makespan_s > 0]
    if ends and max(ends) > 20 * min(ends):
        log_axis(axes, "x", [time * factor for run in runs for time in run.curve["time_s"]])
        axes.set_xlabel(axes.get_xlabel().replace(")", f", {LOGARITHMIC})"))
    else:
        plain_axis(axes, "x")


def all_figures(runs: Sequence[RunResult]) -> dict[str, list[Drawing]]:
    """Draw everything, by section of the report."""
    derive_all(runs)
    return {
        "learning": learning_curves(runs),
        "cost": [time_by_operation(runs), energy_by_operation(runs), energy_by_component(runs)],
        "area": area_bars(runs),
        "layers": layer_panels(runs),
        "graph": graph_panels(runs),
        "schedule": schedule_panels(runs),
        "bandwidth": bandwidth_panels(runs),
        "utilisation": utilisation_panels(runs),
        "floorplan": floorplan_panels(runs),
        "tile_energy": energy_panels(runs),
        "endurance": endurance_panels(runs),
    }
