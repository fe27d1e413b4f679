"""What the engine runs: a program of operations, the effects behind them, and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Iterator, Sequence

    import numpy as np
    from numpy.typing import NDArray

    from twin.chip import Demand, Server
    from twin.chip.costs import AreaRow
    from twin.operation import Operation


class Program(Protocol):
    """The operations of every sample, in program order."""

    def key(self, sample: int) -> Hashable:
        """Return what `operations` depends on."""

    def operations(self, sample: int) -> Iterable[Operation]:
        """Return the operations of a sample; equal keys give equal operations."""

    def setup(self) -> Iterable[Operation]:
        """Return what is done once before the first sample, such as calibration."""


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


class Stateful(Protocol):
    """A server whose service depends on when and where, such as `twin.chip.dram.server.DramServer`.

    It knows every transfer by the number in `Demand.access`. Starts never go back in time.
    """

    def serve(self, access: int, start_ps: int) -> tuple[int, int, int]:
        """Perform a transfer: return how long it keeps the server, what follows until its end (ps), and rows opened."""

    def skip(self, access: int, times: int) -> None:
        """Note transfers that are not performed."""

    def jump(self, elapsed_ps: int) -> None:
        """Let the clock jump without time passing for the server."""

    def nominal(self, access: int) -> tuple[int, int, int]:
        """Return what `serve` would for a server without a past."""

    def state(self) -> dict[str, NDArray[np.int64]]:
        """Return everything that is carried on, as plain arrays."""

    def restore(self, arrays: dict[str, NDArray[np.int64]]) -> None:
        """Take what `state` returned."""


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

    def leakage_W(self) -> float:
        """Return the leakage power of the whole chip, W."""


class BlockCosts(Costs, Protocol):
    """The demands of operations on servers of which every block of a network has its own."""

    def block_of(self, server: int) -> int:
        """Return the block that a server belongs to."""
