"""Forms of which each file is a measurement by itself, and what several such files are together.

Every file is read. Files of both directions are devices of their own; files of one direction each belong to the same
devices. What is neither is refused.
"""

from abc import abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace

import numpy as np

from twin.devices.forms.form import Form, Reading, Wanted, distinct
from twin.devices.forms.grid import Grid
from twin.devices.forms.leaps import doubt
from twin.errors import TwinError, counted

WAYS = {True: "up", False: "down"}


class FileForm(Form):
    """A form whose files can be read one by one."""

    @staticmethod
    @abstractmethod
    def is_of(grid: Grid) -> bool:
        """Whether a file has this form (see `Form.recognises`)."""

    @staticmethod
    @abstractmethod
    def read_one(grid: Grid, wanted: Wanted) -> Reading:
        """Read a file (see `Form.read`)."""

    @classmethod
    def recognises(cls, grids: Sequence[Grid]) -> bool:
        """Whether every file has this form."""
        return all(map(cls.is_of, grids))

    @classmethod
    def read(cls, grids: Sequence[Grid], wanted: Wanted) -> Reading:
        """Read every file and join them (see `Form.read`)."""
        distinct(grids)
        readings = []
        for grid in grids:
            reading = cls.read_one(grid, wanted)
            doubts = [f"{grid.path}: {text}" for text in (*reading.warnings, doubt(reading.trains)) if text]
            readings.append(replace(reading, warnings=doubts))
        return readings[0] if len(grids) == 1 else _joined(grids, readings)


def _joined(grids: Sequence[Grid], readings: Sequence[Reading]) -> Reading:
    first = readings[0]
    for grid, reading in zip(grids, readings, strict=True):
        if reading.unit != first.unit:
            raise TwinError(
                f"{grid.path}: is in {reading.unit or 'no unit'}, {grids[0].path} in {first.unit or 'no unit'}; write "
                "one unit into the headings of all (--read-voltage makes conductances of currents)"
            )
    apart = _both_directions(grids, readings)
    trains = [
        replace(train, device=f"{number} {train.device}") if apart else train
        for number, reading in enumerate(readings, 1)
        for train in reading.trains
    ]
    devices = len({train.device for train in trains})
    each = "devices of their own" if apart else "a direction each"
    said = (
        f"{len(grids)} files, {each}: {counted(devices, 'device')}, {counted(len(trains), 'train')}; "
        f"the first: {first.said}"
    )
    electricity, differing = _common(readings)
    return replace(
        first,
        trains=trains,
        said=said,
        electricity=electricity,
        unused=_once(text for reading in readings for text in reading.unused),
        warnings=[*_once(text for reading in readings for text in reading.warnings), *differing],
    )


def _both_directions(grids: Sequence[Grid], readings: Sequence[Reading]) -> bool:
    """Tell files that have both directions (True) from files of one each; refuse what is neither."""
    ways = [{train.up for train in reading.trains if len(train.values) > 1} for reading in readings]
    if all(len(one) == 2 for one in ways):
        return True
    if all(len(one) == 1 for one in ways) and set.union(*ways) == {True, False}:
        return False
    bare = next(k for k, one in enumerate(ways) if len(one) < 2)
    has = f"only {WAYS[next(iter(ways[bare]))]} steps" if ways[bare] else "no steps"
    raise TwinError(
        f"{grids[bare].path}: has {has}; of several files each must have both directions, or each one and all together "
        "both; leave it out, or name its other half"
    )


def _common(readings: Sequence[Reading]) -> tuple[Mapping[str, float], list[str]]:
    """Volts and widths by the median of the files, and a line for each that differs between them."""
    found: dict[str, list[float]] = {}
    for reading in readings:
        for name, value in reading.electricity.items():
            found.setdefault(name, []).append(value)
    differing = []
    for name, values in found.items():
        low, high = min(values), max(values)
        if high - low > 1e-6 * max(abs(low), abs(high)):
            quantity, _, unit = name.rpartition("_")
            differing.append(f"{quantity.replace('_', ' ')} differs between files, {low:g} to {high:g} {unit}")
    return {name: float(np.median(values)) for name, values in found.items()}, differing


def _once(texts: Iterable[str]) -> list[str]:
    return list(dict.fromkeys(texts))
