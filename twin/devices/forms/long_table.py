"""A long table: one column of conductance (or current, resistance), potentiation and depression below one another."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twin.devices.forms.by_file import FileForm
from twin.devices.forms.form import Array, Reading, Wanted, halves, one_train
from twin.devices.forms.grid import Grid
from twin.devices.forms.leaps import check_turns
from twin.devices.forms.roles import DOWN, MEASURED, UP, Roles, conductances, roles
from twin.devices.trains import Train
from twin.errors import TwinError, counted


class LongTable(FileForm):
    """Columns by heading and unit; devices by a column, directions by a column or by where the series turns."""

    NAME = "long-table"
    SHAPE: ClassVar[str] = "headings with units, one column of conductance, current or resistance, a row a pulse"
    ROLES: ClassVar[Sequence[str]] = (*MEASURED, "direction", "cycle", "device", "pulse", "time")

    @staticmethod
    def is_of(grid: Grid) -> bool:
        """A file with a column of something measured."""
        found = roles(grid, Wanted())
        return found is not None and found.measured is not None

    @staticmethod
    def read_one(grid: Grid, wanted: Wanted) -> Reading:
        """Read trains (see `Form.read`)."""
        found = roles(grid, wanted)
        if found is None or found.measured is None:
            raise TwinError(
                f"{grid.path}: has no column of conductance, current or resistance; name it, e.g. "
                "--column conductance=HEADING"
            )
        if "cycle" in wanted.columns and "direction" not in found.of:
            raise TwinError(
                f"--column cycle (= {wanted.columns['cycle']}): is used by long-table only beside a column of "
                "directions; name that too, e.g. --column direction=HEADING, or leave cycle out"
            )
        values, unit, how = conductances(found.values(grid, found.measured), found.measured, wanted)
        unit = unit if found.units[found.of[found.measured]] else ""
        measured = found.headings[found.of[found.measured]]
        found.check_order(grid)
        devices = found.cells(grid, "device")
        reads = set()
        trains: list[Train] = []
        for name in dict.fromkeys(devices):
            rows = np.flatnonzero(np.array([device == name for device in devices]))
            rows, most = _first_reads(grid, found, rows, values)
            reads.add(most)
            if "direction" in found.of:
                trains += _directed(grid, found, rows, name, values)
            else:
                turned = halves(name, values[rows])
                check_turns(grid, rows + found.start, values[rows], measured, turned)
                trains += turned
        by = "by their column" if "direction" in found.of else "by where the series turns"
        used = (found.measured, "device", *(("direction", "cycle") if "direction" in found.of else ()))
        said = f"{counted(len(trains), 'train')}, directions {by}, {how}"
        if max(reads) > 1:
            said += f", {max(reads)} reads of a pulse averaged"
        return Reading(
            trains, said, unit, heading=measured, taken=found.taken(used), unused=found.unused(used),
            warnings=[] if "direction" in found.of else _one_sign(grid, found),
        )  # fmt: skip


def _first_reads(
    grid: Grid, found: Roles, rows: npt.NDArray[np.int64], values: Array
) -> tuple[npt.NDArray[np.int64], int]:
    """First rows of each pulse, and how many rows a pulse has; `values` get the means of those there.

    Rows that repeat a pulse's number are reads of one state, where every pulse has as many.
    """
    cells = list(
        zip(*(found.cells(grid, role) for role in ("pulse", "direction", "cycle") if role in found.of), strict=True)
    )
    if "pulse" not in found.of:
        return rows, 1
    begins = [k for k, row in enumerate(rows) if k == 0 or cells[row] != cells[rows[k - 1]]]
    sizes = np.diff([*begins, rows.size])
    if sizes[0] < 2 or sizes.size < 2 or np.ptp(sizes):
        return rows, 1
    first = rows[begins]
    values[first] = values[rows].reshape(-1, sizes[0]).mean(axis=1)
    return first, int(sizes[0])


def _one_sign(grid: Grid, found: Roles) -> list[str]:
    """Say that a column of voltages speaks of one direction only; nothing where there is none or it has both signs."""
    column = found.of.get("voltage")
    if column is None:
        return []
    volts = [grid.value(row, column) or 0.0 for row in range(found.start, len(grid.rows))]
    signs = {value > 0 for value in volts if value}
    if len(signs) != 1:
        return []
    sign = "positive" if signs.pop() else "negative"
    return [
        (
            f"{found.headings[column]} is {sign} throughout, and directions are by where the series turns: if these "
            "are the pulses' volts and what goes back are resets, half of the steps are none of pulses"
        )
    ]


def _directed(grid: Grid, found: Roles, rows: npt.NDArray[np.int64], device: str, values: Array) -> list[Train]:
    """Trains of one device by the columns of direction and cycle."""
    ways, cycles = found.cells(grid, "direction"), found.cells(grid, "cycle")
    trains: list[Train] = []
    part: list[int] = []
    for row in rows:
        way = ways[row].lower()
        if way not in UP | DOWN:
            raise TwinError(
                f"{grid.place(found.start + int(row))}: {found.headings[found.of['direction']]} (= {way!r}): must say "
                "up or down (or potentiation, depression; LTP, LTD; set, reset)"
            )
        if part and (way, cycles[row]) != (ways[part[-1]].lower(), cycles[part[-1]]):
            trains.append(one_train(device, ways[part[-1]].lower() in UP, values[part]))
            part = []
        part.append(int(row))
    trains.append(one_train(device, ways[part[-1]].lower() in UP, values[part]))
    return trains
