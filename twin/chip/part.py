"""The one interface of all parts of a chip.

A part is one file with one final class, which what occupies it builds by `of`; the contract in tests/unit/test_chip.py
finds every one by itself. Its numbers are copied from the chip's description when it is built, so a part that a run
does not have reads nothing.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

if TYPE_CHECKING:
    from twin.chip.service import Service
    from twin.config.chip import Chip


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
