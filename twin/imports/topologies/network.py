"""The network of a table of layers: which tensor each layer takes, with the pooling and padding that make it fit.

Such tables give every layer's own sizes and nothing of what lies between. So padding, pooling, concatenation and the
layer that a branch starts from are found by shape, and what was found is said. Two branches of one shape that nothing
has taken are added up, as in residual networks; a shortcut without a layer of its own does not show and is left out.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from math import prod
from operator import itemgetter
from typing import Any

from twin.imports.topologies.rows import Row, Table

Shape = tuple[int, ...]
NAME = re.compile(r"[^A-Za-z0-9_-]+")
LONGEST = 60
POOLS = (2, 3, 4)
MOST_TRIES = 20_000


@dataclass
class Found:
    """A network on its way.

    Attributes
    ----------
    shape : (int, int, int)
        Of a sample: height, width, channels.
    nodes : list of dict
        As a workload's `[network]` lists them.
    shapes : dict of str to tuple
        The output of every node, the sample's by the name "input", in order.
    open : set of str
        Nodes whose output nothing takes yet.
    said : list of str
        What is not in the table.
    """

    shape: Shape
    nodes: list[dict[str, Any]] = field(default_factory=list)
    shapes: dict[str, Shape] = field(default_factory=dict)
    open: set[str] = field(default_factory=set)
    said: list[str] = field(default_factory=list)

    def copy(self) -> "Found":
        """Return one that grows on its own."""
        return Found(self.shape, list(self.nodes), dict(self.shapes), set(self.open), list(self.said))

    def add(self, kind: str, name: str, inputs: list[str], shape: Shape, **settings: Any) -> str:
        """Add a node; its name is made unique."""
        whole, number = name, 2
        while whole in self.shapes:
            whole, number = f"{name}-{number}", number + 1
        last = next(reversed(self.shapes))
        node = {"kind": kind, "name": whole} | settings
        if inputs != [last]:
            node["inputs"] = inputs
        self.nodes.append(node)
        self.shapes[whole] = shape
        self.open = (self.open - set(inputs)) | {whole}
        return whole


def network_of(table: Table) -> Found:
    """Make the network.

    What a layer takes may be found in several ways; they are tried in turn until every layer has its input and the
    network one end.

    Raises
    ------
    TwinError
        For the layer that got furthest without an input: it names the line and the shapes that there are.
    """
    first = table.rows[0]
    start = Found((first.height, first.width, first.channels))
    start.shapes["input"] = start.shape
    rest, tried, furthest = [(0, start)], 0, (-1, table.refused(first.line, "has no network"))
    while rest and tried < MOST_TRIES:
        index, found = rest.pop()
        tried += 1
        if index == len(table.rows):
            if len(found.open) == 1:
                return _ended(found)
            loose = ", ".join(name for name in found.shapes if name in found.open)
            rule = f"several branches lead nowhere ({loose}); a network has one end"
            furthest = max(furthest, (index, table.refused(table.rows[-1].line, rule)), key=itemgetter(0))
            continue
        after = table.rows[index + 1] if index + 1 < len(table.rows) else None
        row = _apart(found, table.rows[index])
        ways = list(_sources(found, (row.height, row.width, row.channels)))
        for way, source in reversed(ways):
            _add_layer(way, row, after, source)
            rest.append((index + 1, way))
        if not ways and index > furthest[0]:
            furthest = (index, table.refused(row.line, _without_input(found, row)))
    raise furthest[1]


def _ended(found: Found) -> Found:
    if found.nodes[-1]["kind"] == "dense":
        found.nodes[-1]["activation"] = "softmax"
    return found


def _without_input(found: Found, row: Row) -> str:
    there = ", ".join(sorted({" x ".join(map(str, shape)) for shape in list(found.shapes.values())[-4:]}))
    return (
        f"{_name(row)}: takes {row.height} x {row.width} x {row.channels}, which nothing before it gives (the last: "
        f"{there}); name its input in a network of your own (docs/networks.md)"
    )


def _name(row: Row) -> str:
    return NAME.sub("-", row.name).strip("-")[:LONGEST] or f"layer-{row.line}"


def _add_layer(found: Found, row: Row, after: Row | None, source: str) -> None:
    name = _name(row)
    if (row.height, row.width) == row.kernel == (1, 1):
        made = found.add(
            "dense", name, [source], (row.filters,), outputs=row.filters, activation="identity", bias=False
        )
        if after is not None:
            found.add("relu", f"{name}-relu", [made], (row.filters,))
        return
    depthwise = row.filters == 1 < row.channels and after is not None and after.channels == row.channels
    channels = row.channels if depthwise else row.filters
    padding = _padding(row, after, channels)
    settings: dict[str, Any] = {"channels": channels, "kernel": list(row.kernel), "stride": row.stride}
    if depthwise:
        settings["groups"] = channels
        found.said.append(f"{name}: a filter a channel, {channels} groups")
    if any(padding):
        settings["padding"] = padding
        found.said.append(f"{name}: padding {', '.join(map(str, padding))} (top, bottom, left, right)")
    shape = (*_size(row, padding), channels)
    made = found.add("conv", name, [source], shape, **settings, activation="identity", bias=False)
    if after is not None:
        made = found.add("relu", f"{name}-relu", [made], shape)
    if row.pool:
        found.add("max-pool", f"{name}-pool", [made], _pooled(shape, 2), size=2)


def _apart(found: Found, row: Row) -> Row:
    """Write a filter a channel as the twin does: such tables give one channel, and all filters or one."""
    height, width, channels = (*list(found.shapes.values())[-1], 0, 0)[:3]
    if (
        row.channels == 1
        and (height, width) == (row.height, row.width)
        and row.filters in {1, channels}
        and channels > 1
    ):
        return row._replace(channels=channels, filters=1)
    return row


def _sources(found: Found, wanted: Shape) -> Iterator[tuple[Found, str]]:
    """Yield every way to what a layer takes, each with the node that gives it there.

    In turn: two branches of this shape added up, the last node of this shape, branches joined, and what pooling, a mean
    or flattening makes of a node.
    """
    same = [name for name in found.shapes if name in found.open and found.shapes[name] == wanted]
    if len(same) > 1:
        way = found.copy()
        way.said.append(f"{' and '.join(same)} added up")
        yield way, way.add("add", f"{same[-1]}-sum", same, wanted)
    exact = next((name for name in reversed(found.shapes) if found.shapes[name] == wanted), None)
    if exact is not None:
        yield found.copy(), exact
    way = found.copy()
    joined = _joined(way, wanted)
    if joined is not None:
        yield way, joined
    if exact is None:
        for name in list(reversed(found.shapes)):
            way = found.copy()
            made = _reduced(way, name, wanted)
            if made is not None:
                yield way, made
                return


def _reduced(found: Found, name: str, wanted: Shape) -> str | None:
    """Return what makes one shape of another: flattening, the mean over all positions, or pooling."""
    shape = found.shapes[name]
    if wanted[:2] == (1, 1) and prod(shape) == wanted[2]:
        return name
    if wanted[:2] == (1, 1) and len(shape) == 3 and shape[2] == wanted[2]:
        found.said.append(f"{name}: the mean over all positions behind it")
        return found.add("global-average-pool", f"{name}-mean", [name], (shape[2],))
    side = _factor(shape, wanted)
    if not side:
        return None
    found.said.append(f"{name}: max-pooling of {side} x {side} behind it")
    return found.add("max-pool", f"{name}-pool", [name], _pooled(shape, side), size=side)


def _joined(found: Found, wanted: Shape) -> str | None:
    """Join the channels of all that nothing has taken yet, where this gives what a layer takes."""
    ends = [name for name in found.shapes if name in found.open and len(found.shapes[name]) == 3]
    if len(ends) < 2 or len({found.shapes[name][:2] for name in ends}) != 1:
        return None
    shape = (*found.shapes[ends[0]][:2], sum(found.shapes[name][2] for name in ends))
    side = 1 if shape == wanted else _factor(shape, wanted)
    if not side:
        return None
    found.said.append(f"channels of {', '.join(ends)} joined")
    joined = found.add("concat", f"{ends[-1]}-joined", ends, shape)
    if side == 1:
        return joined
    found.said.append(f"{joined}: max-pooling of {side} x {side} behind it")
    return found.add("max-pool", f"{joined}-pool", [joined], _pooled(shape, side), size=side)


def _factor(shape: Shape, wanted: Shape) -> int:
    """Return the side of the pooling that makes one shape of another; 0 where none does."""
    if len(shape) != 3 or shape[2] != wanted[2]:
        return 0
    return next((side for side in POOLS if _pooled(shape, side) == wanted), 0)


def _pooled(shape: Shape, side: int) -> Shape:
    return (shape[0] // side, shape[1] // side, shape[2])


def _padding(row: Row, after: Row | None, channels: int) -> list[int]:
    """Return zeros at the four borders: those of equal size (ceil(size / stride)), unless the next layer needs none."""
    down, right = (
        max(0, (-(-size // row.stride) - 1) * row.stride + side - size)
        for size, side in zip((row.height, row.width), row.kernel, strict=True)
    )
    same, valid = [down // 2, down - down // 2, right // 2, right - right // 2], [0, 0, 0, 0]
    if row.kernel[0] > row.height or row.kernel[1] > row.width or after is None or row.pool:
        return same
    wanted = (after.height, after.width, channels)

    def fits(padding: list[int]) -> bool:
        shape = (*_size(row, padding), channels)
        if wanted[:2] == (1, 1):
            return prod(shape) == after.channels
        return shape == wanted or _factor(shape, wanted) > 0

    return valid if fits(valid) and not fits(same) else same


def _size(row: Row, padding: list[int]) -> tuple[int, int]:
    top, bottom, left, right = padding
    return (
        (row.height + top + bottom - row.kernel[0]) // row.stride + 1,
        (row.width + left + right - row.kernel[1]) // row.stride + 1,
    )
