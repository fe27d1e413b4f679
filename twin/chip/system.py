"""The cost of every operation on several chips of one design, each with a buffer, a memory and a port of its own.

Words of a matrix lie in equal shares on the chips that hold it, and each chip's buffer or memory moves its share.
What passes from layer to layer between chips leaves by the ports of the sender, again in equal shares; the receiver
is taken to keep up (assumption). Tiles, digital slices and links cost what they cost on one chip.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING, Final, final

from twin.chip.costs import ChipCosts
from twin.chip.demand import Component, Demand, Occupancy, Path, no_energy
from twin.chip.digital import DigitalUnit
from twin.chip.power import standing
from twin.chip.servers import Servers
from twin.chip.service import AreaRow
from twin.chip.streams import word_bytes
from twin.chip.wire import transfer
from twin.errors import TwinError
from twin.operation import Kind, Stream

if TYPE_CHECKING:
    from collections.abc import Mapping as Table
    from collections.abc import Sequence

    from twin.chip.power import Standing
    from twin.config.chip import Chip
    from twin.mapping import Mapping
    from twin.mapping.chips import Placement
    from twin.operation import Operation

PER_CHIP: Final = ("buffer", "memory", "vector", "port")


@final
class SystemCosts:
    """Servers, demands, area and leakage of a system.

    Parameters
    ----------
    chip : Chip
        With a table ``[system]``.
    mapping : Mapping
    placement : Placement
    copies : sequence of int
        How many blocks each block of the placement stands for; area and leakage count them all.
    kept : mapping of str to float, optional
        Bytes kept in the buffer and the memory of a chip, the fullest; without it, all of their banks are in use.
    gated : bool
        Whether servers are switched off when idle; not where blocks stand for others, whose idle times differ.
    """

    stateful = None

    def __init__(
        self,
        chip: Chip,
        mapping: Mapping,
        placement: Placement,
        copies: Sequence[int],
        kept: Table[str, float] | None = None,
        *,
        gated: bool = True,
    ) -> None:
        self._gated = gated
        if chip.system is None:
            raise TwinError(f"{chip.name}: system: is missing; add a table [system] to the chip")
        self._chip, self._mapping, self._placement = chip, mapping, placement
        self._system = chip.system
        self._one = ChipCosts(chip, mapping, kept=kept)
        self._chips = len(placement.block)
        self._copies = [copies[block] for block in placement.block]
        self._servers = Servers()
        for server, tile, _ in self._one.table.items():
            if server.kind not in {"buffer", "memory", "vector", "host"}:
                self._servers.add(server.kind, tile, server.name, placement.chip[tile])
        built = [kind for kind in PER_CHIP if kind != "vector" or chip.vector is not None]
        for kind in built:
            for number in range(self._chips):
                self._servers.add(kind, number, f"{kind} {number}", number)
        self._servers.add("host", 0, "host", -1)
        self.servers = self._servers.rows()

    @property
    def chips(self) -> int:
        """How many chips there are, copies included."""
        return sum(self._copies)

    @property
    def tiles(self) -> int:
        """How many tiles there are, copies included."""
        return sum(self._copies[chip] for chip in self._placement.chip)

    def block_of(self, server: int) -> int:
        """Return the block that a server belongs to; the host belongs to the first."""
        chip = self._servers.chips[server]
        return self._placement.block[chip] if chip >= 0 else 0

    def chip_of_servers(self) -> list[int]:
        """Return the chip that each server is on; -1 for the host."""
        return self._servers.chips

    def demand(self, operation: Operation) -> Demand:
        """Return what `operation` occupies, costs and moves."""
        if operation.kind is Kind.SEND:
            return self._send(operation)
        demand = self._one.demand(operation)
        occupancy: list[Occupancy] = []
        for one in demand.occupancy:
            kind = self._one.servers[one.server].kind
            if kind == "host":
                occupancy.append(one._replace(server=self._servers["host", 0]))
            elif kind in PER_CHIP:
                occupancy += self._shares(operation, kind, one)
            else:
                occupancy.append(one)
        return replace(demand, occupancy=tuple(occupancy))

    def _on(self, operation: Operation) -> list[int]:
        """Return the chips that an operation moves words to or from; samples arrive at the first."""
        if not operation.matrix:
            return [0]
        parts = self._mapping.parts(operation.layer, operation.matrix)
        chosen = parts if operation.parts is None else [parts[k] for k in operation.parts]
        return sorted({self._placement.chip[part.tile] for part in chosen})

    def _shares(self, operation: Operation, kind: str, one: Occupancy) -> list[Occupancy]:
        chips = self._on(operation)
        share_ps = -(-one.fixed_ps // len(chips))
        return [Occupancy(server, share_ps, 0) for server in self._servers.of(kind, chips)]

    def _send(self, operation: Operation) -> Demand:
        stream = operation.stream or Stream.ACTIVATIONS
        n_bytes = word_bytes(self._chip, stream, operation.words)
        chips = self._on(operation)
        system = self._system
        service = transfer(n_bytes / len(chips), system.bandwidth, system.latency, system.energy)
        energy = no_energy()
        energy[Component.CHIP_LINK, 0] = service.energy_J * len(chips)
        return Demand(
            tuple(Occupancy(server, service.busy_ps, 0) for server in self._servers.of("port", chips)),
            column=-1,
            latency_ps=service.latency_ps,
            energy_J=energy,
            traffic=((Path.CHIP_LINK, stream, n_bytes),),
            payload=(stream, n_bytes),
        )

    def area(self) -> list[AreaRow]:
        """Return area and leakage by part, of all chips."""
        tiles = self.tiles
        arrays = sum(
            tile.arrays * self._copies[chip]
            for tile, chip in zip(self._mapping.tiles, self._placement.chip, strict=True)
        )
        counts = {
            "arrays": arrays,
            "tile periphery": tiles,
            "tile controllers": tiles,
            "links": tiles,
            "digital units": self._digital_units(),
        }
        one = self._one.area()
        stores = (row for row in one if row.part.partition(" ")[0] in {"buffer", "memory", "vector"})
        counts |= {row.part: self.chips * row.count for row in stores}
        rows = [self._times(row, counts) for row in one]
        system = self._system
        return [*rows, AreaRow("chip ports", self.chips, self.chips * system.area, self.chips * system.leakage)]

    def _times(self, row: AreaRow, counts: dict[str, int]) -> AreaRow:
        """Scale a row of one chip to the number of its parts in the system."""
        count = counts.get(row.part, row.count * self.tiles // max(1, len(self._mapping.tiles)))
        factor = count / row.count if row.count else 0.0
        return AreaRow(row.part, count, row.area_m2 * factor, row.leakage_W * factor)

    def _digital_units(self) -> int:
        shared_by = DigitalUnit.of(self._chip).tiles
        return sum(-(-tiles // shared_by) * self._copies[chip] for chip, tiles in Counter(self._placement.chip).items())

    @cached_property
    def standing(self) -> Standing:
        """What flows on all chips without an operation."""
        found = standing(self._chip, self.area(), self.servers)
        return found if self._gated else replace(found, gates={})

    def leakage_W(self) -> float:
        """Return the leakage power of all chips, W."""
        return self.standing.watts[Component.LEAKAGE]
