"""The channels that all bytes of a kind pass, and what they could carry at most."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twin.config.chip import Chip


@dataclass(frozen=True, slots=True)
class Peak:
    """All channels of one kind: the path that bytes take, how many there are, and bytes a second of all of them."""

    path: str
    count: int
    peak_Bps: float


def channels(chip: Chip, chips: int = 0) -> list[Peak]:
    """Return memory, buffer and host link of `chips` chips (0: of the chip's own cluster); samples come in at one."""
    chips = chips or (chip.cluster.chips if chip.network is not None and chip.cluster is not None else 1)
    return [
        Peak("memory", chips * chip.memory.ports, chips * chip.memory.peak_Bps),
        Peak("buffer", chips * chip.buffer.ports, chips * chip.buffer.peak_Bps),
        Peak("host", 1, chip.host.bandwidth),
    ]
