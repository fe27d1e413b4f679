"""Output converters: one bank on each side of a tile, shared by the lines of that side."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, final

from twin.chip.part import ChipPart
from twin.chip.service import Service, picoseconds

if TYPE_CHECKING:
    from twin.config.chip import Chip


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Converters(ChipPart):
    """The converters of one tile: the area is of both sides, the leakage is in the tile's.

    Attributes
    ----------
    count : int
        Converters of one side.
    rate_Hz : float
        Conversions a second of each.
    energy_per_conversion_J : float
    """

    count: int
    rate_Hz: float
    energy_per_conversion_J: float

    @classmethod
    def of(cls, chip: Chip) -> Self:
        """Build from ``chip.tile.converter``."""
        part = chip.tile.converter
        return cls(
            count=part.count,
            rate_Hz=part.rate,
            energy_per_conversion_J=part.energy,
            area_m2=2 * part.count * part.area,
            leakage_W=0.0,
        )

    def service(self, amount: float) -> Service:
        """Convert `amount` lines of one side: ``ceil(lines / count) / rate``."""
        busy = picoseconds(math.ceil(amount / self.count) / self.rate_Hz)
        return Service(busy, 0, amount * self.energy_per_conversion_J)
