"""A network as data: layers in order, the loss, and the dataflow graph."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from twin.errors import TwinError
from twin.networks import description as config
from twin.networks.flow import Digital, Flow
from twin.networks.graph import Graph
from twin.networks.kinds import matrices
from twin.networks.layers import Conv, Dense, Layer, Recurrent
from twin.networks.lowering import Lowering, cells

if TYPE_CHECKING:
    import networkx as nx


@dataclass(frozen=True, slots=True)
class Network:
    """Layers in order and the loss ("cross-entropy" or "squared-error").

    `flow` has the digital nodes between them, and the wiring; None where the layers follow each other. `names` are
    those of the nodes whose matrices the layers have.
    """

    layers: tuple[Layer, ...]
    loss: str
    flow: Flow | None = None
    names: tuple[str, ...] = ()

    @classmethod
    def from_config(cls, description: config.Network, shape: Sequence[int], symbols: int = 0) -> "Network":
        """Build the network of a workload.

        Parameters
        ----------
        shape : sequence of int
            Of a sample: (height, width, channels) of a map, (n,) of a vector; for a text, its symbols count.
        symbols : int
            Size of a text's vocabulary; 0 for other data.
        """
        if symbols and description.unrolled:
            Graph.of(description, shape, symbols)
            layers, names = _unrolled(description, symbols)
            return cls(tuple(layers), description.loss, names=tuple(names))
        if symbols and not description.reads_text:
            raise TwinError(
                'network.layers: a text needs recurrent layers (kind = "lstm", "gru" or "rnn") or an embedding first'
            )
        lowered = Lowering(Graph.of(description, shape, symbols))
        return cls(tuple(lowered.layers), description.loss, lowered.flow(), tuple(lowered.names))

    @property
    def timed(self) -> bool:
        """Whether all layers go through a sequence together, step by step."""
        return self.flow is None and isinstance(self.layers[0], Recurrent)

    def stepwise(self, layer: Layer) -> bool:
        """Whether every use of a layer is a time step with operations of its own."""
        return self.timed or isinstance(layer, Recurrent)

    @property
    def carried(self) -> bool:
        """Whether a sample begins with the state that the one before it left."""
        return any(isinstance(layer, Recurrent) and layer.carried for layer in self.layers)

    @property
    def steps(self) -> int:
        """Time steps of a sample; 1 for others."""
        return self.layers[0].uses if self.timed else 1

    @property
    def losses(self) -> int:
        """Losses of a sample: one, or one a position or time step."""
        return self.layers[-1].uses if self.loss_node is None else self.loss_node.positions

    @property
    def loss_node(self) -> Digital | None:
        """The loss where it is a node of its own; None where it belongs to the last layer."""
        return self.flow.loss if self.flow is not None else None

    @property
    def outputs(self) -> int:
        """Values that a loss compares with its target: classes, or values to fit."""
        if self.loss_node is None:
            return self.layers[-1].n_out
        return self.loss_node.width if self.loss == "cross-entropy" else self.loss_node.size

    @property
    def shapes(self) -> Sequence[tuple[int, int]]:
        """(input lines, output lines) of each layer's matrix."""
        return [(layer.n_in, layer.n_out) for layer in self.layers]

    def graph(self) -> "nx.DiGraph[str]":
        """Return the dataflow of one training step (or time step) as a networkx graph.

        Nodes are vectors and matrices; edges carry the operation that connects them (`kind`).
        """
        import networkx as nx  # noqa: PLC0415 - 60 ms that `twin --help` need not pay

        graph: nx.DiGraph[str] = nx.DiGraph()
        last = len(self.layers) - 1
        for layer in self.layers:
            k = layer.index
            graph.add_node(f"W{k}", rows=layer.n_out, columns=layer.n_in, reuse=layer.uses)
            graph.add_edge(f"x{k}", f"z{k}", kind="forward", matrix=f"W{k}")
            graph.add_edge(f"z{k}", f"x{k + 1}", kind="activation", function=layer.activation)
            graph.add_edge(f"d{k}", f"W{k}", kind="update")
            graph.add_edge(f"x{k}", f"W{k}", kind="update")
            if isinstance(layer, Recurrent):
                graph.add_edge(f"z{k}", f"x{k}", kind="recurrence")
            if k > 0:
                graph.add_edge(f"d{k}", f"e{k}", kind="backward", matrix=f"W{k}")
                graph.add_edge(f"e{k}", f"d{k - 1}", kind="derivative")
        graph.add_edge(f"x{last + 1}", f"d{last}", kind="loss", function=self.loss)
        return graph


def _unrolled(description: config.Network, symbols: int) -> tuple[list[Layer], list[str]]:
    layers: list[Layer] = []
    names: list[str] = []
    width, steps = symbols, description.steps
    for listed in description.listed():
        index, one = len(layers), listed.node
        if isinstance(one, matrices.Recurrent):
            layers += cells(index, one, width, steps, one_hot=index == 0)
        elif isinstance(one, matrices.Dense):
            layers.append(Dense(index, width, one.outputs or symbols, one.bias, one.activation, steps))
        width = layers[-1].size
        names += [listed.name] * (len(layers) - index)
    if layers[-1].n_out != symbols:
        last = f"network.layers.{len(description.layers) - 1}"
        raise TwinError(f"{last}.outputs (= {layers[-1].n_out}): the text has {symbols} symbols; leave it out")
    return layers, names


def input_words(first: Layer, flow: Flow | None) -> int:
    """Return the words of one sample's input: values of an image, or one symbol a time step; `first` layer."""
    if flow is not None:
        return flow.input_words
    if isinstance(first, Conv):
        return first.height * first.width * first.channels
    return first.uses if isinstance(first, Recurrent) else first.n_inputs
