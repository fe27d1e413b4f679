"""The cost of moving words: between host, buffers, memories, registers and tiles, over links and networks."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, NamedTuple

from twin.chip.demand import Component, Demand, Occupancy, Path, no_energy
from twin.chip.host import Host
from twin.chip.streams import FIELDS, has_registers, word_bytes
from twin.chip.vector import serves
from twin.errors import TwinError
from twin.operation import Kind, Stream, Unit

if TYPE_CHECKING:
    from collections.abc import Mapping as Table

    from twin.chip.floorplan import Floorplan
    from twin.chip.mover import Stateful, Store
    from twin.chip.network import Network, Place
    from twin.chip.servers import Servers
    from twin.chip.service import Service
    from twin.config.chip import Chip
    from twin.mapping import Mapping, Part
    from twin.operation import Operation

    Places = Table[Stream, str]

PULSED: Final = frozenset({Kind.UPDATE, Kind.TRANSFER, Kind.CALIBRATION, Kind.PROGRAMMING})
FIRST_COPY: Final = frozenset({Kind.READ_OUT, Kind.FILTER, Kind.H_LOAD, Kind.H_STORE})  # of what all copies agree on


class Hop(NamedTuple):
    """One kind of server that moved bytes pass: all its servers together, the service of each, the bytes in all."""

    path: Path
    servers: list[int]
    service: Service
    n_bytes: int


def parts_of(mapping: Mapping, operation: Operation) -> tuple[Part, ...]:
    """Return the parts of its matrix that an operation works on."""
    parts = mapping.parts(operation.layer, operation.matrix)
    return parts if operation.parts is None else tuple(parts[k] for k in operation.parts)


def holders(operation: Operation, parts: tuple[Part, ...]) -> tuple[list[int], int]:
    """Return the tiles that take part, the copies of a block one after another, and how many copies do."""
    copies = 1 + min((len(part.copies) for part in parts), default=0)
    shared = operation.uses > 1 or operation.copied or operation.kind in PULSED
    if copies == 1 or not shared or operation.kind in FIRST_COPY:
        return sorted({part.tile for part in parts}), 1
    return [tile for part in parts for tile in (part.tile, *part.copies)], copies


def _registers(chip: Chip) -> Store:
    if chip.registers is None:
        raise TwinError(
            f"{chip.name}: placement: places something in registers, and the chip describes none; "
            "add a table [registers] or choose other places"
        )
    return chip.registers.built()


class Moves:
    """Everything that words pass on a chip, and where each stream is kept.

    Parameters
    ----------
    chip : Chip
    mapping : Mapping
    places : mapping of Stream to str or None
        Where streams are, if not all are where the chip's placement says.
    in_flight : int
    floorplan : Floorplan
    network : Network or None
    servers : Servers

    Attributes
    ----------
    link, registers : Link, Store or None
        Of one tile, where the chip has tiles, and registers.
    stores : dict of str to Store
        Buffer and memory, of each chip.
    """

    def __init__(
        self,
        chip: Chip,
        mapping: Mapping,
        places: Places | None,
        in_flight: int,
        floorplan: Floorplan,
        network: Network | None,
        servers: Servers,
    ) -> None:
        self._chip, self._mapping, self._places = chip, mapping, places
        self._network, self._floorplan = network, floorplan
        self._servers = servers
        tiles = len(mapping.tiles)
        self.link = chip.link.built() if tiles else None
        self.registers = _registers(chip) if tiles and has_registers(chip) else None
        self.stores: dict[str, Store] = {"buffer": chip.buffer.built(), "memory": chip.memory.built()}
        self._host = Host.of(chip)
        self._at_work = chip.memory.at_work(self._lines, in_flight, network.n_chips if network else 1)

    def demand(self, operation: Operation) -> Demand:
        """Return what a move occupies, costs and moves."""
        stream = operation.stream
        if stream is None:
            raise ValueError(f"{operation.kind} of layer {operation.layer}: a move needs a stream")
        n_bytes = word_bytes(self._chip, stream, operation.words)
        home = self.home(operation.layer + operation.towards)
        hops = self._hops(operation, stream, n_bytes, home)
        access, activation_J = -1, 0.0
        if self._at_work is not None and hops[-1].path is Path.MEMORY:
            access, activation_J = self._at_work.access(operation, stream, n_bytes, home), self._at_work.activation_J
        moved = [(hop.path, hop.n_bytes) for hop in hops if hop.servers]
        energy = no_energy()
        for hop in hops:
            energy[Component[hop.path.name], 0] += hop.service.energy_J * len(hop.servers)
        occupancy = [Occupancy(server, hop.service.busy_ps, 0) for hop in hops for server in hop.servers]
        latency_ps = sum(hop.service.latency_ps for hop in hops)
        carried: tuple[tuple[int, int], ...] = ()
        if self._network is not None:
            passage = self._network.passage(
                self._packets(operation, stream, n_bytes, self._network.part(self.place(stream), home))
            )
            number = {link: self._servers[self._network.links[link].kind, link] for link in passage.busy_ps}
            links = [Occupancy(number[link], busy_ps, 0) for link, busy_ps in passage.busy_ps.items()]
            # a store whose service depends on when and where must be the last
            occupancy = [*occupancy, *links] if access < 0 else [*links, *occupancy]
            carried = tuple((number[link], size) for link, size in passage.n_bytes.items())
            latency_ps += passage.latency_ps
            energy[Component.NETWORK, 0], energy[Component.CLUSTER, 0] = passage.network_J, passage.cluster_J
            for path, crosses in ((Path.NETWORK, False), (Path.CLUSTER, True)):
                size = sum(size for link, size in passage.n_bytes.items() if self._network.crosses(link) is crosses)
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
        writes = operation.store or stream is Stream.INPUT  # what the host sends is written
        if stream is Stream.INPUT:
            hops.append(Hop(Path.HOST, self._servers.of("host", [0]), self._host.service(n_bytes), n_bytes))
        tiles, copies = self._moving(operation)
        if self.link is not None and tiles:
            size = n_bytes * (copies if operation.copied else 1)
            service = self.link.service(size / len(tiles), writes=writes)
            hops.append(Hop(Path.LINK, self._servers.of("link", tiles), service, size))
        service = self.stores[place].service(n_bytes, writes=writes)
        return [*hops, Hop(Path[place.upper()], self._servers.of(place, [home]), service, n_bytes)]

    def _through_registers(self, operation: Operation, n_bytes: int) -> list[Hop]:
        """Return the hops of words that are kept in registers, their own tiles' or others'."""
        tiles = sorted({p.tile for p in parts_of(self._mapping, operation)} - {-1}) if operation.matrix else []
        home, writes = tiles, operation.store
        if operation.home is not None and not operation.store:
            home = self._mapping.tiles_of(*operation.home) if operation.home[0] >= 0 else []
        if home == tiles and tiles:
            return [self._in_registers(tiles, n_bytes, writes=writes)]
        hops: list[Hop] = []
        if self.link is not None and tiles:
            away = [tile for tile in tiles if tile not in home]
            service = self.link.service(n_bytes / len(tiles), writes=writes)
            hops.append(Hop(Path.LINK, self._servers.of("link", away), service, n_bytes))
        if not home:
            service = self.stores["buffer"].service(n_bytes, writes=writes)
            hops.append(Hop(Path.BUFFER, self._servers.of("buffer", [0]), service, n_bytes))
        elif self.link is not None:
            away = [tile for tile in home if tile not in tiles]
            service = self.link.service(n_bytes / len(home), writes=writes)
            hops.append(Hop(Path.LINK, self._servers.of("link", away), service, n_bytes))
            hops.append(self._in_registers(home, n_bytes, writes=writes))
        return hops

    def place(self, stream: Stream) -> str:
        """Return where a stream is kept."""
        if stream is Stream.INPUT:
            return "buffer"
        found = self._places.get(stream) if self._places is not None else None
        place: str = found or getattr(self._chip.placement, FIELDS[stream])
        return place

    def _in_registers(self, tiles: list[int], n_bytes: int, *, writes: bool) -> Hop:
        if self.registers is None:
            raise ValueError("a stream is placed in registers that the chip is built without")
        service = self.registers.service(n_bytes / len(tiles), writes=writes)
        return Hop(Path.REGISTERS, self._servers.of("registers", tiles), service, n_bytes)

    @property
    def stateful(self) -> Stateful | None:
        """The memory, where its service depends on when and where; made when first asked for."""
        return self._at_work.server if self._at_work is not None else None

    def flows(self, operation: Operation) -> list[tuple[int, Place, int]]:
        """Return the bytes that a move takes between each of its tiles and a place of the network."""
        if operation.unit is not Unit.MOVE or operation.stream is None or self._network is None:
            return []
        stream = operation.stream
        at = self._network.part(self.place(stream), self.home(operation.layer + operation.towards))
        shares = self._shares(operation, word_bytes(self._chip, stream, operation.words))
        return [(tile, at, share) for tile, share in shares]

    def _packets(self, operation: Operation, stream: Stream, n_bytes: int, at: Place) -> list[tuple[Place, Place, int]]:
        """Return what a move sends over the network: from, to, bytes."""
        if self._network is None:
            return []
        packets = [
            (at, self._network.site(self._floorplan.sites[tile]), n) for tile, n in self._shares(operation, n_bytes)
        ]
        if stream is Stream.INPUT:
            packets.insert(0, (self._network.part("host", 0), at, n_bytes))
        return [(target, source, n) for source, target, n in packets] if operation.store else packets

    def _shares(self, operation: Operation, n_bytes: int) -> list[tuple[int, int]]:
        """Share the bytes of a move out over its tiles, as evenly as whole bytes allow."""
        tiles, copies = self._moving(operation)
        copied = copies if operation.copied else 1
        count = len(tiles) // copied
        return [(tile, n_bytes // count + (k // copied < n_bytes % count)) for k, tile in enumerate(tiles)]

    def _lines(self, operation: Operation) -> int:
        """Return how many lines of this length the matrix has."""
        parts = self._mapping.parts(operation.layer, operation.matrix)
        words = max(part.in1 for part in parts) * max(part.out1 for part in parts)
        return max(1, words // max(1, operation.words))

    def _moving(self, operation: Operation) -> tuple[list[int], int]:
        if not operation.matrix or serves(operation):  # a vector unit stands beside the stores
            return [], 1
        parts = tuple(part for part in parts_of(self._mapping, operation) if part.tile >= 0)
        return holders(operation, parts)

    def home(self, layer: int) -> int:
        """Return the chip whose buffer and memory a layer uses: that of its first tile."""
        if self._network is None:
            return 0
        matrices = self._mapping.layers[min(max(layer, 0), len(self._mapping.layers) - 1)].values()
        first = next((parts[0].tile for parts in matrices if parts[0].tile >= 0), 0)
        return self._floorplan.sites[first] // self._network.tiles_per_chip
