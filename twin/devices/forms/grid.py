"""Rows of cells of a file: text with any usual separator, encoding and decimal sign, or a spreadsheet."""

import csv
import io
import math
import re
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from twin.errors import TwinError
from twin.files import read_limited

MOST_BYTES = 2**27
LOOKED_AT = 500  # lines, for the separator and the decimal sign
SPREADSHEETS = (".xls", ".xlsx", ".xlsb", ".ods")
MARKS = {b"\xef\xbb\xbf": "utf-8-sig", b"\xff\xfe": "utf-16", b"\xfe\xff": "utf-16"}
DECIMAL_COMMA = re.compile(r"[+-]?\d+,\d+([eE][+-]?\d+)?")
DECIMAL_POINT = re.compile(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
DECIMALS = re.compile(r"[+-]?\d+(?:[.,](\d*))?")
FEW = 10  # numbers above another that say how many decimals a column has
BLANKS = re.compile(r"\s+(?![\[({])")  # the unit behind a heading belongs to it
EMPTY = {"", "nan", "na", "n/a", "-", "--"}


@dataclass(frozen=True, slots=True, eq=False)
class Grid:
    """A file as cells.

    Attributes
    ----------
    path : Path
    rows : list of list of str
        Without empty rows, and without the empty cells after a row's last separator.
    lines : list of int
        Line of the file that each row stands in.
    comma : bool
        Whether numbers have a decimal comma.
    """

    path: Path
    rows: list[list[str]]
    lines: list[int]
    comma: bool

    def value(self, row: int, column: int) -> float | None:
        """Return the number in a cell, NaN for an empty one or one that says so, None for text."""
        cells = self.rows[row]
        text = cells[column] if column < len(cells) else ""
        if text.lower() in EMPTY:
            return math.nan
        if "_" in text:  # float() takes 1_0 for 10
            return None
        try:
            return float(text.replace(",", ".") if self.comma else text)
        except ValueError:
            return None

    def number(self, row: int, column: int, name: str) -> float:
        """Return the finite number in a cell.

        Raises
        ------
        TwinError
            With line, column and value, if it is none.
        """
        value = self.value(row, column)
        text = self.rows[row][column] if column < len(self.rows[row]) else ""
        place = f"{self.place(row)}: {name} (= {text[:40]!r})"
        if value is None or not text:
            raise TwinError(f"{place}: must be a number; leave such rows out")
        if not math.isfinite(value) or abs(value) > 1e30:
            raise TwinError(f"{self.place(row)}: {name} (= {value:g}): must be finite; leave such rows out")
        if 0 < abs(value) < 1e-30:
            raise TwinError(f"{place}: is too small to tell steps apart; use a smaller unit")
        return value

    def place(self, row: int) -> str:
        """Name a row as messages do."""
        return f"{self.path}:{self.lines[row]}"

    def numeric(self, row: int) -> bool:
        """Whether a row holds numbers alone, at least one."""
        values = [self.value(row, column) for column in range(len(self.rows[row]))]
        return None not in values and any(value == value for value in values)  # noqa: PLR0124 - not NaN


def read_grid(path: Path) -> Grid:
    """Read a file into cells.

    Raises
    ------
    TwinError
        If it cannot be read, is empty, or is neither text nor a spreadsheet.
    """
    raw = read_limited(path, MOST_BYTES)
    if path.suffix.lower() in SPREADSHEETS:
        return _grid(path, list(enumerate(_sheet(path, raw), 1)), comma=False)
    text = _decoded(path, raw)
    lines = [line for line in islice(io.StringIO(text), LOOKED_AT) if line.strip()]
    separator = _separator(lines)
    if separator is None:
        rows = [(number, BLANKS.split(line.strip())) for number, line in enumerate(text.splitlines(), 1)]
    else:
        reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, skipinitialspace=True)
        try:
            rows = [(reader.line_num, row) for row in reader]
        except csv.Error as error:
            raise TwinError(f"{path}: is not a CSV file ({error}); export it as CSV") from error
    cells = [cell.strip() for _, row in rows[:LOOKED_AT] for cell in row]
    comma = separator != "," and any(DECIMAL_COMMA.fullmatch(cell) for cell in cells)
    if comma and any(DECIMAL_POINT.fullmatch(cell) for cell in cells):
        raise TwinError(f"{path}: has numbers with decimal commas and others with points; export it with one of them")
    grid = _grid(path, rows, comma)
    if not text.endswith(("\n", "\r")):
        _check_last(grid)
    return grid


def _check_last(grid: Grid) -> None:
    """Refuse a last number with fewer decimals than all above it, where no line break says that it is whole."""
    column, last = len(grid.rows[-1]) - 1, grid.rows[-1][-1]
    above = [found[1] for cells in grid.rows[:-1] for found in map(DECIMALS.match, cells[column : column + 1]) if found]
    own = DECIMALS.match(last)
    if own and len(above) >= FEW and len(own[1] or "") < min(len(decimals or "") for decimals in above):
        raise TwinError(
            f"{grid.place(len(grid.rows) - 1)}: column {column + 1} (= {last}): has fewer decimals than all above and "
            "no line break behind it: is the file cut off? if it is whole, end it with a line break"
        )


def _grid(path: Path, rows: list[tuple[int, list[str]]], comma: bool) -> Grid:
    kept = []
    for line, row in rows:
        cells = [cell.strip() for cell in row]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            kept.append((line, cells))
    if not kept:
        raise TwinError(f"{path}: is empty; name a file with measured pulses")
    return Grid(path, [cells for _, cells in kept], [line for line, _ in kept], comma)


def _decoded(path: Path, raw: bytes) -> str:
    """Text by its byte order mark, as UTF-8, or as the Latin-1 of older instruments."""
    for mark, encoding in MARKS.items():
        if raw.startswith(mark):
            try:
                text = raw.decode(encoding)
            except UnicodeDecodeError as error:
                raise TwinError(f"{path}: is not {encoding.upper()} to its end; is it cut off?") from error
            if "\x00" in text:
                raise TwinError(f"{path}: is neither text nor a spreadsheet (it has zero bytes); save it as CSV")
            return text
    if b"\x00" in raw:
        raise TwinError(f"{path}: is neither text nor a spreadsheet (it has a zero byte); save it as CSV")
    try:
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        return raw.decode("latin-1")


def _separator(lines: list[str]) -> str | None:
    """Return what separates the cells of most lines; None for blanks."""
    for separator in ("\t", ";", ","):
        if sum(separator in line for line in lines) >= max(len(lines) / 2, 1):
            return separator
    return None


def _sheet(path: Path, raw: bytes) -> list[list[str]]:
    """Cells of the sheet with most rows."""
    try:
        from python_calamine import CalamineError, CalamineWorkbook  # noqa: PLC0415
    except ImportError:
        raise TwinError(
            f"{path}: spreadsheets need python-calamine; install analog-twin[spreadsheets], or save the sheet as CSV"
        ) from None
    try:
        book = CalamineWorkbook.from_filelike(io.BytesIO(raw))
        sheets = [book.get_sheet_by_index(k).to_python() for k in range(len(book.sheet_names))]
    except CalamineError as error:
        raise TwinError(f"{path}: cannot be read as a spreadsheet ({str(error).partition(chr(10))[0]})") from error
    return [[str(cell) for cell in row] for row in max(sheets, key=len)]
