"""An instrument's log: lines about the measurement, then voltage, current (or resistance) and perhaps time a row.

The sign of a pulse's voltage is its direction. Rows at one small voltage, or at none, are reads between pulses, and
their current over that voltage is the state; without such rows each row is a pulse with the state after it. Where
states are read before their pulses, which the turning points tell, the step to the first row of a direction is by the
other's last pulse: it is left out. Devices and cycles are told by columns where they are there: no step is taken from
one to another.
"""

from collections.abc import Iterator, Sequence
from typing import ClassVar

import numpy as np
import numpy.typing as npt

from twin.devices.forms.by_file import FileForm
from twin.devices.forms.form import Array, Reading, Wanted
from twin.devices.forms.grid import Grid
from twin.devices.forms.roles import MEASURED, Roles, conductances, roles
from twin.devices.trains import Train
from twin.errors import TwinError, counted

READS = 0.25  # share of the rows at the smallest voltage from which on these are reads
CLOSE = 0.02  # by how much voltages of reads may differ, relative
TURNED = 0.25  # of the second step after turns, below which the first has not turned; assumption
SMALLER = 0.67  # than the largest pulse a read's voltage must be, relative


class Log(FileForm):
    """Keithley 4200 and 2450, Clarius and the like."""

    NAME = "log"
    SHAPE: ClassVar[str] = "lines about the measurement, then columns of voltage, current or resistance, and time"
    ROLES: ClassVar[Sequence[str]] = (*MEASURED, "voltage", "read_voltage", "width", "device", "cycle", "pulse", "time")

    @staticmethod
    def is_of(grid: Grid) -> bool:
        """A file with a column of voltage beside something measured."""
        found = roles(grid, Wanted())
        return found is not None and "voltage" in found.of and found.measured is not None

    @staticmethod
    def read_one(grid: Grid, wanted: Wanted) -> Reading:
        """Read pulses and reads (see `Form.read`)."""
        found, measured = _columns(grid, wanted)
        voltage, values = found.values(grid, "voltage"), found.values(grid, measured)
        read = _read_voltage(voltage, wanted)
        beside = _read_beside(grid, found, wanted) if not read else None
        states, unit, how = conductances(values, measured, Wanted(beside) if read or beside else wanted)
        unit = unit if found.units[found.of[measured]] else ""
        at = np.zeros(voltage.size, bool) if read is None else np.abs(np.abs(voltage) - read) <= CLOSE * read
        if read is not None:
            how = f"reads at {read:g} V" if read else f"{how}, reads between pulses"
        if read and measured == "current":
            states, unit = values / np.where(at, voltage, 1.0), "S"
        blank = (voltage == 0.0) & ~at  # neither pulse nor read
        told = _told(grid, found, wanted)
        parts = [(device, rows[~blank[rows]]) for device, rows in _parts(grid, found, told)]
        if read is None and _lags(voltage, states, [rows for _, rows in parts]):
            how += ", steps at turns left out as states are read before pulses"
            parts = [(device, own) for device, rows in parts for own in _directions(rows, voltage)]
        trains: list[Train] = []
        for device, own in parts:
            if read is None:
                made = [(float(voltage[k]), [float(states[k])], int(k)) for k in own]
            else:
                made = _states(grid, found, own, np.where(at, 0.0, voltage), states)
            trains += _trains(grid, found, device, made)
        electricity = _electricity(grid, found, voltage[~at], read or beside)
        said = ", ".join(f"{name.partition('_')[0]} {value:g} V" for name, value in electricity.items() if "_V" in name)
        of = f" of {counted(len({train.device for train in trains}), 'device')}" if "device" in told else ""
        used = ("voltage", measured, "width", *("read_voltage",) * bool(beside), *told)
        return Reading(
            trains, f"{counted(len(trains), 'train')}{of}, {how}, {said}", unit, electricity,
            found.headings[found.of[measured]], found.taken(used), found.unused(used), _uneven(voltage[~at]),
        )  # fmt: skip


def _columns(grid: Grid, wanted: Wanted) -> tuple[Roles, str]:
    """Roles of the columns, and which is measured."""
    found = roles(grid, wanted)
    if found is None or found.measured is None or "voltage" not in found.of:
        raise TwinError(
            f"{grid.path}: has no columns of voltage and current (or resistance, conductance); name them, e.g. "
            "--column voltage=HEADING --column current=HEADING"
        )
    found.check_order(grid)
    return found, found.measured


def _electricity(grid: Grid, found: Roles, pulses: Array, read: float | None) -> dict[str, float]:
    """Voltages of pulses and reads and the width of pulses, as far as the file has them."""
    ways = (("up", pulses > 0), ("down", pulses < 0))
    values = {f"{name}_voltage_V": float(np.median(pulses[way])) for name, way in ways if way.any()}
    if read:
        values["read_voltage_V"] = read
    if "width" in found.of:
        values["pulse_width_s"] = float(np.median(found.values(grid, "width")))
    return values


def _uneven(pulses: Array) -> list[str]:
    """Say where the pulses of a direction differ in voltage, though they are fitted as one kind."""
    found = []
    for name, volts in (("up", pulses[pulses > 0]), ("down", pulses[pulses < 0])):
        if volts.size and np.ptp(volts) > 2 * CLOSE * np.abs(volts).max():
            found.append(
                f"{name} pulses have {volts.min():g} to {volts.max():g} V and are fitted as one kind; a file of one "
                "voltage says what its pulse does"
            )
    return found


