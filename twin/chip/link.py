"""The link of a tile to the buffer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, final

from twin.chip.memory import transfer
from twin.chip.part import ChipPart, Service

if TYPE_CHECKING:
    from twin.config.chip import Chip


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Link(ChipPart):
    """One link; attributes as in `twin.chip.memory.Buffer`."""

    bandwidth_Bps: float
    latency_s: float
    energy_per_bit_J: float

    @classmethod
    def of(cls, chip: Chip) -> Self:
        """Build from ``chip.link``."""
        part = chip.link
        return cls(
            bandwidth_Bps=part.bandwidth,
            latency_s=part.latency,
            energy_per_bit_J=part.energy,
            area_m2=part.area,
            leakage_W=part.leakage,
        )

    def service(self, amount: float) -> Service:
        """Move `amount` bytes, either way."""
        return transfer(amount, self.bandwidth_Bps, self.latency_s, self.energy_per_bit_J)
