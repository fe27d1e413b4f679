"""Where the nodes of a graph stand in a layered drawing (Sugiyama, Tagawa & Toda 1981): ranks, order, positions."""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]

SWEEPS, SETTLING = 8, 40
STRAIGHT, LOOSE = 3.0, 1e-3
"""How much stronger an edge pulls for each of its ends where it only passes; pull of an item without neighbours."""

SLACK = 4
"""A column may end early or late by its ranks over this, where fewer edges are cut."""


class Item(NamedTuple):
    """A node (`rank` None), or where an edge from a node passes a rank."""

    name: str
    rank: int | None = None


class Spot(NamedTuple):
    """Where an item stands: its column, its rank within that, and how far right of the column's middle, in inches."""

    column: int
    rank: int
    x: float


@dataclass(frozen=True, slots=True)
class Layered:
    """A drawing from top to bottom, wrapped into columns.

    Attributes
    ----------
    spots : dict of Item to Spot
    paths : list of tuple of Item
        One an edge: its node, where it passes, the node that takes it.
    columns, ranks : int
        Columns, and ranks of the longest.
    reach : float
        How far the outermost items stand from the middle of their column, in inches.
    """

    spots: dict[Item, Spot]
    paths: list[tuple[Item, ...]]
    columns: int
    ranks: int
    reach: float


def layered(inputs: Mapping[str, Sequence[str]], columns: int, apart: float, passing: float) -> Layered:
    """Lay out a graph.

    Parameters
    ----------
    inputs : mapping of str to sequence of str
        What each node takes; those that are taken stand before.
    columns : int
        Into how many columns the ranks are wrapped, at most.
    apart, passing : float
        Width of a node and of an edge that passes by, in inches.
    """
    rank: dict[str, int] = {}
    for name, given in inputs.items():
        rank[name] = 1 + max((rank[one] for one in given), default=-1)
    paths = [_path(one, name, rank) for name, given in inputs.items() for one in dict.fromkeys(given)]
    rows: list[list[Item]] = [[] for _ in range(1 + max(rank.values()))]
    for item in dict.fromkeys(item for path in paths for item in path):
        rows[_rank(item, rank)].append(item)
    below: dict[Item, list[Item]] = {}
    above: dict[Item, list[Item]] = {}
    for first, second in {pair: None for path in paths for pair in pairwise(path)}:
        below.setdefault(first, []).append(second)
        above.setdefault(second, []).append(first)
    width = {item: apart if item.rank is None else passing for row in rows for item in row}
    x = _positions(_ordered(rows, below, above), below, above, width)
    starts = _starts(rows, paths, rank, columns)
    ends = [*starts[1:], len(rows)]
    place = {at: (column, at - start) for column, start in enumerate(starts) for at in range(start, ends[column])}
    spots = {item: Spot(*place[_rank(item, rank)], x[item]) for item in x}
    reach = max(abs(x[item]) + width[item] / 2 for item in x)
    return Layered(spots, paths, len(starts), max(end - start for start, end in zip(starts, ends, strict=True)), reach)


def _path(first: str, last: str, rank: Mapping[str, int]) -> tuple[Item, ...]:
    return (Item(first), *(Item(first, at) for at in range(rank[first] + 1, rank[last])), Item(last))


def _rank(item: Item, rank: Mapping[str, int]) -> int:
    return rank[item.name] if item.rank is None else item.rank


Neighbours = Mapping[Item, Sequence[Item]]


def _ordered(rows: list[list[Item]], below: Neighbours, above: Neighbours) -> list[list[Item]]:
    """Order every rank by the mean place of its neighbours, down and up in turns, which keeps crossings few."""
    for sweep in range(SWEEPS):
        near = below if sweep % 2 else above
        place: dict[Item, float] = {}
        for row in reversed(rows) if sweep % 2 else rows:
            own = {item: at - (len(row) - 1) / 2 for at, item in enumerate(row)}
            wanted = {item: _mean([place[one] for one in near.get(item, ())], own[item]) for item in row}
            row.sort(key=lambda item: wanted[item])
            place |= {item: at - (len(row) - 1) / 2 for at, item in enumerate(row)}
    return rows


def _positions(
    rows: list[list[Item]], below: Neighbours, above: Neighbours, width: Mapping[Item, float]
) -> dict[Item, float]:
    """Put items near their neighbours, in order and without overlap; edges that pass run straight."""
    x: dict[Item, float] = {}
    for row in rows:
        widths = np.array([width[item] for item in row])
        left = np.cumsum(widths) - widths / 2
        x |= dict(zip(row, (left - left.mean()).tolist(), strict=True))
    for sweep in range(SETTLING):
        for row in reversed(rows) if sweep % 2 else rows:
            near = [
                [(x[one], _pull(item, one)) for one in (*above.get(item, ()), *below.get(item, ()))] for item in row
            ]
            pulls = np.array([sum(pull for _, pull in some) or LOOSE for some in near])
            sums = np.array(
                [
                    sum(at * pull for at, pull in some) if some else LOOSE * x[item]
                    for some, item in zip(near, row, strict=True)
                ]
            )
            x |= dict(zip(row, _apart(sums / pulls, pulls, [width[item] for item in row]), strict=True))
    middle = (max(x.values()) + min(x.values())) / 2
    return {item: at - middle for item, at in x.items()}


def _pull(one: Item, other: Item) -> float:
    return STRAIGHT ** ((one.rank is not None) + (other.rank is not None))


def _apart(wanted: Floats, pulls: Floats, widths: Sequence[float]) -> list[float]:
    """Return the places closest to those wanted whose items do not overlap: an isotonic regression."""
    from scipy.optimize import isotonic_regression  # noqa: PLC0415 - half a second of import

    offset = np.cumsum([0.0, *((one + other) / 2 for one, other in pairwise(widths))])
    placed: list[float] = (isotonic_regression(wanted - offset, weights=pulls).x + offset).tolist()
    return placed


def _mean(places: Sequence[float], otherwise: float) -> float:
    return sum(places) / len(places) if places else otherwise


def _starts(
    rows: Sequence[Sequence[Item]], paths: Sequence[Sequence[Item]], rank: Mapping[str, int], columns: int
) -> list[int]:
    """Return the first rank of every column: evenly, but where few edges are cut."""
    height = math.ceil(len(rows) / columns)
    cut = [0] * len(rows)  # edges that enter a rank
    for _, second in {pair: None for path in paths for pair in pairwise(path)}:
        cut[_rank(second, rank)] += 1
    starts = [0]
    for column in range(1, math.ceil(len(rows) / height)):
        ideal = column * height
        near = [
            at
            for at in range(ideal - height // SLACK, ideal + height // SLACK + 1)
            if starts[-1] + 1 < at < len(rows) - 1
        ]
        if near:
            starts.append(min(near, key=lambda at: (cut[at], abs(at - ideal), at)))
    return starts
