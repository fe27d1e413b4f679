"""Endurance: how often the devices of each matrix were pulsed, from the diagnostics of runs that counted it."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from twin.report.figures.axes import LOGARITHMIC, log_axis, plain_number
from twin.report.figures.palette import INKS
from twin.report.figures.svg import Drawing, figure, heading, styled
from twin.results.result import PULSED, RunResult

if TYPE_CHECKING:
    import pandas as pd

LINES = ("-", (0, (5, 2)), (0, (1, 1.5)), (0, (6, 2, 1, 2)))
HUES = {"A": "orange", "C": "blue", "W": "green"}


def endurance_panels(runs: Sequence[RunResult]) -> list[Drawing]:
    """Draw, for each run that counted pulses, which share of the devices got at most so many a sample."""
    with styled():
        return [
            _panel(number, run, table)
            for number, run in enumerate(runs)
            if len(table := _quantiles(run.diagnostics)) > 0
        ]


def _quantiles(diagnostics: "pd.DataFrame") -> "pd.DataFrame":
    table = diagnostics[diagnostics["what"].str.startswith(PULSED)]
    return table.assign(share=[float(what.rsplit(" ", 2)[-2]) for what in table["what"]])


def _panel(number: int, run: RunResult, table: "pd.DataFrame") -> Drawing:
    drawn = figure(3.9, 3.0)
    axes = drawn.add_subplot()
    heading(axes, run.name)
    most = []
    log_axis(axes, "x", table["value"])
    least, ticks = axes.get_xlim()[0], axes.get_xticks()
    axes.set_xticks(ticks, [f"≤ {plain_number(tick)}" if tick == least else plain_number(tick) for tick in ticks])
    for (layer, matrix), rows in table.groupby(["layer", "matrix"], sort=False):
        axes.plot(
            rows["value"].clip(lower=least),
            rows["share"],
            color=INKS[HUES.get(str(matrix), "purple")].light,
            linestyle=LINES[int(str(layer)) % len(LINES)],
            label=f"{layer}.{matrix}",
        )
        most.append(f"{layer}.{matrix} {rows['value'].max():.3g}")
    axes.set_xlabel(f"at most so many pulses a sample ({LOGARITHMIC})")
    axes.set_ylabel("devices (%)")
    axes.set_ylim(0, 105)
    drawn.legend(loc="outside lower center", ncols=4, handlelength=1.6, columnspacing=1.2)
    described = f"{run.name}: most pulses on a device, a sample: {', '.join(most)}."
    return Drawing(f"endurance-{number}", f"Pulses per device, {run.name}", described, drawn)
