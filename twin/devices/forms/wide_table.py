"""A wide table: a column a device or a cycle, each potentiation and depression below one another."""

import math
import re
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from twin.devices.forms.by_file import FileForm
from twin.devices.forms.form import Array, Reading, Wanted, check_unit, halves, heading
from twin.devices.forms.grid import Grid
from twin.devices.forms.leaps import check_turns
from twin.devices.forms.roles import DOWN, MEASURED, NAMES, UNITS, UP, Roles, conductances, roles
from twin.errors import TwinError, counted

CYCLE = re.compile(r"(cycle|run|loop|ramp|c)\s*\d+")
BESIDE = ("pulse", "time", "cycle", "width", "device", "direction")


class WideTable(FileForm):
    """Columns headed "cycle n" are cycles of one device, "LTP" and "LTD" its directions, others devices."""

    NAME = "wide-table"
    SHAPE: ClassVar[str] = "headings, perhaps a column of pulse numbers, and a column a device or a cycle"
    ROLES: ClassVar[Sequence[str]] = BESIDE

    @staticmethod
    def is_of(grid: Grid) -> bool:
        """A file with two or more columns of one kind of quantity."""
        return len(_columns(grid, Wanted())) > 1

    @staticmethod
    def read_one(grid: Grid, wanted: Wanted) -> Reading:
        """Read the columns (see `Form.read`)."""
        found, columns = roles(grid, wanted), _columns(grid, wanted)
        if found is None or not columns:
            raise TwinError(f"{grid.path}: has no headings above columns of numbers; name another --form")
        unit, role = _unit(grid, found, columns)
        found.check_order(grid)
        one = {heading(found.headings[column])[0] for column in columns} <= UP | DOWN
        trains = []
        for column in columns:
            name, _, factor = heading(found.headings[column])
            device = "" if one or CYCLE.fullmatch(name) else f"{column} {found.headings[column]}"
            values, base, how = conductances(_values(grid, found.start, column) * factor, role, wanted)
            turned = halves(device, values)
            check_turns(grid, found.start + np.arange(values.size), values, found.headings[column], turned)
            trains += turned
        devices = len({train.device for train in trains})
        said = (
            f"{counted(len(columns), 'column')} of {counted(devices, 'device')}, {counted(len(trains), 'train')}, {how}"
        )
        taken = f"{', '.join(repr(found.headings[column]) for column in columns)} as {role} each"
        unused = [text for column, text in enumerate(found.headings) if text and column not in columns]
        return Reading(
            trains, said, base if unit else "", heading=found.headings[columns[0]], taken=taken, unused=unused
        )


def _unit(grid: Grid, found: Roles, columns: Sequence[int]) -> tuple[str, str]:
    """Base unit of the columns and what it measures; every heading must have it, or none a unit."""
    units = list(dict.fromkeys(found.units[column] for column in columns))
    role_of = {UNITS[role]: role for role in MEASURED}
    known = next((unit for unit in units if unit in role_of), UNITS["conductance"])
    place = grid.place(found.start - 1)
    for column in columns:
        check_unit(place, found.headings[column], known)
    if len(units) > 1:
        bare = next(found.headings[column] for column in columns if not found.units[column])
        raise TwinError(f"{place}: {bare}: has no unit, other columns have {known}; write one unit into each heading")
    return units[0], role_of[known]


def _columns(grid: Grid, wanted: Wanted) -> list[int]:
    """Columns of what was measured; none in a table that has a voltage beside it or a single one."""
    found = roles(grid, wanted)
    if found is None or "voltage" in found.of:
        return []
    taken = {found.of[role] for role in BESIDE if role in found.of}
    numbers = [
        column
        for column in range(len(found.headings))
        if column not in taken and grid.value(found.start, column) is not None
    ]
    names = [heading(found.headings[column])[0] for column in numbers]
    alone = any(names.count(name) == 1 and any(name in NAMES[role] for role in MEASURED) for name in names)
    return [] if alone and len(numbers) > 1 else numbers


def _values(grid: Grid, start: int, column: int) -> Array:
    """Numbers of a column without what pads its end."""
    rows = range(start, len(grid.rows))
    filled = [row for row in rows if (value := grid.value(row, column)) is None or not math.isnan(value)]
    last = max(filled, default=start - 1)
    return np.array([grid.number(row, column, grid.rows[start - 1][column]) for row in rows if row <= last])
