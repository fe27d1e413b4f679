"""The register file of a tile, beside its slice of the digital unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, final

from twin.chip.memory import transfer
from twin.chip.part import ChipPart, Service
from twin.errors import TwinError

if TYPE_CHECKING:
    from twin.config.chip import Chip


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Registers(ChipPart):
    """The registers of one tile; attributes as in `twin.chip.memory.Buffer`. The tile's own words pass no link."""

    bandwidth_Bps: float
    latency_s: float
    energy_per_bit_J: float

    @classmethod
    def of(cls, chip: Chip) -> Self:
        """Build from ``chip.registers``; raises TwinError where the chip describes none."""
        part = chip.registers
        if part is None:
            raise TwinError(
                f"{chip.name}: placement: places something in registers, and the chip describes none; "
                "add a table [registers] or choose other places"
            )
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
