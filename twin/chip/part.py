"""The one interface of all parts of a chip.

A part is one file with one final class, which what occupies it builds by `of`; the contract in tests/unit/test_chip.py
finds every one by itself. Its numbers are copied from the chip's description when it is built, so a part that a run
does not have reads nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, Self

if TYPE_CHECKING:
    from twin.config.chip import Chip


class Service(NamedTuple):
    """What one use of a part takes."""

    busy_ps: int
    latency_ps: int
    energy_J: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ChipPart(ABC):
    """A part of a chip: serves an amount of work, occupies silicon, leaks.

    Attributes
    ----------
    area_m2, leakage_W : float
        Of one instance.
    """

    area_m2: float
    leakage_W: float

    @classmethod
    @abstractmethod
    def of(cls, chip: Chip) -> Self:
        """Build the part from the description of the chip."""

    @abstractmethod
    def service(self, amount: float) -> Service:
        """Return the time and energy for `amount` (bytes, FLOPs or lines; the part says which)."""


def picoseconds(seconds: float) -> int:
    """Round a time in seconds to whole picoseconds, halves up.

    Every duration of the twin is rounded here, once per term: 8 conversions at 1.2 GS/s take 6667 ps.
    """
    return int(seconds * 1e12 + 0.5)
