"""A memory as one channel: bytes one after another at a bandwidth."""

from collections.abc import Mapping
from typing import ClassVar, Literal, final

from twin.chip.mover import Store
from twin.chip.wire import Plain
from twin.config.quantity import Area, Bandwidth, Bytes, EnergyPerBit, Power, Time


@final
class Channel(Plain, Store):
    """A memory as one channel whose transfers take bytes / bandwidth, wherever and whenever they are."""

    sized: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "size": ("latency", "energy", "area", "leakage"),
        "bandwidth": ("area", "leakage"),
    }
    kind: Literal["channel"] = "channel"
    """Chooses a plain channel; may be left out."""
    size: Bytes
    """Capacity."""
    bandwidth: Bandwidth
    """Bytes a second through its port."""
    latency: Time
    """Time until the first byte of a transfer arrives."""
    energy: EnergyPerBit
    """Energy of one bit read or written."""
    area: Area
    """Silicon on the chip."""
    leakage: Power
    """What it draws all the time."""

    @property
    def size_B(self) -> float:
        """Capacity."""
        return self.size

    @property
    def peak_Bps(self) -> float:
        """Bytes a second."""
        return self.bandwidth
