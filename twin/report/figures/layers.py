"""Time and energy by layer and operation: as a table, and as stacked bars, one figure a run."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING

from twin.report.figures.axes import plain_axis
from twin.report.figures.bars import stack
from twin.report.figures.palette import GROUPS, colours, group
from twin.report.figures.svg import Drawing, figure, styled
from twin.results.result import RunResult
from twin.results.text import fixed, scale, si
from twin.units import PS

if TYPE_CHECKING:
    import pandas as pd

MOST_LAYERS = 12
LEAST = 0.001
"""In the unit of the axis: what is less is labelled in a unit of its own."""

VALUES = ("count", "busy_s", "wait_s", "energy_J")


def layer_operations(run: RunResult) -> "pd.DataFrame":
    """Give one row per layer and operation: count, busy and waiting seconds and joules a sample.

    Operations are the groups of the palette; leakage belongs to no layer (-1).
    """
    import pandas as pd  # noqa: PLC0415

    time, energy = run.tables["operations"], run.tables["energy"]
    columns = {"count": time["count"], "busy_s": time["busy_ps"] * PS, "wait_s": time["wait_ps"] * PS}
    time = pd.DataFrame({"layer": time["layer"], "operation": time["kind"].map(group), **columns})
    joules = {"energy_J": energy["energy_J"]}
    energy = pd.DataFrame({"layer": energy["layer"], "operation": energy["kind"].map(group), **joules})
    frame = pd.concat([time, energy], ignore_index=True).fillna(0.0)
    sums = frame.groupby(["layer", "operation"], sort=True, as_index=False).sum()
    sums[[*VALUES]] = sums[[*VALUES]] / max(run.samples, 1)
    return sums


def layer_panels(runs: Sequence[RunResult]) -> list[Drawing]:
    """Draw busy time and energy of every layer, by operation."""
    with styled():
        return [_panel(number, run) for number, run in enumerate(runs)]


def _panel(number: int, run: RunResult) -> Drawing:
    frame = layer_operations(run)
    names = _names(frame)
    keys = [key for key in GROUPS if key in set(frame["operation"])]
    keys += sorted(set(frame["operation"]) - set(keys))
    hues = colours(keys, GROUPS)
    labels = sorted(dict.fromkeys(names), key=lambda name: (name == "chip", "others" in name))
    drawn = figure(5.6, 1.0 + 0.27 * max(2, len(labels)) + 0.2 * math.ceil(len(keys) / 4))
    drawn.suptitle(run.name, x=0.02, ha="left", fontsize=10, fontweight="bold")
    panels = drawn.subplots(1, 2, sharey=True, gridspec_kw={"wspace": 0.06})
    described = []
    for axes, column, unit, what in zip(panels, ("busy_s", "energy_J"), "sJ", ("busy", "energy"), strict=True):
        table = frame.assign(name=names).pivot_table(column, "name", "operation", "sum", sort=False, fill_value=0.0)
        table = table.reindex(labels)
        sums = table.sum(axis=1)
        factor, symbol = scale(float(sums.max()) if len(sums) else 0.0, unit)
        stack(axes, {str(name): dict(row) for name, row in table.iterrows()}, keys, hues, factor=factor, end=math.inf)
        for place, total in enumerate(sums):
            text = fixed(total * factor) if total == 0 or total * factor >= LEAST else si(float(total), unit)
            axes.annotate(f" {text}", (total * factor, place), va="center", fontsize=9)
        axes.set_xlim(0, 1.25 * float(sums.max() if len(sums) else 0.0) * factor or 1.0)
        axes.set_xlabel(f"{what}, {symbol} per sample")
        plain_axis(axes, "x")
        most = ", ".join(f"{name} {si(float(total), unit)}" for name, total in sums.nlargest(3).items())
        described.append(f"{what} per sample, most of it {most}")
    handles, _ = panels[0].get_legend_handles_labels()
    drawn.legend(handles, keys, loc="outside lower center", ncols=4, handlelength=1, columnspacing=1.2)
    title = f"Time and energy by layer, {run.name}"
    return Drawing(f"layers-{number}", title, f"{run.name}: {'; '.join(described)}.", drawn)


def _names(frame: "pd.DataFrame") -> list[str]:
    """Name the layer of every row; the least of very many layers are one."""
    shares = frame.groupby("layer")[["busy_s", "energy_J"]].sum()
    shares = shares / shares.sum().replace(0.0, 1.0)
    shown = set(shares.max(axis=1).nlargest(MOST_LAYERS).index)
    left = len(shares) - len(shown)
    names = {layer: "chip" if int(layer) < 0 else f"layer {layer}" for layer in shown}
    return [names.get(layer, f"{left} others") for layer in frame["layer"]]
