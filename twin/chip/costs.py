"""The cost of every operation on a given chip with a given mapping."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from twin.algorithms.operation import Counts, Kind, Stream, Unit
from twin.chip.demand import Component, Demand, Occupancy, Path, no_energy
from twin.chip.digital import DigitalUnit
from twin.chip.dram.part import Dram
from twin.chip.dram.regions import Regions
from twin.chip.host import Host
from twin.chip.link import Link
from twin.chip.memory import Buffer, Memory
from twin.chip.part import Service
from twin.chip.registers import Registers
from twin.chip.tile import Tile
from twin.errors import TwinError

if TYPE_CHECKING:
    from collections.abc import Mapping as Table

    from twin.algorithms.operation import Operation
    from twin.chip.dram.server import DramServer
    from twin.config.chip import Chip
    from twin.mapping import Mapping, Part

    Places = Table[Stream, str]
    Hop = tuple[Path, list[int], Service]

PULSED: Final = frozenset({Kind.UPDATE, Kind.TRANSFER, Kind.CALIBRATION})
FIELDS: Final = {
    Stream.ACTIVATIONS: "activations",
    Stream.ERRORS: "errors",
    Stream.H: "h",
    Stream.WEIGHTS: "weights",
    Stream.PULSES: "pulses",
}
WORDS: Final = {
    Stream.INPUT: "input_word",
    Stream.ACTIVATIONS: "activation_word",
    Stream.ERRORS: "error_word",
    Stream.H: "h_word",
    Stream.WEIGHTS: "weight_word",
    Stream.PULSES: "pulse_word",
}


class Server(NamedTuple):
    """Something that serves one operation at a time."""

    name: str
    kind: str


@dataclass(frozen=True, slots=True)
class AreaRow:
    """Silicon and leakage of all instances of a part."""

    part: str
    count: int
    area_m2: float
    leakage_W: float


def word_bytes(chip: Chip, stream: Stream, words: int) -> int:
    """Whole bytes that `words` words of `stream` fill, rounded up once for all of them."""
    word: float = getattr(chip.placement, WORDS[stream])
    return math.ceil(words * word)


def share(n_bytes: int, tiles: int) -> int:
    """Bytes of a tile that holds its share."""
    return -(-n_bytes // tiles)


def has_registers(chip: Chip) -> bool:
    """Whether the chip's tiles are built with registers: something is placed there, or may be."""
    placement = vars(chip.placement)  # a look that does not count as reading
    placed = {placement[field] for field in FIELDS.values()}
    if "auto" in placed and vars(chip)["registers"] is not None:
        return True
    return "registers" in placed or placement["prefetch_h"] > 0


