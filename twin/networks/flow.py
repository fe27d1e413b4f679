"""What lies between the matrices of a graph: digital nodes, and where each takes its values and its errors.

A graph is lowered to layers, which have a matrix, and digital nodes. An activation right behind its matrix, and
max-pooling behind that, are part of the layer; flatten and reshape move nothing. A tensor that several nodes take gets
nodes of kind "fan-out", each of which adds up the errors of two uses, so that every tensor has one error.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import NamedTuple

from twin.networks.kinds.node import Start
from twin.networks.layers import Layer, Recurrent
from twin.networks.work import Cost

LAYER, NODE, INPUT = "layer", "node", "input"
SEND = "send"
"""The kind of nodes that hand a tensor to other chips and its error back; their host is a layer that takes it."""


class Producer(NamedTuple):
    """Who makes a tensor: "layer" or "node" with its number, or "input"; a fan-out has outputs 0 and 1."""

    what: str
    number: int = 0
    output: int = 0


class Taker(NamedTuple):
    """Who takes a tensor: a layer, or a node as its input number `port`."""

    what: str
    number: int
    port: int


@dataclass(frozen=True, slots=True)
class Digital:
    """A digital node of a lowered graph.

    Attributes
    ----------
    index : int
    name : str
    kind : str
    host : int
        The layer beside whose tiles it is worked out.
    inputs : tuple of Producer
    widths, sizes : tuple of int
        Of the rows of its inputs, and of the whole inputs.
    positions, width : int
        Of its output.
    cost : Cost
        Digital work of a sample, and digital parameters, whose step is not part of it.
    starts : tuple of Start
    record : dict of str to float
        What the kernels must know beside this.
    numbers : tuple of float
        The same, where no field of their record is for it.
    kept : int
        Words that kernels keep a sample.
    memory : tuple of Start
        How the words start that they keep for all samples of a batch.
    wanted : tuple of bool
        Of which inputs the errors are wanted.
    again : str
        Which tensor the way back loads again; see `Node`.
    looks_up, meets : bool
        See `Node`.
    words : tuple of int
        `moved`, where that is not all words of the inputs.
    """

    index: int
    name: str
    kind: str
    host: int
    inputs: tuple[Producer, ...]
    widths: tuple[int, ...]
    sizes: tuple[int, ...]
    positions: int
    width: int
    cost: Cost
    starts: tuple[Start, ...] = ()
    record: dict[str, float] = field(default_factory=dict)
    numbers: tuple[float, ...] = ()
    kept: int = 0
    memory: tuple[Start, ...] = ()
    wanted: tuple[bool, ...] = (True,)
    again: str = ""
    looks_up: bool = False
    meets: bool = False
    words: tuple[int, ...] = ()

    @property
    def moved(self) -> tuple[int, ...]:
        """Words that are loaded of each input, and stored as its error."""
        return self.words or self.sizes

    @property
    def size(self) -> int:
        """Values of its output."""
        return self.positions * self.width

    @property
    def parameters(self) -> int:
        """Digital parameters."""
        return sum(start.size for start in self.starts)

    @property
    def returns(self) -> bool:
        """Whether it has work on the way back."""
        return bool(self.starts) or any(self.wanted)

    @property
    def shared(self) -> int:
        """Words that kernels keep for all samples of a batch."""
        return sum(start.size for start in self.memory)


def taken(sources: Sequence[Producer], nodes: Sequence[Digital]) -> dict[Producer, list[Taker]]:
    """Return who takes each tensor: layers, whose inputs are `sources`, and then nodes."""
    found: dict[Producer, list[Taker]] = {}
    for number, source in enumerate(sources):
        found.setdefault(source, []).append(Taker(LAYER, number, 0))
    for node in nodes:
        for port, source in enumerate(node.inputs):
            found.setdefault(source, []).append(Taker(NODE, node.index, port))
    return found


def turns(order: Sequence[Producer], layers: Sequence[Layer]) -> list[tuple[Producer, ...]]:
    """Return layers and nodes in their order, those layers together whose time steps take turns: matrices of a cell."""
    found: list[tuple[Producer, ...]] = []
    for made in order:
        below = layers[found[-1][-1].number] if found and found[-1][-1].what == LAYER else None
        if isinstance(below, Recurrent) and below.joined:
            found[-1] += (made,)
        else:
            found.append((made,))
    return found


@dataclass(frozen=True)
class Flow:
    """The wiring of a graph's layers and digital nodes.

    Attributes
    ----------
    nodes : tuple of Digital
    order : tuple of Producer
        Layers and nodes on the way forward; the last is the layer with the loss, or the loss.
    sources : tuple of Producer
        What each layer takes.
    wanted : tuple of bool
        Of which layers the error of the input is wanted.
    words : tuple of int
        Values that each layer takes of a sample.
    input_words : int
        Values of a sample.
    steps : tuple of int
        In how many time steps each layer makes its output; 0 for those that make it at once.
    """

    nodes: tuple[Digital, ...]
    order: tuple[Producer, ...]
    sources: tuple[Producer, ...]
    wanted: tuple[bool, ...]
    words: tuple[int, ...]
    input_words: int
    steps: tuple[int, ...] = ()

    @property
    def loss(self) -> Digital | None:
        """The node that is the loss; None where the last layer works it out."""
        return self.nodes[self.order[-1].number] if self.order[-1].what == NODE else None

    def taker(self, producer: Producer) -> Taker:
        """Return who takes a tensor and returns its error; fan-outs stand where several do."""
        return self.takers(producer)[0]

    def takers(self, producer: Producer) -> list[Taker]:
        """Return all that take a tensor."""
        return self._taken.get(producer, [])

    @cached_property
    def _taken(self) -> dict[Producer, list[Taker]]:
        return taken(self.sources, self.nodes)

    def beside(self, layer: int) -> list[Digital]:
        """Return the nodes that are worked out beside a layer's tiles."""
        return [node for node in self.nodes if node.host == layer]

    def host(self, producer: Producer | Taker) -> int:
        """Return the layer beside whose tiles a producer or a taker works; -1 for the input."""
        if producer.what == LAYER:
            return producer.number
        return self.nodes[producer.number].host if producer.what == NODE else -1
