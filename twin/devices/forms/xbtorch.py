"""XBTorch's tables: for each direction conductances, changes, and the distribution of changes at each conductance.

The tables are a device by themselves, with a mean and a distribution that depend on the conductance. The twin's
devices have one curve and one noise, so trains are drawn from the tables and fitted as measured ones are; what the one
noise leaves out shows in the residuals.
"""

from collections.abc import Sequence
from typing import ClassVar, NamedTuple

import numpy as np

from twin.devices.forms.form import Array, Form, Reading, Wanted, one_train
from twin.devices.forms.grid import Grid
from twin.errors import TwinError, counted

CYCLES, PULSES = 40, 300  # drawn; a few times what the tables' devices need to cross their range


class _Tables(NamedTuple):
    g: Array
    dg: Array
    at_most: Array  # (conductances, changes)


class XBTorch(Form):
    """Shape as in ADAM-Lab-GW/xbtorch, ``src/xbtorch/libdata/tabular``."""

    NAME = "XBTorch"
    SHAPE: ClassVar[str] = "six files without headings: G, dG and P(dG <= x given G) for up, then the same for down"
    CURRENTS: ClassVar[bool] = False

    @staticmethod
    def recognises(grids: Sequence[Grid]) -> bool:
        """Six files of numbers, of which two are tables."""
        return len(grids) == 6 and all(grid.numeric(0) for grid in grids) and sum(map(_is_table, grids)) == 2

    @staticmethod
    def read(grids: Sequence[Grid], wanted: Wanted) -> Reading:  # noqa: ARG004 - the interface
        """Draw trains of the tables (see `Form.read`)."""
        if len(grids) != 6:
            raise TwinError(
                f"{grids[-1].path}: {counted(len(grids), 'file')}, must be six: G, dG and P of up pulses, then of down "
                "pulses"
            )
        sets = [_tables(grids[:3]), _tables(grids[3:])]
        drift = [float(np.median(_drawn(one, np.median(one.g), np.linspace(0.02, 0.98, 49)))) for one in sets]
        if drift[0] * drift[1] >= 0:
            raise TwinError(
                f"{grids[3].path}: changes go the same way as those of {grids[0].path}; name G, dG and P of up pulses, "
                "then those of down pulses"
            )
        up, down = sets if drift[0] > 0 else sets[::-1]
        low, high = (float(f([f(one.g) for one in sets])) for f in (np.min, np.max))
        rng = np.random.default_rng(0)
        g, trains = low, []
        for _ in range(CYCLES):
            for tables, way in ((up, True), (down, False)):
                values = [g]
                for _ in range(PULSES):
                    g = float(np.clip(g + _drawn(tables, g, rng.random(1))[0], low, high))
                    values.append(g)
                trains.append(one_train("1", way, np.array(values)))
        said = f"tables of {up.g.size} conductances and {up.dg.size} changes, drawn as {len(trains)} trains"
        return Reading(trains, said, "S")


def _is_table(grid: Grid) -> bool:
    return len(grid.rows) > 1 and len(grid.rows[0]) > 1


def _tables(grids: Sequence[Grid]) -> _Tables:
    """Order three files by their shape; the vector before the other is G."""
    arrays = [_array(grid) for grid in grids]
    vectors = [array.ravel() for array in arrays if min(array.shape) == 1]
    tables = [array for array in arrays if min(array.shape) > 1]
    if len(vectors) != 2 or len(tables) != 1:
        raise TwinError(f"{grids[0].path}: name G, dG and the table of P of one direction after one another")
    table, (g, dg) = tables[0], vectors
    if np.any(np.diff(table, axis=1) < -1e-6):  # probabilities rise along the changes
        table = table.T
    place = f"{grids[-1].path}: table of P (= {table.shape[0]} x {table.shape[1]})"
    if abs(table.shape[0] - g.size) > 1 or abs(table.shape[1] - dg.size) > 1:
        raise TwinError(
            f"{place}: must have a row each of {g.size} conductances and a column each of {dg.size} changes"
        )
    if np.any(np.diff(table, axis=1) < -1e-6) or table.min() < 0 or table.max() > 1 + 1e-6:
        raise TwinError(f"{place}: must hold probabilities from 0 to 1 that rise along the changes")
    rows, columns = min(table.shape[0], g.size), min(table.shape[1], dg.size)
    return _Tables(g[:rows], dg[:columns], table[:rows, :columns])


def _array(grid: Grid) -> Array:
    widths = {len(row) for row in grid.rows}
    if len(widths) > 1:
        row = next(k for k, cells in enumerate(grid.rows) if len(cells) != len(grid.rows[0]))
        raise TwinError(f"{grid.place(row)}: has {len(grid.rows[row])} cells, the rows before {len(grid.rows[0])}")
    table = np.array([[grid.value(row, column) for column in range(*widths)] for row in range(len(grid.rows))], float)
    for row, column in np.argwhere(~np.isfinite(table)):
        grid.number(int(row), int(column), f"column {column + 1}")
    return table


def _drawn(tables: _Tables, g: float, chance: Array) -> Array:
    """Changes at a conductance by inverting the distribution of the nearest tabulated one."""
    at_most = tables.at_most[int(np.abs(tables.g - g).argmin())]
    first = np.concatenate([[True], np.diff(at_most) > 0])  # np.interp wants a rising axis
    return np.asarray(np.interp(chance, at_most[first], tables.dg[first]), np.float64)
