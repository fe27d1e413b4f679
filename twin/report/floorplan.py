"""The floor plan of every run, drawn to scale."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from twin.report.palette import GRID, INKS
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
    drawn: list[Drawing] = []
    seen: dict[str, list[str]] = {}
    for run in runs:
        if "floorplan" in run.tables:
            seen.setdefault(run.tables["floorplan"].to_csv(), []).append(run.name)
    plans = {", ".join(names): names[0] for names in seen.values()}
    tables = {run.name: run.tables.get("floorplan") for run in runs}
    with styled():
        for number, (label, name) in enumerate(plans.items()):
            drawn.append(_plan(number, label, tables[name]))
    return drawn


def _plan(number: int, label: str, table: "pd.DataFrame") -> Drawing:
    shown = table[table["chip"] < MOST_CHIPS]
    side = float(table["width_mm"].iloc[0])
    pitch = float(shown["x_mm"].max()) + 1.6 * side  # from one chip to the next
    chips = int(shown["chip"].max()) + 1
    width, height = chips * pitch - 0.6 * side, float(shown["y_mm"].max()) + side
    drawing = figure(PANEL, min(8.0, 0.9 + (PANEL - 0.6) * height / width))
    axes = drawing.add_subplot()
    axes.set_title(label, loc="left", fontweight="bold")
    for row in shown.to_dict("records"):
        _tile(axes, row, row["x_mm"] + row["chip"] * pitch, side, named=len(shown) <= MOST_NAMED)
    axes.set_xlim(-0.02 * width, 1.02 * width)
    axes.set_ylim(1.02 * height, -0.02 * height)
    axes.set_aspect("equal")
    axes.grid(visible=False)
    axes.set_xlabel("mm")
    mean = float(table["utilisation"].mean())
    hidden = len(table) - len(shown)
    more = f"; {hidden} tiles of further chips are not drawn" if hidden else ""
    described = (
        f"{label}: {len(table)} tiles of {fixed(side)} mm x {fixed(side)} mm on {table['chip'].nunique()} chip"
        f"{'s' if table['chip'].nunique() > 1 else ''}, {percent(mean)} % of their crosspoints in use on average{more}."
    )
    return Drawing(f"floorplan-{number}", f"Floor plan, {label}", described, render(drawing))


def _tile(axes: "Axes", row: dict[str, float], left: float, side: float, *, named: bool) -> None:
    from matplotlib.patches import Rectangle  # noqa: PLC0415

    top, filled = float(row["y_mm"]), side * float(row["utilisation"])
    axes.add_patch(Rectangle((left, top + side - filled), side, filled, color=INKS["sky"].light, linewidth=0))
    axes.add_patch(Rectangle((left, top), side, side, fill=False, edgecolor=INKS[GRID].light))
    if named:
        name = str(row["tile"])
        name = name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"
        text = f"{name}\n{percent(float(row['utilisation']))} %"
        axes.text(left + side / 2, top + side / 2, text, ha="center", va="center", fontsize=7.5, color=INK)
