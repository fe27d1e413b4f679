"""difference.html: what makes finished runs differ, on one offline page, and the figures on it."""

import math
from collections.abc import Sequence

from twin.report.figures.palette import INKS, PAGE
from twin.report.figures.svg import INK, RULE, Drawing, figure, styled
from twin.report.pages.difference_text import Rows, about, breakdown_rows, configuration_rows, metric_rows, points
from twin.report.pages.equal import equal_grids
from twin.report.pages.page import Cell, Column, Grid, render_page
from twin.results.difference import Breakdown, Compared, breakdowns, part_name

DRAWN = 8
"""Parts that a figure shows."""

HUES = ("blue", "orange", "green", "purple", "amber", "teal", "wine", "grey")
NOTES = {
    "time": "Operations on the critical path, the chain that ends last: its parts add up to the time of the run.",
    "busy": "Summed over all servers, so that work that overlaps counts in full: this is load, not elapsed time.",
    "energy-by-operation": "Joules by layer and operation; leakage belongs to none.",
    "energy-by-component": "The same joules by the part of the chip that used them.",
    "bytes": "Bytes over every path, by stream and layer; what goes over a link into a memory counts on both.",
}


def difference_html(
    runs: Sequence[Compared],
    command: str,
    drawings: Sequence[tuple[Breakdown, Drawing | None]],
    to_error: float | None = None,
) -> str:
    """Give the page; `drawings` are those of `difference_figures`."""
    first, *others = runs
    sections = [
        {
            "name": one.name,
            "title": one.title,
            "note": NOTES[one.name],
            "grid": _grid(breakdown_rows(runs, one)),
            "drawing": drawing,
        }
        for one, drawing in drawings
        if one.parts
    ]
    return render_page(
        "difference.html.j2",
        {
            "title": f"{', '.join(run.label for run in others)} against {first.label}",
            "facts": [
                *about(runs),
                ("first", first.label),
            ],
            "configuration": _grid(configuration_rows(runs)),
            "metrics": _grid(metric_rows(runs)),
            "sections": sections,
            "equal": equal_grids([run.named for run in runs], to_error),
            "command": command,
        },
    )


def _grid(rows: Rows) -> Grid:
    columns = [Column(heading, words=position < rows.keys) for position, heading in enumerate(rows.headings)]
    return Grid(rows.title, columns, [[Cell(*entry) for entry in row] for row in rows.rows], rows.last)


def difference_figures(runs: Sequence[Compared]) -> list[tuple[Breakdown, Drawing | None]]:
    """Draw what makes every total larger or smaller than that of the first run; nothing where it is the same."""
    return [(one, _draw(runs, one)) for one in breakdowns(runs)]


def _draw(runs: Sequence[Compared], one: Breakdown) -> Drawing | None:
    parts = [part for part in one.parts[:DRAWN] if len(set(part.amounts)) > 1]
    if not parts or not one.totals[0]:
        return None
    names, others = [part_name(one, part) for part in parts], range(1, len(runs))
    height = 0.8 / len(others)
    with styled():
        drawn = figure(5.4, 1.0 + 0.16 * len(parts) * max(2, len(others)))
        axes = drawn.add_subplot()
        for k, run in enumerate(others):
            places = [row + (k - (len(others) - 1) / 2) * height for row in range(len(parts))]
            widths = [100 * one.share(part, run) for part in parts]
            hue = INKS[HUES[k % len(HUES)]].light
            axes.barh(places, widths, height, color=hue, label=runs[run].label, edgecolor=INKS[PAGE].light)
        axes.axvline(0, color=INK, linewidth=0.8)
        axes.set_yticks(range(len(parts)), names)
        axes.invert_yaxis()
        axes.grid(visible=False, axis="y")
        axes.grid(visible=True, axis="x", color=RULE)
        axes.set_xlabel(f"% of the total of {runs[0].label}")
        drawn.legend(loc="outside lower center", ncols=2)
        described = "; ".join(_described(runs, one, run) for run in others)
        return Drawing(f"difference-{one.name}", f"What changes: {one.title.lower()}", described, drawn)


def _described(runs: Sequence[Compared], one: Breakdown, run: int) -> str:
    total = math.fsum(one.share(part, run) for part in one.parts)
    largest = ", ".join(f"{part_name(one, part)} {points(one.share(part, run))}" for part in one.parts[:3])
    return f"{runs[run].label}: {points(total)} in all, most by {largest}"
