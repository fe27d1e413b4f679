"""Resets that look like trains: one step that makes most of the way back, between long trains of the other direction.

Where directions are told by where a series turns, a reset after a ramp of up pulses turns it as down pulses do.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from twin.devices.forms.form import Array
from twin.devices.forms.grid import Grid
from twin.devices.trains import Train
from twin.errors import TwinError, counted

LEAP = 0.5  # share of the other direction's way in one step (median) from which on it is a leap; assumption
SHORT = 0.25  # of the steps of the other direction's trains (medians), up to which trains are short; assumption
NAMES = {True: ("up", "rises"), False: ("down", "falls")}


def _steps(trains: Sequence[Train]) -> float:
    return float(np.median([np.unique(train.states).size - 1 for train in trains]))


def _leaps(trains: Sequence[Train], up: bool) -> tuple[float, float, float]:
    """Largest step of a direction's trains over the other's way, and the steps of both; medians, NaN without."""
    own = [train for train in trains if train.up is up and len(train.values) > 1]
    other = [train for train in trains if train.up is not up and len(train.values) > 1]
    if not own or not other:
        return np.nan, np.nan, np.nan
    way = float(np.median([np.ptp(np.asarray(train.values)) for train in other]))
    largest = float(np.median([np.abs(np.diff(np.asarray(train.values))).max() for train in own]))
    return (largest / way if way > 0 else np.nan), _steps(own), _steps(other)


def doubt(trains: Sequence[Train]) -> str:
    """Say in a line that trains may be resets, "" where nothing speaks for it."""
    for up in (True, False):
        leap, steps, others = _leaps(trains, up)
        name, other = NAMES[up][0], NAMES[not up][0]
        if leap >= LEAP:
            return (
                f"{name} trains make {100 * leap:.0f} % of the way in one step (median): are these resets? they are "
                f"fitted as {name} pulses"
            )
        if steps <= SHORT * others:
            return (
                f"{name} trains have {steps:g} steps, {other} trains {others:g} (medians): are the short ones resets? "
                f"they are fitted as {name} pulses"
            )
    return ""


def check_turns(grid: Grid, rows: npt.NDArray[np.int64], series: Array, name: str, trains: Sequence[Train]) -> None:
    """Refuse trains that were cut where a series turns, if those of a direction are short and made of a leap.

    `rows` are the rows of the grid that `series` stands in, `name` is its heading.

    Raises
    ------
    TwinError
        With the row after the first leap.
    """
    for up in (True, False):
        leap, steps, others = _leaps(trains, up)
        if not (leap >= LEAP and steps <= SHORT * others):
            continue
        change = np.diff(series) * (1 if up else -1)
        at = np.flatnonzero(change >= 0.5 * change.max())
        way, verb = NAMES[up]
        raise TwinError(
            f"{grid.place(int(rows[at[0] + 1]))}: {name} {verb} by {100 * leap:.0f} % of the way in one step, "
            f"{counted(at.size, 'time')}, between trains of {others:g} steps: these are resets, no {way} pulses; "
            f"measure {way} pulses too or, if they are pulses, name a column of directions (--column direction=HEADING)"
        )
