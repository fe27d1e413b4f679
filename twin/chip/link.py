"""The link of a tile to the buffer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, final

from twin.chip.channel import Channel

if TYPE_CHECKING:
    from twin.config.chip import Chip


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Link(Channel):
    """The link of one tile, both ways."""

    @classmethod
    def of(cls, chip: Chip) -> Self:
        """Build from ``chip.link``."""
        return cls.copied(chip.link)
