"""The one table at the end of a comparison, for the terminal and for Markdown."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from twin.results.derived import (
    Derived,
    bandwidth_per_chip,
    derive_all,
    is_timed_only,
    measure,
    tested,
    tiles,
)
from twin.results.result import RunResult
from twin.results.text import fixed, percent, si

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table

COSTS = (
    ("speed", "samples/s"),
    ("energy", "µJ/sample"),
    ("memory H", "B/sample"),
    ("memory other", "B/sample"),
    ("buffer H", "B/sample"),
    ("buffer other", "B/sample"),
    ("host", "B/sample"),
    ("area", "mm²"),
    ("tiles busy", "%"),
    ("what bound the time", ""),
)
"""Heading and unit of the columns after the run's name and its accuracy."""

TIMED = (
    ("step", "s"),
    ("speed", "samples/s"),
    ("energy", "J/sample"),
    ("chips", ""),
    ("tiles", ""),
    ("area", "mm²"),
    ("memory", "B/s a chip"),
    ("buffer", "B/s a chip"),
    ("between chips", "B/s a chip"),
    ("tiles busy", "%"),
    ("what bound the time", ""),
)
"""Heading and unit of the columns after the run's name where nothing was trained."""

WIDTH = 120


def headings(runs: Sequence[RunResult]) -> list[tuple[str, str]]:
    """Give heading and unit of every column."""
    return [("run", ""), *TIMED] if is_timed_only(runs) else [("run", ""), measure(runs), *COSTS]


def rows(runs: Sequence[RunResult]) -> list[tuple[str, ...]]:
    """Give one row of texts a run, in the order of `headings`."""
    row = _timed_row if is_timed_only(runs) else _row
    return [row(run, derived) for run, derived in zip(runs, derive_all(runs), strict=True)]


def print_table(runs: Sequence[RunResult], console: "Console | None" = None) -> None:
    """Print the table: drawn on a terminal, aligned plain text of at most 120 columns elsewhere.

    Traffic that no run had is left out here and in notebooks, and only there.
    """
    from rich.console import Console  # noqa: PLC0415

    console = console or Console()
    if not console.is_terminal:
        console = Console(file=console.file, width=WIDTH, color_system=None)
    console.print(_table(runs, drawn=console.is_terminal))


def _table(runs: Sequence[RunResult], *, drawn: bool) -> "Table":
    from rich import box  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    table = Table(box=box.SIMPLE_HEAD if drawn else None, padding=(0, 1, 0, 0), pad_edge=False)
    lines = rows(runs)
    last = len(lines[0]) - 1
    shown = moved(lines)
    names = headings(runs)
    for position in shown:
        heading, unit = names[position]
        text = position in (0, last)
        words = heading if position == last else heading.replace(" ", "\n")
        table.add_column(
            f"{words}\n{unit}" if unit else words,
            justify="left" if text else "right",
            overflow="fold",
            no_wrap=not text,
            vertical="top",
            max_width=18 if position == 0 else None,
        )
    for line in lines:
        table.add_row(*(Text(line[position]) for position in shown))
    return table


def moved(lines: Sequence[Sequence[str]]) -> list[int]:
    """Give the columns that a narrow table shows: all but those of traffic that no run had."""
    last = len(lines[0]) - 1
    return [k for k in range(last + 1) if k in (0, last) or any(line[k] != "0" for line in lines)]


def _row(run: RunResult, derived: Derived) -> tuple[str, ...]:
    moved = derived.bytes_per_sample
    traffic = (
        si(moved["memory", "H"]),
        si(moved["memory", "other"]),
        si(moved["buffer", "H"]),
        si(moved["buffer", "other"]),
        si(moved["host", "H"] + moved["host", "other"]),
    )
    return (
        run.name,
        tested(run, run.test_error),
        si(derived.samples_per_s),
        fixed(derived.energy_J_per_sample, 1e-6),
        *traffic,
        fixed(run.area_m2, 1e-6),
        percent(derived.tile_utilisation_mean),
        run.bound,
    )


def _timed_row(run: RunResult, derived: Derived) -> tuple[str, ...]:
    return (
        run.name,
        si(run.makespan_s / run.samples),
        si(derived.samples_per_s),
        si(derived.energy_J_per_sample),
        f"{run.chips:,}",
        f"{tiles(run):,}",
        fixed(run.area_m2, 1e-6),
        *(si(bandwidth_per_chip(run, path)) for path in ("memory", "buffer", "chip_link")),
        percent(derived.tile_utilisation_mean),
        run.bound,
    )
