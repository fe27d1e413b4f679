"""What the host's link, links between chips, channels and ports have in common: bytes in turn at a bandwidth."""

from __future__ import annotations

from dataclasses import dataclass

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
