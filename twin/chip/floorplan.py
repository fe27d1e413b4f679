"""The floor plan: where every tile lies, how large it is, and how much of it is in use."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

from twin.chip.digital import DigitalUnit
from twin.chip.tile import Tile
from twin.chip.topology import square
from twin.errors import TwinError

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd

    from twin.chip.network import Network
    from twin.chip.topology import Cell
    from twin.config.chip import Chip
    from twin.mapping import Mapping

COLUMNS = (
    "tile", "layer", "chip", "node", "x_mm", "y_mm", "width_mm", "height_mm", "rows_used", "cols_used", "utilisation"
)  # fmt: skip
MM = 1e3


class Floorplan:
    """Places in rows and columns, one tile each; all as large as the largest tile.

    Attributes
    ----------
    sites : tuple of int
        The place of every tile, chips one after another.
    cells : tuple of (int, int)
        Row and column of every place of one chip.
    per_chip : int
        Places of a chip.
    """

    def __init__(self, chip: Chip, mapping: Mapping, network: Network | None, sites: Sequence[int] = ()) -> None:
        self._chip, self._mapping, self._network = chip, mapping, network
        n = len(mapping.tiles)
        rows, cols = square(n)
        grid = tuple((row, col) for row in range(rows) for col in range(cols))
        self.cells: tuple[Cell, ...] = network.on_chip.cells if network else grid
        self.per_chip = network.tiles_per_chip if network else len(grid)
        chips = network.n_chips if network else 1
        if n > chips * self.per_chip:
            raise TwinError(
                f"cluster.tiles (= {self.per_chip}): {chips} chips have places for {chips * self.per_chip} tiles, but "
                f"{n} are needed; raise cluster.tiles or cluster.chips, or map to fewer tiles"
            )
        if n and chip.mapping.placement == "traffic" and network is None:
            raise TwinError(
                "mapping.placement (= traffic): needs a [network], whose hops it keeps few; "
                'choose "row-major" or "snake"'
            )
        self.sites = tuple(sites) or (self._in_order(n, snake=chip.mapping.placement == "snake") if n else ())

    def _in_order(self, n: int, *, snake: bool) -> tuple[int, ...]:
        """Return the places of tiles by rows, with `snake` every other row backwards; chips are filled in turn."""

        def key(place: int) -> Cell:
            row, col = self.cells[place]
            return row, -col if snake and row % 2 else col

        order = sorted(range(self.per_chip), key=key)
        return tuple(k // self.per_chip * self.per_chip + order[k % self.per_chip] for k in range(n))

    def side_m(self) -> float:
        """Return the side of the square that holds the largest tile with its share of digital units and routers."""
        tile, digital = Tile.of(self._chip), DigitalUnit.of(self._chip)
        arrays = max(one.arrays for one in self._mapping.tiles)
        area = arrays * tile.array_m2 + tile.area_m2 + tile.converters.area_m2 + self._chip.link.area_m2
        area += digital.area_m2 / digital.tiles
        if self._network is not None:
            area += self._network.router.area_m2 * len(self._network.on_chip.graph) / len(self.cells)
        return math.sqrt(area)

    def table(self) -> pd.DataFrame:
        """Return a row a tile: its place in mm from the upper left corner, and the share of crosspoints in use."""
        import pandas as pd  # noqa: PLC0415

        rows = []
        side = self.side_m() * MM if self._mapping.tiles else 0.0
        for tile, site in zip(self._mapping.tiles, self.sites, strict=True):
            number, place = divmod(site, self.per_chip)
            row, col = self.cells[place]
            node = self._network.on_chip.sites[place] if self._network else ""
            used = tile.devices_used / (self._chip.tile.rows * self._chip.tile.cols)
            at = (tile.name, tile.layer, number, node, col * side, row * side, side, side)
            rows.append((*at, tile.rows_used, tile.cols_used, used))
        return pd.DataFrame(rows, columns=pd.Index(COLUMNS))
