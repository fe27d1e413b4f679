"""Graphs of routers, where things sit on them, and the routes between them.

A topology is a networkx graph; an edge is a link each way. Routes are fixed: dimension-ordered on mesh and torus, along
the row first, or a shortest path, of several the one through the neighbours listed first.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from twin.config.interconnect import grid_node, no_node
from twin.errors import TwinError

if TYPE_CHECKING:
    from collections.abc import Callable

    import networkx as nx

    from twin.config.interconnect import Graph

Edge = tuple[str, str]
Cell = tuple[int, int]


@dataclass(frozen=True)
class Topology:
    """Nodes, links and routes.

    Attributes
    ----------
    graph : networkx.DiGraph
        Nodes in order; an edge is a directed link.
    sites : tuple of str
        The nodes that hold something, one entry a place, in order.
    cells : tuple of (int, int)
        Row and column of every place on the floor plan.
    grid : tuple of int, or None
        Rows and columns of routers where routing is dimension-ordered.
    wraps : bool
        Whether rows and columns are rings.
    """

    graph: nx.DiGraph[str]
    sites: tuple[str, ...]
    cells: tuple[Cell, ...]
    grid: Cell | None = None
    wraps: bool = False

    @property
    def links(self) -> list[Edge]:
        """All directed links, in order."""
        return list(self.graph.edges)

    def route(self, source: str, target: str) -> tuple[Edge, ...]:
        """Return the links from one node to another, none where they are the same."""
        nodes = self._by_dimension(source, target) if self.grid else self._shortest(source, target)
        return tuple(pairwise(nodes))

    def _by_dimension(self, source: str, target: str) -> list[str]:
        if self.grid is None:
            raise ValueError("this topology has no dimensions")
        at, end = _cell(source), _cell(target)
        rows, cols = self.grid
        along = [grid_node(at[0], col) for col in _walk(at[1], end[1], cols, wraps=self.wraps)]
        across = [grid_node(row, end[1]) for row in _walk(at[0], end[0], rows, wraps=self.wraps)]
        return [source, *along, *across]

    def _shortest(self, source: str, target: str) -> list[str]:
        left = self._distances(target)
        path = [source]
        while path[-1] != target:
            path.append(next(node for node in self.graph.successors(path[-1]) if left[node] == left[path[-1]] - 1))
        return path

    def _distances(self, target: str) -> dict[str, int]:
        """Hops from every node to `target`; found once per target."""
        import networkx as nx  # noqa: PLC0415 - 60 ms that a chip without a network need not pay

        known: dict[str, dict[str, int]] = self.graph.graph.setdefault("distances", {})
        if target not in known:
            known[target] = dict(nx.single_source_shortest_path_length(self.graph, target))  # links go both ways
        return known[target]

    def node(self, key: str, name: str) -> str:
        """Return `name`, which `key` of the description says, if there is such a node."""
        if name in self.graph:
            return name
        raise TwinError(f"{key} (= {name}): {no_node(list(self.graph))}")


def build(graph: Graph, key: str, places: int, concentration: int = 1) -> Topology:
    """Build the topology that a description names, with at least `places` places.

    Parameters
    ----------
    graph : Graph
        ``chip.network`` or ``chip.cluster``.
    key : str
        Its key, for messages.
    places : int
    concentration : int
        Places at each node.

    Raises
    ------
    TwinError
        When the nodes do not suffice, or some cannot be reached.
    """
    holders = -(-places // concentration)
    found = BUILDERS[graph.topology](graph, holders)
    if len(found.sites) < holders:
        raise TwinError(
            f"{key}.{'edges' if graph.topology == 'edges' else 'rows'}: {len(found.sites)} nodes x {concentration} "
            f"places, but {places} are needed; enlarge the {graph.topology} or map to fewer tiles"
        )
    _check_joined(found.graph, key)
    sites = tuple(node for node in found.sites for _ in range(concentration))
    cells = tuple((row, col * concentration + k) for row, col in found.cells for k in range(concentration))
    grid = found.grid if graph.routing == "dimension-ordered" else None
    return Topology(found.graph, sites, cells, grid, found.wraps)


def _check_joined(graph: nx.DiGraph[str], key: str) -> None:
    import networkx as nx  # noqa: PLC0415

    first, *parts = nx.weakly_connected_components(graph)
    if parts:
        one, other = (next(node for node in graph if node in part) for part in (first, parts[0]))
        raise TwinError(f"{key}.edges: no path from {one} to {other}; add an edge that joins them")


def _directed(nodes: list[str], edges: list[Edge]) -> nx.DiGraph[str]:
    import networkx as nx  # noqa: PLC0415

    graph: nx.DiGraph[str] = nx.DiGraph()
    graph.add_nodes_from(nodes)
    for one, other in edges:
        graph.add_edge(one, other)
        graph.add_edge(other, one)
    return graph


def _grid(graph: Graph, holders: int) -> Topology:
    import networkx as nx  # noqa: PLC0415

    rows, cols = (graph.rows, graph.cols) if graph.rows and graph.cols else square(holders)
    wraps = graph.topology == "torus"
    plain = nx.grid_2d_graph(rows, cols, periodic=wraps)
    nodes = [grid_node(*cell) for cell in plain]
    directed = _directed(nodes, [(grid_node(*one), grid_node(*other)) for one, other in plain.edges if one != other])
    return Topology(directed, tuple(nodes), tuple(plain), (rows, cols), wraps)


def _ring(graph: Graph, holders: int) -> Topology:  # noqa: ARG001 - all builders are called alike
    import networkx as nx  # noqa: PLC0415

    nodes = [f"n{k}" for k in range(holders)]
    edges = [(f"n{a}", f"n{b}") for a, b in nx.cycle_graph(holders).edges if a != b]
    cols = square(holders)[1]
    cells = [(k // cols, k % cols if k // cols % 2 == 0 else cols - 1 - k % cols) for k in range(holders)]
    return Topology(_directed(nodes, edges), tuple(nodes), tuple(cells))


def _tree(graph: Graph, holders: int) -> Topology:
    leaves = _leaves(graph.branching or 2, holders)
    cols = square(len(leaves.sites))[1]
    return Topology(leaves.graph, leaves.sites, tuple((k // cols, k % cols) for k in range(len(leaves.sites))))


def _h_tree(graph: Graph, holders: int) -> Topology:  # noqa: ARG001
    """Halve the plane in turn: bits of a leaf's number belong to its column and its row alternately."""
    tree = _leaves(2, holders)
    depth = int(math.log2(len(tree.sites)))
    cells = []
    for number in range(len(tree.sites)):
        bits = [number >> (depth - 1 - k) & 1 for k in range(depth)]
        cells.append((_joined(bits[1::2]), _joined(bits[0::2])))
    order = sorted(range(len(cells)), key=lambda k: cells[k])
    return Topology(tree.graph, tuple(tree.sites[k] for k in order), tuple(cells[k] for k in order))


