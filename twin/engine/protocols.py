"""What the engine runs: a program of operations, the effects behind them, and what they cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:
    from collections.abc import Hashable, Iterable, Sequence

    from twin.algorithms.operation import Operation
    from twin.chip import Demand, Server
    from twin.chip.costs import AreaRow


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


class Costs(Protocol):
    """The demands of operations on the servers of a chip, such as `twin.chip.ChipCosts`."""

    servers: tuple[Server, ...]

    def demand(self, operation: Operation) -> Demand:
        """Return what an operation occupies, costs and moves."""

    def area(self) -> list[AreaRow]:
        """Return area and leakage by part."""

    def leakage_W(self) -> float:
        """Return the leakage power of the whole chip, W."""
