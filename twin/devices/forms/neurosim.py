"""NeuroSim's time-conductance tables, one file a direction (LTP, LTD), at uneven times."""

from collections.abc import Sequence
from itertools import zip_longest
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from twin.devices.forms.form import Form, Reading, Wanted, check_unit, distinct, heading, one_train, opposite, rises
from twin.devices.forms.grid import Grid
from twin.errors import TwinError

if TYPE_CHECKING:
    from twin.devices.trains import Train

NAMES = ("time", "conductance")


class NeuroSim(Form):
    """Shape as in leejiwon8433/Non-linear-Fitting-for-NeuroSim, ``data/raw``: each row is the state after a pulse."""

    NAME = "NeuroSim"
    SHAPE: ClassVar[str] = "two files, LTP and LTD: columns Time and Conductance, a row a pulse"
    CURRENTS: ClassVar[bool] = False

    @staticmethod
    def recognises(grids: Sequence[Grid]) -> bool:
        """Two files with the headings time and conductance."""
        names = [[heading(cell)[0] for cell in grid.rows[0]] for grid in grids]
        return len(grids) > 1 and all(one == [*NAMES] for one in names)

    @staticmethod
    def read(grids: Sequence[Grid], wanted: Wanted) -> Reading:  # noqa: ARG004 - the interface
        """Read a train of each file (see `Form.read`)."""
        distinct(grids)
        trains: list[Train] = []
        ways: list[bool] = []
        unit = ""
        for grid in grids:
            for cell, name in zip_longest(grid.rows[0], NAMES):
                if name is None or cell is None or heading(cell)[0] != name:
                    raise TwinError(
                        f"{grid.place(0)}: {cell or 'nothing'}: is no heading of a {name or 'column'}; columns must be "
                        "Time and Conductance"
                    )
            check_unit(grid.place(0), grid.rows[0][1], "S")
            _, own, factor = heading(grid.rows[0][1])
            if trains and own != unit:
                raise TwinError(
                    f"{grid.place(0)}: {grid.rows[0][1]}: has {own or 'no unit'}, {grids[0].path} has "
                    f"{unit or 'none'}; write one unit into both headings"
                )
            unit = own
            values = np.array([grid.number(row, 1, "Conductance") for row in range(1, len(grid.rows))])
            ways.append(bool(values.size) and rises(values))
            trains.append(one_train("1", ways[-1], values * factor))
        if len(grids) == 1:
            raise TwinError(f"{grids[0].path}: is one table; name that of the other direction, too")
        opposite(ways, grids)
        sizes = " and ".join(str(len(train.values)) for train in trains)
        return Reading(trains, f"{len(trains)} tables of {sizes} states", unit, heading=grids[0].rows[0][1])
