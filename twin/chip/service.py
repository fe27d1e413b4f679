"""What every part of a chip answers: time and energy of a use, silicon and leakage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple


class Service(NamedTuple):
    """What one use of a part takes."""

    busy_ps: int
    latency_ps: int
    energy_J: float


@dataclass(frozen=True, slots=True)
class AreaRow:
    """Silicon and leakage of all instances of a part."""

    part: str
    count: int
    area_m2: float
    leakage_W: float


def picoseconds(seconds: float) -> int:
    """Round a time in seconds to whole picoseconds, halves up.

    Every duration of the twin is rounded here, once per term: 8 conversions at 1.2 GS/s take 6667 ps.
    """
    return int(seconds * 1e12 + 0.5)
