"""The cost of every operation on a given chip with a given mapping."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from functools import cached_property
from typing import TYPE_CHECKING

from twin.chip.demand import Component, Demand, Occupancy, no_energy
from twin.chip.digital import DigitalUnit
from twin.chip.floorplan import Floorplan
from twin.chip.moves import PULSED, Moves, holders, parts_of
from twin.chip.network import Network
from twin.chip.power import banks_on, standing
from twin.chip.servers import Servers
from twin.chip.service import AreaRow
from twin.chip.streams import has_registers
from twin.chip.tile import Tile
from twin.chip.vector import VectorUnit, serves
from twin.errors import TwinError
from twin.operation import Counts, Kind, Unit

if TYPE_CHECKING:
    from collections.abc import Mapping as Table
    from collections.abc import Sequence

    from twin.chip.mover import Stateful
    from twin.chip.moves import Places
    from twin.chip.power import Standing
    from twin.config.chip import Chip
    from twin.mapping import Mapping, Part
    from twin.operation import Operation

APART = -1
"""The place of the digital unit that works for layers without tiles, beside layers that have some."""


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
    kept : mapping of str to float, optional
        Bytes kept in the buffers and the memories of all chips; without it, all of their banks are in use.
    ruled : mapping of int to Chip, optional
        By layer the chip as it is for its tiles, where these differ: their time, energy, area and leakage.

    Attributes
    ----------
    servers : tuple of Server
        Tiles, their digital slices and links (in the order of ``mapping.tiles``) and registers if built; the
        digital unit for layers without tiles, where there are any; then buffer, memory and host; buffers and memories
        of further chips of a cluster; the links of the network.
    table : Servers
        The same by kind and place.
    moves : Moves
    network : Network or None
    floorplan : Floorplan
    on : dict of str to float
        The share of buffers and memories that is switched on.
    """

    def __init__(
        self,
        chip: Chip,
        mapping: Mapping,
        places: Places | None = None,
        in_flight: int = 1,
        sites: Sequence[int] = (),
        kept: Table[str, float] | None = None,
        ruled: Table[int, Chip] = {},
    ) -> None:
        self._mapping = mapping
        names = [tile.name for tile in mapping.tiles]
        self._n_tiles = len(names)
        self._tile = Tile.of(chip) if names else None
        self._ruled = {layer: Tile.of(own) for layer, own in ruled.items()}
        self._digital = DigitalUnit.of(chip)
        self._vector = VectorUnit.of(chip) if vars(chip)["vector"] is not None else None
        self.network = Network(chip, len(names)) if chip.network is not None and names else None
        chips = self.network.n_chips if self.network else 1
        self.floorplan = Floorplan(chip, mapping, self.network, sites)
        self.table = self._servers(names, registers=has_registers(chip), chips=chips)
        self.servers = self.table.rows()
        self.moves = Moves(chip, mapping, places, in_flight, self.floorplan, self.network, self.table)
        self._chip = chip
        self.on = banks_on(chip, self.moves.stores, kept, chips)

    def _servers(self, names: Sequence[str], *, registers: bool, chips: int) -> Servers:
        table = Servers()
        kinds = ("tile", "digital", "link", *(["registers"] if registers else []))
        for kind in kinds if names else ():
            for tile, name in enumerate(names):
                table.add(kind, tile, f"{kind} {name}", self.floorplan.sites[tile] // self.floorplan.per_chip)
        if not names or self._mapping.mixed:
            table.add("digital", APART if names else 0, "digital", 0)
        stores = [("buffer", 0), ("memory", 0), ("host", 0)]
        stores += [(kind, chip) for chip in range(1, chips) for kind in ("buffer", "memory")]
        for kind, chip in stores:
            table.add(kind, chip, f"{kind} {chip}" if chip else kind, chip)
        for chip in range(chips if self._vector is not None else 0):
            table.add("vector", chip, f"vector {chip}" if chip else "vector", chip)
        for number, link in enumerate(self.network.links if self.network else ()):
            table.add(link.kind, number, link.name, link.chip)
        return table

    def chip_of_servers(self) -> list[int]:
        """Return the chip of a cluster that each server is on; -1 for the links between chips."""
        return self.table.chips

    def demand(self, operation: Operation) -> Demand:
        """Return what `operation` occupies, costs and moves."""
        if operation.unit is Unit.TILE:
            return self._tile_demand(operation)
        return self._digital_demand(operation) if operation.unit is Unit.DIGITAL else self.moves.demand(operation)

    def _tile_demand(self, operation: Operation) -> Demand:
        parts = parts_of(self._mapping, operation)
        tile = self._ruled.get(operation.layer, self._tile)
        if tile is None or any(part.tile < 0 for part in parts):
            raise TwinError(
                f"layout: matrix {operation.matrix!r} of layer {operation.layer} is digital and cannot "
                f"serve {operation.kind} on a tile; choose a layout with tiles"
            )
        tiles, copies = holders(operation, parts)
        if operation.kind in PULSED:
            busy_ps, latency_ps, column = tile.pulse_ps, 0, Counts.PULSES
            energy = tile.pulse_energy_J() * copies  # the same trains on every copy
        else:
            lines = operation.lines or _converted_lines(operation, parts)
            busy_ps, latency_ps, _ = tile.service(lines)
            busy_ps = -(-busy_ps // copies)  # positions are shared out evenly
            column, energy = Counts.MVMS, tile.read_energy_J(lines)
        occupancy = tuple(Occupancy(server, 0, busy_ps) for server in self.table.of("tile", tiles))
        return Demand(occupancy, column, latency_ps, energy)

    def _digital_demand(self, operation: Operation) -> Demand:
        energy = no_energy()
        if self._vector is not None and serves(operation):
            busy_ps, latency_ps, energy[Component.DIGITAL, 0] = self._vector.service(operation.flops)
            unit = self.table["vector", self.moves.home(operation.layer)]
            return Demand((Occupancy(unit, busy_ps, 0),), -1, latency_ps, energy)
        tiles = holders(operation, parts_of(self._mapping, operation))[0] if self._n_tiles else [-1]
        if tiles[0] < 0:
            service = self._digital.service(operation.flops)
            servers = self.table.of("digital", [APART if self._mapping.mixed else 0])
        else:
            service = self._digital.slice_service(operation.flops / len(tiles))
            servers = self.table.of("digital", tiles)
        energy[Component.DIGITAL, 0] = operation.flops * self._digital.energy_per_FLOP_J
        return Demand(tuple(Occupancy(s, service.busy_ps, 0) for s in servers), -1, 0, energy)

    @property
    def stateful(self) -> Stateful | None:
        """The memory, where its service depends on when and where; made when first asked for."""
        return self.moves.stateful

    def area(self) -> list[AreaRow]:
        """Return area and leakage by part; it depends on chip and mapping alone."""
        n = self._n_tiles
        rows = []
        if self._tile is not None and self.moves.link is not None:
            rows = [*self._tile_area(self._tile), *self.moves.link.silicon("links", n)]
            states = self._chip.power.tile if self._chip.power is not None else None
            if states is not None and states.controller_area is not None:
                rows.append(AreaRow("tile controllers", n, n * states.controller_area, 0.0))
        if self.moves.registers is not None:
            rows += self.moves.registers.silicon("registers", n)
        units = -(-n // self._digital.tiles) + (n == 0 or self._mapping.mixed)
        rows.append(AreaRow("digital units", units, units * self._digital.area_m2, units * self._digital.leakage_W))
        chips, silicon = (self.network.n_chips, self.network.silicon()) if self.network else (1, [])
        rows += [AreaRow(name, k, k * part.area_m2, k * part.leakage_W) for name, k, part in silicon]
        if self._vector is not None:
            rows.append(AreaRow("vector unit", chips, chips * self._vector.area_m2, chips * self._vector.leakage_W))
        for name, store in self.moves.stores.items():
            rows += [replace(row, leakage_W=row.leakage_W * self.on[name]) for row in store.silicon(name, chips)]
        return rows

    def _tile_area(self, plain: Tile) -> list[AreaRow]:
        """Arrays, periphery and converters of all tiles, of which some layers may have others."""
        arrays: Counter[Tile] = Counter()
        tiles: Counter[Tile] = Counter()
        for one in self._mapping.tiles:
            own = self._ruled.get(one.layer, plain)
            arrays[own] += one.arrays
            tiles[own] += 1
        return [
            AreaRow("arrays", arrays.total(), sum(n * one.array_m2 for one, n in arrays.items()), 0.0),
            AreaRow(
                "tile periphery",
                tiles.total(),
                sum(n * one.area_m2 for one, n in tiles.items()),
                sum(n * one.leakage_W for one, n in tiles.items()),
            ),
            AreaRow(
                "converters",
                sum(2 * n * one.converters.count for one, n in tiles.items()),
                sum(n * one.converters.area_m2 for one, n in tiles.items()),
                0.0,
            ),
        ]

    @cached_property
    def standing(self) -> Standing:
        """What flows on the chip without an operation."""
        return standing(self._chip, self.area(), self.servers)

    def leakage_W(self) -> float:
        """Return the leakage power of the whole chip, W."""
        return self.standing.watts[Component.LEAKAGE]


def _converted_lines(operation: Operation, parts: tuple[Part, ...]) -> int:
    """Lines the busiest array converts: inputs going backward, outputs otherwise."""
    if operation.kind is Kind.BACKWARD:
        return max(part.in1 - part.in0 for part in parts)
    return max(part.out1 - part.out0 for part in parts)
