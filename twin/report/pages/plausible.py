"""The plausibility card of every run: for the page, for Markdown and for the terminal."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from twin.report.pages.page import Cell, Column, Grid
from twin.results.card import BANDS, Entry, card
from twin.results.result import RunResult
from twin.results.text import ABSENT

if TYPE_CHECKING:
    from rich.console import Console

STATIC = "static"


def rows(runs: Sequence[RunResult]) -> list[tuple[str, ...]]:
    """Give a row a figure: its name, a text a run with a mark where it is doubtful, the band and its source."""
    return [(what, *(_text(entry) for entry in entries), *_published(entries)) for what, entries in _lines(runs)]


def headings(runs: Sequence[RunResult]) -> list[str]:
    """Give the heading of every column of `rows`."""
    return ["figure", *(run.name for run in runs), "published", "source"]


def card_grid(runs: Sequence[RunResult]) -> Grid:
    """Give the card as a table of the page."""
    found: list[list[str | Cell]] = [
        [what, *(Cell(_text(one), one.value) if one else Cell(ABSENT) for one in entries), *_published(entries)]
        for what, entries in _lines(runs)
    ]
    columns = [Column("figure", words=True), *(Column(run.name) for run in runs)]
    return Grid(
        "Plausibility: figures beside published ones, and static energy (%)",
        [*columns, Column("published", words=True), Column("source", words=True)],
        found,
    )


def print_card(runs: Sequence[RunResult], console: "Console | None" = None) -> None:
    """Print the card, aligned, without the sources, which the report has."""
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    for position, heading in enumerate(headings(runs)[:-1]):
        table.add_column(Text(heading), justify="left" if position == 0 else "right")
    for row in rows(runs):
        table.add_row(*(Text(cell) for cell in row[:-1]))
    (console or Console()).print(table)


def _lines(runs: Sequence[RunResult]) -> Iterator[tuple[str, list[Entry | None]]]:
    cards = [{entry.what: entry for entry in card(run)} for run in runs]
    for what in (*BANDS, STATIC):
        entries = [one.get(what) for one in cards]
        if any(entries):
            yield what, entries


def _text(entry: Entry | None) -> str:
    return ABSENT if entry is None else f"{entry.shown} (!)" if entry.doubt else entry.shown


def _published(entries: Sequence[Entry | None]) -> tuple[str, str]:
    first = next(entry for entry in entries if entry is not None)
    return first.published, first.source
