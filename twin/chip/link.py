"""The link of a tile as one channel."""

from collections.abc import Mapping
from typing import ClassVar, Literal, final

from twin.chip.mover import Link
from twin.chip.wire import Plain
from twin.config.quantity import Area, Bandwidth, EnergyPerBit, Power, Time


@final
class ChannelLink(Plain, Link):
    """The link between a tile and the rest of the chip, one a tile, both ways; with a network, to its router."""

    sized: ClassVar[Mapping[str, tuple[str, ...]]] = {"bandwidth": ("area", "leakage")}
    kind: Literal["channel"] = "channel"
    """Chooses a plain channel; may be left out."""
    bandwidth: Bandwidth
    """Bytes a second, of both directions together."""
    latency: Time
    """Time until the first byte of a transfer arrives."""
    energy: EnergyPerBit
    """Energy of one bit moved."""
    area: Area
    """Silicon of one link."""
    leakage: Power
    """What one link draws all the time."""
