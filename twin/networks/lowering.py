"""A graph lowered to layers, which have a matrix, and the digital nodes between them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import prod
from typing import final

from twin.networks.description import INPUT as SAMPLE
from twin.networks.description import Listed
from twin.networks.flow import INPUT, LAYER, NODE, SEND, Digital, Flow, Producer, Taker, taken
from twin.networks.graph import Graph
from twin.networks.kinds import matrices
from twin.networks.kinds.elementwise import Identity, Relu, Sigmoid, Softmax, Tanh
from twin.networks.kinds.moves import Flatten, Reshape
from twin.networks.kinds.node import Shape, Shapes, Symbols, rows
from twin.networks.kinds.pools import MaxPool
from twin.networks.layers import Conv, Dense, Layer, Recurrent
from twin.networks.work import OPTIMISER_FLOPS, Cost, cost

COPY, FAN_OUT = "copy", "fan-out"
VIEWS = (Flatten, Reshape, Identity)
"""Kinds that give their values another shape, or none, and so need no work."""


@final
class Lowering:
    """Takes a graph's nodes in order; `layers` and `flow` are the result."""

    def __init__(self, graph: Graph) -> None:
        self.graph = graph
        self.layers: list[Layer] = []
        self.names: list[str] = []  # of the nodes that the layers are
        self._takers = graph.takers()
        self._made = {SAMPLE: Producer(INPUT)}
        self._rows = {Producer(INPUT): rows(graph.shapes[SAMPLE])}
        self._trained = {Producer(INPUT): False}  # whether anything that learns lies below
        self._within: set[str] = set()  # nodes that are part of a layer
        self._workers: dict[str, Producer] = {}  # which layer or digital node does the work of a node
        self._nodes: list[Digital] = []
        self._of: list[int] = []  # of which node of the graph each digital node is part
        self.firsts: list[int] = []  # the first layer at or behind each node of the graph
        self._sources: list[Producer] = []
        self._words: list[int] = []
        self._order: list[Producer] = []
        self._last = graph.nodes[-1].name
        for one in graph.nodes:
            self.firsts.append(len(self.layers))
            if one.name not in self._within:
                self._take(one)
                self._workers[one.name] = self._made.get(one.name, Producer(LAYER, len(self.layers) - 1))
            else:
                self._workers[one.name] = Producer(LAYER, len(self.layers) - 1)
        if not self._ends_in_layer():
            self._add_loss()

    def hosts(self, flow: Flow) -> dict[str, int]:
        """Return for each node the layer that it is, is part of or is worked out beside; -1: the sample itself."""
        return {name: flow.host(worker) for name, worker in self._workers.items()}

    def flow(self, apart: "Apart | None" = None) -> Flow | None:
        """Return the wiring; None where the layers follow each other and nothing stands between them.

        On several chips there are nodes that send, and every section of the graph has its nodes beside its own layers.
        """
        if apart is not None:
            self._give_hosts(apart)
            self._send(apart)
            return self._wired(apart)
        chain = [Producer(INPUT), *(Producer(LAYER, k) for k in range(len(self.layers) - 1))]
        if (
            not self._nodes
            and self._sources == chain
            and all(one.kind == "conv" or (one.kind == "dense" and one.uses == 1) for one in self.layers)
        ):
            return None
        return self._wired(None)

    def _wired(self, apart: "Apart | None") -> Flow:
        self._fan_out()
        self._give_hosts(apart)
        wanted = tuple(self._trained[source] for source in self._sources)
        size = prod(self._rows[Producer(INPUT)])
        steps = tuple(one.uses if isinstance(one, Recurrent) else 0 for one in self.layers)
        return Flow(
            tuple(self._nodes), tuple(self._order), tuple(self._sources), wanted, tuple(self._words), size, steps
        )

    def _take(self, one: Listed) -> None:
        inputs = [self._made[name] for name in one.inputs]
        shapes = tuple(self.graph.shapes[name] for name in one.inputs)
        if isinstance(one.node, VIEWS) or self._is_of_loss(one):
            self._made[one.name] = inputs[0]
        elif isinstance(one.node, (matrices.Dense, matrices.Conv)):
            self._add_layer(one, inputs[0], shapes[0])
        elif isinstance(one.node, matrices.Recurrent):
            self._add_cells(one.name, one.node, inputs[0], shapes[0])
        else:
            self._made[one.name] = self._add_node(one, inputs, shapes)

    def _add_layer(self, one: Listed, source: Producer, shape: Shape) -> None:
        activation, end = self._activation(one)
        index, layer = len(self.layers), self._dense(one, shape, activation)
        if isinstance(one.node, matrices.Conv):
            pool, end = self._pool(end)
            window = one.node.windows, pool, one.node.groups
            height, width, channels = shape
            layer = Conv(index, height, width, channels, one.node.channels, one.node.bias, activation, *window)
            made_rows = layer.pooled[0] * layer.pooled[1], layer.n_out
        else:
            made_rows = layer.uses, layer.n_out
            if layer.uses > 1 and self._rows[source] != shape:
                source = self._add_copy(one.name, source, shape)
        made = Producer(LAYER, index)
        self.layers.append(layer)
        self.names.append(one.name)
        self._sources.append(source)
        self._words.append(prod(shape))
        self._made[end] = made
        self._note(made, made_rows, trained=True)

    def _add_cells(self, name: str, node: matrices.Recurrent, source: Producer, shape: Shape) -> None:
        """Add the matrices of a recurrent block: the second of a GRU takes what the first makes."""
        text, wanted = self.graph.shapes[SAMPLE], self._trained[source]
        symbols = shape.alphabet if isinstance(shape, Symbols) else 0
        carried = isinstance(text, Symbols)
        width = symbols or shape[1]
        if wanted and shape[0] > 1 and self._rows[source] != shape:
            source = self._add_copy(name, source, shape)
        made = cells(len(self.layers), node, width, shape[0], one_hot=symbols > 0, carried=carried, wanted=wanted)
        for layer in made:
            self.layers.append(layer)
            self.names.append(name)
            self._sources.append(source)
            self._words.append(prod(shape))
            source = Producer(LAYER, layer.index)
            self._note(source, (shape[0], layer.size), trained=True)
        self._made[name] = source

    def _dense(self, one: Listed, shape: Shape, activation: str) -> Layer:
        apart = len(shape) == 2
        uses, width = shape if apart else (1, prod(shape))
        outputs = self.graph.shapes[one.name][-1]
        return Dense(len(self.layers), width, outputs, one.node.bias, activation, uses)

    def _activation(self, one: Listed) -> tuple[str, str]:
        """Return the activation of a layer, its own or that of the node right behind it, and whose output that is."""
        own = one.node.activation
        only = self._only_taker(one.name)
        if own != "identity" or only is None:
            return own, one.name
        if not isinstance(only.node, (Relu, Sigmoid, Tanh)) and not (
            isinstance(one.node, matrices.Dense) and self._is_of_loss(only)
        ):
            return own, one.name
        self._within.add(only.name)
        return only.node.kind, only.name

    def _pool(self, name: str) -> tuple[int, str]:
        """Return the windows pooled right behind a convolution (1: none), and whose output that is."""
        only = self._only_taker(name)
        if only is None or not isinstance(only.node, MaxPool):
            return 1, name
        pool = only.node
        if pool.padding or pool.stride not in {0, pool.size}:
            return 1, name
        self._within.add(only.name)
        return pool.size, only.name

    def _only_taker(self, name: str) -> Listed | None:
        takers = self._takers[name]
        return next(one for one in self.graph.nodes if one.name == takers[0][0]) if len(takers) == 1 else None

    def _add_node(self, one: Listed, inputs: list[Producer], given: tuple[Shape, ...]) -> Producer:
        shapes = Shapes(given, self.graph.shapes[one.name])
        work = one.node.cost(shapes)
        starts = one.node.parameters(shapes)
        own = work._replace(backward=work.backward - OPTIMISER_FLOPS * work.parameters)
        node = Digital(
            len(self._nodes),
            one.name,
            one.node.kind,
            0,
            tuple(inputs),
            tuple(shape[-1] for shape in given),
            tuple(prod(shape) for shape in given),
            *shapes.rows,
            own,
            starts,
            one.node.record(shapes),
            one.node.numbers(shapes),
            one.node.kept(shapes),
            one.node.shared(shapes),
            tuple(self._trained[source] for source in inputs),
            one.node.again,
            one.node.looks_up,
            one.node.meets,
            one.node.moved(shapes),
        )
        return self._add(node)

    def _is_of_loss(self, one: Listed) -> bool:
        """Return whether a node is the softmax that a cross-entropy works out with itself."""
        return one.name == self._last and isinstance(one.node, Softmax) and self.graph.loss == "cross-entropy"

    def _ends_in_layer(self) -> bool:
        """Return whether the last layer works out the loss with its output: a dense one, row by row as it lies."""
        made, shape = self._made[self._last], self.graph.shapes[self._last]
        last = self.layers[-1]
        whole = made == Producer(LAYER, last.index) and isinstance(last, Dense) and self._rows[made] == rows(shape)
        return whole and (last.activation == "softmax") == (self.graph.loss == "cross-entropy")

    def _add_loss(self) -> None:
        """Put the loss behind the last node, as a node of its own."""
        source, (positions, width) = self._made[self._last], rows(self.graph.shapes[self._last])
        classes = self.graph.loss == "cross-entropy"
        work = cost("softmax-loss", positions, width) if classes else Cost(2 * positions * width, 0, 0, 0)
        place = len(self._nodes)
        size = positions * width
        node = Digital(place, self.graph.loss, self.graph.loss, 0, (source,), (width,), (size,), positions, width, work)
        self._add(node)

    def _add_copy(self, name: str, source: Producer, shape: Shape) -> Producer:
        """Give the rows of a dense layer's input the width that it takes."""
        positions, width = rows(shape)
        wanted = (self._trained[source],)
        node = Digital(
            len(self._nodes),
            f"{name}.rows",
            COPY,
            0,
            (source,),
            (width,),
            (positions * width,),
            positions,
            width,
            Cost(0, 0, 0, 0),
            wanted=wanted,
        )
        return self._add(node)

    def _add(self, node: Digital) -> Producer:
        made = Producer(NODE, node.index)
        self._nodes.append(node)
        self._of.append(len(self.firsts) - 1)
        self._note(made, (node.positions, node.width), trained=node.returns)
        return made

    def _note(self, made: Producer, made_rows: tuple[int, ...], *, trained: bool) -> None:
        self._order.append(made)
        self._rows[made] = made_rows[0], made_rows[1]
        self._trained[made] = trained

    def _fan_out(self) -> None:
        """Put fan-outs behind all tensors whose error has several parts."""
        found = taken(self._sources, self._nodes)
        for made in list(self._order):
            takers = found.get(made, [])
            at = self._order.index(made) + 1
            source = made
            while self._trained[made] and len(takers) > 1:
                positions, width = self._rows[made]
                work = Cost(0, positions * width, 0, 0)
                node = Digital(
                    len(self._nodes),
                    f"fan-out {len(self._nodes)}",
                    FAN_OUT,
                    0,
                    (source,),
                    (width,),
                    (positions * width,),
                    positions,
                    width,
                    work,
                )
                self._nodes.append(node)
                self._order.insert(at, Producer(NODE, node.index))
                self._redirect(takers.pop(0), Producer(NODE, node.index, 0))
                source, at = Producer(NODE, node.index, 1), at + 1
                for output in (0, 1):
                    self._trained[Producer(NODE, node.index, output)] = True
                if len(takers) == 1:
                    self._redirect(takers[0], source)

    def _redirect(self, taker: Taker, source: Producer) -> None:
        what, index, port = taker
        if what == LAYER:
            self._sources[index] = source
        else:
            inputs = list(self._nodes[index].inputs)
            inputs[port] = source
            self._nodes[index] = replace(self._nodes[index], inputs=tuple(inputs))

    def _send(self, apart: "Apart") -> None:
        """Put nodes that send behind all tensors that are taken on other chips than those where they are made.

        A tensor enters a section once and is sent on within it.
        """
        found = taken(self._sources, self._nodes)
        waiting = [(made, found.get(made, [])) for made in self._order]
        while waiting:
            made, takers = waiting.pop(0)
            groups: dict[tuple[int, ...], list[Taker]] = {}
            home = apart.place(self._host(made), self._host(made))
            for taker in takers:
                groups.setdefault(apart.place(self._host(taker), self._host(made)), []).append(taker)
            groups.pop(home, None)
            waiting += [(self._add_send(made, group), group) for group in groups.values()]

    def _add_send(self, made: Producer, takers: list[Taker]) -> Producer:
        positions, width = self._rows[made]
        size, number, trained = positions * width, len(self._nodes), self._trained[made]
        host = min(self._host(taker) for taker in takers)
        node = Digital(
            number,
            f"send {number}",
            SEND,
            host,
            (made,),
            (width,),
            (size,),
            positions,
            width,
            Cost(0, 0, 0, 0),
            wanted=(trained,),
        )
        self._nodes.append(node)
        self._of.append(-1)
        sent = Producer(NODE, number)
        self._order.insert(self._order.index(made) + 1, sent)
        self._rows[sent], self._trained[sent] = (positions, width), trained
        for taker in takers:
            self._redirect(taker, sent)
        return sent

    def _host(self, one: Producer | Taker) -> int:
        return one.number if one.what == LAYER else self._nodes[one.number].host

    def _give_hosts(self, apart: "Apart | None" = None) -> None:
        """Say beside which layer each node works: the one whose output it takes, or the first."""
        for made in self._order:
            if made.what == NODE and self._nodes[made.number].kind != SEND:
                below = [one for one in self._nodes[made.number].inputs if one.what != INPUT]
                beside = [one.number if one.what == LAYER else self._nodes[one.number].host for one in below]
                least = apart.least[self._of[made.number]] if apart and made.number < len(self._of) else 0
                host = max(beside, default=0)
                self._nodes[made.number] = replace(self._nodes[made.number], host=max(host, least))


@dataclass(frozen=True, slots=True)
class Apart:
    """Where layers are that lie on several chips.

    Attributes
    ----------
    chips : sequence of tuple of int
        Of every layer.
    sections : sequence of int
        Of every layer.
    least : sequence of int
        The first layer of the section that each node of the graph is of.
    """

    chips: Sequence[tuple[int, ...]]
    sections: Sequence[int]
    least: Sequence[int]

    def place(self, layer: int, seen_from: int) -> tuple[int, ...]:
        """Return where a layer is for another: its section, and in the other's own section its chips."""
        section = self.sections[layer]
        return (section, *self.chips[layer]) if section == self.sections[seen_from] else (section,)


def cells(
    index: int,
    node: matrices.Recurrent,
    width: int,
    steps: int,
    *,
    one_hot: bool,
    carried: bool = True,
    wanted: bool = True,
) -> list[Recurrent]:
    """Return the layers of a recurrent block, the first of which is number `index`: of a GRU two."""
    kinds = ("gru-gates", "gru") if node.kind == "gru" else (node.kind,)
    return [
        Recurrent(number, kind, width, node.hidden, node.bias, steps, one_hot, carried, wanted)
        for number, kind in enumerate(kinds, index)
    ]
