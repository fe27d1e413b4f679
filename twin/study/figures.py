"""The figures of a study: quantities over the rows of runs and sweeps, and figures of reports."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from twin.descriptions.study import Bars, Figure, Lines, Plot, ReportFigure, Scatter
from twin.report.figures.axes import LOGARITHMIC, log_axis, plain_axis
from twin.report.figures.palette import ALGORITHMS, INKS, colours
from twin.report.figures.scatter import front_line, points
from twin.report.figures.standard import LINES, MARKERS, all_figures
from twin.report.figures.svg import INK, RULE, Drawing, figure, styled
from twin.results.intervals import limits, said
from twin.results.pareto import GREATER, front_of
from twin.results.text import scale
from twin.study.plan import N, StudyPlan
from twin.study.run import Store
from twin.study.tables import HIGH, LOW, drawn_rows, label_of, unit_of
from twin.sweep.measure import UNITS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

PANEL, HEIGHT = 4.4, 3.4
"""Inches that a panel takes."""

MOST_TICKS = 8
"""Values on a logarithmic x that are labelled one by one; of more only 1, 2, 5, 10 ... are."""

LOWEST = 0.1
"""Of a mean, below which a logarithmic y does not go for the sake of an interval: its bar leaves the panel."""

TWO = 6.2
"""Inches of width from which a legend has room for two columns."""

HUES = ("blue", "orange", "green", "purple", "amber", "teal", "wine", "indigo", "rose", "olive")


def make_figure(shown: Figure, plan: StudyPlan, store: Store) -> Drawing:
    """Draw one figure of a study.

    Raises
    ------
    TwinError
        When a run that it shows has not ended well.
    """
    if isinstance(shown, ReportFigure):
        runs = store.runs(plan.groups[shown.runs])
        drawings = {one.name: one for section in all_figures(runs).values() for one in section}
        found = drawings[shown.figure]
        return replace(found, name=shown.name, title=shown.title)
    rows, labels = _scaled(shown, drawn_rows(shown, plan, store))
    if isinstance(shown, Scatter) and shown.x_scale == "log":
        labels = labels._replace(x=f"{labels.x}, {LOGARITHMIC}")
    with styled():
        return Drawing(shown.name, shown.title, _described(shown, rows, labels), _draw(shown, rows, labels))


class Labels(NamedTuple):
    """What stands at the axes."""

    x: str
    y: str


def _scaled(shown: Plot, rows: "pd.DataFrame") -> "tuple[pd.DataFrame, Labels]":
    """Give the rows in the units that their labels name: those of the study, else such as have short numbers."""
    factor, y_label = shown.y_factor, shown.y_label
    if not y_label and factor == 1:
        factor, y_label = _unit(shown.y, rows)
    rows = rows.assign(**{key: factor * rows[key] for key in (shown.y, LOW, HIGH)})
    if shown.x_label or not UNITS.get(shown.x):
        return rows, Labels(shown.x_label or shown.x, y_label or label_of(shown.y))
    factor, x_label = _unit(shown.x, rows)
    return rows.assign(**{shown.x: factor * rows[shown.x]}), Labels(x_label, y_label)


def _unit(key: str, rows: "pd.DataFrame") -> tuple[float, str]:
    """Give a factor for a measured quantity, and its name with the unit that it then has."""
    unit = unit_of(key)
    if limits(rows, key)[1] == 1:
        return 100.0, f"{key.replace('_', ' ')} (%)"
    if unit == "m2":
        return 1e6, label_of(key).replace("(m2)", "(mm²)")
    if unit not in {"s", "J", "B"}:
        return 1.0, label_of(key)
    factor, prefixed = scale(float(rows[key].max()), unit)
    return factor, label_of(key).replace(f"({unit})", f"({prefixed})")


def _draw(shown: Lines | Bars | Scatter, rows: "pd.DataFrame", labels: Labels) -> Any:
    panels: list[tuple[str, pd.DataFrame]] = [("", rows)]
    if shown.panels:
        values = list(dict.fromkeys(rows[shown.panels]))
        panels = [(f"{shown.panels} {value}", rows[rows[shown.panels] == value]) for value in values]
    names = list(dict.fromkeys(_series(shown, rows)))
    drawn = figure(PANEL * len(panels) + 1.0, HEIGHT + 0.2 * len(names))
    axes = drawn.subplots(1, len(panels), sharey=True, squeeze=False)[0]
    style = _styles(shown, names)
    for one, (title, part) in zip(axes, panels, strict=True):
        if isinstance(shown, Lines):
            _lines(one, shown, part, names, style)
        elif isinstance(shown, Scatter):
            _scatter(one, shown, part, names, style)
        else:
            _bars(one, shown, part, names, style)
        one.set_title(title)
        one.set_xlabel(labels.x)
        if shown.y_scale == "linear":
            one.set_ylim(bottom=0)
            plain_axis(one, "y")
        else:
            low = rows[LOW].where(rows[LOW] > LOWEST * rows[shown.y])
            log_axis(one, "y", np.concatenate([rows[shown.y], rows[HIGH], low]))
    axes[0].set_ylabel(labels.y if shown.y_scale == "linear" else f"{labels.y}, {LOGARITHMIC}")
    handles = {label: handle for one in axes for handle, label in zip(*one.get_legend_handles_labels(), strict=True)}
    handles = handles if shown.series else {"front": handles["front"]} if "front" in handles else {}
    drawn.legend(
        handles.values(),
        handles.keys(),
        loc="outside lower center",
        ncols=2 if drawn.get_figwidth() < TWO else 4,
        title=_counted(shown, rows),
        title_fontsize=9,
    )
    return drawn


def _counted(shown: Plot, rows: "pd.DataFrame") -> str:
    return said(rows[N].tolist(), shown.interval) if len(rows) else "no run"


def _about(rows: "pd.DataFrame", shown: Plot) -> Any:
    """Return how far the bars about the means reach down and up, shape (2, n_points); None where there are none."""
    below, above = rows[shown.y] - rows[LOW], rows[HIGH] - rows[shown.y]
    return np.array([below, above]).clip(0.0) if rows[LOW].notna().any() else None


Style = dict[str, tuple[str, int]]
"""Colour of a series, and how many series of that colour come before it."""


def _styles(shown: Plot, names: Sequence[str]) -> Style:
    """Give the algorithms their colours everywhere, and other series the next hue."""
    if "algorithm" in shown.series:
        place = shown.series.index("algorithm")
        algorithms = {name: name.split(", ")[place] for name in names}
        hues = colours(algorithms.values(), ALGORITHMS)
        found: Style = {}
        for name in names:
            hue = hues[algorithms[name]]
            found[name] = hue, sum(other == hue for other, _ in found.values())
        return found
    return {name: (INKS[HUES[k % len(HUES)]].light, k // len(HUES)) for k, name in enumerate(names)}


def _series(shown: Plot, rows: "pd.DataFrame") -> list[str]:
    keys = [rows[key].tolist() for key in shown.series]
    return [", ".join(str(value) for value in values) for values in zip(*keys, strict=True)] or [""] * len(rows)


def _lines(axes: "Axes", shown: Lines, rows: "pd.DataFrame", names: Sequence[str], style: Style) -> None:
    numeric = all(isinstance(value, int | float) for value in rows[shown.x])
    places = {value: k for k, value in enumerate(dict.fromkeys(rows[shown.x]))}
    for name in names:
        own = rows[[one == name for one in _series(shown, rows)]]
        if own.empty:
            continue
        hue, order = style[name]
        x = [float(value) if numeric else places[value] for value in own[shown.x]]
        axes.errorbar(
            x,
            own[shown.y],
            yerr=_about(own, shown),
            color=hue,
            linestyle=LINES[order % len(LINES)],
            marker=MARKERS[order % len(MARKERS)],
            markersize=4,
            capsize=2,
            elinewidth=1.1,
            label=name,
        )
    if numeric and shown.x_scale == "linear":
        plain_axis(axes, "x")
    if not numeric:
        axes.set_xticks(list(places.values()), [str(value) for value in places])
    elif shown.x_scale == "log":
        ticks = sorted({float(value) for value in rows[shown.x]})
        log_axis(axes, "x", ticks, ticks if len(ticks) <= MOST_TICKS else ())


def _scatter(axes: "Axes", shown: Scatter, rows: "pd.DataFrame", names: Sequence[str], style: Style) -> None:
    series = _series(shown, rows)
    best = front_of(rows, (shown.x, shown.y)) if shown.front else np.ones(len(rows), dtype=bool)
    x, y, about = rows[shown.x].to_numpy(float), rows[shown.y].to_numpy(float), _about(rows, shown)
    if about is not None:
        axes.errorbar(x, y, yerr=about, fmt="none", ecolor=RULE, elinewidth=1.1, capsize=2, zorder=1)
    for name in names:
        own = np.array([one == name for one in series])
        hue, order = style[name]
        points(axes, x[own], y[own], hue, name, MARKERS[order % len(MARKERS)], best[own])
    if shown.front:
        front_line(axes, x, y, more_x=shown.x in GREATER, more_y=shown.y in GREATER)
    for k in np.flatnonzero(best if shown.label else []):
        axes.annotate(f" {rows[shown.label].iloc[k]}", (x[k], y[k]), va="bottom", fontsize=8.5, color=INK)
    if shown.x_scale == "log":
        log_axis(axes, "x", x)
    else:
        axes.set_xlim(left=0)
        plain_axis(axes, "x")


def _bars(axes: "Axes", shown: Bars, rows: "pd.DataFrame", names: Sequence[str], style: Style) -> None:
    places = {value: k for k, value in enumerate(dict.fromkeys(rows[shown.x]))}
    width = 0.8 / len(names)
    for k, name in enumerate(names):
        own = rows[[one == name for one in _series(shown, rows)]]
        if own.empty:
            continue
        hue, order = style[name]
        axes.bar(
            [places[value] + (k - (len(names) - 1) / 2) * width for value in own[shown.x]],
            own[shown.y],
            width,
            yerr=_about(own, shown),
            color=hue,
            alpha=1 / (1 + 0.45 * order),
            label=name,
            error_kw={"ecolor": INK, "elinewidth": 1.1, "capsize": 2.5},
        )
    axes.set_xticks(list(places.values()), [str(value) for value in places])
    axes.grid(visible=False, axis="x")


def _described(shown: Plot, rows: "pd.DataFrame", labels: Labels) -> str:
    """Say the range of every series, for those who cannot see the figure."""
    found = []
    named = _series(shown, rows)
    for name in dict.fromkeys(named):
        own = rows[[one == name for one in named]][shown.y]
        found.append(f"{name or shown.y}: {own.min():.4g} to {own.max():.4g}")
    return f"{labels.y} over {labels.x}, {_counted(shown, rows)}. {'; '.join(found)}"
