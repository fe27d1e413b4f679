"""On-chip buffer and off-chip memory, one channel each."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, final

from twin.chip.channel import Channel

if TYPE_CHECKING:
    from twin.config.chip import Chip


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Buffer(Channel):
    """The SRAM buffer."""

    @classmethod
    def of(cls, chip: Chip) -> Self:
        """Build from ``chip.buffer``."""
        return cls.copied(chip.buffer)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Memory(Channel):
    """One off-chip memory channel."""

    @classmethod
    def of(cls, chip: Chip) -> Self:
        """Build from ``chip.memory``."""
        return cls.copied(chip.memory)
