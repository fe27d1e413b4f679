"""What a form of file is to the rest of the program, and what forms share: headings with units, turning points."""

import re
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twin.devices.forms.grid import Grid
from twin.devices.trains import Train
from twin.errors import TwinError

Array = npt.NDArray[np.float64]

HEADING = re.compile(r"(.*?)\s*[\(\[\{]\s*([^\)\]\}]*?)\s*[\)\]\}]\s*")
TAIL = re.compile(r"(.*\w)\s*(?:[/,]\s*|[_\s]+)([^\W\d_]{2,4})")
SLASH = re.compile(r"(.*\w)\s*/\s*([^\W\d_]{1,4})")
LONGEST = 200  # characters of a heading
PREFIXES = {
    "f": 1e-15,
    "p": 1e-12,
    "n": 1e-9,
    "u": 1e-6,
    "\u00b5": 1e-6,
    "\u03bc": 1e-6,
    "m": 1e-3,
    "k": 1e3,
    "M": 1e6,
    "G": 1e9,
}
BASES = {
    "S": "S",
    "A": "A",
    "V": "V",
    "s": "s",
    "Ohm": "Ohm",
    "ohm": "Ohm",
    "\u03a9": "Ohm",
    "\u2126": "Ohm",
    "Hz": "Hz",
}
ARBITRARY = {"a.u.", "a.u", "au", "arb. u.", "arb. units", "norm.", "normalized", "normalised", "1", "-"}
ADDRESS = re.compile(r"[rRcC]?\d+(\s*[,;:x]\s*[rRcC]?\d+)*")
"""Place of a cell in an array, ``cell (3,4)``, which is no unit."""
TURN = 0.3  # share of the range by which conductance must come back for a turning point


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a user says about a file.

    Attributes
    ----------
    read_voltage : float or None
        Volts by which currents are divided.
    columns : mapping of str to str
        Heading (or number, from 1) of the column that has a role.
    """

    read_voltage: float | None = None
    columns: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Reading:
    """What a form found.

    Attributes
    ----------
    trains : sequence of Train
    said : str
        What was read, for "read as: FORM, ...".
    unit : str
        Of the values: "S", "A", or "" where the file does not say.
    electricity : mapping of str to float
        What the file says of pulses and reads, by name with unit.
    heading : str
        Of the column with the states, "" where there is none.
    taken : str
        Which columns were taken as what, "" where the form has no choice.
    unused : sequence of str
        Headings of columns that were not used.
    warnings : sequence of str
        What may be read wrongly, a line each.
    """

    trains: Sequence[Train]
    said: str
    unit: str = ""
    electricity: Mapping[str, float] = field(default_factory=lambda: MappingProxyType({}))
    heading: str = ""
    taken: str = ""
    unused: Sequence[str] = ()
    warnings: Sequence[str] = ()


class Form(ABC):
    """A form of file. To add one: a file here and a line in `twin.devices.forms.registry`."""

    NAME: ClassVar[str]
    SHAPE: ClassVar[str]
    """The shape in a few words, for messages and docs."""
    ROLES: ClassVar[Sequence[str]] = ()
    """Roles of columns that a user can give; pulse and time only say that a column is nothing else."""
    CURRENTS: ClassVar[bool] = True
    """Whether its files may hold currents, which a read voltage divides."""

    @staticmethod
    @abstractmethod
    def recognises(grids: Sequence[Grid]) -> bool:
        """Whether the files have this form; told by headings and shape, not by values."""

    @staticmethod
    @abstractmethod
    def read(grids: Sequence[Grid], wanted: Wanted) -> Reading:
        """Read the files.

        Raises
        ------
        TwinError
            With file, line and column of what is wrong, the rule, and the likely fix.
        """


def heading(text: str) -> tuple[str, str, float]:
    """Split a heading into its name in lower case, the base unit, and the factor to it: ``"G (uS)" -> g, S, 1e-6``.

    A known unit may also stand without brackets: ``G_uS``, ``G uS``, ``G / S``. The unit is "" (factor 1) where there
    is none or it is unknown.
    """
    name, unit = _split(text)
    name = re.sub(r"[\s_#.:-]+", " ", name).strip().lower()
    return name, *(_base(unit) or ("", 1.0))


def _split(text: str) -> tuple[str, str]:
    """Name and unit as they are written; a unit in brackets may be unknown."""
    match = HEADING.fullmatch(text) if len(text) <= LONGEST else None
    if match is None and len(text) <= LONGEST:
        bare = TAIL.fullmatch(text) or SLASH.fullmatch(text)
        match = bare if bare and _base(bare[2]) else None
    return (match[1], match[2]) if match else (text, "")


def _base(unit: str) -> tuple[str, float] | None:
    """Base unit and the factor to it; None if it is unknown."""
    if unit in BASES:
        return BASES[unit], 1.0
    if unit[:1] in PREFIXES and unit[1:] in BASES:
        return BASES[unit[1:]], PREFIXES[unit[0]]
    return None


def check_unit(place: str, text: str, wanted: str) -> None:
    """Refuse a heading whose unit is unknown or that of another quantity than `wanted`, a base unit.

    Raises
    ------
    TwinError
        With the heading, its unit, and what is known.
    """
    unit, known = _split(text)[1], heading(text)[1]
    if unit and not ADDRESS.fullmatch(unit) and unit.lower() not in ARBITRARY and known != wanted:
        prefixes = ", ".join(filter(str.isascii, PREFIXES))
        raise TwinError(
            f"{place}: {text}: unit (= {unit}): must be {wanted}, with a prefix {prefixes} or none, or a.u.; "
            "correct the heading, or leave the unit out"
        )


def volts(wanted: Wanted, usual: float) -> float:
    """Return the read voltage: the one that is said, or the form's usual one."""
    return usual if wanted.read_voltage is None else wanted.read_voltage


