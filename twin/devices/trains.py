"""Measured pulse trains: a CSV of pulse number, conductance and direction becomes a list of single steps."""

import csv
import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from twin.errors import TwinError
from twin.files import read_limited

Array = npt.NDArray[np.float64]
NEEDED = ("pulse", "conductance", "direction")
MOST_BYTES = 2**27
OPTIONAL = ("device", "cycle")
FEWEST = 20  # steps of either direction, below which no curve can be drawn
DIRECTIONS = {"up": 1, "down": -1}


@dataclass(frozen=True, slots=True, eq=False)
class Trains:
    """Single steps, in file order.

    Attributes
    ----------
    before, after : float64 array, shape (steps,)
        Conductance before and after the pulse, in the file's unit.
    up : bool array, shape (steps,)
    device : int64 array, shape (steps,)
        Number of the device, from 0.
    train : int64 array, shape (steps,)
        Number of the train; a train is one direction of one cycle of one device.
    """

    before: Array
    after: Array
    up: npt.NDArray[np.bool_]
    device: npt.NDArray[np.int64]
    train: npt.NDArray[np.int64]

    @property
    def devices(self) -> int:
        """How many devices there are."""
        return int(self.device.max()) + 1


class _Point(NamedTuple):
    line: int
    pulse: int
    conductance: float
    direction: int
    device: str
    cycle: str

    @property
    def train(self) -> tuple[int, str, str]:
        return self.direction, self.device, self.cycle


def read_trains(path: Path) -> Trains:
    """Read a CSV with the columns pulse, conductance and direction (up or down), and perhaps device and cycle.

    Rows of one train follow one another, their pulse numbers rise by one. A train's first row is the state before
    its second pulse, so a train of n rows has n - 1 steps.

    Raises
    ------
    TwinError
        If the file cannot be read, lacks a column, holds what is no finite number, no direction or a gap in the
        pulse numbers, or has fewer than `FEWEST` steps of either direction.
    """
    steps: list[tuple[float, float, bool, int, int]] = []
    devices: dict[str, int] = {}
    trains = -1
    last: _Point | None = None
    for point in _points(path):
        if last is not None and _follows(path, last, point):
            device = devices.setdefault(point.device, len(devices))
            steps.append((last.conductance, point.conductance, point.direction > 0, device, trains))
        else:
            trains += 1
        last = point
    for direction, wanted in (("up", True), ("down", False)):
        found = sum(step[2] is wanted for step in steps)
        if found < FEWEST:
            raise TwinError(f"{path}: has {found} {direction} steps; at least {FEWEST} of either direction are needed")
    before, after, up, devices_of, trains_of = zip(*steps, strict=True)
    return Trains(np.array(before), np.array(after), np.array(up), np.array(devices_of), np.array(trains_of))


def _follows(path: Path, last: _Point, point: _Point) -> bool:
    """Tell the next pulse of a train from the first of another."""
    if point.train != last.train or (point.pulse in {0, 1} and point.pulse <= last.pulse):
        return False
    if point.pulse != last.pulse + 1:
        raise TwinError(
            f"{path}:{point.line}: pulse (= {point.pulse}): must be {last.pulse + 1}, one more than the row before; "
            "begin another train with pulse 0 or 1, another direction, device or cycle"
        )
    return True


def _points(path: Path) -> Iterator[_Point]:
    try:
        with io.StringIO(read_limited(path, MOST_BYTES).decode("utf-8-sig"), newline="") as stream:
            reader = csv.DictReader(stream, skipinitialspace=True)
            reader.fieldnames = [name.strip().lower() for name in reader.fieldnames or ()]
            missing = [name for name in NEEDED if name not in reader.fieldnames]
            if missing:
                raise TwinError(
                    f"{path}:1: column {missing[0]}: is missing; columns are {', '.join(NEEDED)}, "
                    f"and {' and '.join(OPTIONAL)} where there are several"
                )
            for row in reader:
                yield _point(f"{path}:{reader.line_num}", reader.line_num, row)
    except UnicodeDecodeError as error:
        raise TwinError(f"{path}: is not UTF-8 (byte 0x{error.object[error.start]:02x}); save it as CSV") from error
    except csv.Error as error:
        raise TwinError(f"{path}: is not a CSV file ({error})") from error


def _point(place: str, line: int, row: dict[str, str | None]) -> _Point:
    direction = (row["direction"] or "").strip().lower()
    if direction not in DIRECTIONS:
        raise TwinError(f"{place}: direction (= {direction!r}): must be up or down")
    pulse = _number(place, "pulse", row["pulse"])
    if pulse != int(pulse) or pulse < 0:
        raise TwinError(f"{place}: pulse (= {pulse:g}): must be a whole number, 0 or more")
    return _Point(
        line,
        int(pulse),
        _number(place, "conductance", row["conductance"]),
        DIRECTIONS[direction],
        (row.get("device") or "").strip(),
        (row.get("cycle") or "").strip(),
    )


def _number(place: str, column: str, text: str | None) -> float:
    try:
        value = float(text or "")
    except ValueError:
        shown = repr((text or "").strip())[:40]
        raise TwinError(f"{place}: {column} (= {shown}): must be a number") from None
    if not math.isfinite(value) or abs(value) > 1e30:
        raise TwinError(f"{place}: {column} (= {value:g}): must be finite; leave such rows out")
    if 0 < abs(value) < 1e-30:
        raise TwinError(f"{place}: {column} (= {value:g}): is too small to tell steps apart; use a smaller unit")
    return value
