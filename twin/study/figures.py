"""The figures of a study: quantities over the rows of runs and sweeps, and figures of reports."""

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from twin.config.study import Bars, Figure, Lines, Plot, ReportFigure
from twin.report.figures.palette import ALGORITHMS, INKS, colours
from twin.report.figures.standard import LINES, MARKERS, all_figures, plain_ticks
from twin.report.figures.svg import Drawing, figure, styled
from twin.study.plan import Plan
from twin.study.run import Store
from twin.study.tables import all_rows, label_of

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

PANEL, HEIGHT = 4.4, 3.4
"""Inches that a panel takes."""

MOST_TICKS = 8
"""Values on a logarithmic x that are labelled one by one; of more only 1, 2, 5, 10 ... are."""

TWO = 6.2
"""Inches of width from which a legend has room for two columns."""

HUES = ("blue", "orange", "green", "purple", "amber", "teal", "wine", "indigo", "rose", "olive")


def make_figure(shown: Figure, plan: Plan, store: Store) -> Drawing:
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
    rows = all_rows(shown.data, shown.where, plan, store, over_seeds=True)
    with styled():
        return Drawing.of(shown.name, shown.title, _described(shown, rows), _draw(shown, rows))


def _draw(shown: Lines | Bars, rows: "pd.DataFrame") -> Any:
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
        else:
            _bars(one, shown, part, names, style)
        one.set_title(title)
        one.set_xlabel(shown.x_label or shown.x)
        one.set_yscale(shown.y_scale)
    axes[0].set_ylabel(shown.y_label or label_of(shown.y))
    if shown.y_scale == "linear":
        axes[0].set_ylim(bottom=0)
    else:
        plain_ticks(axes[0], "y")
    if shown.series:
        handles = {
            label: handle for one in axes for handle, label in zip(*one.get_legend_handles_labels(), strict=True)
        }
        columns = 2 if drawn.get_figwidth() < TWO else 4
        drawn.legend(handles.values(), handles.keys(), loc="outside lower center", ncols=columns)
    return drawn


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
        errors = own[f"{shown.y}_interval"] * shown.y_factor
        axes.errorbar(
            x,
            own[shown.y] * shown.y_factor,
            yerr=errors if errors.notna().any() else None,
            color=hue,
            linestyle=LINES[order % len(LINES)],
            marker=MARKERS[order % len(MARKERS)],
            markersize=4,
            capsize=2,
            label=name,
        )
    if not numeric:
        axes.set_xticks(list(places.values()), [str(value) for value in places])
    elif shown.x_scale == "log":
        from matplotlib.ticker import NullFormatter  # noqa: PLC0415

        axes.set_xscale("log")
        ticks = sorted({float(value) for value in rows[shown.x]})
        if len(ticks) > MOST_TICKS:
            plain_ticks(axes, "x")
            return
        axes.set_xticks(ticks, [f"{value:g}" for value in ticks])
        axes.xaxis.set_minor_formatter(NullFormatter())


def _bars(axes: "Axes", shown: Bars, rows: "pd.DataFrame", names: Sequence[str], style: Style) -> None:
    places = {value: k for k, value in enumerate(dict.fromkeys(rows[shown.x]))}
    width = 0.8 / len(names)
    for k, name in enumerate(names):
        own = rows[[one == name for one in _series(shown, rows)]]
        if own.empty:
            continue
        hue, order = style[name]
        errors = own[f"{shown.y}_interval"] * shown.y_factor
        axes.bar(
            [places[value] + (k - (len(names) - 1) / 2) * width for value in own[shown.x]],
            own[shown.y] * shown.y_factor,
            width,
            yerr=errors if errors.notna().any() else None,
            color=hue,
            alpha=1 / (1 + 0.45 * order),
            label=name,
        )
    axes.set_xticks(list(places.values()), [str(value) for value in places])
    axes.grid(visible=False, axis="x")


def _described(shown: Plot, rows: "pd.DataFrame") -> str:
    """Say the range of every series, for those who cannot see the figure."""
    label, found = shown.y_label or label_of(shown.y), []
    named = _series(shown, rows)
    for name in dict.fromkeys(named):
        own = rows[[one == name for one in named]][shown.y] * shown.y_factor
        found.append(f"{name or shown.y}: {own.min():.4g} to {own.max():.4g}")
    return f"{label} over {shown.x_label or shown.x}. {'; '.join(found)}"