def check_currents(what: str, wanted: Wanted) -> None:
    """Refuse a read voltage for what holds no currents.

    Raises
    ------
    TwinError
        With the voltage.
    """
    if wanted.read_voltage is not None:
        raise TwinError(
            f"--read-voltage (= {wanted.read_voltage:g}): divides currents, and {what} is read, which holds none; "
            "leave it out, or name the column of currents (--column current=HEADING)"
        )


def rises(values: Array) -> bool:
    """Whether a train goes up, by its mean before and after its middle."""
    half = max(values.size // 2, 1)
    return float(values[-half:].mean()) >= float(values[:half].mean())


def one_train(device: str, up: bool, values: Array) -> Train:
    """Make a train of states that are read once each."""
    return Train(device, up, values, np.arange(values.size))


def turning(values: Array) -> list[int]:
    """Return where a series that goes up and down turns: first states of its monotone parts, 0 included.

    Of parts that divide the series equally the equal lengths are taken: at saturation a turning point is not sharp.
    """
    reach = TURN * float(np.quantile(values, 0.98) - np.quantile(values, 0.02))
    pivots, extreme, up = [0], 0, None
    for k, value in enumerate(values):
        away = value - values[extreme]
        if up is None:
            if abs(away) > reach:
                up, extreme = bool(away > 0), k
        elif away * (1 if up else -1) > 0:
            extreme = k
        elif abs(away) > reach:
            pivots.append(extreme)
            up, extreme = not up, k
    parts = len(pivots)
    if parts > 1 and values.size % parts == 0:
        length = values.size // parts
        if all(abs(pivot - k * length) <= length / 2 for k, pivot in enumerate(pivots)):
            return [k * length for k in range(parts)]
    return pivots


def halves(device: str, values: Array) -> list[Train]:
    """Cut a series of potentiation and depression into trains; each begins with the last state of the one before."""
    starts = turning(values)
    trains = []
    for start, stop in zip(starts, [*starts[1:], values.size], strict=True):
        part = values[max(start - 1, 0) : stop]
        if part.size > 1:
            trains.append(one_train(device, rises(values[start:stop]), part))
    return trains


def distinct(grids: Sequence[Grid]) -> None:
    """Refuse a file that is named twice, or a copy of another.

    Raises
    ------
    TwinError
        Naming the second.
    """
    for number, grid in enumerate(grids):
        same = next((one for one in grids[:number] if one.rows == grid.rows), None)
        if same is not None:
            raise TwinError(f"{grid.path}: holds the same as {same.path}; name each measurement once")


def opposite(ways: Sequence[bool], grids: Sequence[Grid]) -> None:
    """Refuse two files that go the same way.

    Raises
    ------
    TwinError
        Naming the second.
    """
    if len(set(ways)) < 2:
        way = "rises" if ways[0] else "falls"
        raise TwinError(f"{grids[-1].path}: {way} as {grids[0].path} does; name one file of up pulses and one of down")
