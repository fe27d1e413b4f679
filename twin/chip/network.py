"""The network of a chip and of a cluster: links as servers, what a transfer takes, routers as silicon."""

from __future__ import annotations

import math
from collections import Counter
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, NamedTuple, Self, final

from twin.chip.part import ChipPart
from twin.chip.service import Service, picoseconds
from twin.chip.topology import Topology, build
from twin.chip.wire import Wire

if TYPE_CHECKING:
    from collections.abc import Iterable

    from twin.config.chip import Chip
    from twin.config.interconnect import Cluster, NetworkOnChip


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Router(ChipPart):
    """One router and its outgoing links, each of which serves one transfer at a time.

    Attributes
    ----------
    flit_B, bandwidth_Bps : float
        A link moves whole flits.
    delay_ps : int
        Of one hop, router and link.
    energy_per_bit_J : float
        Of one hop.
    """

    flit_B: float
    bandwidth_Bps: float
    delay_ps: int
    energy_per_bit_J: float

    @classmethod
    def of(cls, chip: Chip) -> Self:
        """Build from ``chip.network``."""
        part = _network(chip)
        return cls(
            flit_B=part.flit,
            bandwidth_Bps=part.bandwidth,
            delay_ps=picoseconds(part.router_delay),
            energy_per_bit_J=part.energy,
            area_m2=part.router_area,
            leakage_W=part.router_leakage,
        )

    def service(self, amount: float) -> Service:
        """Move `amount` bytes over one hop: the link is busy with their flits, the header's delay is latency."""
        busy_ps = picoseconds(math.ceil(amount / self.flit_B) * self.flit_B / self.bandwidth_Bps)
        return Service(busy_ps, self.delay_ps, 8 * amount * self.energy_per_bit_J)


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class ChipLink(Wire):
    """A link between chips, area and leakage both ways."""

    @classmethod
    def of(cls, chip: Chip) -> Self:
        """Build from ``chip.cluster``."""
        part = _cluster(chip)
        return cls(
            bandwidth_Bps=part.bandwidth,
            latency_s=part.latency,
            energy_per_bit_J=part.energy,
            area_m2=part.area,
            leakage_W=part.leakage,
        )


def _network(chip: Chip) -> NetworkOnChip:
    if chip.network is None:
        raise ValueError(f"{chip.name} has no network")
    return chip.network


def _cluster(chip: Chip) -> Cluster:
    if chip.cluster is None:
        raise ValueError(f"{chip.name} is no cluster")
    return chip.cluster


class NetworkLink(NamedTuple):
    """A directed link: "network" between routers of a chip, "cluster" between chips (chip -1)."""

    name: str
    kind: str
    chip: int


class Place(NamedTuple):
    """A router of a chip of the cluster."""

    chip: int
    node: str


class Route(NamedTuple):
    """The links between two places, by number; `hops` are on chips, `crossings` between chips."""

    links: tuple[int, ...]
    hops: int
    crossings: int


class Passage(NamedTuple):
    """What several packets of one transfer take, over all their links.

    Attributes
    ----------
    busy_ps : dict of int to int
        Time in service by link number.
    latency_ps : int
        Of the longest route.
    network_J, cluster_J : float
    n_bytes : dict of int to int
        Bytes by link number.
    """

    busy_ps: dict[int, int]
    latency_ps: int
    network_J: float
    cluster_J: float
    n_bytes: dict[int, int]


