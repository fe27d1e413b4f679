"""Measured pulse trains: a CSV of pulse number, conductance and direction becomes a list of single steps."""

import csv
import io
import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from twin.devices.noise import Repeats
from twin.errors import TwinError
from twin.files import read_limited

Array = npt.NDArray[np.float64]
NEEDED = ("pulse", "conductance", "direction")
MOST_BYTES = 2**27
OPTIONAL = ("device", "cycle")
ONCE = Repeats()
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
    repeats : Repeats
        What repeated reads of one state say of the noise of a read.
    """

    before: Array
    after: Array
    up: npt.NDArray[np.bool_]
    device: npt.NDArray[np.int64]
    train: npt.NDArray[np.int64]
    repeats: Repeats = ONCE

    @property
    def first(self) -> npt.NDArray[np.bool_]:
        """Where a train begins."""
        return np.asarray(np.diff(self.train, prepend=-1) != 0)

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


@dataclass(frozen=True, slots=True, eq=False)
class Train:
    """Reads of one direction of one cycle of one device.

    Attributes
    ----------
    device : str
        Any name.
    up : bool
    values : sequence of float
        Reads in their order.
    states : sequence of int
        Number of the state that each read is of, not falling; reads of one state are averaged.
    """

    device: str
    up: bool
    values: Sequence[float]
    states: Sequence[int]


def assemble(place: str, trains: Iterable[Train]) -> Trains:
    """Make steps of trains; a train of n states has n - 1.

    Raises
    ------
    TwinError
        Beginning with `place`, if there are fewer than `FEWEST` steps of either direction.
    """
    devices: dict[str, int] = {}
    columns: list[tuple[Array, Array, bool, int]] = []
    states = reads = 0
    square = 0.0
    for train in trains:
        values = np.asarray(train.values, np.float64)
        state = np.unique(np.asarray(train.states), return_inverse=True)[1]
        counts = np.bincount(state)
        means = np.bincount(state, values) / counts
        if means.size > 1:
            square += float(np.sum((values - means[state]) ** 2))
            states, reads = states + means.size, reads + values.size
            columns.append((means[:-1], means[1:], train.up, devices.setdefault(train.device, len(devices))))
    for direction, wanted in (("up", True), ("down", False)):
        found = sum(before.size for before, _, up, _ in columns if up is wanted)
        if found < FEWEST:
            raise TwinError(f"{place}: has {found} {direction} steps; at least {FEWEST} of either direction are needed")
    sizes = [before.size for before, *_ in columns]
    before, after = (np.concatenate([column[k] for column in columns]) for k in (0, 1))
    up, device = (np.repeat([column[k] for column in columns], sizes) for k in (2, 3))
    freedom = reads - states
    repeats = Repeats(reads / states, float(np.sqrt(square / freedom)), freedom) if freedom else Repeats()
    return Trains(before, after, up, device.astype(np.int64), np.repeat(np.arange(len(sizes)), sizes), repeats)


def read_trains(path: Path) -> Trains:
    """Read a CSV with the columns pulse, conductance and direction (up or down), and perhaps device and cycle.

    Rows of one train follow one another, their pulse numbers rise by one; rows with one number are repeated reads. A
    train's first row is the state before its second pulse.

    Raises
    ------
    TwinError
        If the file cannot be read, lacks a column, holds what is no finite number, no direction or a gap in the
        pulse numbers, or has fewer than `FEWEST` steps of either direction.
    """
    return assemble(str(path), _trains(path))


def _trains(path: Path) -> Iterator[Train]:
    points: list[_Point] = []
    for point in _points(path):
        if points and not _follows(path, points[-1], point):
            yield _train(points)
            points = []
        points.append(point)
    if points:
        yield _train(points)


def _train(points: list["_Point"]) -> Train:
    first = points[0]
    values, states = [point.conductance for point in points], [point.pulse for point in points]
    return Train(first.device, first.direction > 0, values, states)


def _follows(path: Path, last: "_Point", point: "_Point") -> bool:
    """Tell the next read of a train from the first of another."""
    if point.train != last.train or (point.pulse in {0, 1} and point.pulse < last.pulse):
        return False
    if point.pulse not in {last.pulse, last.pulse + 1}:
        raise TwinError(
            f"{path}:{point.line}: pulse (= {point.pulse}): must be {last.pulse + 1}, one more than the row before "
            f"(or {last.pulse}, another read); begin another train with pulse 0 or 1, another direction, device or "
            "cycle"
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
