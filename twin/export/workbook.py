"""``report.xlsx``: the tables of finished runs as sheets of a workbook, with units in the headings."""

from __future__ import annotations

import importlib.util
import math
from datetime import UTC, datetime
from io import BytesIO
from typing import TYPE_CHECKING, Any

from twin.errors import TwinError
from twin.files import write_bytes
from twin.results import totals
from twin.results.result import RunResult, Source, unit
from twin.results.tables import TABLES
from twin.version import __version__

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    import pandas as pd

ROWS = 1_048_576
"""Rows of a sheet: Office Open XML as Excel reads it."""
MADE = datetime(2000, 1, 1, tzinfo=UTC)
"""The workbook's date of creation, so that the same runs give the same bytes."""
WIDEST = 60
MEANINGS = {column.name: column.meaning for column in totals.TOTALS}


def write_workbook(runs: Sequence[RunResult], path: Path, command: str) -> None:
    """Write the totals, then a sheet a table with all runs below each other, and what every column means.

    The first column of a sheet names the run. Numbers are numbers, with all the digits of a float; what is not known
    is an empty cell, and names are never formulas.

    Parameters
    ----------
    runs : sequence of RunResult
        With different names.
    path : Path
        The .xlsx file.
    command : str
        What regenerates the runs.

    Raises
    ------
    TwinError
        Without XlsxWriter, where a table has more rows than a sheet, or where the file cannot be written.
    """
    if importlib.util.find_spec("xlsxwriter") is None:
        raise TwinError(
            f"{path}: needs XlsxWriter; pip install 'analog-twin[spreadsheets]', or take the CSV files of tables/"
        )
    import xlsxwriter  # noqa: PLC0415 - an extra

    sheets = _sheets(runs)
    for name, (frame, _) in sheets.items():
        if len(frame) >= ROWS:
            raise TwinError(
                f"{path}: {name} has {len(frame):,} rows, more than a sheet can hold ({ROWS - 1:,}); export single runs"
            )
    content = BytesIO()
    with xlsxwriter.Workbook(content, {"in_memory": True}) as book:
        book.set_properties({"title": "twin report", "comments": f"twin {__version__}: {command}", "created": MADE})
        bold = book.add_format({"bold": True, "bottom": 1})
        for name, (frame, units) in sheets.items():
            _fill(book.add_worksheet(name), frame, units, bold)
    write_bytes(path, content.getvalue())


def _sheets(runs: Sequence[RunResult]) -> dict[str, tuple[pd.DataFrame, dict[str, str]]]:
    """Return frame and units of every sheet by its name."""
    import pandas as pd  # noqa: PLC0415

    rows = pd.DataFrame([{"run": run.name, **totals.totals(run)} for run in runs])
    sheets: dict[str, tuple[pd.DataFrame, dict[str, str]]] = {"runs": (rows, {"run": "", **totals.UNITS})}
    names = dict.fromkeys(name for run in runs for name in run.frames())
    for name in names:
        having = [(run.name, run.frames()[name]) for run in runs if name in run.frames()]
        frame = _below(having)
        sheets[name] = frame, {str(column): unit(name, str(column)) for column in frame.columns if column != "run"}
    columns = pd.Index(Source._fields)
    sources = _below([(run.name, pd.DataFrame(run.sources, columns=columns)) for run in runs])
    sheets["sources"] = sources, dict.fromkeys(Source._fields, "")
    about = pd.DataFrame(_meanings(sheets), columns=pd.Index(["sheet", "column", "unit", "meaning"]))
    return {"columns": (about, {}), **sheets}


def _below(frames: Sequence[tuple[str, pd.DataFrame]]) -> pd.DataFrame:
    """Put the frames of runs below each other, with the runs' names in front."""
    import pandas as pd  # noqa: PLC0415

    # as objects, because whole numbers beside missing ones would become floats
    found = pd.concat([frame.astype(object).assign(run=run) for run, frame in frames], ignore_index=True)
    return found[["run", *(column for column in found.columns if column != "run")]]


def _meanings(sheets: dict[str, tuple[pd.DataFrame, dict[str, str]]]) -> Iterator[tuple[str, str, str, str]]:
    for name, (frame, units) in sheets.items():
        for column in map(str, frame.columns):
            known = TABLES[name].column(column) if name in TABLES else None
            meaning = known.meaning if known is not None else MEANINGS.get(column, "")
            meaning = "name of the run" if column == "run" else meaning
            yield name, _heading(column, units), units.get(column, ""), meaning


def _heading(column: str, units: dict[str, str]) -> str:
    """Return ``"busy (ps)"`` for the column busy_ps."""
    measured = units.get(column, "")
    return column if measured in {"", "1"} else f"{column.removesuffix(f'_{measured}')} ({measured})"


def _fill(sheet: Any, frame: pd.DataFrame, units: dict[str, str], bold: Any) -> None:
    for at, column in enumerate(frame.columns):
        heading = _heading(str(column), units)
        sheet.write_string(0, at, heading, bold)
        longest = max([len(heading), *(len(str(value)) for value in frame[column][:50])])
        sheet.set_column(at, at, min(WIDEST, longest + 2))
        for row, value in enumerate(frame[column].to_list(), 1):
            _cell(sheet, row, at, value)
    sheet.freeze_panes(1, 1)
    sheet.autofilter(0, 0, len(frame), len(frame.columns) - 1)


def _cell(sheet: Any, row: int, column: int, value: Any) -> None:
    write: Callable[..., Any] = sheet.write_string
    if isinstance(value, bool):
        write = sheet.write_boolean
    elif isinstance(value, str):
        if not value:
            return
    elif not math.isfinite(value):
        if math.isnan(value):
            return
        value = str(value)
    else:
        write = sheet.write_number
    write(row, column, value)
