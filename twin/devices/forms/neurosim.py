"""NeuroSim's time-conductance tables, one file a direction (LTP, LTD), at uneven times."""

from collections.abc import Sequence
from typing import ClassVar

import numpy as np

from twin.devices.forms.form import Form, Reading, Wanted, check_unit, heading, one_train, opposite, rises
from twin.devices.forms.grid import Grid


class NeuroSim(Form):
    """Shape as in leejiwon8433/Non-linear-Fitting-for-NeuroSim, ``data/raw``: each row is the state after a pulse."""

    NAME = "NeuroSim"
    SHAPE: ClassVar[str] = "two files, LTP and LTD: columns Time and Conductance, a row a pulse"

    @staticmethod
    def recognises(grids: Sequence[Grid]) -> bool:
        """Two files with the headings time and conductance."""
        names = [[heading(cell)[0] for cell in grid.rows[0]] for grid in grids]
        return len(grids) > 1 and all(one == ["time", "conductance"] for one in names)

    @staticmethod
    def read(grids: Sequence[Grid], wanted: Wanted) -> Reading:  # noqa: ARG004 - the interface
        """Read a train of each file (see `Form.read`)."""
        trains, ways = [], []
        _, unit, factor = heading(grids[0].rows[0][1])
        for grid in grids:
            check_unit(grid.place(0), grid.rows[0][1], "S")
            _, own, own_factor = heading(grid.rows[0][1])
            values = np.array([grid.number(row, 1, "Conductance") for row in range(1, len(grid.rows))])
            ways.append(bool(values.size) and rises(values))
            trains.append(one_train("1", ways[-1], values * (own_factor if own == unit else factor)))
        opposite(ways, grids)
        sizes = " and ".join(str(len(train.values)) for train in trains)
        return Reading(trains, f"{len(trains)} tables of {sizes} states", unit, heading=grids[0].rows[0][1])
