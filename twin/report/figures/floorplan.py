"""Floor plans of every run, drawn to scale: how busy each tile was or what it spent, and how much of it is in use."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.report.figures.axes import plain_axis
from twin.report.figures.palette import INKS
from twin.report.figures.svg import INK, Drawing, boxes, figure, heading, styled
from twin.results.result import RunResult
from twin.results.text import fixed, percent, scale

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
OWN = ("tile", "digital", "link", "registers")
"""Servers that stand on a tile's own square, before its name."""


@dataclass(frozen=True, slots=True)
class Shading:
    """What the shade of a tile says.

    Attributes
    ----------
    levels : ndarray of float64, (n_tiles,)
        1 for the darkest shade.
    legend : dict of int to str
        What some of the steps of shade stand for, with its unit.
    texts : list of str
        What is written on each tile.
    hue : str
    """

    levels: np.ndarray
    legend: dict[int, str]
    texts: list[str]
    hue: str


def floorplan_panels(runs: Sequence[RunResult]) -> list[Drawing]:
    """Draw the tiles of every run that has some, coloured by the share of the time in which they were busy."""
    with styled():
        return [_busy(number, run) for number, run in enumerate(runs) if "floorplan" in run.tables]


def energy_panels(runs: Sequence[RunResult]) -> list[Drawing]:
    """Draw the tiles of every run that has some, coloured by the energy that they spent a sample; one scale for all."""
    spent = {number: _joules(run) for number, run in enumerate(runs) if "floorplan" in run.tables}
    spent = {number: joules for number, joules in spent.items() if joules.size and np.isfinite(joules).all()}
    most = max((float(joules.max()) for joules in spent.values()), default=0.0)
    with styled():
        return [_energy(number, runs[number], joules, most) for number, joules in spent.items()]


def _joules(run: RunResult) -> np.ndarray:
    """Return the energy of every tile with what stands on its square, J a sample; NaN in runs of older versions."""
    servers = run.tables["servers"].set_index("server")
    if "energy_J" not in servers.columns:
        return np.full(len(run.tables["floorplan"]), np.nan)
    by_name = servers["energy_J"].to_dict()
    names = run.tables["floorplan"]["tile"]
    return np.array([sum(by_name.get(f"{kind} {name}", 0.0) for kind in OWN) for name in names]) / max(run.samples, 1)


def _busy(number: int, run: RunResult) -> Drawing:
    table = run.tables["floorplan"]
    servers = run.tables["servers"]
    used = servers[servers["kind"] == "tile"].set_index("server")["utilisation"]
    busy = np.array([float(used.get(f"tile {name}", used.get(name, 0.0))) for name in table["tile"]])
    legend = {2: "20 %", 5: "50 %", STEPS: "100 % busy"}
    shading = Shading(busy, legend, [f"{percent(float(one))} %" for one in busy], "blue")
    most = f"{table['tile'].iloc[int(busy.argmax())]} the most with {percent(float(busy.max()))} %"
    said = f"busy for {percent(float(busy.mean()))} % of the time on average, {most}"
    return _plan(f"floorplan-{number}", f"Floor plan, busy time, {run.name}", run, shading, said)


def _energy(number: int, run: RunResult, joules: np.ndarray, most_J: float) -> Drawing:
    factor, unit = scale(most_J, "J")
    texts = [f"{fixed(float(one), 1 / factor)} {unit}" for one in joules]
    legend = {step: f"{fixed(most_J * step / STEPS, 1 / factor)} {unit}" for step in (2, 5, STEPS)}
    shading = Shading(joules / (most_J or 1.0), legend, texts, "wine")
    most = f"{run.tables['floorplan']['tile'].iloc[int(joules.argmax())]} the most with {texts[int(joules.argmax())]}"
    said = f"together {fixed(float(joules.sum()), 1 / factor)} {unit} a sample without leakage, {most}"
    return _plan(f"floorplan-energy-{number}", f"Floor plan, energy a sample, {run.name}", run, shading, said)