def _told(grid: Grid, found: Roles, wanted: Wanted) -> tuple[str, ...]:
    """Roles that tell devices and cycles apart; a column that differs in every row counts rows, unless it is named."""
    columns = {role: found.cells(grid, role) for role in ("device", "cycle") if role in found.of}
    return tuple(role for role, cells in columns.items() if role in wanted.columns or len(set(cells)) < len(cells))


def _parts(grid: Grid, found: Roles, told: Sequence[str]) -> Iterator[tuple[str, npt.NDArray[np.int64]]]:
    """Device and rows of each cycle."""
    size = len(grid.rows) - found.start
    device, cycle = (np.array(found.cells(grid, role) if role in told else [""] * size) for role in ("device", "cycle"))
    for name in dict.fromkeys(device.tolist()):
        rows = np.flatnonzero(device == name)
        for part in np.split(rows, np.flatnonzero(cycle[rows][1:] != cycle[rows][:-1]) + 1):
            yield name, part


def _read_voltage(voltage: Array, wanted: Wanted) -> float | None:
    """Voltage of the rows that are reads (0: between pulses), None where there are none."""
    size = np.abs(voltage)
    if not size.any():
        return None
    least = float(size[size > 0].min()) if wanted.read_voltage is None else abs(wanted.read_voltage)
    at = np.abs(size - least) <= CLOSE * least
    trains = wanted.read_voltage is None and (np.ptp(np.sign(voltage[at])) > 0 or _one_way_each(voltage, at))
    if np.mean(at) >= READS and least < SMALLER * float(size.max()) and not trains:
        return least
    return 0.0 if np.mean(size == 0.0) >= READS else None


def _read_beside(grid: Grid, found: Roles, wanted: Wanted) -> float | None:
    """Return the volts of a column of read voltages beside currents, None without one or where the user says them."""
    if "read_voltage" not in found.of or found.measured != "current" or wanted.read_voltage is not None:
        return None
    volts = np.abs(found.values(grid, "read_voltage"))
    if volts.min() <= 0 or np.ptp(volts) > CLOSE * volts.max():
        raise TwinError(
            f"{grid.path}: {found.headings[found.of['read_voltage']]} has {volts.min():g} to {volts.max():g} V; "
            "currents must be read at one voltage: write conductances, or say it (--read-voltage)"
        )
    return float(np.median(volts))


def _lags(voltage: Array, states: Array, parts: Sequence[npt.NDArray[np.int64]]) -> bool:
    """Whether steps turn a row after the pulses do: by the first two steps after a turn, along the new direction."""
    steps = np.zeros(2)
    for rows in parts:
        sign, step = np.sign(voltage[rows]), np.diff(states[rows])
        turn = 1 + np.flatnonzero((sign[1:-1] == -sign[:-2]) & (sign[2:] == sign[1:-1]))
        steps += [float(np.sum(sign[turn] * step[turn + k])) for k in (-1, 0)]
    return bool(steps[1] > 0 and steps[0] < TURNED * steps[1])


def _directions(rows: npt.NDArray[np.int64], voltage: Array) -> list[npt.NDArray[np.int64]]:
    """Cut rows where the voltage changes its sign."""
    sign = np.sign(voltage[rows])
    return np.split(rows, 1 + np.flatnonzero(sign[1:] != sign[:-1]))


def _one_way_each(voltage: Array, at: npt.NDArray[np.bool_]) -> bool:
    """Whether rows `at` the smallest voltage are pulses of one direction: all others have the other sign, in trains."""
    some = voltage[voltage != 0]
    signs, rest = np.sign(voltage[at]), np.sign(voltage[~at & (voltage != 0)])
    one_each = rest.size > 0 and bool((signs == signs[0]).all() and (rest == -signs[0]).all())
    return one_each and float(np.mean(np.diff(np.sign(some)) != 0)) < READS


_States = list[tuple[float, list[float], int]]


def _states(grid: Grid, found: Roles, rows: npt.NDArray[np.int64], pulse: Array, states: Array) -> _States:
    """(Voltage of the pulse before, its reads, row) of each state; the first has no pulse, 0."""
    made: _States = []
    since: list[float] = []
    sizes = set()
    for k in map(int, rows):
        volts, state = pulse[k], states[k]
        if volts:
            since.append(float(volts))
        elif made and not since:
            made[-1][1].append(float(state))
        else:
            if made:
                sizes.add(len(since))
            if any(one * since[0] < 0 for one in since):
                raise TwinError(
                    f"{grid.place(found.start + k)}: pulses of both signs without a read between; leave out"
                )
            made.append((since[0] if since else 0.0, [float(state)], k))
            since = []
    if len(sizes) > 1:
        raise TwinError(
            f"{grid.path}: has {min(sizes)} to {max(sizes)} pulses between two reads; read after a fixed number"
        )
    return made


def _trains(grid: Grid, found: Roles, device: str, states: _States) -> list[Train]:
    """Cut states where the pulses' sign changes; each train begins with the state before its first pulse."""
    trains: list[Train] = []
    part: _States = []
    for volts, reads, row in states:
        if not np.isfinite(reads).all():
            raise TwinError(f"{grid.place(found.start + row)}: conductance (= {reads[0]:g}): must be finite; is V 0?")
        if len(part) > 1 and volts * part[-1][0] < 0:
            trains.append(_train(device, part))
            part = part[-1:]
        part.append((volts, reads, row))
    if part:
        trains.append(_train(device, part))
    return trains


def _train(device: str, part: _States) -> Train:
    values = [read for _, reads, _ in part for read in reads]
    numbers = [number for number, (_, reads, _) in enumerate(part) for _ in reads]
    return Train(device, bool(part[-1][0] > 0), values, numbers)
