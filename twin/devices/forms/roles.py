"""Which column of a table is what: by its heading, its unit, or what the user says."""

from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from twin.devices.forms.form import ARBITRARY, Array, Wanted, check_currents, check_unit, heading
from twin.devices.forms.grid import Grid
from twin.devices.registry import suggest
from twin.errors import TwinError

NAMES = {
    "conductance": {"conductance", "g", "conductivity", "channel conductance"},
    "current": {"current", "i", "ai", "drain current", "id", "read current", "i read", "reading", "ch1 current"},
    "resistance": {"resistance", "r", "read resistance"},
    "voltage": {"voltage", "v", "av", "pulse voltage", "amplitude", "pulse amplitude", "source", "ch1 voltage", "vg"},
    "read_voltage": {"read voltage", "read v", "v read", "vread", "read"},
    "time": {"time", "t", "timestamp", "relative time", "elapsed time"},
    "width": {"width", "pulse width"},
    "pulse": {"pulse", "pulses", "pulse number", "pulse no", "pulse index", "number", "no", "n", "index", ""},
    "direction": {"direction", "polarity", "operation", "type"},
    "cycle": {"cycle", "cycles", "cycle number"},
    "device": {"device", "cell", "dut", "sample"},
}
UP = {"up", "potentiation", "pot", "ltp", "p", "set", "increase", "+", "+1", "1", "positive", "pos"}
DOWN = {"down", "depression", "dep", "ltd", "d", "reset", "decrease", "-", "-1", "0", "negative", "neg"}
OF_UNIT = {"S": "conductance", "A": "current", "Ohm": "resistance", "V": "voltage", "s": "time"}
ALSO = {("V", "read_voltage")}  # which roles else a unit may have
MEASURED = ("conductance", "current", "resistance")
SCALES, PART = 300, 5
"""By which factor, and over how many rows at least, a column that changes its unit is apart."""
UNITS = {"conductance": "S", "current": "A", "resistance": "Ohm", "voltage": "V", "read_voltage": "V", "width": "s"}


@dataclass(frozen=True, slots=True)
class Roles:
    """Where a table begins and which column is what.

    Attributes
    ----------
    start : int
        First row of numbers; the headings are above.
    headings : list of str
    of : dict of str to int
        Column of each role that was found.
    factor : list of float
        From each column's unit to the base unit.
    units : list of str
        Base unit, "" where there is none.
    """

    start: int
    headings: list[str]
    of: dict[str, int]
    factor: list[float]
    units: list[str]

    @property
    def measured(self) -> str | None:
        """The role that says what the state is."""
        return next((role for role in MEASURED if role in self.of), None)

    def values(self, grid: Grid, role: str) -> Array:
        """Numbers of a role's column in its base unit; raises TwinError where the heading has another unit."""
        column = self.of[role]
        rows = range(self.start, len(grid.rows))
        name = self.headings[column]
        check_unit(grid.place(self.start - 1), name, UNITS[role])
        values = np.array([grid.number(row, column, name) for row in rows]) * self.factor[column]
        if role in MEASURED:
            self._check_scale(grid, values, name)
        return values

    def cells(self, grid: Grid, role: str) -> list[str]:
        """Text of a role's column, "" without one."""
        rows = grid.rows[self.start :]
        if role not in self.of:
            return [""] * len(rows)
        column = self.of[role]
        return [cells[column] if column < len(cells) else "" for cells in rows]

    def taken(self, used: Iterable[str]) -> str:
        """Say which columns the roles have that are used."""
        return ", ".join(f"{self.headings[self.of[role]]!r} as {role}" for role in used if role in self.of)

    def check_order(self, grid: Grid) -> None:
        """Refuse text among pulse numbers or times, and rows against their order."""
        for role in ("pulse", "time"):
            if role not in self.of or not isinstance(grid.value(self.start, self.of[role]), float):
                continue
            column = self.of[role]
            found = [grid.value(row, column) for row in range(self.start, len(grid.rows))]
            if None in found:
                row = self.start + found.index(None)
                raise TwinError(
                    f"{grid.place(row)}: {self.headings[column]} (= {grid.rows[row][column]!r}): must be a number; "
                    "leave such rows out"
                )
            change = np.diff(np.array(found, np.float64))
            if np.sum(change < 0) > change.size / 2:
                row = self.start + 1 + int(np.argmax(change < 0))
                raise TwinError(
                    f"{grid.place(row)}: {self.headings[column]} (= {found[row - self.start]:g}): falls from row to "
                    "row; sort the rows in the order of the pulses"
                )

    def unused(self, used: Iterable[str]) -> list[str]:
        """Headings of the columns that have none of the roles that are used."""
        columns = {self.of[role] for role in used if role in self.of}
        return [text for column, text in enumerate(self.headings) if text and column not in columns]

    def _check_scale(self, grid: Grid, values: Array, name: str) -> None:
        """Refuse a column of which one part is on another scale than all above: no device goes there and stays."""
        if values.size < 2 * PART or (values <= 0).any():
            return
        above, below = slice(PART - 1, -PART), slice(PART, values.size - PART + 1)
        least, most = np.minimum.accumulate(values)[above], np.maximum.accumulate(values)[above]
        rest = values[::-1]
        low, high = np.minimum.accumulate(rest)[::-1][below], np.maximum.accumulate(rest)[::-1][below]
        apart = np.flatnonzero((low > SCALES * most) | (high * SCALES < least))
        if apart.size:
            row = self.start + PART + int(apart[0])
            raise TwinError(
                f"{grid.place(row)}: {name} (= {grid.rows[row][self.of[self.measured or '']]}): from here on all is "
                f"over {SCALES} times as far from 0 as above, or as near; are units mixed, or was the device formed?"
            )


