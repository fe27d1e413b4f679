"""aihwkit's pulse data: no headings, two columns, the up trace beside the down trace."""

from typing import ClassVar

import numpy as np

from twin.devices.forms.by_file import FileForm
from twin.devices.forms.form import Reading, Wanted, one_train, rises
from twin.devices.forms.grid import Grid
from twin.errors import TwinError


class TwoColumns(FileForm):
    """Shape as in IBM/aihwkit, ``examples/csv``; the first row is data."""

    NAME = "aihwkit"
    SHAPE: ClassVar[str] = "no headings, two columns of conductances: up trace, down trace"

    @staticmethod
    def is_of(grid: Grid) -> bool:
        """A file whose rows are two numbers, the first included."""
        return len(grid.rows[0]) == 2 and grid.numeric(0)

    @staticmethod
    def read_one(grid: Grid, wanted: Wanted) -> Reading:
        """Read the traces (see `Form.read`)."""
        for row, cells in enumerate(grid.rows):
            if len(cells) != 2:
                raise TwinError(f"{grid.place(row)}: has {len(cells)} cells; every row must have two, up and down")
        traces = [
            np.array([grid.number(row, column, f"column {column + 1}") for row in range(len(grid.rows))])
            for column in (0, 1)
        ]
        for column, trace in enumerate(traces, 1):
            if trace.size > 2 and (np.diff(trace) == 1).all():
                raise TwinError(
                    f"{grid.path}: column {column} counts the rows, it is no trace; keep the up and the down trace, or "
                    'write headings, e.g. "Pulse" and "G (uS)", into the first line'
                )
        ways = [rises(trace) for trace in traces]
        if ways[0] == ways[1]:
            way = "rise" if ways[0] else "fall"
            raise TwinError(f"{grid.path}: both columns {way}; one must be an up trace and the other a down trace")
        scale = wanted.read_voltage or 1.0
        trains = [one_train("1", up, trace / scale) for up, trace in zip(ways, traces, strict=True)]
        return Reading(trains, f"two traces of {len(grid.rows)} rows, {'up' if ways[0] else 'down'} first")
