"""Runs at equal area and at equal accuracy: for the page, for Markdown and for the terminal."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal

from twin.report.pages.page import Cell, Column, Grid
from twin.report.pages.table import WIDTH
from twin.results.derived import tested
from twin.results.equal import (
    AREA_RULE,
    ERROR_RULE,
    AtArea,
    AtError,
    at_equal_area,
    at_equal_error,
    common_error,
    trained,
)
from twin.results.result import RunResult
from twin.results.text import ABSENT, si

if TYPE_CHECKING:
    from rich.console import Console

DENSITIES = (("area", "mm²"), ("samples/s", "per mm²"), ("samples", "per J"))
COPIES = (
    ("chips", "that fit"), ("their samples/s", ""), ("against the first", "×"), ("their power", "W"),
    ("tile sets", "that fit"), ("their samples/s, at most", ""), ("against the first, at most", "×"),
)  # fmt: skip
REACHED = (("epoch", ""), ("samples", ""), ("time", "s"), ("not before", "s"), ("energy", "J"), ("time", "× first"),
           ("energy", "× first"))  # fmt: skip
SHORT = (
    ("run", ""), ("samples/s", "per mm²"), ("samples", "per J"), ("chips", "that fit"), ("their", "samples/s"),
    ("tile sets", "that fit"), ("at most", "samples/s"),
)  # fmt: skip
SOONEST = (("epoch", ""), ("time", "s"), ("energy", "J"))


def area_rows(runs: Sequence[RunResult]) -> list[list[str | Cell]]:
    """Give a row a run: its own densities, then the copies that fit into the area of the largest."""
    found = at_equal_area(runs)
    return [_area_row(one, found[0]) for one in found]


def _area_row(one: AtArea, first: AtArea) -> list[str | Cell]:
    copies, sets = one.copies_samples_per_s, one.tile_sets_samples_per_s
    return [
        one.run,
        Cell.of(one.area_m2, 1e-6),
        _si(one.samples_per_s_per_mm2),
        _si(one.samples_per_J),
        Cell.whole(one.copies),
        _si(copies),
        _ratio(copies, first.copies_samples_per_s),
        _si(one.copies_power_W),
        Cell.whole(one.tile_sets),
        _si(sets),
        _ratio(sets, first.tile_sets_samples_per_s),
    ]


def error_rows(runs: Sequence[RunResult], target: float | None) -> list[list[str | Cell]]:
    """Give a row a trained run: when it reached the test error, and what it had spent by then."""
    found = at_equal_error(runs, target)
    return [_error_row(one, found[0]) for one in found]


def _error_row(one: AtError, first: AtError) -> list[str | Cell]:
    measured = (Cell.whole(one.epoch), Cell.whole(one.samples))
    spent = (_si(one.time_s), _si(one.not_before_s), _si(one.energy_J))
    return [one.run, *measured, *spent, _ratio(one.time_s, first.time_s), _ratio(one.energy_J, first.energy_J)]


def equal_grids(runs: Sequence[RunResult], target: float | None) -> list[tuple[Grid, str]]:
    """Give the tables of the page, each with the rule that it was made by."""
    first = Column("run", words=True)
    columns = [first, *(Column(*column) for column in (*DENSITIES, *COPIES))]
    grids = [
        (Grid("At equal area: chips and tile sets in the area of the largest run", columns, area_rows(runs)), AREA_RULE)
    ]
    rows = error_rows(runs, target)
    if rows:
        caption = f"At equal accuracy: until a {error_text(runs, target)}"
        grids.append((Grid(caption, [first, *(Column(*column) for column in REACHED)], rows), ERROR_RULE))
    return grids


def error_text(runs: Sequence[RunResult], target: float | None) -> str:
    """Say which test error is reached, e.g. ``"test error of 3.00 %"``."""
    known = trained(runs)
    value = common_error(known) if target is None else target
    what = "test loss" if all(run.regression for run in known) else "test error"
    unit = "" if what == "test loss" else " %"
    said = "" if target is not None else ", the least that all reached"
    return f"{what} of {tested(known[0], value)}{unit}{said}"


def print_equal(runs: Sequence[RunResult], target: float | None = None, console: "Console | None" = None) -> None:
    """Print both comparisons side by side, below 120 columns: a row a run."""
    from rich.console import Console  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    areas = at_equal_area(runs)
    errors = {one.run: one for one in at_equal_error(runs, target)}
    table = Table(box=None, padding=(0, 1, 0, 0), pad_edge=False)
    several = len(runs) > 1
    headings = [
        *(SHORT if several else SHORT[:3]),
        *(SOONEST if errors else ()),
    ]
    for position, (heading, unit) in enumerate(headings):
        side: Literal["left", "right"] = "right" if position else "left"
        table.add_column(f"{heading}\n{unit}", justify=side, no_wrap=position > 0, min_width=0 if position else 12)
    for one in areas:
        cells = [one.run, si(one.samples_per_s_per_mm2), si(one.samples_per_J)]
        if several:
            cells += [_count(one.copies), si(one.copies_samples_per_s)]
            cells += [_count(one.tile_sets), si(one.tile_sets_samples_per_s)]
        if errors:
            reached = errors.get(one.run)
            cells += [_count(reached.epoch), si(reached.time_s), si(reached.energy_J)] if reached else [ABSENT] * 3
        table.add_row(*map(Text, cells))
    title = ["At equal area"] if several else ["By area and energy"]
    if errors:
        title.append(f"until a {error_text(runs, target)} (end of the epoch)")
    out = console or Console()
    if not out.is_terminal:
        out = Console(file=out.file, width=WIDTH, color_system=None)
    out.print(Text("; ".join(title)))
    out.print(table)


def _si(value: float) -> Cell:
    return Cell(si(value), value)


def _ratio(value: float, first: float) -> Cell:
    return Cell.of(value / first) if first else Cell(ABSENT)


def _count(value: float) -> str:
    return Cell.whole(value).text
