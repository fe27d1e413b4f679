"""The floor plan of every run, drawn to scale: how busy each tile was, and how much of it is in use."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from twin.report.palette import INKS
from twin.report.result import RunResult
from twin.report.svg import INK, Drawing, boxes, figure, heading, styled
from twin.report.text import fixed, percent

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes
    from matplotlib.patches import Patch

PANEL = 3.9
MOST_CHIPS = 4
MOST_NAMED = 36  # tiles: the names of more could not be read
LONGEST = 11
STEPS = 10
DARKEST = 0.6  # opacity of a tile that was always busy: its name must stay legible


def floorplan_panels(runs: Sequence[RunResult]) -> list[Drawing]:
    """Draw the tiles of every run that has some, coloured by the share of the time in which they were busy."""
    with styled():
        return [_plan(number, run) for number, run in enumerate(runs) if "floorplan" in run.tables]


def _plan(number: int, run: RunResult) -> Drawing:
    table = run.tables["floorplan"]
    servers = run.tables["servers"]
    used = servers[servers["kind"] == "tile"].set_index("server")["utilisation"]
    busy = np.array([float(used.get(f"tile {name}", used.get(name, 0.0))) for name in table["tile"]])
    table = table.assign(busy=busy)
    shown = table[table["chip"] < MOST_CHIPS]
    side = float(table["width_mm"].iloc[0])
    pitch = float(shown["x_mm"].max()) + 1.6 * side  # from one chip to the next
    chips = int(shown["chip"].max()) + 1
    width, height = chips * pitch - 0.6 * side, float(shown["y_mm"].max()) + side
    drawing = figure(PANEL, min(8.0, 1.3 + (PANEL - 0.6) * height / width))
    axes = drawing.add_subplot()
    heading(axes, run.name)
    left = shown["x_mm"].to_numpy(dtype=float) + shown["chip"].to_numpy(dtype=float) * pitch
    _tiles(axes, shown, left, side)
    if len(shown) <= MOST_NAMED:
        _label(axes, shown, left, side)
    axes.set_xlim(-0.02 * width, 1.02 * width)
    axes.set_ylim(1.02 * height, -0.02 * height)
    axes.set_aspect("equal")
    axes.grid(visible=False)
    axes.set_xlabel("mm")
    drawing.legend(handles=_legend(), loc="outside lower center", ncols=4, handlelength=1.2, columnspacing=1.0)
    return Drawing.of(f"floorplan-{number}", f"Floor plan, {run.name}", _described(run, table, shown, side), drawing)


def _tiles(axes: "Axes", shown: "pd.DataFrame", left: np.ndarray, side: float) -> None:
    """Draw the tiles of one shade as one path, their outlines, and the bars of the crosspoints in use."""
    top = shown["y_mm"].to_numpy(dtype=float)
    step = np.clip(np.ceil(shown["busy"].to_numpy() * STEPS), 0, STEPS).astype(int)
    sides = np.full(len(shown), side)
    blue = INKS["blue"].light
    for shade in range(1, STEPS + 1):
        mine = step == shade
        boxes(axes, left[mine], top[mine], sides[mine], sides[mine], facecolor=blue, alpha=_shade(shade))
    boxes(axes, left, top, sides, sides, facecolor="none", edgecolor=INKS["grey"].light, linewidth=0.8)
    share = shown["utilisation"].to_numpy(dtype=float)
    inner, bar = 0.92 * side, 0.06 * side
    boxes(
        axes, left + 0.04 * side, top + side - 1.7 * bar, inner * share, np.full(len(shown), bar),
        facecolor=INKS["orange"].light,
    )  # fmt: skip


def _shade(step: int) -> float:
    return round(DARKEST * step / STEPS, 2)


def _legend() -> list["Patch"]:
    from matplotlib.patches import Patch  # noqa: PLC0415

    shades = {2: "20 %", 5: "50 %", STEPS: "100 % busy"}
    patches = [Patch(facecolor=INKS["blue"].light, alpha=_shade(step), label=text) for step, text in shades.items()]
    return [*patches, Patch(facecolor=INKS["orange"].light, label="in use")]


def _label(axes: "Axes", shown: "pd.DataFrame", left: np.ndarray, side: float) -> None:
    for name, x, y, busy in zip(shown["tile"], left, shown["y_mm"], shown["busy"], strict=True):
        text = str(name) if len(str(name)) <= LONGEST else f"{str(name)[: LONGEST - 1]}…"
        middle = x + side / 2, float(y) + 0.44 * side
        axes.text(*middle, f"{text}\n{percent(float(busy))} %", ha="center", va="center", fontsize=7.5, color=INK)


def _described(run: RunResult, table: "pd.DataFrame", shown: "pd.DataFrame", side: float) -> str:
    hidden, on = len(table) - len(shown), int(table["chip"].max()) + 1
    more = f"; {hidden} tiles of further chips are not drawn" if hidden else ""
    most = table.iloc[int(table["busy"].to_numpy().argmax())]
    return (
        f"{run.name}: {len(table)} tiles of {fixed(side)} mm x {fixed(side)} mm on {on} chip{'s' if on > 1 else ''}, "
        f"busy for {percent(float(table['busy'].mean()))} % of the time on average, {most['tile']} the most with "
        f"{percent(float(most['busy']))} %; {percent(float(table['utilisation'].mean()))} % of their crosspoints are "
        f"in use on average{more}."
    )
