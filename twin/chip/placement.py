"""Placement of tiles by traffic: the fewest bytes x hops.

Tiles talk to buffers and memories, whose places are given, and never to each other. The bytes x hops of a tile thus
depend on its own place alone, and the best placement is a linear assignment problem, solved exactly (Jonker and
Volgenant's algorithm as modified by Crouse 2016, in SciPy). It would be a quadratic one if tiles talked to tiles.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Iterable

    from numpy.typing import NDArray

    from twin.chip.costs import ChipCosts
    from twin.chip.network import Network, Place
    from twin.operation import Operation

Flows = Counter[tuple[int, "Place"]]


def flows(costs: ChipCosts, operations: Iterable[Operation]) -> Flows:
    """Return the bytes that operations move between tiles and places of the network."""
    found: Flows = Counter()
    for operation in operations:
        for tile, place, n_bytes in costs.moves.flows(operation):
            found[tile, place] += n_bytes
    return found


def byte_hops(network: Network, sites: Iterable[int], found: Flows) -> int:
    """Return the sum over flows of bytes x hops for tiles at `sites`."""
    at = list(sites)
    return sum(n_bytes * network.distance(place, network.site(at[tile])) for (tile, place), n_bytes in found.items())


def fewest_byte_hops(costs: ChipCosts, found: Flows) -> tuple[int, ...]:
    """Return the place of every tile that makes bytes x hops fewest; every tile stays on its chip.

    Raises
    ------
    ValueError
        On a chip without a network.
    """
    from scipy.optimize import linear_sum_assignment  # noqa: PLC0415

    network, plan = costs.network, costs.floorplan
    if network is None:
        raise ValueError("a chip without a network has no hops")
    sites = np.array(plan.sites, np.int64)
    for number in range(network.n_chips):
        tiles = np.flatnonzero(sites // plan.per_chip == number)
        if tiles.size:
            _, place = linear_sum_assignment(_table(network, found, tiles, number, plan.per_chip))
            sites[tiles] = number * plan.per_chip + place
    return tuple(sites.tolist())


def _table(network: Network, found: Flows, tiles: NDArray[np.int64], chip: int, places: int) -> NDArray[np.int64]:
    """Return the bytes x hops of every tile at every place of a chip, (n_tiles, n_places)."""
    row = {int(tile): k for k, tile in enumerate(tiles)}
    table = np.zeros((tiles.size, places), np.int64)
    for (tile, place), n_bytes in found.items():
        if tile in row:
            hops = [network.distance(place, network.site(chip * places + k)) for k in range(places)]
            table[row[tile]] += n_bytes * np.array(hops)
    return table
