"""The twin's own table: pulse, conductance, direction, and perhaps device and cycle."""

from collections.abc import Iterator
from typing import ClassVar, NamedTuple

from twin.devices.forms.by_file import FileForm
from twin.devices.forms.form import Reading, Wanted, check_unit, heading
from twin.devices.forms.grid import Grid
from twin.devices.trains import Train
from twin.errors import TwinError, counted

NEEDED = ("pulse", "conductance", "direction")
PERHAPS = ("device", "cycle")
DIRECTIONS = {"up": True, "down": False}


class _Point(NamedTuple):
    row: int
    pulse: int
    conductance: float
    up: bool
    device: str
    cycle: str


class Own(FileForm):
    """Rows of one train follow one another, their pulse numbers rise by one; rows with one number are repeated reads.

    A train's first row is the state before its second pulse.
    """

    NAME = "twin"
    SHAPE: ClassVar[str] = "columns pulse, conductance, direction (up or down), and perhaps device and cycle"
    CURRENTS: ClassVar[bool] = False

    @staticmethod
    def is_of(grid: Grid) -> bool:
        """By its three headings."""
        names = [heading(cell)[0] for cell in grid.rows[0]]
        return all(name in names for name in NEEDED)

    @staticmethod
    def read_one(grid: Grid, wanted: Wanted) -> Reading:  # noqa: ARG004 - the interface
        """Read the trains (see `Form.read`)."""
        headings = [heading(cell) for cell in grid.rows[0]]
        names = [name for name, _, _ in headings]
        missing = [name for name in NEEDED if name not in names]
        if missing:
            raise TwinError(
                f"{grid.place(0)}: column {missing[0]}: is missing; columns are {', '.join(NEEDED)}, and device and "
                "cycle where there are several"
            )
        column = names.index("conductance")
        text, (_, unit, factor) = grid.rows[0][column], headings[column]
        check_unit(grid.place(0), text, "S")
        trains = list(_trains(grid, names, factor))
        unused = [text for text, name in zip(grid.rows[0], names, strict=True) if name not in (*NEEDED, *PERHAPS)]
        return Reading(trains, counted(len(trains), "train"), unit, heading=text, unused=unused)


def _trains(grid: Grid, names: list[str], factor: float) -> Iterator[Train]:
    points: list[_Point] = []
    for row in range(1, len(grid.rows)):
        point = _point(grid, row, names)
        if points and not _follows(grid, points[-1], point):
            yield _train(points, factor)
            points = []
        points.append(point)
    if points:
        yield _train(points, factor)


def _train(points: list[_Point], factor: float) -> Train:
    values, states = [factor * point.conductance for point in points], [point.pulse for point in points]
    return Train(points[0].device, points[0].up, values, states)


def _follows(grid: Grid, last: _Point, point: _Point) -> bool:
    """Tell the next read of a train from the first of another."""
    if (point.up, point.device, point.cycle) != (last.up, last.device, last.cycle):
        return False
    if point.pulse in {0, 1} and point.pulse < last.pulse:
        return False
    if point.pulse not in {last.pulse, last.pulse + 1}:
        raise TwinError(
            f"{grid.place(point.row)}: pulse (= {point.pulse}): must be {last.pulse + 1}, one more than the row before "
            f"(or {last.pulse}, another read); begin another train with pulse 0 or 1, another direction, device or "
            "cycle"
        )
    return True


def _point(grid: Grid, row: int, names: list[str]) -> _Point:
    cells = dict(zip(names, grid.rows[row], strict=False))
    direction = cells.get("direction", "").lower()
    if direction not in DIRECTIONS:
        raise TwinError(f"{grid.place(row)}: direction (= {direction!r}): must be up or down")
    pulse = grid.number(row, names.index("pulse"), "pulse")
    if pulse != int(pulse) or pulse < 0:
        raise TwinError(f"{grid.place(row)}: pulse (= {pulse:g}): must be a whole number, 0 or more")
    conductance = grid.number(row, names.index("conductance"), "conductance")
    return _Point(row, int(pulse), conductance, DIRECTIONS[direction], cells.get("device", ""), cells.get("cycle", ""))
