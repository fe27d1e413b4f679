"""The interface of memories and links: a kind is one class with its fields and what they cost.

The class is the table of a chip's description at the same time, so a field is written down once. `twin.chip.kinds`
lists the kinds.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol, Self

from twin.chip.service import AreaRow, Service
from twin.config.part import Part

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    import numpy as np
    from numpy.typing import NDArray

    from twin.operation import Operation, Stream


class Served(NamedTuple):
    """What a transfer took of a memory whose service depends on when and where.

    Attributes
    ----------
    busy_ps : int
        From its start until the next one may begin: after the last column access and its burst.
    latency_ps : int
        From there until the last beat of data.
    activations : int
        Rows opened.
    """

    busy_ps: int
    latency_ps: int
    activations: int


class Stateful(Protocol):
    """A server whose service depends on when and where, such as `twin.chip.dram.server.DramServer`.

    It knows every transfer by the number in `Demand.access`. Starts never go back in time.
    """

    def serve(self, number: int, start_ps: int) -> Served:
        """Perform a transfer."""

    def skip(self, number: int, times: int) -> None:
        """Note transfers that are not performed."""

    def jump(self, elapsed_ps: int) -> None:
        """Let the clock jump without time passing for the server."""

    def nominal(self, number: int) -> Served:
        """Return what `serve` would for a server without a past."""

    def state(self) -> dict[str, NDArray[np.int64]]:
        """Return everything that is carried on, as plain arrays."""

    def restore(self, arrays: dict[str, NDArray[np.int64]]) -> None:
        """Take what `state` returned."""


class Mover(Part):
    """A part that moves bytes, one transfer at a time.

    Attributes
    ----------
    sized : mapping of str to tuple of str
        The fields whose values were given for that of a size, by the size: they stay where the size is set alone.
    """

    about: ClassVar[frozenset[str]] = frozenset({"kind", "preset"})
    sized: ClassVar[Mapping[str, tuple[str, ...]]] = {}
    kind: str
    """The name of the kind; that of the class alone is legal."""

    @property
    @abstractmethod
    def area_m2(self) -> float:
        """Silicon of one instance on the chip."""

    @property
    @abstractmethod
    def leakage_W(self) -> float:
        """What one instance draws all the time, used or not."""

    @abstractmethod
    def service(self, n_bytes: float, *, writes: bool) -> Service:
        """Return the time and energy of moving `n_bytes`; of one that is `banked` the energy alone."""

    def silicon(self, name: str, count: int) -> list[AreaRow]:
        """Return area and leakage of `count` instances; further rows begin with `name`."""
        return [AreaRow(name, count, count * self.area_m2, count * self.leakage_W)]

    def built(self) -> Self:
        """Note that a run's chip has this part: all its fields count as read."""
        for name in type(self).model_fields:
            getattr(self, name)
        return self


class Link(Mover):
    """A kind of link between a tile and the rest of the chip."""


class Spent(NamedTuple):
    """What a run asked of a memory, of all chips.

    Attributes
    ----------
    joules : float
        Spent in it, leakage apart.
    activations : float
        Rows opened, as `Served` said.
    moved : iterable of (int, int)
        Bytes of a transfer, and how many there were.
    seconds : float
        Makespan x chips, of the share that is switched on.
    """

    joules: float
    activations: float
    moved: Iterable[tuple[int, int]]
    seconds: float


class Store(Mover):
    """A kind of memory.

    Attributes
    ----------
    places : frozenset of str
        The tables that may be of this kind.
    remedy : str
        What makes room in it; ``{place}`` is the table.
    banked : bool
        Whether its service depends on when and where, so that `at_work` says how long it takes.
    """

    places: ClassVar[frozenset[str]] = frozenset({"registers", "buffer", "memory"})
    remedy: ClassVar[str] = "enlarge {place}.size"
    banked: ClassVar[bool] = False

    @property
    @abstractmethod
    def size_B(self) -> float:
        """Capacity of one instance."""

    @property
    @abstractmethod
    def peak_Bps(self) -> float:
        """Bytes a second that it moves at most."""

    @property
    def ports(self) -> int:
        """How many channels it has."""
        return 1

    def at_work(self, lines: Callable[[Operation], int], in_flight: int, chips: int) -> AtWork | None:
        """Return the memories of all chips at work, None unless the kind is `banked`.

        Parameters
        ----------
        lines : callable
            How many lines like the one that an operation moves its matrix has.
        in_flight, chips : int
        """
        del lines, in_flight, chips
        return None

    def diagnostics(self, spent: Spent) -> list[tuple[str, float, str]]:
        """Return what else there is to say of a run: what, value, unit."""
        del spent
        return []


class AtWork(Protocol):
    """Memories at work whose service depends on when and where, one a chip."""

    @property
    def activation_J(self) -> float:
        """Energy of a row that is opened."""

    @property
    def server(self) -> Stateful:
        """What serves the transfers."""

    def access(self, operation: Operation, stream: Stream, n_bytes: int, chip: int) -> int:
        """Register what an operation moves to or from the memory of a chip; return its number."""
