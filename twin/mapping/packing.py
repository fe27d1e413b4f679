"""Blocks on arrays: one each, or side by side where they fit (shelves, first fit).

A shelf is a band of output lines; blocks stand on it one after another along the input lines. Blocks that share no
line of a side are apart; where they share some, the lines of those at rest are not driven and not converted.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from twin.config.layout import Layout


@dataclass(slots=True)
class Shelf:
    """A band of `height` output lines of which `width` input lines are taken."""

    height: int
    width: int


@dataclass(slots=True)
class Group:
    """One instance of each tile of a layout, and what is on its arrays.

    Attributes
    ----------
    layout : Layout
    first : int
        Number of its first tile.
    layer : int
        Of the first block.
    label : str
        The first block's, with "{}" for the name of the tile.
    """

    layout: Layout
    first: int
    layer: int
    label: str
    shelves: list[Shelf] = field(default_factory=list)
    blocks: int = 0
    devices: int = 0

    def take(self, rows: int, cols: int, most_rows: int, most_cols: int) -> bool:
        """Put a block on the first shelf with room, or on a new one; False where there is none."""
        shelf = next((one for one in self.shelves if one.height >= rows and one.width + cols <= most_cols), None)
        if shelf is None:
            if sum(one.height for one in self.shelves) + rows > most_rows:
                return False
            shelf = Shelf(rows, 0)
            self.shelves.append(shelf)
        shelf.width += cols
        self.blocks += 1
        self.devices += rows * cols
        return True

    @property
    def used(self) -> tuple[int, int]:
        """Output and input lines in use."""
        return sum(one.height for one in self.shelves), max(one.width for one in self.shelves)


class Packer:
    """Hands out groups of tiles, in order; blocks share those of one and the same layout only.

    Attributes
    ----------
    groups : list of Group
    """

    def __init__(self, rows: int, cols: int, *, pack: bool) -> None:
        self._rows, self._cols, self._pack = rows, cols, pack
        self.groups: list[Group] = []
        self._tiles = 0

    def place(
        self, layout: Layout, layer: int, label: str, rows: int, cols: int, apart: frozenset[int] = frozenset()
    ) -> int:
        """Place a block of `rows` outputs and `cols` inputs; return its group, none of those in `apart`."""
        for number, group in enumerate(self.groups if self._pack else ()):
            if number not in apart and group.layout is layout and group.take(rows, cols, self._rows, self._cols):
                return number
        group = Group(layout, self._tiles, layer, label)
        self._tiles += len(layout.tiles)
        group.take(rows, cols, self._rows, self._cols)
        self.groups.append(group)
        return len(self.groups) - 1

    def first_tile(self, group: int) -> int:
        """Return the number of the first tile of a group."""
        return self.groups[group].first

    def instances(self) -> list[tuple[str, int, int, int, int, int]]:
        """Return name, layer, arrays, lines used of both sides, and devices used of every tile."""
        found = []
        for group in self.groups:
            more = f"+{group.blocks - 1}" if group.blocks > 1 else ""
            for tile in group.layout.tiles:
                name = group.label.format(tile.name) + more
                found.append((name, group.layer, len(tile.arrays), *group.used, group.devices))
        return found
