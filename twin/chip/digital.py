"""Digital units: each shared by several tiles, each tile with a slice of its own."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, final

from twin.chip.part import ChipPart
from twin.chip.service import Service, picoseconds

if TYPE_CHECKING:
    from twin.config.chip import Chip


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DigitalUnit(ChipPart):
    """One digital unit.

    Attributes
    ----------
    rate_FLOPs : float
        FLOP/s of the whole unit.
    tiles : int
        Tiles that share it; a slice has ``rate_FLOPs / tiles``.
    energy_per_FLOP_J : float
    """

    rate_FLOPs: float
    tiles: int
    energy_per_FLOP_J: float

    @classmethod
    def of(cls, chip: Chip) -> Self:
        """Build from ``chip.digital``."""
        part = chip.digital
        return cls(
            rate_FLOPs=part.rate,
            tiles=part.tiles,
            energy_per_FLOP_J=part.energy,
            area_m2=part.area,
            leakage_W=part.leakage,
        )

    def service(self, amount: float) -> Service:
        """Perform `amount` FLOPs on the whole unit."""
        return Service(picoseconds(amount / self.rate_FLOPs), 0, amount * self.energy_per_FLOP_J)

    def slice_service(self, amount: float) -> Service:
        """Perform `amount` FLOPs on the slice of one tile."""
        busy = picoseconds(amount * self.tiles / self.rate_FLOPs)
        return Service(busy, 0, amount * self.energy_per_FLOP_J)
