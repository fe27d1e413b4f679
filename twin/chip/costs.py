"""The cost of every operation on a given chip with a given mapping."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from twin.algorithms.operation import Counts, Kind, Stream, Unit
from twin.chip.demand import Component, Demand, Occupancy, Path, no_energy
from twin.chip.digital import DigitalUnit
from twin.chip.floorplan import Floorplan
from twin.chip.host import Host
from twin.chip.link import Link
from twin.chip.memory import Buffer, Memory
from twin.chip.network import Network
from twin.chip.tile import Tile
from twin.errors import TwinError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.algorithms.operation import Operation
    from twin.chip.network import Place
    from twin.chip.part import Service
    from twin.config.chip import Chip
    from twin.mapping import Mapping, Part

PULSED: Final = frozenset({Kind.UPDATE, Kind.TRANSFER, Kind.CALIBRATION})
FIRST_COPY: Final = frozenset({Kind.READ_OUT, Kind.FILTER, Kind.H_LOAD, Kind.H_STORE})  # of what all copies agree on
FIELDS: Final = {
    Stream.ACTIVATIONS: "activations",
    Stream.ERRORS: "errors",
    Stream.H: "h",
    Stream.WEIGHTS: "weights",
}
WORDS: Final = {
    Stream.INPUT: "input_word",
    Stream.ACTIVATIONS: "activation_word",
    Stream.ERRORS: "error_word",
    Stream.H: "h_word",
    Stream.WEIGHTS: "weight_word",
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


class ChipCosts:
    """Servers, demands, area and leakage.

    Parameters
    ----------
    chip : Chip
    mapping : Mapping
    sites : sequence of int
        The place of every tile on the floor plan; without it, in the order that ``chip.mapping.placement`` says (by
        rows for "traffic", which `twin.chip.placement` decides).

    Attributes
    ----------
    servers : tuple of Server
        Tiles, their digital slices and links (in the order of ``mapping.tiles``), or the one digital
        unit of a chip without tiles; then buffer, memory and host; buffers and memories of further chips of a
        cluster; the links of the network.
    network : Network or None
    floorplan : Floorplan
    """

    def __init__(self, chip: Chip, mapping: Mapping, sites: Sequence[int] = ()) -> None:
        self._chip, self._mapping = chip, mapping
        names = [tile.name for tile in mapping.tiles]
        self._n_tiles = len(names)
        self._tile = Tile.of(chip) if names else None
        self._link = Link.of(chip) if names else None
        self._digital = DigitalUnit.of(chip)
        self._stores = {"buffer": Buffer.of(chip), "memory": Memory.of(chip)}
        self._host = Host.of(chip)
        self.network = Network(chip, len(names)) if chip.network is not None and names else None
        self.floorplan = Floorplan(chip, mapping, self.network, sites)
        servers = [Server(f"tile {name}", "tile") for name in names]
        servers += [Server(f"digital {name}", "digital") for name in names] or [Server("digital", "digital")]
        servers += [Server(f"link {name}", "link") for name in names]
        chips = self.network.n_chips if self.network else 1
        stores = [(part, 0) for part in ("buffer", "memory", "host")]
        stores += [(part, number) for number in range(1, chips) for part in ("buffer", "memory")]
        self._shared = {store: len(servers) + k for k, store in enumerate(stores)}
        servers += [Server(f"{part} {number}" if number else part, part) for part, number in stores]
        self._first_network_link = len(servers)
        links = self.network.links if self.network else ()
        self.servers = (*servers, *(Server(*link) for link in links))

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
        tiles, copies = self._holders(operation, parts)
        if operation.kind in PULSED:
            busy_ps, latency_ps, column = self._tile.pulse_ps, 0, Counts.PULSES
            energy = self._tile.pulse_energy_J() * copies  # the same trains on every copy
        else:
            lines = operation.lines or _converted_lines(operation, parts)
            busy_ps, latency_ps, _ = self._tile.service(lines)
            busy_ps = -(-busy_ps // copies)  # positions are shared out evenly
            column, energy = Counts.MVMS, self._tile.read_energy_J(lines)
        occupancy = tuple(Occupancy(tile, 0, busy_ps) for tile in tiles)
        return Demand(occupancy, column, latency_ps, energy)

    def _digital_demand(self, operation: Operation) -> Demand:
        energy = no_energy()
        tiles = self._holders(operation, self._parts(operation))[0] if self._n_tiles else [-1]
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
        tiles, copies = self._moving(operation)
        home = self._home(operation.layer + operation.towards)
        hops: list[tuple[Path, list[int], Service]] = []
        moved: list[tuple[Path, int]] = []
        if stream is Stream.INPUT:
            hops.append((Path.HOST, [self._shared["host", 0]], self._host.service(n_bytes)))
            moved.append((Path.HOST, n_bytes))
        if self._link is not None and tiles:
            copied = copies if operation.copied else 1
            links = [2 * self._n_tiles + tile for tile in tiles]
            hops.append((Path.LINK, links, self._link.service(n_bytes * copied / len(links))))
            moved.append((Path.LINK, n_bytes * copied))
        place = "buffer" if stream is Stream.INPUT else getattr(self._chip.placement, FIELDS[stream])
        hops.append((Path[place.upper()], [self._shared[place, home]], self._stores[place].service(n_bytes)))
        moved.append((Path[place.upper()], n_bytes))
        energy = no_energy()
        for path, servers, service in hops:
            energy[Component[path.name], 0] += service.energy_J * len(servers)
        occupancy = [Occupancy(server, hop.busy_ps, 0) for _, servers, hop in hops for server in servers]
        latency_ps = sum(hop.latency_ps for _, _, hop in hops)
        carried: tuple[tuple[int, int], ...] = ()
        if self.network is not None:
            passage = self.network.passage(self._packets(operation, stream, n_bytes, self.network.part(place, home)))
            first = self._first_network_link
            occupancy += [Occupancy(first + link, busy_ps, 0) for link, busy_ps in passage.busy_ps.items()]
            carried = tuple((first + link, size) for link, size in passage.n_bytes.items())
            latency_ps += passage.latency_ps
            energy[Component.NETWORK, 0], energy[Component.CLUSTER, 0] = passage.network_J, passage.cluster_J
            for path, crosses in ((Path.NETWORK, False), (Path.CLUSTER, True)):
                size = sum(size for link, size in passage.n_bytes.items() if self.network.crosses(link) is crosses)
                moved += [(path, size)] if size else []
        return Demand(
            tuple(occupancy),
            column=-1,
            latency_ps=latency_ps,
            energy_J=energy,
            traffic=tuple((path, stream, size) for path, size in moved),
            payload=(stream, n_bytes),
            carried=carried,
        )

    def flows(self, operation: Operation) -> list[tuple[int, Place, int]]:
        """Return the bytes that a move takes between each of its tiles and a place of the network."""
        if operation.unit is not Unit.MOVE or operation.stream is None or self.network is None:
            return []
        stream = operation.stream
        place = "buffer" if stream is Stream.INPUT else getattr(self._chip.placement, FIELDS[stream])
        at = self.network.part(place, self._home(operation.layer + operation.towards))
        shares = self._shares(operation, word_bytes(self._chip, stream, operation.words))
        return [(tile, at, share) for tile, share in shares]

    def _packets(self, operation: Operation, stream: Stream, n_bytes: int, at: Place) -> list[tuple[Place, Place, int]]:
        """Return what a move sends over the network: from, to, bytes."""
        if self.network is None:
            return []
        packets = [
            (at, self.network.site(self.floorplan.sites[tile]), n) for tile, n in self._shares(operation, n_bytes)
        ]
        if stream is Stream.INPUT:
            packets.insert(0, (self.network.part("host", 0), at, n_bytes))
        return [(target, source, n) for source, target, n in packets] if operation.store else packets

    def _shares(self, operation: Operation, n_bytes: int) -> list[tuple[int, int]]:
        """Share the bytes of a move out over its tiles, as evenly as whole bytes allow."""
        tiles, copies = self._moving(operation)
        copied = copies if operation.copied else 1
        count = len(tiles) // copied
        return [(tile, n_bytes // count + (k // copied < n_bytes % count)) for k, tile in enumerate(tiles)]

    def _moving(self, operation: Operation) -> tuple[list[int], int]:
        if not operation.matrix:
            return [], 1
        parts = tuple(part for part in self._parts(operation) if part.tile >= 0)
        return self._holders(operation, parts)

    def _holders(self, operation: Operation, parts: tuple[Part, ...]) -> tuple[list[int], int]:
        """Return the tiles that take part, the copies of a block one after another, and how many copies do."""
        copies = 1 + min((len(part.copies) for part in parts), default=0)
        shared = operation.uses > 1 or operation.copied or operation.kind in PULSED
        if copies == 1 or not shared or operation.kind in FIRST_COPY:
            return sorted({part.tile for part in parts}), 1
        return [tile for part in parts for tile in (part.tile, *part.copies)], copies

    def _home(self, layer: int) -> int:
        """Return the chip whose buffer and memory a layer uses: that of its first tile."""
        if self.network is None:
            return 0
        matrices = self._mapping.layers[min(max(layer, 0), len(self._mapping.layers) - 1)].values()
        first = next((parts[0].tile for parts in matrices if parts[0].tile >= 0), 0)
        return self.floorplan.sites[first] // self.network.tiles_per_chip

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
        units = max(1, -(-n // self._digital.tiles))
        rows.append(AreaRow("digital units", units, units * self._digital.area_m2, units * self._digital.leakage_W))
        chips, silicon = (self.network.n_chips, self.network.silicon()) if self.network else (1, [])
        parts = [*silicon, *((name, chips, part) for name, part in self._stores.items())]
        return rows + [AreaRow(name, k, k * part.area_m2, k * part.leakage_W) for name, k, part in parts]

    def leakage_W(self) -> float:
        """Return the leakage power of the whole chip, W."""
        return float(np.sum([row.leakage_W for row in self.area()]))


def _converted_lines(operation: Operation, parts: tuple[Part, ...]) -> int:
    """Lines the busiest array converts: inputs going backward, outputs otherwise."""
    if operation.kind is Kind.BACKWARD:
        return max(part.in1 - part.in0 for part in parts)
    return max(part.out1 - part.out0 for part in parts)