class ChipCosts:
    """Servers, demands, area and leakage.

    Parameters
    ----------
    chip : Chip
    mapping : Mapping
    places : mapping of Stream to str, optional
        Where streams are, if not all are where the chip's placement says: `twin.chip.placing` finds "auto".

    Attributes
    ----------
    servers : tuple of Server
        Tiles, their digital slices and links (in the order of ``mapping.tiles``) and registers if built, or the one
        digital unit of a chip without tiles; then buffer, memory and host.
    dram : Dram or None
        The memory, where it is of this kind.
    """

    def __init__(self, chip: Chip, mapping: Mapping, places: Places | None = None, in_flight: int = 1) -> None:
        self._chip, self._mapping, self._places = chip, mapping, places
        names = [tile.name for tile in mapping.tiles]
        self._n_tiles = len(names)
        self._tile = Tile.of(chip) if names else None
        self._link = Link.of(chip) if names else None
        self._registers = Registers.of(chip) if names and has_registers(chip) else None
        self._digital = DigitalUnit.of(chip)
        memory = Memory.of(chip) if chip.memory.kind == "channel" else Dram.of(chip)
        self._stores: dict[str, Buffer | Memory | Dram] = {"buffer": Buffer.of(chip), "memory": memory}
        self.dram = memory if isinstance(memory, Dram) else None
        self._regions = Regions(mapping, memory, in_flight) if isinstance(memory, Dram) else None
        self._host = Host.of(chip)
        servers = [Server(f"tile {name}", "tile") for name in names]
        servers += [Server(f"digital {name}", "digital") for name in names] or [Server("digital", "digital")]
        servers += [Server(f"link {name}", "link") for name in names]
        servers += [Server(f"registers {name}", "registers") for name in names if self._registers is not None]
        self._shared = {part: len(servers) + k for k, part in enumerate(("buffer", "memory", "host"))}
        self.servers = (*servers, *(Server(part, part) for part in self._shared))

    def demand(self, operation: Operation) -> Demand:
        """Return what `operation` occupies, costs and moves."""
        if operation.unit is Unit.TILE:
            return self._tile_demand(operation)
        return self._digital_demand(operation) if operation.unit is Unit.DIGITAL else self._move(operation)

    def _tile_demand(self, operation: Operation) -> Demand:
        parts = self._parts(operation)
        if self._tile is None or any(part.tile < 0 for part in parts):
            raise TwinError(
                f"layout: matrix {operation.matrix!r} of layer {operation.layer} is digital and cannot "
                f"serve {operation.kind} on a tile; choose a layout with tiles"
            )
        tiles = sorted({part.tile for part in parts})
        if operation.kind in PULSED:
            busy_ps, latency_ps, column = self._tile.pulse_ps, 0, Counts.PULSES
            energy = self._tile.pulse_energy_J()
        else:
            lines = operation.lines or _converted_lines(operation, parts)
            busy_ps, latency_ps, _ = self._tile.service(lines)
            column, energy = Counts.MVMS, self._tile.read_energy_J(lines)
        occupancy = tuple(Occupancy(tile, 0, busy_ps) for tile in tiles)
        return Demand(occupancy, column, latency_ps, energy)

    def _digital_demand(self, operation: Operation) -> Demand:
        energy = no_energy()
        tiles = sorted({part.tile for part in self._parts(operation)}) if self._n_tiles else [-1]
        if tiles[0] < 0:
            service = self._digital.service(operation.flops)
            servers = [self._n_tiles]
        else:
            service = self._digital.slice_service(operation.flops / len(tiles))
            servers = [self._n_tiles + tile for tile in tiles]
        energy[Component.DIGITAL, 0] = operation.flops * self._digital.energy_per_FLOP_J
        return Demand(tuple(Occupancy(s, service.busy_ps, 0) for s in servers), -1, 0, energy)

    def _move(self, operation: Operation) -> Demand:
        stream = operation.stream
        if stream is None:
            raise ValueError(f"{operation.kind} of layer {operation.layer}: a move needs a stream")
        n_bytes = word_bytes(self._chip, stream, operation.words)
        hops = self._hops(operation, stream, n_bytes)
        access, activation_J = -1, 0.0
        if self.dram is not None and self._regions is not None and hops[-1][0] is Path.MEMORY:
            access, activation_J = self._regions.access(operation, stream, n_bytes), self.dram.activate_J
        energy = no_energy()
        for path, servers, service in hops:
            energy[Component[path.name], 0] += service.energy_J * len(servers)
        return Demand(
            tuple(Occupancy(server, hop.busy_ps, 0) for _, servers, hop in hops for server in servers),
            column=-1,
            latency_ps=sum(hop.latency_ps for _, _, hop in hops),
            energy_J=energy,
            traffic=tuple((path, stream, n_bytes) for path, servers, _ in hops if servers),
            payload=(stream, n_bytes),
            access=access,
            activation_J=activation_J,
        )

    def _hops(self, operation: Operation, stream: Stream, n_bytes: int) -> list[Hop]:
        """Return what the bytes pass, with the servers of each hop and the service of one of them."""
        hops: list[Hop] = []
        if stream is Stream.INPUT:
            hops.append((Path.HOST, [self._shared["host"]], self._host.service(n_bytes)))
        place = self._place(stream)
        tiles = sorted({p.tile for p in self._parts(operation)} - {-1}) if operation.matrix else []
        home = tiles
        if place == "registers":
            if operation.home is not None and not operation.store:
                home = self._mapping.tiles_of(*operation.home) if operation.home[0] >= 0 else []
            if home == tiles:
                return [self._in_registers(tiles, n_bytes)]
        if self._link is not None and tiles:
            away = [tile for tile in tiles if tile not in home] if place == "registers" else tiles
            hops.append((Path.LINK, self._links(away), self._link.service(n_bytes / len(tiles))))
        if place != "registers" or not home:
            place = "buffer" if place == "registers" else place
            hops.append((Path[place.upper()], [self._shared[place]], self._stored(place, operation, n_bytes)))
        elif self._link is not None:
            away = [tile for tile in home if tile not in tiles]
            hops.append((Path.LINK, self._links(away), self._link.service(n_bytes / len(home))))
            hops.append(self._in_registers(home, n_bytes))
        return hops

    def _place(self, stream: Stream) -> str:
        if stream is Stream.INPUT:
            return "buffer"
        found = self._places.get(stream) if self._places is not None else None
        place: str = found or getattr(self._chip.placement, FIELDS[stream])
        return place

    def _links(self, tiles: list[int]) -> list[int]:
        return [2 * self._n_tiles + tile for tile in tiles]

    def _in_registers(self, tiles: list[int], n_bytes: int) -> Hop:
        if self._registers is None:
            raise ValueError("a stream is placed in registers that the chip is built without")
        service = self._registers.service(n_bytes / len(tiles))
        return Path.REGISTERS, [3 * self._n_tiles + tile for tile in tiles], service

    def _stored(self, place: str, operation: Operation, n_bytes: int) -> Service:
        """Return what buffer or memory do; of a DRAM the energy alone, as its time depends on when and where."""
        store = self._stores[place]
        if isinstance(store, Dram):
            return Service(0, 0, store.energy_J(n_bytes, writes=operation.store))
        return store.service(n_bytes)

    @property
    def stateful(self) -> DramServer | None:
        """The memory, where its service depends on when and where; made when first asked for."""
        return self._regions.server if self._regions is not None else None

    def _parts(self, operation: Operation) -> tuple[Part, ...]:
        parts = self._mapping.parts(operation.layer, operation.matrix)
        return parts if operation.parts is None else tuple(parts[k] for k in operation.parts)

    def area(self) -> list[AreaRow]:
        """Return area and leakage by part; it depends on chip and mapping alone."""
        n = self._n_tiles
        rows = []
        if self._tile is not None and self._link is not None:
            arrays = sum(tile.arrays for tile in self._mapping.tiles)
            converters = self._tile.converters
            rows = [
                AreaRow("arrays", arrays, arrays * self._tile.array_m2, 0.0),
                AreaRow("tile periphery", n, n * self._tile.area_m2, n * self._tile.leakage_W),
                AreaRow("converters", 2 * n * converters.count, n * converters.area_m2, 0.0),
                AreaRow("links", n, n * self._link.area_m2, n * self._link.leakage_W),
            ]
        if self._registers is not None:
            register = self._registers
            rows.append(AreaRow("registers", n, n * register.area_m2, n * register.leakage_W))
        units = max(1, -(-n // self._digital.tiles))
        rows.append(AreaRow("digital units", units, units * self._digital.area_m2, units * self._digital.leakage_W))
        for name, part in self._stores.items():
            if isinstance(part, Dram):
                rows.append(AreaRow(name, 1, part.area_m2, part.background_W))
                rows.append(AreaRow("memory refresh", part.channels * part.ranks, 0.0, part.refresh_W))
            else:
                rows.append(AreaRow(name, 1, part.area_m2, part.leakage_W))
        return rows

    def leakage_W(self) -> float:
        """Return the leakage power of the whole chip, W."""
        return float(np.sum([row.leakage_W for row in self.area()]))


def _converted_lines(operation: Operation, parts: tuple[Part, ...]) -> int:
    """Lines the busiest array converts: inputs going backward, outputs otherwise."""
    if operation.kind is Kind.BACKWARD:
        return max(part.in1 - part.in0 for part in parts)
    return max(part.out1 - part.out0 for part in parts)
