"""The demand of an operation: what it occupies, the joules and the bytes, linear in its counts."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin.operation import N_COUNTS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.operation import Stream


class Component(IntEnum):
    """Where energy goes; rows of an energy matrix."""

    DRIVERS = 0
    CONVERTERS = 1
    CONDUCTION = 2
    PERIPHERY = 3
    PULSES = 4
    DIGITAL = 5
    BUFFER = 6
    MEMORY = 7
    LINK = 8
    HOST = 9
    LEAKAGE = 10
    REGISTERS = 11
    NETWORK = 12
    CLUSTER = 13
    CHIP_LINK = 14
    IDLE = 15
    CLOCK = 16
    CONTROLLER = 17
    WAKE = 18


SPENT_BY: dict[Component, tuple[str, ...]] = {
    Component.DRIVERS: ("tile",),
    Component.CONVERTERS: ("tile",),
    Component.CONDUCTION: ("tile",),
    Component.PERIPHERY: ("tile",),
    Component.PULSES: ("tile",),
    Component.DIGITAL: ("digital", "vector"),
    Component.BUFFER: ("buffer",),
    Component.MEMORY: ("memory",),
    Component.LINK: ("link",),
    Component.HOST: ("host",),
    Component.REGISTERS: ("registers",),
    Component.NETWORK: ("network",),
    Component.CLUSTER: ("cluster",),
    Component.CHIP_LINK: ("port",),
}
"""The kinds of server in which each component's energy is spent; what is not here flows without an operation, or wakes
a server.
"""


class Path(IntEnum):
    """What bytes travel over."""

    LINK = 0
    BUFFER = 1
    MEMORY = 2
    HOST = 3
    REGISTERS = 4
    NETWORK = 5  # between routers: bytes x hops
    CLUSTER = 6  # between chips: bytes x hops
    CHIP_LINK = 7


class Occupancy(NamedTuple):
    """One server kept busy for ``fixed_ps + per_count_ps * count``."""

    server: int
    fixed_ps: int
    per_count_ps: int


@dataclass(frozen=True, slots=True)
class Demand:
    """What one operation asks of the chip.

    Attributes
    ----------
    occupancy : tuple of Occupancy
        The servers, held together from one start.
    column : int
        The `Counts` column that scales the times; -1 for none. With a column and a count of zero
        the operation takes no time at all.
    latency_ps : int
        Added to the completion without occupying anything.
    energy_J : ndarray, (len(Component), 1 + N_COUNTS)
        Fixed energy, then energy per unit of each column of the counts.
    traffic : tuple of (Path, Stream, int)
        Bytes by path.
    payload : tuple of (Stream, int) or None
        What is moved and its bytes, counted once whatever the number of paths.
    access : int
        Where a server's time depends on when and where: the number by which `Costs.stateful` knows the transfer, -1
        for none. The last occupancy is then of that server, and its time is not known before it is served.
    activation_J : float
        Energy of each row that an access opens.
    carried : tuple of (int, int)
        Bytes by server: those of every link of a network that the operation takes.
    """

    occupancy: tuple[Occupancy, ...]
    column: int
    latency_ps: int
    energy_J: NDArray[np.float64]
    traffic: tuple[tuple[Path, Stream, int], ...] = ()
    payload: tuple[Stream, int] | None = None
    access: int = -1
    activation_J: float = 0.0
    carried: tuple[tuple[int, int], ...] = ()


def no_energy() -> NDArray[np.float64]:
    """Return an empty energy matrix, (len(Component), 1 + N_COUNTS)."""
    return np.zeros((len(Component), 1 + N_COUNTS))
