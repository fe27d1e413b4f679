"""The register file of a tile, beside its slice of the digital unit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, final

from twin.chip.channel import Channel
from twin.errors import TwinError

if TYPE_CHECKING:
    from twin.config.chip import Chip


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Registers(Channel):
    """The registers of one tile, whose own words pass no link."""

    @classmethod
    def of(cls, chip: Chip) -> Self:
        """Build from ``chip.registers``; raises TwinError where the chip describes none."""
        part = chip.registers
        if part is None:
            raise TwinError(
                f"{chip.name}: placement: places something in registers, and the chip describes none; "
                "add a table [registers] or choose other places"
            )
        return cls.copied(part)
