"""CrossSim's set and reset files: a column a ramp, a row a pulse, ragged, currents at the read voltage."""

import math
import re
from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from twin.devices.forms.form import Array, Form, Reading, Wanted, distinct, one_train, opposite, rises, volts
from twin.devices.forms.grid import Grid
from twin.errors import TwinError, counted

READ_VOLTAGE = 0.1  # sandialabs/cross-sim v2.0, examples/lookup_table_generation
RAMP = re.compile(r"rmp\s*\d+", re.IGNORECASE)


class CrossSim(Form):
    """Shape as in sandialabs/cross-sim v2.0, ``examples/lookup_table_generation/lookup_table_example``."""

    NAME = "CrossSim"
    SHAPE: ClassVar[str] = "two files, set and reset: headings rmp1, rmp2, ..., a column of currents a ramp"

    @staticmethod
    def recognises(grids: Sequence[Grid]) -> bool:
        """By the headings rmp1, rmp2, ... of every file."""
        return all(all(RAMP.fullmatch(cell) for cell in grid.rows[0]) for grid in grids)

    @staticmethod
    def read(grids: Sequence[Grid], wanted: Wanted) -> Reading:
        """Read the ramps (see `Form.read`)."""
        distinct(grids)
        voltage = volts(wanted, READ_VOLTAGE)
        trains, ways = [], []
        for grid in grids:
            odd = next((cell for cell in grid.rows[0] if not RAMP.fullmatch(cell)), None)
            if odd is not None:
                raise TwinError(
                    f"{grid.place(0)}: {odd}: is no heading of a ramp (rmp1, rmp2, ...); name another --form"
                )
            ramps = [_ramp(grid, column) / voltage for column in range(len(grid.rows[0]))]
            full = [ramp for ramp in ramps if ramp.size > 1]
            ways.append(sum(rises(ramp) for ramp in full) * 2 >= len(full))
            trains += [one_train("1", ways[-1], ramp) for ramp in full]
        if len(grids) > 1:
            opposite(ways, grids)
        return Reading(
            trains, f"{counted(len(trains), 'ramp')}, currents at {voltage:g} V", "S", {"read_voltage_V": voltage}
        )


def _ramp(grid: Grid, column: int) -> Array:
    """Currents of a ramp, the padding (empty, NaN, 0) after its last one left out."""
    rows = range(1, len(grid.rows))
    last = max((row for row in rows if _filled(grid, row, column)), default=0)
    return np.array([grid.number(row, column, grid.rows[0][column]) for row in rows if row <= last])


def _filled(grid: Grid, row: int, column: int) -> bool:
    value = grid.value(row, column)
    return value is None or not (math.isnan(value) or value == 0.0)
