"""What a run would take of this machine, before it is built: refused where it cannot end in reasonable time or room.

The estimates are coarse and on the low side: what is refused would not have ended, what passes may still be long.
"""

import math
import os
from collections.abc import Iterator, Mapping, Sequence

from twin.config.calibration import Calibration
from twin.config.chip import Chip
from twin.config.layout import Layout
from twin.console import duration
from twin.errors import TwinError

Shapes = Sequence[tuple[int, int]]
DEVICE_B = 60
"""Bytes of a simulated device: weight, four coefficients, bounds and step, a draw of each (twin.kernels.records)."""
WORD_B = 4
MOST_TILES = 100_000
"""Of a trained network; each is a server of the engine and arrays of the machine."""
MOST_TIMED_TILES = 1_000_000
"""Of one that is timed; the largest that ships, all its blocks simulated, has 0.7 million."""
PULSE_S = 20e-9
"""A step of a device in calibration: measured 12 to 30 ns on one core."""
LONGEST_S = 600.0


def _each(shapes: Shapes, layout: Layout, layouts: Mapping[int, Layout]) -> Iterator[tuple[int, int, Layout]]:
    """Yield input lines, output lines and layout of every layer."""
    for k, (n_in, n_out) in enumerate(shapes):
        yield n_in, n_out, layouts.get(k, layout)


def check_memory(shapes: Shapes, layout: Layout, layouts: Mapping[int, Layout] = {}) -> None:
    """Raise TwinError where the devices of all layers need more memory than this machine has.

    Parameters
    ----------
    shapes : sequence of (int, int)
        Input and output lines of every layer.
    layout : Layout
    layouts : mapping of int to Layout
        Of layers that have another.
    """
    devices = sum(n_in * n_out for n_in, n_out in shapes)
    needed_B = 0
    for n_in, n_out, own in _each(shapes, layout, layouts):
        analog = sum(not matrix.digital for matrix in own.matrices.values())
        needed_B += n_in * n_out * (analog * DEVICE_B + len(own.matrices) * WORD_B)
    have_B = memory_B()
    if needed_B > have_B:
        raise TwinError(
            f"network: its {devices:,} weights in layout {layout.name} need about {needed_B / 1e9:,.0f} GB of memory, "
            f"and this machine has {have_B / 1e9:,.0f}; take smaller layers, or only time it with --timing-only"
        )


def check_tiles(
    shapes: Shapes, layout: Layout, chip: Chip, most: int = MOST_TILES, layouts: Mapping[int, Layout] = {}
) -> None:
    """Raise TwinError where a network takes more tiles than can be simulated; the rest as in `check_memory`."""
    tiles = sum(
        math.ceil(n_in / chip.tile.cols) * math.ceil(n_out / chip.tile.rows) * len(own.tiles)
        for n_in, n_out, own in _each(shapes, layout, layouts)
        if own.tiles
    )
    if tiles > most:
        raise TwinError(
            f"{chip.name}: tile.rows, tile.cols (= {chip.tile.rows}, {chip.tile.cols}): the network takes {tiles:,} "
            f"tiles, and at most {most:,} are simulated; take larger tiles or smaller layers"
        )


def check_calibration(
    shapes: Shapes, layout: Layout, calibration: Calibration, layouts: Mapping[int, Layout] = {}
) -> None:
    """Raise TwinError where calibration by pulses would take more than ten minutes; the rest as in `check_memory`."""
    if calibration.method != "pulses":
        return
    devices = sum(len(own.references) * n_in * n_out for n_in, n_out, own in _each(shapes, layout, layouts))
    seconds = 2 * calibration.pairs * devices * PULSE_S
    if seconds > LONGEST_S:
        raise TwinError(
            f"calibration.pairs (= {calibration.pairs}): takes about {duration(seconds)} for {devices:,} devices "
            'before training begins; take fewer, or method = "exact"'
        )


def memory_B() -> int:
    """Return how much memory this machine has, bytes; what cannot be known is enough."""
    try:
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    except (AttributeError, OSError, ValueError):
        return 2**62