def roles(grid: Grid, wanted: Wanted) -> Roles | None:
    """Find the table of a file; None where there are no headings above numbers.

    Raises
    ------
    TwinError
        If the user names a column that is not there.
    """
    header = next((k for k in range(min(len(grid.rows) - 1, 200)) if _heads(grid, k)), None)
    if header is None:
        return None
    headings = _with_units(grid, header)
    split = [heading(cell) for cell in headings]
    found: dict[str, int] = {}
    for role, name in wanted.columns.items():
        found[role] = _named(grid.place(header), headings, name)
    for role, names in NAMES.items():
        for k, (called, unit, _) in enumerate(split):
            matches = called in names and (OF_UNIT.get(unit, role) == role or (unit, role) in ALSO)
            if role not in found and k not in found.values() and matches:
                found[role] = k
    for column, (_, unit, _) in enumerate(split):
        of_unit = OF_UNIT.get(unit)
        if of_unit is not None and of_unit not in found and column not in found.values():
            found[of_unit] = column
    return Roles(header + 1, headings, found, [factor for *_, factor in split], [unit for _, unit, _ in split])


def _with_units(grid: Grid, header: int) -> list[str]:
    """Return the headings; units may stand in a row of their own below the names."""
    below, above = grid.rows[header], grid.rows[header - 1] if header else []
    units = [heading(f"({cell})")[1] != "" for cell in below]
    if (
        len(above) != len(below)
        or not any(units)
        or not all(
            known or not cell or cell == "#" or cell.lower() in ARBITRARY
            for known, cell in zip(units, below, strict=True)
        )
    ):
        return below
    return [f"{name} ({cell})" if known else name for name, cell, known in zip(above, below, units, strict=True)]


def _heads(grid: Grid, row: int) -> bool:
    """Whether a row is a heading: text above a row of as many cells, at least half of them numbers."""
    cells, below = grid.rows[row], grid.rows[row + 1]
    if (len(cells) < 2 and not _speaks(cells[0])) or any(
        isinstance(grid.value(row, k), float) and cells[k] for k in range(len(cells))
    ):
        return False
    numbers = sum(bool(cell) and grid.value(row + 1, k) is not None for k, cell in enumerate(below))
    return 0 < len(below) <= len(cells) and 2 * numbers >= len(below)


def _speaks(text: str) -> bool:
    """Whether a heading alone says that something measured stands below."""
    name, unit, _ = heading(text)
    return unit in OF_UNIT or any(name in NAMES[role] for role in MEASURED)


def _named(place: str, headings: list[str], name: str) -> int:
    """Column by heading, or by number from 1."""
    for column, text in enumerate(headings):
        if name.lower() in {text.lower(), heading(text)[0]}:
            return column
    if name.isdigit() and 1 <= int(name) <= len(headings):
        return int(name) - 1
    raise TwinError(f"{place}: --column (= {name!r}): is no heading; {suggest(name, headings)}")


def conductances(values: Array, role: str, wanted: Wanted) -> tuple[Array, str, str]:
    """Return states, their unit, and how they were made, from what was measured."""
    if role != "current":
        check_currents(f"a column of {role}s", wanted)
    if role == "resistance":
        if np.any(values == 0):
            raise TwinError(f"resistance (= 0): must not be 0, at row {int(np.argmax(values == 0)) + 1} of the table")
        return 1 / values, "S", "from resistances"
    if role == "current" and wanted.read_voltage is not None:
        return values / wanted.read_voltage, "S", f"currents at {wanted.read_voltage:g} V"
    if role == "current":
        return values, "A", "currents (no read voltage; --read-voltage makes conductances of them)"
    return values, "S", "conductances"
