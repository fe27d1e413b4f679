"""The layers that a table names, each with its line: SCALE-Sim's topologies and NeuroSim's NetWork.csv."""

import csv
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from twin.errors import TwinError, one_line
from twin.files import read_limited

MOST_BYTES = 1_000_000
MOST_LAYERS = 1000
LARGEST = 10**6
SHOWN = 60


class Row(NamedTuple):
    """A layer as a table gives it; all sizes in pixels or channels.

    Attributes
    ----------
    line : int
    name : str
    height, width, channels : int
        Of its input.
    kernel : (int, int)
    filters : int
        Channels of its output.
    stride : int
    pool : bool
        Whether max-pooling of 2 x 2 follows.
    """

    line: int
    name: str
    height: int
    width: int
    channels: int
    kernel: tuple[int, int]
    filters: int
    stride: int
    pool: bool = False


class Table(NamedTuple):
    """The layers of a file, in order."""

    label: str
    rows: tuple[Row, ...]

    def refused(self, line: int, rule: str) -> TwinError:
        """Return the error of a line."""
        return TwinError(f"{self.label}:{line}: {rule}")


def scalesim(path: Path) -> Table:
    """Read a topology of SCALE-Sim: a heading, then name, input height and width, kernel, channels, filters, stride.

    Raises
    ------
    TwinError
        For a line of another form, which it names, as of a list of matrix products (M, N, K).
    """

    def row(line: int, cells: list[str], refuse: Callable[[int, str], TwinError]) -> Row | None:
        if not cells[0] or not any(cells[1:]):
            raise refuse(line, f"{_shown(cells)}: must be a name and 7 numbers")
        if not cells[1].lstrip("-").replace(".", "").isdigit():
            if line > 1 or len(cells) == 4:
                rule = "must be a name and 7 numbers; a list of matrix products (M, N, K) is no network"
                raise refuse(line, f"{_shown(cells)}: {rule}")
            return None
        if len(cells) < 8:
            raise refuse(line, f"{_shown(cells)}: must be a name and 7 numbers, and has {len(cells) - 1}")
        height, width, down, right, channels, filters, stride = _whole(line, cells[1:8], refuse)
        return Row(line, cells[0], height, width, channels, (down, right), filters, stride)

    return _read(path, row)


def neurosim(path: Path) -> Table:
    """Read a NetWork.csv: input length, width, depth, kernel length, width, output depth, pooling after it, stride.

    Raises
    ------
    TwinError
        For a line of another form, which it names.
    """

    def row(line: int, cells: list[str], refuse: Callable[[int, str], TwinError]) -> Row:
        if len(cells) not in {7, 8}:
            rule = "input length, width, depth, kernel length, width, output depth, pooling, stride"
            raise refuse(line, f"{_shown(cells)}: must be 8 whole numbers: {rule}")
        pool = cells[6]
        if pool not in {"0", "1"}:
            raise refuse(line, f"pooling (= {pool[:SHOWN]}): must be 0 or 1, whether max-pooling of 2 x 2 follows")
        height, width, depth, down, right, filters, stride = _whole(line, [*cells[:6], *(cells[7:] or ["1"])], refuse)
        return Row(line, f"layer-{line}", height, width, depth, (down, right), filters, stride, pool == "1")

    return _read(path, row)


Reader = Callable[[int, list[str], Callable[[int, str], TwinError]], Row | None]


def _read(path: Path, row: Reader) -> Table:
    try:
        text = read_limited(path, MOST_BYTES).decode("utf-8-sig")
        lines = list(csv.reader(text.splitlines()))
    except UnicodeDecodeError as error:
        raise TwinError(f"{path}: byte {error.start} is no UTF-8; a table of layers is plain text") from None
    except csv.Error as error:
        raise TwinError(f"{path}: no table of commas ({one_line(str(error))})") from None
    table = Table(str(path), ())
    found = tuple(filter(None, (row(line, cells, table.refused) for line, cells in _cells(lines))))
    if not found:
        raise TwinError(f"{path}: has no layers; give a line for each")
    if len(found) > MOST_LAYERS:
        raise table.refused(found[MOST_LAYERS].line, f"more than {MOST_LAYERS:,} layers")
    return table._replace(rows=found)


def _cells(lines: list[list[str]]) -> Iterator[tuple[int, list[str]]]:
    """Yield the lines that are not empty, without spaces and the comma at their end."""
    for number, line in enumerate(lines, 1):
        cells = [cell.strip() for cell in line if not cell.lstrip().startswith("#")]
        while cells and not cells[-1]:
            cells.pop()
        if cells:
            yield number, cells


def _whole(line: int, cells: list[str], refuse: Callable[[int, str], TwinError]) -> list[int]:
    for cell in cells:
        if not cell.isdecimal() or not cell.isascii() or len(cell) > 7 or not 1 <= int(cell) <= LARGEST:
            raise refuse(line, f"{cell[:SHOWN]!r}: must be a whole number from 1 to {LARGEST:,}")
    return [int(cell) for cell in cells]


def _shown(cells: list[str]) -> str:
    return one_line(", ".join(cells))[:SHOWN]
