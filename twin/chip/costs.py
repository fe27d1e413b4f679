"""The cost of every operation on a given chip with a given mapping."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from twin.algorithms.operation import Counts, Kind, Stream, Unit
from twin.chip.demand import Component, Demand, Occupancy, Path, no_energy
from twin.chip.digital import DigitalUnit
from twin.chip.dram.memories import Memories
from twin.chip.dram.part import Dram
from twin.chip.floorplan import Floorplan
from twin.chip.host import Host
from twin.chip.link import Link
from twin.chip.memory import Buffer, Memory
from twin.chip.network import Network
from twin.chip.part import Service
from twin.chip.registers import Registers
from twin.chip.tile import Tile
from twin.errors import TwinError

if TYPE_CHECKING:
    from collections.abc import Mapping as Table
    from collections.abc import Sequence

    from twin.algorithms.operation import Operation
    from twin.chip.dram.server import DramServer
    from twin.chip.network import Place
    from twin.config.chip import Chip
    from twin.mapping import Mapping, Part

    Places = Table[Stream, str]

PULSED: Final = frozenset({Kind.UPDATE, Kind.TRANSFER, Kind.CALIBRATION})
FIRST_COPY: Final = frozenset({Kind.READ_OUT, Kind.FILTER, Kind.H_LOAD, Kind.H_STORE})  # of what all copies agree on
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


class Hop(NamedTuple):
    """One kind of server that moved bytes pass: all its servers together, the service of each, the bytes in all."""

    path: Path
    servers: list[int]
    service: Service
    n_bytes: int


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
    in_flight : int
        Samples under way at once.
    sites : sequence of int
        The place of every tile on the floor plan; without it, in the order that ``chip.mapping.placement`` says (by
        rows for "traffic", which `twin.chip.placement` decides).

    Attributes
    ----------
    servers : tuple of Server
        Tiles, their digital slices and links (in the order of ``mapping.tiles``) and registers if built, or the one
        digital unit of a chip without tiles; then buffer, memory and host; buffers and memories of further chips of a
        cluster; the links of the network.
    dram : Dram or None
        The memory, where it is of this kind.
    network : Network or None
    floorplan : Floorplan
    """

    def __init__(
        self,
        chip: Chip,
        mapping: Mapping,
        places: Places | None = None,
        in_flight: int = 1,
        sites: Sequence[int] = (),
    ) -> None:
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
        self._host = Host.of(chip)
        self.network = Network(chip, len(names)) if chip.network is not None and names else None
        chips = self.network.n_chips if self.network else 1
        self._memories = Memories(mapping, memory, in_flight, chips) if isinstance(memory, Dram) else None
        self.floorplan = Floorplan(chip, mapping, self.network, sites)
        servers = [Server(f"tile {name}", "tile") for name in names]
        servers += [Server(f"digital {name}", "digital") for name in names] or [Server("digital", "digital")]
        servers += [Server(f"link {name}", "link") for name in names]
        servers += [Server(f"registers {name}", "registers") for name in names if self._registers is not None]
        stores = [(part, 0) for part in ("buffer", "memory", "host")]
        stores += [(part, number) for number in range(1, chips) for part in ("buffer", "memory")]
        self._shared = {store: len(servers) + k for k, store in enumerate(stores)}
        servers += [Server(f"{part} {number}" if number else part, part) for part, number in stores]
        self._first_network_link = len(servers)
        links = self.network.links if self.network else ()
        self.servers = (*servers, *(Server(*link) for link in links))

    def chip_of_servers(self) -> list[int]:
        """Return the chip of a cluster that each server is on; -1 for the links between chips."""
        own = [self.floorplan.sites[tile] // self.floorplan.per_chip for tile in range(self._n_tiles)]
        kinds = min(self._shared.values()) // self._n_tiles if own else 0
        stores = sorted((number, chip) for (_, chip), number in self._shared.items())
        crossings = [self.network.crosses(link) for link in range(len(self.network.links))] if self.network else []
        per_chip = crossings.count(False) // self.network.n_chips if self.network else 1
        links = [-1 if crosses else link // per_chip for link, crosses in enumerate(crossings)]
        return [*(own * kinds or [0]), *(chip for _, chip in stores), *links]

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
        home = self._home(operation.layer + operation.towards)
        hops = self._hops(operation, stream, n_bytes, home)
        access, activation_J = -1, 0.0
        if self.dram is not None and self._memories is not None and hops[-1].path is Path.MEMORY:
            access, activation_J = self._memories.access(operation, stream, n_bytes, home), self.dram.activate_J
        moved = [(hop.path, hop.n_bytes) for hop in hops if hop.servers]
        energy = no_energy()
        for hop in hops:
            energy[Component[hop.path.name], 0] += hop.service.energy_J * len(hop.servers)
        occupancy = [Occupancy(server, hop.service.busy_ps, 0) for hop in hops for server in hop.servers]
        latency_ps = sum(hop.service.latency_ps for hop in hops)
        carried: tuple[tuple[int, int], ...] = ()
        if self.network is not None:
            passage = self.network.passage(
                self._packets(operation, stream, n_bytes, self.network.part(self.place(stream), home))
            )
            first = self._first_network_link
            links = [Occupancy(first + link, busy_ps, 0) for link, busy_ps in passage.busy_ps.items()]
            # a store whose service depends on when and where must be the last
            occupancy = [*occupancy, *links] if access < 0 else [*links, *occupancy]
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
            access=access,
            activation_J=activation_J,
        )

    def _hops(self, operation: Operation, stream: Stream, n_bytes: int, home: int) -> list[Hop]:
        """Return what the bytes pass, with the servers of each hop and the service of one of them; a store is last."""
        place = self.place(stream)
        if place == "registers":
            return self._through_registers(operation, n_bytes)
        hops: list[Hop] = []
        if stream is Stream.INPUT:
            hops.append(Hop(Path.HOST, [self._shared["host", 0]], self._host.service(n_bytes), n_bytes))
        tiles, copies = self._moving(operation)
        if self._link is not None and tiles:
            size = n_bytes * (copies if operation.copied else 1)
            hops.append(Hop(Path.LINK, self._links(tiles), self._link.service(size / len(tiles)), size))
        store = [self._shared[place, home]]
        return [*hops, Hop(Path[place.upper()], store, self._stored(place, operation, n_bytes), n_bytes)]

    def _through_registers(self, operation: Operation, n_bytes: int) -> list[Hop]:
        """Return the hops of words that are kept in registers, their own tiles' or others'."""
        tiles = sorted({p.tile for p in self._parts(operation)} - {-1}) if operation.matrix else []
        home = tiles
        if operation.home is not None and not operation.store:
            home = self._mapping.tiles_of(*operation.home) if operation.home[0] >= 0 else []
        if home == tiles:
            return [self._in_registers(tiles, n_bytes)]
        hops: list[Hop] = []
        if self._link is not None and tiles:
            away = [tile for tile in tiles if tile not in home]
            hops.append(Hop(Path.LINK, self._links(away), self._link.service(n_bytes / len(tiles)), n_bytes))
        if not home:
            service = self._stored("buffer", operation, n_bytes)
            hops.append(Hop(Path.BUFFER, [self._shared["buffer", 0]], service, n_bytes))
        elif self._link is not None:
            away = [tile for tile in home if tile not in tiles]
            hops.append(Hop(Path.LINK, self._links(away), self._link.service(n_bytes / len(home)), n_bytes))
            hops.append(self._in_registers(home, n_bytes))
        return hops

    def place(self, stream: Stream) -> str:
        """Return where a stream is kept."""
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
        return Hop(Path.REGISTERS, [3 * self._n_tiles + tile for tile in tiles], service, n_bytes)

    def _stored(self, place: str, operation: Operation, n_bytes: int) -> Service:
        """Return what buffer or memory do; of a DRAM the energy alone, as its time depends on when and where."""
        store = self._stores[place]
        if isinstance(store, Dram):
            return Service(0, 0, store.energy_J(n_bytes, writes=operation.store))
        return store.service(n_bytes)

    @property
    def stateful(self) -> DramServer | Memories | None:
        """The memory, where its service depends on when and where; made when first asked for."""
        return self._memories.server if self._memories is not None else None

    def flows(self, operation: Operation) -> list[tuple[int, Place, int]]:
        """Return the bytes that a move takes between each of its tiles and a place of the network."""
        if operation.unit is not Unit.MOVE or operation.stream is None or self.network is None:
            return []
        stream = operation.stream
        at = self.network.part(self.place(stream), self._home(operation.layer + operation.towards))
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
        if self._registers is not None:
            register = self._registers
            rows.append(AreaRow("registers", n, n * register.area_m2, n * register.leakage_W))
        units = max(1, -(-n // self._digital.tiles))
        rows.append(AreaRow("digital units", units, units * self._digital.area_m2, units * self._digital.leakage_W))
        chips, silicon = (self.network.n_chips, self.network.silicon()) if self.network else (1, [])
        rows += [AreaRow(name, k, k * part.area_m2, k * part.leakage_W) for name, k, part in silicon]
        for name, part in self._stores.items():
            if isinstance(part, Dram):
                rows.append(AreaRow(name, chips, chips * part.area_m2, chips * part.background_W))
                rows.append(AreaRow("memory refresh", chips * part.channels * part.ranks, 0.0, chips * part.refresh_W))
            else:
                rows.append(AreaRow(name, chips, chips * part.area_m2, chips * part.leakage_W))
        return rows

    def leakage_W(self) -> float:
        """Return the leakage power of the whole chip, W."""
        return float(np.sum([row.leakage_W for row in self.area()]))


def _converted_lines(operation: Operation, parts: tuple[Part, ...]) -> int:
    """Lines the busiest array converts: inputs going backward, outputs otherwise."""
    if operation.kind is Kind.BACKWARD:
        return max(part.in1 - part.in0 for part in parts)
    return max(part.out1 - part.out0 for part in parts)
