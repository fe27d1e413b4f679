"""What buffer, memory, links, registers and ports have in common: bytes one after another at a bandwidth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from twin.chip.part import ChipPart, Service, picoseconds

if TYPE_CHECKING:
    from twin.config.chip import Link, Memory, Registers
    from twin.config.dram import Dram
    from twin.config.interconnect import Cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Channel(ChipPart):
    """A part that moves bytes, one transfer at a time; every final class says where its numbers come from.

    Attributes
    ----------
    bandwidth_Bps : float
        Bytes a second.
    latency_s : float
        Added to every transfer; the channel is free meanwhile.
    energy_per_bit_J : float
    """

    bandwidth_Bps: float
    latency_s: float
    energy_per_bit_J: float

    @classmethod
    def copied(cls, table: Link | Memory | Dram | Registers | Cluster) -> Self:
        """Build from a table of the chip's description."""
        return cls(
            bandwidth_Bps=table.bandwidth,
            latency_s=table.latency,
            energy_per_bit_J=table.energy,
            area_m2=table.area,
            leakage_W=table.leakage,
        )

    def service(self, amount: float) -> Service:
        """Move `amount` bytes, either way."""
        return transfer(amount, self.bandwidth_Bps, self.latency_s, self.energy_per_bit_J)


def transfer(n_bytes: float, bandwidth_Bps: float, latency_s: float, energy_per_bit_J: float) -> Service:
    """Time and energy of moving `n_bytes` over a channel."""
    return Service(picoseconds(n_bytes / bandwidth_Bps), picoseconds(latency_s), 8 * n_bytes * energy_per_bit_J)
