"""report.md: what goes into a pull request or an issue."""

from collections.abc import Iterable, Mapping, Sequence

from twin.report.pages.equal import equal_grids
from twin.report.pages.page import Cell
from twin.report.pages.plausible import headings as card_headings
from twin.report.pages.plausible import rows as card_rows
from twin.report.pages.table import headings, rows
from twin.results.bound import savings, shares_by
from twin.results.calibration import CALIBRATION, calibration_rows
from twin.results.card import doubts
from twin.results.derived import busiest_links, divided, facts, grouped_warnings, interval
from twin.results.designs import DESIGNS, design_rows
from twin.results.endurance import ENDURANCE, endurance_rows
from twin.results.overlap import STALENESS, staleness_rows
from twin.results.programming import PROGRAMMING, programming_rows
from twin.results.result import RunResult
from twin.results.text import fixed, percent
from twin.version import __version__

MOST_BOUND = 4
"""Shares of what bound the time that a cell of the table names."""


def markdown(runs: Sequence[RunResult], command: str, to_error: float | None = None) -> str:
    """Give the report as GitHub Markdown: table, what bound each run, warnings, how to regenerate."""
    names = [f"{name} ({unit})" if unit else name for name, unit in headings(runs)[:-1]]
    said = ", ".join(f"{name} {value}" for name, value in [("twin", __version__), *facts(runs)])
    lines = [
        f"# {runs[0].workload} on {', '.join(_distinct(run.chip for run in runs))}",
        "",
        escape(f"{said}. All times are simulated."),
        "",
        line(names),
        line(["---", *["---:"] * (len(names) - 1)]),
        *(line(row[:-1]) for row in rows(runs)),
        "",
        *_sampled(runs),
        "## What bound the time",
        "",
        *(f"- **{escape(run.name)}**: {escape(run.bound)}" for run in runs),
        "",
        *_bound(runs),
        "## How the energy divides",
        "",
        *(f"- **{escape(run.name)}**: {escape(divided(run))}" for run in runs if divided(run)),
        "",
        *equal_sections(runs, to_error),
        *_table("Plausibility", card_headings(runs), card_rows(runs)),
        *_doubts(runs),
        *_table("Staleness of the weights that forward mat-vecs read", STALENESS, staleness_rows(runs)),
        *_table("Where the matrices live", DESIGNS, design_rows(runs)),
        *_table("Calibration", CALIBRATION, calibration_rows(runs)),
        *_table("When devices wear out", ENDURANCE, endurance_rows(runs)),
        *_table("Programming", PROGRAMMING, programming_rows(runs)),
        *_links(runs),
        "## Warnings",
        "",
        *_warnings(runs),
        "",
        "## Regenerate",
        "",
        "```sh",
        command,
        "```",
        "",
    ]
    return "\n".join(lines)


def _bound(runs: Sequence[RunResult]) -> list[str]:
    names = ["run", "by part of the chip", "by kind of work", "by node", "twice as fast, saves at most"]
    lines = []
    for run in runs:
        table = run.tables["bound"]
        shares = [shares_by(table, column) for column in ("part", "work", "node")]
        if shares[0]:
            lines.append(line([run.name, *map(_most, (*shares, savings(table)))]))
    return [line(names), line(["---"] * len(names)), *lines, ""] if lines else []


def _most(shares: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {percent(share)} %" for name, share in [*shares.items()][:MOST_BOUND])


def _sampled(runs: Sequence[RunResult]) -> list[str]:
    found = [f"- **{escape(run.name)}**: {interval(run)}" for run in runs if interval(run)]
    return ["## Time that was not run in full", "", *found, ""] if found else []


def _doubts(runs: Sequence[RunResult]) -> list[str]:
    found = [f"- **{escape(run.name)}**: {escape(doubt)}" for run in runs for doubt in doubts(run)]
    return [*found, ""] if found else []


def equal_sections(runs: Sequence[RunResult], to_error: float | None) -> list[str]:
    """Give runs at equal area and at equal accuracy, each with its rule."""
    lines = []
    for grid, rule in equal_grids(runs, to_error):
        names = [f"{column.name} ({column.unit})" if column.unit else column.name for column in grid.columns]
        cells = [[one.text if isinstance(one, Cell) else one for one in row] for row in grid.rows]
        lines += [*_table(grid.caption, names, cells), escape(rule), ""]
    return lines


def _table(title: str, names: Sequence[str], found: Sequence[Sequence[str]]) -> list[str]:
    if not found:
        return []
    return [f"## {title}", "", line(names), line(["---"] * len(names)), *map(line, found), ""]


def _links(runs: Sequence[RunResult]) -> list[str]:
    found = [(run.name, *entry) for run in runs for entry in busiest_links(run)]
    if not found:
        return []
    heading = [line(["run", "link", "busy (%)", "B/sample"]), line(["---", "---", "---:", "---:"])]
    rows = [line([name, link, percent(share), fixed(size)]) for name, link, share, size in found]
    return ["## Where traffic piles up", "", *heading, *rows, ""]


def _warnings(runs: Sequence[RunResult]) -> list[str]:
    found = [
        f"- **{escape(names)}**: {escape(text)}" if names else f"- {escape(text)}"
        for text, names in grouped_warnings(runs)
    ]
    return found or ["None."]


def line(cells: Iterable[str]) -> str:
    """Give a row of a table."""
    return "| " + " | ".join(escape(cell) for cell in cells) + " |"


def escape(text: str) -> str:
    """Give a text on one line that Markdown takes for no markup."""
    for char in ("\\", "|", "<", "*", "_"):
        text = text.replace(char, "\\" + char)
    return " ".join(text.split())


def _distinct(names: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(names))
