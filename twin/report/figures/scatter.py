"""Scatter plots of many runs, with the Pareto front of each pair of quantities."""

import math
from collections.abc import Sequence
from itertools import combinations
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from twin.report.figures.axes import LOGARITHMIC, log_axis
from twin.report.figures.palette import ALGORITHMS, colours
from twin.report.figures.svg import INK, Drawing, figure, styled
from twin.results.pareto import OBJECTIVES, front, front_of
from twin.results.text import fixed, scale

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.artist import Artist
    from matplotlib.axes import Axes

LABELS = {
    "energy_J": ("energy", "J"),
    "makespan_s": ("time", "s"),
    "area_m2": ("area", "mm²"),
    "test_error": ("test error", "%"),
}
FEW = 8
"""Values of an axis of a sweep that colours can tell apart."""

ACROSS = 3
PANEL = 3.1
Floats = npt.NDArray[np.float64]


def points(axes: "Axes", x: Floats, y: Floats, hue: str, label: str, marker: str, best: npt.NDArray[np.bool_]) -> None:
    """Draw the points of a series: filled where they are on the front, hollow elsewhere."""
    look: dict[str, Any] = {"s": 26, "marker": marker, "linewidths": 1.1, "zorder": 3}
    axes.scatter(x[best], y[best], facecolors=hue, edgecolors=hue, label=label, **look)
    axes.scatter(x[~best], y[~best], facecolors="none", edgecolors=hue, label=None if best.any() else label, **look)


def front_line(axes: "Axes", x: Floats, y: Floats, *, more_x: bool = False, more_y: bool = False) -> None:
    """Draw the front of two quantities as a staircase through its points; less is better unless said otherwise."""
    signs = np.array([-1.0 if more_x else 1.0, -1.0 if more_y else 1.0])
    best = front(np.stack([x, y], axis=1) * signs)
    order = np.argsort(x[best] * signs[0], kind="stable")
    if len(order) > 1:
        axes.step(
            x[best][order], y[best][order], where="post", color=INK, linewidth=0.9, linestyle=(0, (4, 2)), zorder=2,
            label="front",
        )  # fmt: skip


def tradeoffs(table: "pd.DataFrame", keys: Sequence[str]) -> Drawing | None:
    """Draw energy, time, area and test error of the points of a sweep against each other, a panel a pair.

    Parameters
    ----------
    table : DataFrame
        A row a point, with the columns of `OBJECTIVES` (J, s, m2, fraction) and the axes `keys`.
    keys : sequence of str
        Axes of the sweep; one of few values tells the series apart, the algorithm before others.

    Returns
    -------
    Drawing or None
        None where fewer than two of the quantities differ between points.
    """
    shown = [key for key in OBJECTIVES if len(set(table[key].dropna())) > 1]
    pairs = list(combinations(shown, 2))
    if not pairs:
        return None
    best = front_of(table, OBJECTIVES)
    series = _series(table, keys)
    names = list(dict.fromkeys(series))
    hues = colours(names, ALGORITHMS)
    columns, labels = zip(*(_scaled(table[key], key) for key in shown), strict=True)
    values = dict(zip(shown, columns, strict=True))
    titles = dict(zip(shown, labels, strict=True))
    across = min(ACROSS, len(pairs))
    down = math.ceil(len(pairs) / across)
    with styled():
        drawn = figure(PANEL * across + 0.4, (PANEL - 0.3) * down + 0.5)
        panels = drawn.subplots(down, across, squeeze=False).ravel()
        for axes, (x, y) in zip(panels, pairs, strict=False):
            for name in names:
                own = np.array([one == name for one in series])
                points(axes, values[x][own], values[y][own], hues[name], name, "o", best[own])
            front_line(axes, values[x], values[y])
            for which, key in (("x", x), ("y", y)):
                _axis(axes, which, values[key], titles[key])
        for axes in panels[len(pairs) :]:
            axes.set_axis_off()
        handles: dict[str, Artist] = {}
        for axes in panels:
            handles |= dict(zip(*reversed(axes.get_legend_handles_labels()), strict=True))
        if len(names) == 1:
            handles.pop(names[0], None)
        said = f"filled: no other of {len(table)} points is as good in all of {', '.join(map(_name, shown))}"
        drawn.legend(
            list(handles.values()), list(handles), loc="outside lower center", ncols=4, title=said, title_fontsize=9
        )
        return Drawing("tradeoffs", "Trade-offs of the points of a sweep", _described(table, best, keys), drawn)


def _name(key: str) -> str:
    return LABELS[key][0]


def _series(table: "pd.DataFrame", keys: Sequence[str]) -> list[str]:
    """Return the series of every row: the value of the first axis that colours can tell apart."""
    order = sorted(keys, key=lambda key: key != "algorithm")
    chosen = next((key for key in order if 1 < table[key].nunique() <= FEW), None)
    if chosen is None:
        return [""] * len(table)
    return [str(value) if chosen == "algorithm" else f"{chosen} {value}" for value in table[chosen]]


def _scaled(column: "pd.Series[float]", key: str) -> tuple[Floats, str]:
    """Return a quantity in a unit with short numbers, and its label."""
    name, unit = LABELS[key]
    values: Floats = np.asarray(column, np.float64)
    factor = {"mm²": 1e6, "%": 100.0}.get(unit)
    if factor is None:
        factor, unit = scale(float(np.nanmax(values)), unit)
    return values * factor, f"{name} ({unit})"


def _axis(axes: "Axes", which: str, values: Floats, label: str) -> None:
    """Label an axis, and make it logarithmic where all values are positive."""
    if np.nanmin(values) > 0:
        log_axis(axes, which, values)
        label = f"{label[:-1]}, {LOGARITHMIC})"
    (axes.set_xlabel if which == "x" else axes.set_ylabel)(label)


def _described(table: "pd.DataFrame", best: npt.NDArray[np.bool_], keys: Sequence[str]) -> str:
    """Name the points on the front, for those who cannot see the figure."""
    found = []
    for _, row in table[best].head(FEW).iterrows():
        where = ", ".join(f"{key} {row[key]}" for key in keys)
        amounts = ", ".join(f"{_name(key)} {fixed(float(row[key]))}" for key in OBJECTIVES if not math.isnan(row[key]))
        found.append(f"{where}: {amounts}")
    return (
        f"{int(best.sum())} of {len(table)} points are on the front (SI units, errors as fractions). {'; '.join(found)}"
    )
