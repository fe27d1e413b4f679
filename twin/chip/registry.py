"""The parts of a chip by name; a new part is one line here."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from twin.chip.converter import Converters
from twin.chip.digital import DigitalUnit
from twin.chip.host import Host
from twin.chip.link import Link
from twin.chip.memory import Buffer, Memory
from twin.chip.network import ChipLink, Router
from twin.chip.registers import Registers
from twin.chip.tile import Tile

if TYPE_CHECKING:
    from twin.chip.part import ChipPart

PARTS: Final[dict[str, type[ChipPart]]] = {
    "tile": Tile,
    "converter": Converters,
    "digital": DigitalUnit,
    "buffer": Buffer,
    "memory": Memory,
    "link": Link,
    "registers": Registers,
    "host": Host,
    "router": Router,
    "chip link": ChipLink,
}
