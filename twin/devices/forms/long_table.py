"""A long table: one column of conductance (or current, resistance), potentiation and depression below one another."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twin.devices.forms.form import Array, Form, Reading, Wanted, halves, one_train
from twin.devices.forms.grid import Grid
from twin.devices.forms.roles import MEASURED, Roles, conductances, roles
from twin.devices.trains import Train
from twin.errors import TwinError, counted

UP = {"up", "potentiation", "pot", "ltp", "p", "set", "increase", "+", "+1", "1", "positive", "pos"}
DOWN = {"down", "depression", "dep", "ltd", "d", "reset", "decrease", "-", "-1", "0", "negative", "neg"}


class LongTable(Form):
    """Columns by heading and unit; devices by a column, directions by a column or by where the series turns."""

    NAME = "long-table"
    SHAPE: ClassVar[str] = "headings with units, one column of conductance, current or resistance, a row a pulse"
    ROLES: ClassVar[Sequence[str]] = (*MEASURED, "direction", "cycle", "device", "pulse", "time")

    @staticmethod
    def recognises(grids: Sequence[Grid]) -> bool:
        """One file with a column of something measured."""
        found = roles(grids[0], Wanted())
        return len(grids) == 1 and found is not None and found.measured is not None

    @staticmethod
    def read(grids: Sequence[Grid], wanted: Wanted) -> Reading:
        """Read trains (see `Form.read`)."""
        grid = grids[0]
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
        devices = found.cells(grid, "device")
        trains: list[Train] = []
        for name in dict.fromkeys(devices):
            rows = np.flatnonzero(np.array([device == name for device in devices]))
            if "direction" in found.of:
                trains += _directed(grid, found, rows, name, values)
            else:
                trains += halves(name, values[rows])
        by = "by their column" if "direction" in found.of else "by where the series turns"
        used = (found.measured, "device", *(("direction", "cycle") if "direction" in found.of else ()))
        said = f"{counted(len(trains), 'train')}, directions {by}, {how}"
        heading = found.headings[found.of[found.measured]]
        return Reading(trains, said, unit, heading=heading, taken=found.taken(used), unused=found.unused(used))


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
