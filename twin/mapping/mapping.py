"""Which physical tile holds which block of which layer's matrix.

An axis longer than the array is split into balanced chunks; every block gets one instance of each
tile of the layout, so matrices that share a layout tile share its instances and take turns on them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.errors import TwinError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from twin.config.chip import Chip
    from twin.config.layout import Layout


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
    """

    in0: int
    in1: int
    out0: int
    out1: int
    tile: int


@dataclass(frozen=True, slots=True)
class TileInstance:
    """One tile of the chip.

    Attributes
    ----------
    name : str
        ``"0.A"``, or ``"0.A[2]"`` where the layer needs several.
    layer : int
    arrays : int
        Crosspoint arrays behind its periphery.
    rows_used, cols_used : int
        Output and input lines in use.
    """

    name: str
    layer: int
    arrays: int
    rows_used: int
    cols_used: int


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

    def tiles_of(self, layer: int, matrix: str) -> list[int]:
        """Return which tiles hold `matrix` of `layer`, ascending; none where it is digital."""
        return sorted({part.tile for part in self.parts(layer, matrix)} - {-1})


def map_layers(shapes: Sequence[tuple[int, int]], layout: Layout, chip: Chip) -> Mapping:
    """Place layers on tiles.

    Parameters
    ----------
    shapes : sequence of (n_in, n_out)
        Lines of each layer; the bias line is counted in `n_in`.
    layout : Layout
        Which arrays share which tile.
    chip : Chip
        Gives the size of an array: at most ``tile.cols`` inputs and ``tile.rows`` outputs.
    """
    tiles: list[TileInstance] = []
    layers = [_map_layer(number, shape, layout, chip, tiles) for number, shape in enumerate(shapes)]
    return Mapping(tuple(tiles), tuple(layers))


def _map_layer(
    layer: int, shape: tuple[int, int], layout: Layout, chip: Chip, tiles: list[TileInstance]
) -> dict[str, tuple[Part, ...]]:
    n_in, n_out = shape
    whole = (Part(0, n_in, 0, n_out, -1),)
    parts: dict[str, list[Part]] = {name: [] for name, matrix in layout.matrices.items() if not matrix.digital}
    if parts:
        # Read the tile size only where there are tiles: the audit reports it as unused otherwise.
        blocks = [
            (in0, in1, out0, out1)
            for out0, out1 in chunks(n_out, chip.tile.rows)
            for in0, in1 in chunks(n_in, chip.tile.cols)
        ]
        home = {name: _home(name, layout) for name in parts}
        for number, (in0, in1, out0, out1) in enumerate(blocks):
            first = len(tiles)
            suffix = f"[{number}]" if len(blocks) > 1 else ""
            tiles.extend(
                TileInstance(f"{layer}.{t.name}{suffix}", layer, len(t.arrays), out1 - out0, in1 - in0)
                for t in layout.tiles
            )
            for name, blocks_of in parts.items():
                blocks_of.append(Part(in0, in1, out0, out1, first + home[name]))
    return {name: tuple(parts[name]) if name in parts else whole for name in layout.matrices}


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