def _leaves(branching: int, holders: int) -> Topology:
    """Build the lowest balanced tree with enough leaves; its root is n0, leaves come last."""
    import networkx as nx  # noqa: PLC0415

    height = 0
    while branching**height < holders:
        height += 1
    plain = nx.balanced_tree(branching, height)
    nodes = [f"n{k}" for k in plain]
    leaves = nodes[len(nodes) - branching**height :]
    edges = [(f"n{a}", f"n{b}") for a, b in plain.edges]
    return Topology(_directed(nodes, edges), tuple(leaves), tuple((0, k) for k in range(len(leaves))))


def _crossbar(graph: Graph, holders: int) -> Topology:  # noqa: ARG001
    """Join all nodes, and a node more for each part beside the tiles, by one switch."""
    nodes = [f"n{k}" for k in range(holders)]
    parts = ["buffer", "memory", "host"]
    cols = square(holders)[1]
    joined = _directed(["switch", *nodes, *parts], [("switch", node) for node in [*nodes, *parts]])
    return Topology(joined, tuple(nodes), tuple((k // cols, k % cols) for k in range(holders)))


def _edges(graph: Graph, holders: int) -> Topology:  # noqa: ARG001
    edges = list(graph.edges or ())
    nodes = list(dict.fromkeys(node for edge in edges for node in edge))
    cols = square(len(nodes))[1]
    return Topology(_directed(nodes, edges), tuple(nodes), tuple((k // cols, k % cols) for k in range(len(nodes))))


BUILDERS: dict[str, Callable[[Graph, int], Topology]] = {
    "mesh": _grid,
    "torus": _grid,
    "ring": _ring,
    "tree": _tree,
    "h-tree": _h_tree,
    "crossbar": _crossbar,
    "edges": _edges,
}


def square(places: int) -> Cell:
    """Return the rows and columns of the squarest grid with `places` cells, wider than high."""
    cols = math.isqrt(max(places, 1) - 1) + 1
    return -(-places // cols) or 1, cols


def _walk(at: int, end: int, length: int, *, wraps: bool) -> list[int]:
    """Return the positions from the one after `at` to `end`; on a ring the shorter way, upwards if both are as long."""
    ahead = (end - at) % length
    up = (end > at) if not wraps else ahead <= length - ahead
    step = 1 if up else -1
    count = abs(end - at) if not wraps else min(ahead, length - ahead)
    return [(at + step * k) % length for k in range(1, count + 1)]


def _joined(bits: list[int]) -> int:
    return sum(bit << k for k, bit in enumerate(reversed(bits)))


def _cell(name: str) -> Cell:
    row, col = name[1:].split("c")
    return int(row), int(col)
