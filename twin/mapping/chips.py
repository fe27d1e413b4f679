"""Which chip of a system each tile is on: blocks in order, each on chips of its own, tiles in the order of layers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.mapping.mapping import Mapping


@dataclass(frozen=True, slots=True)
class Placement:
    """The tiles on chips.

    Attributes
    ----------
    chip : tuple of int
        The chip of every tile of the mapping.
    block : tuple of int
        The block of every chip.
    """

    chip: tuple[int, ...]
    block: tuple[int, ...]

    def chips(self, mapping: Mapping, layer: int, matrix: str) -> tuple[int, ...]:
        """Return the chips that hold a matrix, ascending."""
        return tuple(sorted({self.chip[part.tile] for part in mapping.parts(layer, matrix)}))


def place_on_chips(mapping: Mapping, blocks: Sequence[range], tiles_per_chip: int) -> Placement:
    """Fill chips with `tiles_per_chip` tiles each; a block begins on a new chip."""
    block_of = {layer: number for number, layers in enumerate(blocks) for layer in layers}
    chip: list[int] = []
    block: list[int] = []
    on_last = 0
    for tile in mapping.tiles:
        own = block_of[tile.layer]
        if not block or block[-1] != own or on_last == tiles_per_chip:
            block.append(own)
            on_last = 0
        chip.append(len(block) - 1)
        on_last += 1
    return Placement(tuple(chip), tuple(block))
