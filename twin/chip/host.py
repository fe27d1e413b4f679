"""The host's link, over which samples arrive."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, final

from twin.chip.wire import Wire

if TYPE_CHECKING:
    from twin.config.chip import Chip


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Host(Wire):
    """The host link; it lies outside the chip, so it has no area and no leakage."""

    @classmethod
    def of(cls, chip: Chip) -> Self:
        """Build from ``chip.host``."""
        part = chip.host
        return cls(
            bandwidth_Bps=part.bandwidth,
            latency_s=part.latency,
            energy_per_bit_J=part.energy,
            area_m2=0.0,
            leakage_W=0.0,
        )
