"""What a DRAM is: its timing rules in picoseconds, its sizes, its energies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self, final

import numpy as np

from twin.chip.part import ChipPart, Service, picoseconds
from twin.config.dram import FIELDS
from twin.units import PS

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from twin.config.chip import Chip
    from twin.config.dram import Dram as Description

CLOCKS = (
    "nBL", "nCL", "nCWL", "nRCD", "nRCDWR", "nRP", "nRPab", "nRAS", "nRC", "nCCDS", "nCCDL", "nRRDS", "nRRDL",
    "nFAW", "nWR", "nWTRS", "nWTRL", "nRTP", "nRTW", "nCS", "nRFC", "nREFI",
)  # fmt: skip
"""Times in clocks, in the order of the kernel's parameters after tCK."""


class Access(NamedTuple):
    """A transfer that operations repeat: which lines of which region it walks through.

    Attributes
    ----------
    cursor : int
        Which counter says how many lines were passed.
    base, pitch : int
        The first burst of the region and the bursts from line to line.
    lines : int
        After the last line comes the first again.
    n_bytes : int
        Of one line.
    writes : bool
    """

    cursor: int
    base: int
    pitch: int
    lines: int
    n_bytes: int
    writes: bool


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Dram(ChipPart):
    """All channels of a DRAM and their controller; `leakage_W` is what flows without any request.

    Attributes
    ----------
    rules : ndarray of int64
        Timing rules, ps, and sizes, as `twin.chip.dram.kernel` numbers them.
    order, sizes : ndarray of int64, (6,)
        Fields of a burst's address, the least significant first, and how many there are of each.
    channels, ranks, burst_bytes : int
    activate_J, refresh_J : float
        One row opened and closed; one refresh of a rank.
    read_J, write_J : float
        One burst, wires included.
    background_W, refresh_W : float
        Of all ranks.
    """

    rules: NDArray[np.int64]
    order: NDArray[np.int64]
    sizes: NDArray[np.int64]
    channels: int
    ranks: int
    burst_bytes: int
    activate_J: float
    read_J: float
    write_J: float
    background_W: float
    refresh_W: float

    @classmethod
    def of(cls, chip: Chip) -> Self:
        """Build from ``chip.memory``, of kind "dram"."""
        return cls.from_description(chip.memory)  # type: ignore[arg-type]

    @classmethod
    def from_description(cls, part: Description) -> Self:
        """Build from the description alone."""
        times = [picoseconds(part.tCK)] + [picoseconds(getattr(part, name) * part.tCK) for name in CLOCKS]
        closed = int(part.page_policy == "closed")
        counts = [part.ranks, part.bank_groups, part.banks, part.queue_depth, closed, part.command_buses]
        sizes = [part.channels, part.ranks, part.bank_groups, part.banks, part.rows, part.columns]
        ranks, bits = part.channels * part.ranks, 8 * part.burst_bytes
        refresh_W = ranks * part.refresh_energy / (part.nREFI * part.tCK)
        return cls(
            rules=np.array(times + counts, np.int64),
            order=np.array([FIELDS.index(field) for field in reversed(part.fields)], np.int64),
            sizes=np.array(sizes, np.int64),
            channels=part.channels,
            ranks=part.ranks,
            burst_bytes=part.burst_bytes,
            activate_J=part.activate_energy,
            read_J=bits * (part.read_energy + part.read_io_energy),
            write_J=bits * (part.write_energy + part.write_io_energy),
            background_W=ranks * part.background,
            refresh_W=refresh_W,
            area_m2=part.area,
            leakage_W=ranks * part.background + refresh_W,
        )

    @property
    def peak_Bps(self) -> float:
        """Bytes a second when every channel's data bus is always busy."""
        burst_ps = int(self.rules[1 + CLOCKS.index("nBL")])
        return self.channels * self.burst_bytes / (burst_ps * PS)

    def bursts(self, n_bytes: float) -> int:
        """Return how many bursts carry `n_bytes` that begin with a burst."""
        return -(-int(n_bytes) // self.burst_bytes)

    def energy_J(self, n_bytes: float, *, writes: bool) -> float:
        """Return the energy of the column accesses and wires of `n_bytes`, J; activations are counted apart."""
        return self.bursts(n_bytes) * (self.write_J if writes else self.read_J)

    def service(self, amount: float) -> Service:
        """Read `amount` bytes from address 0 while all banks are closed and no refresh is due, activations included."""
        from twin.chip.dram.server import DramServer  # noqa: PLC0415 - compiles or loads the kernel

        server = DramServer(self)
        served = server.transfer(0, int(amount), writes=False, start_ps=0)
        energy_J = self.energy_J(amount, writes=False) + served.activations * self.activate_J
        return Service(served.busy_ps, served.latency_ps, energy_J)
