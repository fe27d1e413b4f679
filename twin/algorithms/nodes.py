"""What training programs ask of the digital nodes between layers.

A node loads its inputs from the buffer and stores its output there; its work is done by the digital slice beside the
tiles of its host layer. Vectors of node n, private to a sample:

    t  output, kept in the buffer     y  the same in the slice     k  what it keeps for the way back
    e  errors of its inputs           r  error of its output, loaded
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import final

from twin.algorithms.layer import Learner, Wiring
from twin.algorithms.steps import LayerSteps
from twin.config.optimiser import Optimiser
from twin.networks.flow import INPUT, LAYER, SEND, Digital, Flow, Producer, Taker
from twin.networks.network import Network
from twin.operation import Kind, Opcode, Operation, Phase, Resource, Stream

GATHERS = frozenset({Phase.FIRST, Phase.GATHER, Phase.LAST})
GATHERED, TOGETHER = 3, 7
"""Of the operations of a batch norm, those that sum before its samples meet: mean and squares, 3 of 7 an element."""


def tensor(made: Producer) -> str:
    """Return the name of a tensor in the buffer."""
    if made.what == INPUT:
        return "x"
    return f"t{made.number}" if made.what == LAYER else f"n{made.number}.t"


def error(taker: Taker) -> str:
    """Return the name of the error that a taker gives."""
    return f"e{taker.number}" if taker.what == LAYER else f"n{taker.number}.e{taker.port}"


def wiring_of(flow: Flow, layer: int) -> Wiring:
    """Return where the input of a layer comes from and where its output goes."""
    source, made = origin(flow, flow.sources[layer]), Producer(LAYER, layer)
    takers, below, steps = flow.takers(made), flow.host(source), steps_of(flow, source)
    if not takers:  # the last, whose output meets the loss
        return Wiring(tensor(source), tensor(made), "", below, layer, steps=steps)
    taker = takers[0]
    return Wiring(
        tensor(source),
        tensor(made),
        error(taker),
        below,
        flow.host(taker),
        steps=steps,
        error_steps=steps_of(flow, taker),
    )


def steps_of(flow: Flow, one: Producer | Taker) -> int:
    """Return in how many time steps a tensor, or the error that a taker gives, is made; 0: at once."""
    return flow.steps[one.number] if one.what == LAYER and flow.steps else 0


def learner_of(
    network: Network, layer: int, optimiser: Optimiser | None, learnt: Sequence[int] | None = None
) -> Learner | None:
    """Return how an optimiser learns a layer's matrix, whose record stands behind those of the nodes.

    `learnt` are the layers that it learns, where these are not all.
    """
    if optimiser is None:
        return None
    nodes, layers = len(network.flow.nodes) if network.flow else 0, range(len(network.layers))
    squares = squares_of(network.flow, layers if learnt is None else learnt) if optimiser.clip_norm else ()
    flops = optimiser.flops + bool(squares)
    return Learner(nodes + layer, optimiser.moments, flops, squares, decays=optimiser.weight_decay > 0)


def squares_of(flow: Flow | None, layers: Iterable[int]) -> tuple[Resource, ...]:
    """Return the sums of squares of the gradients of all nodes and of some layers, as they lie in the buffer."""
    learnt = [f"n{node.index}" for node in flow.nodes if node.parameters] if flow else []
    return tuple(Resource(f"{name}.qs", private=False) for name in [*learnt, *map(str, layers)])


def node_steps(
    flow: Flow | None,
    layers: Sequence[LayerSteps],
    matrix: str,
    optimiser: Optimiser | None,
    *,
    apart: bool = False,
) -> "list[NodeSteps]":
    """Return the steps of all digital nodes of a graph, beside its `layers`; none where there is no graph.

    `apart`: their work is done by a unit of its own, not by the slices beside the layers.
    """
    moments, flops = (optimiser.moments, optimiser.flops) if optimiser else (0, 0)
    squares: tuple[Resource, ...] = ()
    if optimiser is not None and optimiser.clip_norm:
        flops, squares = flops + 1, squares_of(flow, [k for k, one in enumerate(layers) if one.learner])
    nodes = flow.nodes if flow else ()
    sparse = optimiser is not None and optimiser.sparse
    return [
        NodeSteps(flow, node, host, host.beside(node.host, matrix)[1], moments, flops, squares, sparse, apart)
        for node in nodes
        if flow
        for host in (replace(layers[node.host].at(0, 1), timed=False),)
    ]


def origin(flow: Flow, made: Producer) -> Producer:
    """Return who makes a tensor that comes through fan-outs."""
    while made.what == "node" and flow.nodes[made.number].kind == "fan-out":
        (made,) = flow.nodes[made.number].inputs
    return made


@final
@dataclass(frozen=True, slots=True)
class NodeSteps:
    """Operations of one digital node.

    Attributes
    ----------
    flow : Flow
    node : Digital
    host : LayerSteps
        One use of the layer beside whose tiles the work is done, of the node's sample of a batch.
    matrix : str
        Whose tiles these are.
    moments, flops : int
        Words a parameter that the optimiser keeps, and its work a parameter.
    squares : tuple of Resource
        As of `Learner`.
    sparse : bool
        Whether a step leaves parameters alone that a sample did not look up.
    apart : bool
        Whether a unit of its own does the work; moves then say of which node they are.
    """

    flow: Flow
    node: Digital
    host: LayerSteps
    matrix: str
    moments: int
    flops: int
    squares: tuple[Resource, ...] = ()
    sparse: bool = False
    apart: bool = False

    @property
    def loaded(self) -> int:
        """Parameters that a forward pass loads: of a table the rows that it takes."""
        return min(self.node.parameters, self.node.size) if self.node.looks_up else self.node.parameters

    @property
    def handed(self) -> Resource:
        """Its output in the buffer."""
        return self._own("t")

    @property
    def returned(self) -> Resource:
        """The error of its first input."""
        return self._own("e0")

    def forward(self, phase: Phase = Phase.WHOLE) -> Iterator[Operation]:
        """Load inputs and parameters, work, store what the way back needs, and the output."""
        if self.node.kind == "fan-out":
            return
        if self.node.kind == SEND:
            source = self.node.inputs[0]
            sent = self._move(Stream.ACTIVATIONS, self.node.size, (self.host.named(tensor(source)),), self._own("t"))
            yield replace(sent, kind=Kind.SEND, store=True, layer=self.flow.host(source))
            return
        sources = [origin(self.flow, source) for source in self.node.inputs]
        here = [self._own(f"f{port}") for port in range(len(sources))]
        for source, words, target in zip(sources, self.node.moved, here, strict=True):
            home = self.host.beside(self.flow.host(source), self.matrix)
            yield self._move(Stream.ACTIVATIONS, words, self._tensor(source), target, home=home)
        if phase in GATHERS:
            flops = self.node.cost.forward * GATHERED // TOGETHER
            moments = self._moments()
            yield self._work(Kind.ACTIVATION, Opcode.NODE_FORWARD, phase, flops, (*here, *moments), moments)
            return
        if self.node is self.flow.loss:
            flops = self.node.cost.forward
            yield self._work(Kind.LOSS, Opcode.NODE_LOSS, phase, flops, tuple(here), (self._own("y"), self._own("g0")))
            return
        learnt = self._learnt()
        if learnt:
            yield self._move(Stream.WEIGHTS, self.loaded, learnt, self._own("p"))
            learnt = (*learnt, self._own("p"))
        yield self._work(
            Kind.ACTIVATION,
            Opcode.NODE_FORWARD,
            phase,
            self._flops(self.node.cost.forward, phase),
            (*here, *learnt, *self._moments()),
            (self._own("y"), self._own("k"), *self._moments()),
        )
        if self.node.cost.kept:
            yield self._move(Stream.ACTIVATIONS, self.node.cost.kept, (self._own("k"),), self._own("ks"), store=True)
        taker = self.flow.taker(Producer("node", self.node.index))
        towards = self.flow.host(taker) - self.node.host
        yield self._move(
            Stream.ACTIVATIONS, self.node.size, (self._own("y"),), self._own("t"), store=True, towards=towards
        )

    def backward(self, phase: Phase = Phase.WHOLE) -> Iterator[Operation]:
        """Load the error of the output and what was kept, work, store the errors of the inputs."""
        errors = [self._own(f"g{port}") for port in range(len(self.node.inputs))]
        if self.node is self.flow.loss:
            yield from self._store_errors(errors)
            return
        made = Producer("node", self.node.index)
        if self.node.kind == SEND:
            back = (self.host.named(error(self.flow.taker(made))),)
            sent = self._move(Stream.ERRORS, self.node.size, back, self.returned)
            yield replace(sent, kind=Kind.SEND, store=True)
            return
        takers = [self.flow.taker(made)]
        if self.node.kind == "fan-out":
            takers.append(self.flow.taker(made._replace(output=1)))
        here = []
        for number, taker in enumerate(takers):
            here.append(self._own(f"r{number}"))
            source = self.host.taken(error(taker), steps_of(self.flow, taker))
            home = self.host.beside(self.flow.host(taker), self.matrix)
            yield self._move(Stream.ERRORS, self.node.size, source, here[-1], home=home)
        kept, place = self._kept()
        if kept:
            yield self._move(Stream.ACTIVATIONS, kept, place, self._own("b"))
            here.append(self._own("b"))
        gradient = (self._shared("g"),) if self.node.parameters else ()
        if phase in GATHERS:
            flops, summed = self.node.cost.backward * GATHERED // TOGETHER, (*gradient, *self._moments())
            yield self._work(Kind.DERIVATIVE, Opcode.NODE_BACKWARD, phase, flops, (*here, *summed), summed)
            return
        yield self._work(
            Kind.DERIVATIVE,
            Opcode.NODE_BACKWARD,
            phase,
            self._flops(self.node.cost.backward, phase),
            (*here, *self._learnt(), *gradient, *self._moments()),
            (*errors, *gradient, *self._moments()),
        )
        yield from self._store_errors(errors)

    def _store_errors(self, errors: list[Resource]) -> Iterator[Operation]:
        for port, wanted in enumerate(self.node.wanted):
            if wanted:
                towards = self.flow.host(origin(self.flow, self.node.inputs[port])) - self.node.host
                words, target = self.node.moved[port], self._own(f"e{port}")
                yield self._move(Stream.ERRORS, words, (errors[port],), target, store=True, towards=towards)

    def norm(self) -> Iterator[Operation]:
        """Sum the squares of the gradients, where they are clipped, and store the sum."""
        if not self.squares or not self.node.parameters:
            return
        flops, summed = 2 * self.node.parameters, self._shared("q")
        yield self._work(Kind.STEP, Opcode.NODE_NORM, Phase.WHOLE, flops, (self._shared("g"),), (summed,))
        yield self.host.move(Stream.ERRORS, self.matrix, 1, (summed,), self._shared("qs"), store=True)

    def step(self) -> Iterator[Operation]:
        """Load parameters and moments, step them, store them."""
        stepped = self.loaded if self.sparse else self.node.parameters
        words = stepped * (1 + self.moments)
        if not words:
            return
        loaded, new, reads = self._shared("loaded"), self._shared("new"), self._learnt()
        yield self.host.move(Stream.WEIGHTS, self.matrix, words, self._learnt(), loaded)
        if self.squares:
            reads = *reads, self._shared("clip")
            yield self.host.move(Stream.ERRORS, self.matrix, len(self.squares), self.squares, reads[-1])
        flops = self.flops * stepped
        gradient = self._shared("g")
        yield self._work(Kind.STEP, Opcode.NODE_STEP, Phase.WHOLE, flops, (loaded, gradient, *reads), (new, gradient))
        yield self.host.move(Stream.WEIGHTS, self.matrix, words, (new,), self._shared("p"), store=True)

    def _flops(self, whole: int, phase: Phase) -> int:
        return whole - (whole * GATHERED // TOGETHER if phase is Phase.APPLY else 0)

    def _kept(self) -> tuple[int, tuple[Resource, ...]]:
        """Return how many words the way back loads beside errors, and what they are."""
        if self.node.cost.kept:
            return self.node.cost.kept, (self._own("ks"),)
        if self.node.again == "input":
            return self.node.sizes[0], self._tensor(origin(self.flow, self.node.inputs[0]))
        return self.node.size if self.node.again else 0, (self._own("t"),)

    def _tensor(self, made: Producer) -> tuple[Resource, ...]:
        return self.host.taken(tensor(made), steps_of(self.flow, made))

    def _own(self, vector: str) -> Resource:
        return self.host.private(f"n{self.node.index}.{vector}")

    def _shared(self, vector: str) -> Resource:
        return Resource(f"n{self.node.index}.{vector}", private=False)

    def _learnt(self) -> tuple[Resource, ...]:
        return (self._shared("p"),) if self.node.parameters else ()

    def _moments(self) -> tuple[Resource, ...]:
        """Return what all samples of a batch share."""
        return (self._shared("m"),) if self.node.shared else ()

    def _move(
        self,
        stream: Stream,
        words: int,
        sources: tuple[Resource, ...],
        target: Resource,
        *,
        store: bool = False,
        home: tuple[int, str] | None = None,
        towards: int = 0,
    ) -> Operation:
        moved = self.host.move(stream, self.matrix, words, sources, target, store=store, home=home, towards=towards)
        return replace(moved, node=self.node.index) if self.apart else moved

    def _work(
        self,
        kind: Kind,
        opcode: Opcode,
        phase: Phase,
        flops: int,
        reads: tuple[Resource, ...],
        writes: tuple[Resource, ...],
    ) -> Operation:
        done = self.host.digital(kind, opcode, self.matrix, flops, reads, writes)
        return replace(done, node=self.node.index, phase=phase)
