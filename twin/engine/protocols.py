"""What the engine runs: a program of operations, the effects behind them, and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from twin.chip import Demand, Server
    from twin.chip.mover import Stateful
    from twin.chip.power import Standing
    from twin.chip.service import AreaRow
    from twin.operation import Operation


class Program(Protocol):
    """The operations of every sample, in program order."""

    def key(self, sample: int) -> Hashable:
        """Return what `operations` depends on."""

    def operations(self, sample: int) -> Iterable[Operation]:
        """Return the operations of a sample; equal keys give equal operations."""

    def setup(self, *, again: bool = False) -> Iterable[Operation]:
        """Return what is done before the first sample, such as calibration; `again`: what of it may be repeated."""


class Effects(Protocol):
    """The numerics of a program, performed or looked up."""

    def setup_counts(self) -> Sequence[Sequence[float]]:
        """Return one row of counts per operation of `Program.setup`."""

    def counts(self, sample: int, position: int) -> Sequence[float]:
        """Perform the effect of operation `position` of `sample` and return its counts, (N_COUNTS,)."""


class Ahead(Effects, Protocol):
    """Effects that are performed ahead of the engine, so that it need not ask for every sample."""

    def segment(self, first: int, last: int) -> None:
        """Say that the engine runs samples first..last-1 next."""

    def skip(self, first: int, last: int) -> Iterator[tuple[int, list[tuple[int, NDArray[np.float64]]]]]:
        """Perform samples first..last-1, a block at a time.

        Yields
        ------
        end : int
            Samples before `end` are performed.
        groups : list of (int, ndarray of float64, (n_samples, n_effects, N_COUNTS))
            Samples of the block that have equal programs: one of them, and all their counts.
        """


class Costs(Protocol):
    """The demands of operations on the servers of a chip, such as `twin.chip.ChipCosts`."""

    servers: tuple[Server, ...]

    @property
    def stateful(self) -> Stateful | None:
        """The server whose service depends on when and where, if the chip has one."""

    def demand(self, operation: Operation) -> Demand:
        """Return what an operation occupies, costs and moves."""

    def chip_of_servers(self) -> list[int]:
        """Return the chip that each server is on; -1 for one that no chip has to itself."""

    def area(self) -> list[AreaRow]:
        """Return area and leakage by part."""

    @property
    def standing(self) -> Standing:
        """What flows without an operation, and which servers are switched off when idle."""


class BlockCosts(Costs, Protocol):
    """The demands of operations on servers of which every block of a network has its own."""

    def block_of(self, server: int) -> int:
        """Return the block that a server belongs to."""
