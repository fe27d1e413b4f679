"""Which physical tile holds which block of which layer's matrix.

An axis longer than the array is split into balanced chunks; every block gets one instance of each
tile of the layout, so matrices that share a layout tile share its instances and take turns on them.
With ``mapping.pack`` blocks that fit on one array share its tiles too; with ``mapping.replicate`` a block has copies.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.errors import TwinError
from twin.mapping.packing import Packer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from collections.abc import Mapping as Table

    from twin.config.chip import Chip
    from twin.config.layout import Layout

Block = tuple[int, int, int, int]  # in0, in1, out0, out1


@dataclass(frozen=True, slots=True)
class Part:
    """The block ``[out0:out1, in0:in1]`` of a layer's matrix, held by one physical array pair.

    Attributes
    ----------
    in0, in1 : int
        Input lines, half open.
    out0, out1 : int
        Output lines, half open.
    tile : int
        Index into `Mapping.tiles`; -1 for a matrix in digital memory.
    copies : tuple of int
        Further tiles that hold the same weights.
    """

    in0: int
    in1: int
    out0: int
    out1: int
    tile: int
    copies: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class TileInstance:
    """One tile of the chip.

    Attributes
    ----------
    name : str
        ``"0.A"``, or ``"0.A[2]"`` where the layer needs several, ``"0.Ax1"`` for the first copy of it, ``"0.A+2"``
        where it shares the tile with 2 more blocks.
    layer : int
        The layer of its first block.
    arrays : int
        Crosspoint arrays behind its periphery.
    rows_used, cols_used : int
        Output and input lines in use.
    devices_used : int
        Crosspoints in use of each array.
    """

    name: str
    layer: int
    arrays: int
    rows_used: int
    cols_used: int
    devices_used: int


@dataclass(frozen=True)
class Mapping:
    """The placement of all layers.

    Attributes
    ----------
    tiles : tuple of TileInstance
        Empty for a digital layout.
    layers : tuple of dict from str to tuple of Part
        For each layer, the parts of each matrix.
    """

    tiles: tuple[TileInstance, ...]
    layers: tuple[dict[str, tuple[Part, ...]], ...]

    def parts(self, layer: int, matrix: str) -> tuple[Part, ...]:
        """Return the blocks of `matrix` of `layer`, for each output chunk each input chunk.

        Raises
        ------
        TwinError
            When the layout has no such matrix.
        """
        try:
            return self.layers[layer][matrix]
        except KeyError:
            have = ", ".join(sorted(self.layers[layer]))
            raise TwinError(
                f"layout: no matrix {matrix!r} (layer {layer} has {have}); "
                "choose a layout that holds the matrices of the algorithm"
            ) from None

    @property
    def mixed(self) -> bool:
        """Whether some layers have no tiles, beside others that have."""
        return bool(self.tiles) and any(all(parts[0].tile < 0 for parts in one.values()) for one in self.layers)

    def tiles_of(self, layer: int, matrix: str) -> list[int]:
        """Return which tiles hold `matrix` of `layer`, ascending; none where it is digital."""
        return sorted({part.tile for part in self.parts(layer, matrix)} - {-1})


def map_layers(
    shapes: Sequence[tuple[int, int]],
    layout: Layout,
    chip: Chip,
    uses: Sequence[int] = (),
    layouts: Table[int, Layout] = {},
) -> Mapping:
    """Place layers on tiles.

    Parameters
    ----------
    shapes : sequence of (n_in, n_out)
        Lines of each layer; the bias line is counted in `n_in`.
    layout : Layout
        Which arrays share which tile.
    chip : Chip
        Gives the size of an array: at most ``tile.cols`` inputs and ``tile.rows`` outputs, and ``mapping``.
    uses : sequence of int
        How many positions of a sample each layer's copies can share out; not given, copies are not checked.
    layouts : mapping of int to Layout
        Layouts of layers that have another; only layers with one and the same share tiles.

    Raises
    ------
    TwinError
        When a layer without several positions is to be replicated.
    """
    all_of_them = [layouts.get(layer, layout) for layer in range(len(shapes))]
    homes = [_homes(one) for one in all_of_them]
    if not any(homes):  # sizes and mapping of tiles stay unread where there are none: the audit reports them as unused
        both = zip(shapes, all_of_them, strict=True)
        return Mapping((), tuple({name: (_whole(shape),) for name in one.matrices} for shape, one in both))
    copies = _copies(chip, len(shapes), uses)
    packer = Packer(chip.tile.rows, chip.tile.cols, pack=chip.mapping.pack)
    layers = []
    for layer, (shape, own, home) in enumerate(zip(shapes, all_of_them, homes, strict=True)):
        blocks = list(_blocks(shape, chip)) if home else []
        placed = list(_place(packer, own, layer, blocks, copies[layer]))
        parts = {
            name: tuple(
                Part(*block, firsts[0] + at, tuple(more + at for more in firsts[1:])) for block, firsts in placed
            )
            for name, at in home.items()
        }
        layers.append({name: parts.get(name, (_whole(shape),)) for name in own.matrices})
    return Mapping(tuple(TileInstance(*one) for one in packer.instances()), tuple(layers))


def _whole(shape: tuple[int, int]) -> Part:
    return Part(0, shape[0], 0, shape[1], -1)


def _blocks(shape: tuple[int, int], chip: Chip) -> Iterator[Block]:
    """Yield in0, in1, out0, out1 of every block, for each output chunk each input chunk."""
    for out0, out1 in chunks(shape[1], chip.tile.rows):
        for in0, in1 in chunks(shape[0], chip.tile.cols):
            yield in0, in1, out0, out1


def _homes(layout: Layout) -> dict[str, int]:
    """Return which tile of a layout holds the main array of each matrix that has one."""
    return {name: _home(name, layout) for name, matrix in layout.matrices.items() if not matrix.digital}


def _place(
    packer: Packer, layout: Layout, layer: int, blocks: Sequence[Block], copies: int
) -> Iterator[tuple[Block, tuple[int, ...]]]:
    """Yield every block with the first tile of its group and of those of its further copies.

    Blocks of one layer work at the same time, so they never share a tile.
    """
    taken: list[int] = []
    for number, block in enumerate(blocks):
        in0, in1, out0, out1 = block
        suffix = f"[{number}]" if len(blocks) > 1 else ""
        for copy in range(copies):
            label = f"{layer}.{{}}{suffix}" + (f"x{copy}" if copy else "")
            taken.append(packer.place(layout, layer, label, out1 - out0, in1 - in0, frozenset(taken)))
        yield block, tuple(packer.first_tile(group) for group in taken[-copies:])


def _copies(chip: Chip, n_layers: int, uses: Sequence[int]) -> list[int]:
    """Return how many copies of its arrays each layer has."""
    given = chip.mapping.replicate
    if len(given) > n_layers:
        raise TwinError(f"chip.mapping.replicate: {len(given)} numbers for {n_layers} layers; give one a layer at most")
    for layer, (copies, positions) in enumerate(zip(given, uses, strict=False)):
        if copies > max(positions, 1):
            raise TwinError(
                f"chip.mapping.replicate.{layer} (= {copies}): layer {layer} has {positions} position"
                f"{'s' if positions > 1 else ''} of a sample to share out; copies are for convolutions"
            )
    return [*given, *[1] * (n_layers - len(given))]


def _home(matrix: str, layout: Layout) -> int:
    """Index of the layout tile that holds the main array of `matrix`."""
    main = layout.matrices[matrix].main
    for index, tile in enumerate(layout.tiles):
        if main in tile.arrays:
            return index
    raise TwinError(
        f"layout {layout.name}: matrices.{matrix}.main (= {main!r}): no tile holds that array; "
        "add it to the arrays of a tile"
    )


def chunks(length: int, size: int) -> Iterator[tuple[int, int]]:
    """Split ``range(length)`` into the fewest half-open chunks of at most `size`, larger first."""
    count = -(-length // size)
    short, longer = divmod(length, count)
    start = 0
    for number in range(count):
        stop = start + short + (number < longer)
        yield start, stop
        start = stop
