"""On-chip buffer and off-chip memory: one channel each, with bandwidth, latency and energy per bit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, final

from twin.chip.part import ChipPart, Service, picoseconds

if TYPE_CHECKING:
    from twin.config.chip import Chip


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Buffer(ChipPart):
    """The SRAM buffer.

    Attributes
    ----------
    bandwidth_Bps : float
        Bytes a second.
    latency_s : float
        Added to every access; the channel is free meanwhile.
    energy_per_bit_J : float
    """

    bandwidth_Bps: float
    latency_s: float
    energy_per_bit_J: float

    @classmethod
    def of(cls, chip: Chip) -> Self:
        """Build from ``chip.buffer``."""
        part = chip.buffer
        return cls(
            bandwidth_Bps=part.bandwidth,
            latency_s=part.latency,
            energy_per_bit_J=part.energy,
            area_m2=part.area,
            leakage_W=part.leakage,
        )

    def service(self, amount: float) -> Service:
        """Read or write `amount` bytes."""
        return transfer(amount, self.bandwidth_Bps, self.latency_s, self.energy_per_bit_J)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Memory(ChipPart):
    """One off-chip memory channel; attributes as in `Buffer`."""

    bandwidth_Bps: float
    latency_s: float
    energy_per_bit_J: float

    @classmethod
    def of(cls, chip: Chip) -> Self:
        """Build from ``chip.memory``."""
        part = chip.memory
        return cls(
            bandwidth_Bps=part.bandwidth,
            latency_s=part.latency,
            energy_per_bit_J=part.energy,
            area_m2=part.area,
            leakage_W=part.leakage,
        )

    def service(self, amount: float) -> Service:
        """Read or write `amount` bytes."""
        return transfer(amount, self.bandwidth_Bps, self.latency_s, self.energy_per_bit_J)


def transfer(n_bytes: float, bandwidth_Bps: float, latency_s: float, energy_per_bit_J: float) -> Service:
    """Time and energy of moving `n_bytes` over a channel."""
    return Service(picoseconds(n_bytes / bandwidth_Bps), picoseconds(latency_s), 8 * n_bytes * energy_per_bit_J)
