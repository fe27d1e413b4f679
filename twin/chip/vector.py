"""The vector unit beside the buffer of a chip."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, Self, final

from twin.chip.part import ChipPart
from twin.chip.service import Service, picoseconds
from twin.errors import TwinError
from twin.operation import Opcode, Unit

if TYPE_CHECKING:
    from twin.config.chip import Chip
    from twin.operation import Operation

WORK: Final = frozenset({Opcode.NODE_FORWARD, Opcode.NODE_BACKWARD, Opcode.NODE_LOSS})
"""The effects of nodes without a matrix. What optimisers do to parameters stays with the slices."""


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class VectorUnit(ChipPart):
    """The vector unit of one chip; what it takes and gives, buffer or memory move.

    Attributes
    ----------
    rate_FLOPs : float
        FLOP/s.
    energy_per_FLOP_J : float
    """

    rate_FLOPs: float
    energy_per_FLOP_J: float

    @classmethod
    def of(cls, chip: Chip) -> Self:
        """Build from ``chip.vector``, which must be there."""
        part = chip.vector
        if part is None:
            raise TwinError(f"{chip.name}: vector: is missing; add a table [vector] to the chip")
        return cls(rate_FLOPs=part.rate, energy_per_FLOP_J=part.energy, area_m2=part.area, leakage_W=part.leakage)

    def service(self, amount: float) -> Service:
        """Perform `amount` FLOPs."""
        return Service(picoseconds(amount / self.rate_FLOPs), 0, amount * self.energy_per_FLOP_J)


def serves(operation: Operation) -> bool:
    """Return whether an operation is the vector unit's, or moves what the unit works on, on a chip that has one."""
    if operation.unit is Unit.MOVE:
        return operation.node >= 0
    return operation.unit is Unit.DIGITAL and operation.opcode in WORK