class Network:
    """Routers and links of all chips, numbered.

    Attributes
    ----------
    links : tuple of NetworkLink
        Every directed link.
    on_chip : Topology
    chips : Topology or None
        How chips are joined; None for a single one.
    tiles_per_chip : int
        Places for tiles.
    """

    def __init__(self, chip: Chip, n_tiles: int) -> None:
        description = _network(chip)
        self.router, self._chip_link = Router.of(chip), ChipLink.of(chip) if chip.cluster else None
        places = chip.cluster.tiles if chip.cluster else max(n_tiles, 1)
        self.on_chip = build(description, "network", places, description.concentration)
        self.tiles_per_chip = places if chip.cluster else len(self.on_chip.sites)
        self.chips: Topology | None = None
        self._gate = ""
        self.n_chips = 1
        if chip.cluster:
            self.chips = build(chip.cluster, "cluster", chip.cluster.chips)
            self._gate = self.on_chip.node("cluster.gate", chip.cluster.gate)
            self.n_chips = chip.cluster.chips
        self._parts = {
            "buffer": self.on_chip.node("network.buffer", description.buffer),
            "memory": self.on_chip.node("network.memory", description.memory),
            "host": self.on_chip.node("network.host", description.host),
        }
        named = [(number, link) for number in range(self.n_chips) for link in self.on_chip.links]
        self._number = {(chip_number, *link): k for k, (chip_number, link) in enumerate(named)}
        self._first_crossing = len(named)
        crossings = self.chips.links if self.chips else []
        self._crossing = {link: self._first_crossing + k for k, link in enumerate(crossings)}
        self.links = (
            *(NetworkLink(f"link {f'{n}:' if self.chips else ''}{a}>{b}", "network", n) for n, (a, b) in named),
            *(NetworkLink(f"cluster {a}>{b}", "cluster", -1) for a, b in crossings),
        )
        self.route = cache(self._route)

    def part(self, name: str, chip: int) -> Place:
        """Return where the buffer, the memory or the host's link of a chip is."""
        return Place(chip, self._parts[name])

    def site(self, number: int) -> Place:
        """Return the router of a place for a tile, chips one after another."""
        chip, place = divmod(number, self.tiles_per_chip)
        return Place(chip, self.on_chip.sites[place])

    def distance(self, a: Place, b: Place) -> int:
        """Return the hops between two places, those between chips included."""
        route = self.route(a, b)
        return route.hops + route.crossings

    def _route(self, a: Place, b: Place) -> Route:
        if self.chips is None or a.chip == b.chip:
            links = [self._number[a.chip, *link] for link in self.on_chip.route(a.node, b.node)]
            return Route(tuple(links), len(links), 0)
        out, into = self._route(a, Place(a.chip, self._gate)), self._route(Place(b.chip, self._gate), b)
        between = self.chips.route(self.chips.sites[a.chip], self.chips.sites[b.chip])
        crossed = tuple(self._crossing[link] for link in between)
        return Route(out.links + crossed + into.links, out.hops + into.hops, len(crossed))

    def passage(self, packets: Iterable[tuple[Place, Place, int]]) -> Passage:
        """Return what packets (from, to, bytes) take that are sent at once."""
        n_bytes: Counter[int] = Counter()
        busy_ps: Counter[int] = Counter()
        latency_ps, network_J, cluster_J = 0, 0.0, 0.0
        for source, target, size in packets:
            route = self.route(source, target)
            hop = self.router.service(size)
            crossing = self._chip_link.service(size) if self._chip_link else Service(0, 0, 0.0)
            for link in route.links:
                n_bytes[link] += size
                busy_ps[link] += hop.busy_ps if link < self._first_crossing else crossing.busy_ps
            latency_ps = max(latency_ps, route.hops * hop.latency_ps + route.crossings * crossing.latency_ps)
            network_J += route.hops * hop.energy_J
            cluster_J += route.crossings * crossing.energy_J
        return Passage(dict(busy_ps), latency_ps, network_J, cluster_J, dict(n_bytes))

    def crosses(self, link: int) -> bool:
        """Return whether a link joins two chips."""
        return link >= self._first_crossing

    def silicon(self) -> list[tuple[str, int, ChipPart]]:
        """Return name, count and part of routers and of links between chips."""
        rows: list[tuple[str, int, ChipPart]] = [("routers", self.n_chips * len(self.on_chip.graph), self.router)]
        if self.chips and self._chip_link:
            rows.append(("links between chips", len(self.chips.links) // 2, self._chip_link))
        return rows