def _plan(name: str, title: str, run: RunResult, shading: Shading, said: str) -> Drawing:
    table = run.tables["floorplan"]
    on = (table["chip"] < MOST_CHIPS).to_numpy()
    shown = table[on]
    side = float(table["width_mm"].iloc[0])
    pitch = float(shown["x_mm"].max()) + 1.6 * side  # from one chip to the next
    chips = int(shown["chip"].max()) + 1
    width, height = chips * pitch - 0.6 * side, float(shown["y_mm"].max()) + side
    drawing = figure(PANEL, min(8.0, 1.3 + (PANEL - 0.6) * height / width))
    axes = drawing.add_subplot()
    heading(axes, run.name)
    left = shown["x_mm"].to_numpy(dtype=float) + shown["chip"].to_numpy(dtype=float) * pitch
    _tiles(axes, shown, left, side, shading.levels[on], shading.hue)
    if len(shown) <= MOST_NAMED:
        _label(axes, shown, left, side, [text for text, one in zip(shading.texts, on, strict=True) if one])
    axes.set_xlim(-0.02 * width, 1.02 * width)
    axes.set_ylim(1.02 * height, -0.02 * height)
    axes.set_aspect("equal")
    axes.grid(visible=False)
    axes.locator_params(axis="both", nbins=4, steps=[1, 2, 5, 10])
    plain_axis(axes, "x")
    plain_axis(axes, "y")
    axes.set(xlabel="mm", ylabel="mm")
    drawing.legend(handles=_legend(shading), loc="outside lower center", ncols=4, handlelength=1.2, columnspacing=1.0)
    return Drawing(name, title, _described(run, table, shown, side, said), drawing)


def _tiles(axes: "Axes", shown: "pd.DataFrame", left: np.ndarray, side: float, levels: np.ndarray, hue: str) -> None:
    """Draw the tiles of one shade as one path, their outlines, and the bars of the crosspoints in use."""
    top = shown["y_mm"].to_numpy(dtype=float)
    step = np.clip(np.ceil(levels * STEPS - 1e-9), 0, STEPS).astype(int)
    sides = np.full(len(shown), side)
    for one in range(1, STEPS + 1):
        mine = step == one
        boxes(axes, left[mine], top[mine], sides[mine], sides[mine], facecolor=INKS[hue].light, alpha=shade(one))
    boxes(axes, left, top, sides, sides, facecolor="none", edgecolor=INKS["grey"].light, linewidth=0.8)
    share = shown["utilisation"].to_numpy(dtype=float)
    inner, bar = 0.92 * side, 0.06 * side
    boxes(
        axes, left + 0.04 * side, top + side - 1.7 * bar, inner * share, np.full(len(shown), bar),
        facecolor=INKS["orange"].light,
    )  # fmt: skip


def shade(step: int) -> float:
    """Give the opacity of a step of shade."""
    return round(DARKEST * step / STEPS, 2)


def _legend(shading: Shading) -> list["Patch"]:
    from matplotlib.patches import Patch  # noqa: PLC0415

    ink = INKS[shading.hue].light
    patches = [Patch(facecolor=ink, alpha=shade(step), label=text) for step, text in shading.legend.items()]
    return [*patches, Patch(facecolor=INKS["orange"].light, label="in use")]


def _label(axes: "Axes", shown: "pd.DataFrame", left: np.ndarray, side: float, texts: Sequence[str]) -> None:
    for name, x, y, below in zip(shown["tile"], left, shown["y_mm"], texts, strict=True):
        text = str(name) if len(str(name)) <= LONGEST else f"{str(name)[: LONGEST - 1]}…"
        middle = x + side / 2, float(y) + 0.44 * side
        axes.text(*middle, f"{text}\n{below}", ha="center", va="center", fontsize=7.5, color=INK)


def _described(run: RunResult, table: "pd.DataFrame", shown: "pd.DataFrame", side: float, said: str) -> str:
    hidden, on = len(table) - len(shown), int(table["chip"].max()) + 1
    more = f"; {hidden} tiles of further chips are not drawn" if hidden else ""
    return (
        f"{run.name}: {len(table)} tiles of {fixed(side)} mm x {fixed(side)} mm on {on} chip{'s' if on > 1 else ''}, "
        f"{said}; {percent(float(table['utilisation'].mean()))} % of their crosspoints are in use on average{more}."
    )
