"""What makes finished runs differ, as texts: the rows of every page, report.md, and the tables of the terminal."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

from twin.report.pages.markdown import equal_sections, escape, line
from twin.results.difference import Breakdown, Compared, Part, breakdowns, changed, metrics, part_name
from twin.results.text import ABSENT, fixed, percent, si
from twin.version import __version__

if TYPE_CHECKING:
    from rich.console import Console

SHOWN = 10
"""Parts of a total that a page names; the others are summed up in one row, and stand in the CSV file."""

FEW = 4
"""Parts of a total that the terminal names."""

CROWD = 3
"""Runs that fit side by side on a terminal with all that is said of them."""


class Entry(NamedTuple):
    """What stands in a table, and the number it is sorted by."""

    text: str
    value: float = math.nan


class Rows(NamedTuple):
    """A table; the first `keys` columns are names, the others numbers. The `last` rows sum up those above."""

    title: str
    headings: list[str]
    keys: int
    rows: list[list[Entry]]
    last: int = 0


def configuration_rows(runs: Sequence[Compared]) -> Rows:
    """Give one row a key that differs and two columns a run: value and origin."""
    headings = ["key", *(text for run in runs for text in (run.label, "set in"))]
    rows = [
        [Entry(text) for text in (key, *(text for one in settings for text in one or (ABSENT, "")))]
        for key, settings in changed(runs)
    ]
    return Rows("What differs in the configuration", headings, len(headings), rows)


def metric_rows(runs: Sequence[Compared]) -> Rows:
    """Give one row a metric: its value in every run, and for all but the first the change against that."""
    rows = []
    for name, unit, values in metrics(runs):
        cells = [Entry(name), _cell(values[0], unit)]
        for value in values[1:]:
            cells += [_cell(value, unit), change(value, values[0])]
        rows.append(cells)
    return Rows("Totals and rates", ["metric", *_columns(runs)], 1, rows)


def breakdown_rows(runs: Sequence[Compared], one: Breakdown, most: int = SHOWN) -> Rows:
    """Give one row a part: its value in the first run, then of every other run the difference and its share."""
    others = range(1, len(runs))
    shown = min(most, sum(len(set(part.amounts)) > 1 for part in one.parts))
    named = [(part_name(one, part), part) for part in one.parts[:shown]]
    rest = one.parts[shown:]
    if rest:
        sums = [math.fsum(part.amounts[run] for part in rest) for run in range(len(runs))]
        named.append((f"{len(rest)} other{'s' if len(rest) > 1 else ''}", Part((), sums)))
    named.append(("all", Part((), one.totals)))
    rows = []
    for name, part in named:
        cells = [Entry(name), Entry(si(part.amounts[0], one.unit), part.amounts[0])]
        for run in others:
            more, share = part.amounts[run] - part.amounts[0], one.share(part, run)
            cells += [Entry(signed(more, one.unit), more), Entry(points(share), share)]
        rows.append(cells)
    titles = ["part", runs[0].label]
    for run in others:
        titles += [f"{runs[run].label}, more by" if len(runs) > 2 else "more by", "of the total"]
    return Rows(f"{one.title}, a sample", titles, 1, rows, 2 if rest else 1)


def _columns(runs: Sequence[Compared]) -> list[str]:
    return [runs[0].label, *(text for run in runs[1:] for text in (run.label, "against the first"))]


def _cell(value: float, unit: str) -> Entry:
    match unit:
        case _ if not math.isfinite(value):
            return Entry(ABSENT)
        case "%":
            text = f"{percent(value / 100)} %"
        case "m2":
            text = f"{fixed(value, 1e-6)} mm²"
        case _:
            text = si(value, "" if unit in {"1", "1/s", "1/s/mm2", "1/J"} else unit)
    return Entry(text, value)


def change(value: float, first: float) -> Entry:
    """Give a value against another: ``"× 1.25"``; a dash where there is nothing to divide by."""
    if not (math.isfinite(value) and math.isfinite(first)) or (first == 0 != value):
        return Entry(ABSENT)
    return Entry("=", 1.0) if value == first else Entry(f"× {fixed(value / first)}", value / first)


def signed(value: float, unit: str) -> str:
    """Give a difference with its sign, e.g. ``"+1.20 ns"``."""
    return f"+{si(value, unit)}" if value > 0 else si(value, unit).replace("-", "−")


def points(share: float) -> str:
    """Give a share of the first run's total with its sign, in percent."""
    if not math.isfinite(share):
        return ABSENT
    sign = "+" if share > 0 else "−" if share < 0 else ""
    return f"{sign}{percent(abs(share))} %"


