"""What the host's link, links between chips, channels and ports have in common: bytes in turn at a bandwidth."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.chip.part import ChipPart
from twin.chip.service import Service, picoseconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Wire(ChipPart):
    """A part that moves bytes, one transfer at a time; every final class says where its numbers come from.

    Attributes
    ----------
    bandwidth_Bps : float
        Bytes a second.
    latency_s : float
        Added to every transfer; the wire is free meanwhile.
    energy_per_bit_J : float
    """

    bandwidth_Bps: float
    latency_s: float
    energy_per_bit_J: float

    def service(self, amount: float) -> Service:
        """Move `amount` bytes, either way."""
        return transfer(amount, self.bandwidth_Bps, self.latency_s, self.energy_per_bit_J)


def transfer(n_bytes: float, bandwidth_Bps: float, latency_s: float, energy_per_bit_J: float) -> Service:
    """Time and energy of moving `n_bytes` over a channel."""
    return Service(picoseconds(n_bytes / bandwidth_Bps), picoseconds(latency_s), 8 * n_bytes * energy_per_bit_J)


class Plain:
    """What a memory and a link have in common that are plain channels, described by their fields."""

    if TYPE_CHECKING:  # a model takes what is annotated at run time for fields
        bandwidth: float
        latency: float
        energy: float
        area: float
        leakage: float

    @property
    def area_m2(self) -> float:
        """Silicon."""
        return self.area

    @property
    def leakage_W(self) -> float:
        """Power at rest."""
        return self.leakage

    def service(self, n_bytes: float, *, writes: bool = False) -> Service:
        """Move bytes, either way."""
        del writes
        return transfer(n_bytes, self.bandwidth, self.latency, self.energy)
