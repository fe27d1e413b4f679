"""The description of a chip's network, of a cluster of chips, and of how layers are mapped to tiles."""

from collections.abc import Sequence
from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from twin.config.checks import refusal
from twin.config.part import Part
from twin.config.quantity import Area, Bandwidth, Bytes, EnergyPerBit, Power, Time

Node = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.-]+$", max_length=40)]
Number = Annotated[int, Field(ge=1, le=1_000_000)]
Edge = Annotated[tuple[Node, Node], Field(strict=False)]
Edges = Annotated[tuple[Edge, ...], Field(strict=False, min_length=1)]
Shape = Literal["mesh", "torus", "ring", "tree", "h-tree", "crossbar", "edges"]
Routing = Literal["dimension-ordered", "shortest-path"]
GRIDS = ("mesh", "torus")


def grid_node(row: int, col: int) -> str:
    """Name a node of a mesh or torus."""
    return f"r{row}c{col}"


def no_node(nodes: Sequence[str]) -> str:
    """Say which nodes there are to somebody who named another."""
    shown = ", ".join(nodes if len(nodes) <= 4 else [*nodes[:2], "...", nodes[-1]])
    return f"is no node of the network; there are {shown}"


MOST_NODES = 10_000


class Graph(Part):
    """Which nodes there are and which are joined; every edge is a link each way."""

    topology: Shape
    """Shape of the graph, which names its nodes (docs/network-on-chip.md)."""
    routing: Routing
    """Along the row first, then the column ("dimension-ordered"), or by the fewest hops ("shortest-path")."""
    rows: Number | None = None
    """Rows of a mesh or torus; without `rows` and `cols` it is as square as holds all."""
    cols: Number | None = None
    """Columns of a mesh or torus."""
    branching: Annotated[int, Field(ge=2, le=1024)] | None = None
    """Children of every node of a tree."""
    edges: Edges | None = None
    """Pairs of names of nodes that are joined, for topology "edges"."""

    @model_validator(mode="after")
    def _fields_fit_the_topology(self) -> Self:
        own = vars(self)
        topology = own["topology"]
        if own["routing"] == "dimension-ordered" and topology not in GRIDS:
            raise refusal(("routing",), f'must be "shortest-path" on a {topology}; only mesh and torus have dimensions')
        if (own["rows"] is None) != (own["cols"] is None):
            raise refusal(
                ("cols" if own["cols"] is None else "rows",), "rows and cols are given together or not at all"
            )
        if own["rows"] is not None and own["cols"] is not None and own["rows"] * own["cols"] > MOST_NODES:
            rule = (
                f"{own['rows']} x {own['cols']} nodes are more than the {MOST_NODES:,} that are simulated; take fewer"
            )
            raise refusal(("rows",), rule)
        uses = {"rows": GRIDS, "branching": ("tree",), "edges": ("edges",)}
        for name, topologies in uses.items():
            if own[name] is not None and topology not in topologies:
                raise refusal((name,), f'has no meaning for topology = "{topology}"; remove it')
            if own[name] is None and topology == name.replace("branching", "tree"):
                raise refusal((name,), f'is missing; topology = "{topology}" needs it')
        for index, (one, other) in enumerate(own["edges"] or ()):
            if one == other:
                raise refusal(("edges", index), "joins a node with itself; remove it")
        return self

    def refuse_unknown(self, node: str, at: tuple[str, ...]) -> None:
        """Refuse the name of a node; looks only at grids of a stated size, others depend on the workload."""
        own = vars(self)
        if own["topology"] not in GRIDS or own["rows"] is None:
            return
        nodes = [grid_node(row, col) for row in range(own["rows"]) for col in range(own["cols"])]
        if node not in nodes:
            raise refusal(at, no_node(nodes))


class NetworkOnChip(Graph):
    """The network on a chip: routers, and between neighbours one link each way.

    Tiles sit at the routers in order, with the chip's `link` as their port.
    """

    concentration: Annotated[int, Field(ge=1, le=64)]
    """Tiles at each router."""
    buffer: Node
    """Router at which the buffer sits."""
    memory: Node
    """Router at which the memory sits."""
    host: Node
    """Router at which the host's link ends."""
    flit: Bytes
    """What a link moves at once; a transfer takes whole flits."""
    bandwidth: Bandwidth
    """Bytes a second of a link, each way."""
    router_delay: Time
    """Time of a hop through a router and its link, for the first flit."""
    energy: EnergyPerBit
    """Energy of one bit moved by one hop."""
    router_area: Area
    """Silicon of one router with its links."""
    router_leakage: Power
    """What one router with its links draws all the time."""

    @model_validator(mode="after")
    def _parts_sit_at_routers(self) -> Self:
        for key in ("buffer", "memory", "host"):
            self.refuse_unknown(vars(self)[key], (key,))
        return self


class Cluster(Graph):
    """Several chips of one design, joined at their routers `gate` by slower links; layers fill chips in order.

    Every chip has a buffer and a memory of its own; the host sits at the first.
    """

    chips: Annotated[int, Field(ge=1, le=1_000_000)]
    """Chips in all, those without a tile included."""
    tiles: Number
    """Places for tiles on each chip."""
    gate: Node
    """Router of every chip at which the links between chips end."""
    bandwidth: Bandwidth
    """Bytes a second of a link between chips, each way."""
    latency: Time
    """Time of a hop between chips, for the first byte."""
    energy: EnergyPerBit
    """Energy of one bit moved by one hop between chips."""
    area: Area
    """Silicon of one link, both ways and both ends."""
    leakage: Power
    """What one link, both ways and both ends, draws all the time."""


class TileMapping(Part):
    """How layers are mapped to tiles."""

    placement: Literal["row-major", "snake", "traffic"] = "row-major"
    """Order of tiles over the places of the floor plan: by rows, by rows in turn from left and right, or so that bytes
    x hops are fewest.
    """
    pack: bool = False
    """Let blocks that fit on one array share its tile."""
    replicate: Annotated[tuple[Annotated[int, Field(ge=1, le=4096)], ...], Field(strict=False)] = ()
    """Copies of each convolution's arrays, in the order of the layers (1 where it ends): copies share out the positions
    of the forward and backward pass, and every update pulses all of them.
    """