def about(runs: Sequence[Compared]) -> list[tuple[str, str]]:
    """Give what the runs are of: workload, chip, and data where any was trained."""
    found = {key: dict.fromkeys(getattr(run.result, key) for run in runs) for key in ("workload", "chip", "data")}
    listed = {key: ", ".join(filter(None, names)) for key, names in found.items()}
    return [(key, names) for key, names in listed.items() if names]


def difference_markdown(runs: Sequence[Compared], command: str, to_error: float | None = None) -> str:
    """Give the page as GitHub Markdown: configuration, metrics, what these consist of, equal area, the command."""
    listed = ", ".join(escape(run.label) for run in runs[1:])
    lines = [
        f"# {listed} against {escape(runs[0].label)}",
        "",
        escape(f"twin {__version__}, {', '.join(' '.join(fact) for fact in about(runs))}. All times are simulated."),
        "Shares are of the first run's total, so that they add up to its change.",
        "",
    ]
    tables = [configuration_rows(runs), metric_rows(runs)]
    tables += [breakdown_rows(runs, one) for one in breakdowns(runs) if one.parts]
    for table in tables:
        lines += [f"## {table.title}", ""]
        if table.rows:
            rule = ["---"] * table.keys + ["---:"] * (len(table.headings) - table.keys)
            lines += [line(table.headings), line(rule)]
            lines += [*(line(entry.text for entry in row) for row in table.rows), ""]
        else:
            lines += ["Nothing: the runs are the same.", ""]
    equal = equal_sections([run.named for run in runs], to_error)
    return "\n".join([*lines, *equal, "## Regenerate", "", "```sh", command, "```", ""])


def print_difference(runs: Sequence[Compared], console: "Console") -> None:
    """Print configuration, metrics, and the largest parts of the differences."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    for rows in _short(runs):
        console.print(Text(rows.title, style="bold"))
        if not rows.rows:
            console.print("nothing: the runs are the same\n")
            continue
        table = Table(box=None, padding=(0, 2, 0, 0), pad_edge=False)
        for position, heading in enumerate(rows.headings):
            table.add_column(heading, justify="left" if position < rows.keys else "right", overflow="fold")
        for row in rows.rows:
            table.add_row(*(Text(entry.text) for entry in row))
        console.print(table)
        console.print()


def _short(runs: Sequence[Compared]) -> list[Rows]:
    """Give the tables as a terminal can hold them: no origins and fewer columns where runs are many."""
    settings, totals = configuration_rows(runs), metric_rows(runs)
    parts = [breakdown_rows(runs, one, FEW) for one in breakdowns(runs) if one.parts]
    if "layout" in {row[0].text for row in settings.rows}:  # the names of the layouts say it
        kept = [row for row in settings.rows if not row[0].text.startswith("layout.")]
        settings = settings._replace(rows=kept)
    if len(runs) <= CROWD:
        return [settings, totals, *parts]
    labels = [run.label for run in runs]
    settings = _columns_of(settings, [0, *range(1, 2 * len(runs), 2)], ["key", *labels])
    shares = [0, 1, *range(3, 2 * len(runs), 2)]
    return [settings, *(_columns_of(rows, shares, [rows.headings[0], *labels]) for rows in (totals, *parts))]


def _columns_of(rows: Rows, which: Sequence[int], headings: list[str]) -> Rows:
    return rows._replace(headings=headings, rows=[[row[k] for k in which] for row in rows.rows])
