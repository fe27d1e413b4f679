"""The floor plan of every run, drawn to scale."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from twin.report.palette import INKS
from twin.report.result import RunResult
from twin.report.svg import INK, Drawing, figure, render, styled
from twin.report.text import fixed, percent

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

PANEL = 3.9
MOST_CHIPS = 4
MOST_NAMED = 36  # tiles: the names of more could not be read
LONGEST = 11


def floorplan_panels(runs: Sequence[RunResult]) -> list[Drawing]:
    """Draw the tiles of every run that has some, each distinct floor plan once."""
    seen: dict[str, list[str]] = {}
    for run in runs:
        if "floorplan" in run.tables:
            seen.setdefault(run.tables["floorplan"].to_csv(), []).append(run.name)
    tables = {run.name: run.tables["floorplan"] for run in runs if "floorplan" in run.tables}
    with styled():
        return [_plan(number, ", ".join(names), tables[names[0]]) for number, names in enumerate(seen.values())]


def _plan(number: int, label: str, table: "pd.DataFrame") -> Drawing:
    shown = table[table["chip"] < MOST_CHIPS]
    side = float(table["width_mm"].iloc[0])
    pitch = float(shown["x_mm"].max()) + 1.6 * side  # from one chip to the next
    chips = int(shown["chip"].max()) + 1
    width, height = chips * pitch - 0.6 * side, float(shown["y_mm"].max()) + side
    drawing = figure(PANEL, min(8.0, 0.9 + (PANEL - 0.6) * height / width))
    axes = drawing.add_subplot()
    axes.set_title(label, loc="left", fontweight="bold")
    named = len(shown) <= MOST_NAMED
    columns = shown[["tile", "chip", "x_mm", "y_mm", "utilisation"]]
    for name, chip, x, y, used in columns.itertuples(index=False, name=None):
        _tile(axes, str(name) if named else "", (float(x) + int(chip) * pitch, float(y)), side, float(used))
    axes.set_xlim(-0.02 * width, 1.02 * width)
    axes.set_ylim(1.02 * height, -0.02 * height)
    axes.set_aspect("equal")
    axes.grid(visible=False)
    axes.set_xlabel("mm")
    mean = float(table["utilisation"].mean())
    hidden, on = len(table) - len(shown), int(table["chip"].max()) + 1
    more = f"; {hidden} tiles of further chips are not drawn" if hidden else ""
    described = (
        f"{label}: {len(table)} tiles of {fixed(side)} mm x {fixed(side)} mm on {on} chip{'s' if on > 1 else ''}, "
        f"{percent(mean)} % of their crosspoints in use on average{more}."
    )
    return Drawing(f"floorplan-{number}", f"Floor plan, {label}", described, render(drawing))


def _tile(axes: "Axes", name: str, at: tuple[float, float], side: float, used: float) -> None:
    from matplotlib.patches import Rectangle  # noqa: PLC0415

    left, top = at
    filled = Rectangle((left, top + side * (1 - used)), side, side * used, color=INKS["sky"].light, linewidth=0)
    axes.add_patch(filled)
    axes.add_patch(Rectangle((left, top), side, side, fill=False, edgecolor=INKS["grey"].light))
    if name:
        name = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
        middle = left + side / 2, top + side / 2
        axes.text(*middle, f"{name}\n{percent(used)} %", ha="center", va="center", fontsize=7.5, color=INK)
