"""A feed-forward network as data: shapes, activations, loss, and its dataflow graph."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import networkx as nx

    from twin.config.network import Network as NetworkConfig


@dataclass(frozen=True, slots=True)
class Dense:
    """A dense layer: z = W x, y = f(z).

    Attributes
    ----------
    index : int
    n_inputs, n_out : int
        Inputs without the bias line; outputs.
    bias : bool
        Whether an input line that is always 1 is added.
    activation : str
        "sigmoid", "tanh", "relu", "identity" or "softmax".
    """

    index: int
    n_inputs: int
    n_out: int
    bias: bool
    activation: str

    @property
    def n_in(self) -> int:
        """Input lines, the bias line included."""
        return self.n_inputs + int(self.bias)


KINDS = {"dense": Dense}


@dataclass(frozen=True, slots=True)
class Network:
    """Layers in order and the loss ("cross-entropy" or "squared-error")."""

    layers: tuple[Dense, ...]
    loss: str

    @classmethod
    def from_config(cls, config: "NetworkConfig", n_inputs: int) -> "Network":
        """Build the network of a workload for data with `n_inputs` inputs."""
        layers: list[Dense] = []
        width = n_inputs
        for index, layer in enumerate(config.layers):
            layers.append(KINDS[layer.kind](index, width, layer.outputs, layer.bias, layer.activation))
            width = layer.outputs
        return cls(tuple(layers), config.loss)

    @property
    def shapes(self) -> Sequence[tuple[int, int]]:
        """(input lines, output lines) of each layer's matrix."""
        return [(layer.n_in, layer.n_out) for layer in self.layers]

    def graph(self) -> "nx.DiGraph[str]":
        """Return the dataflow of one training step as a networkx graph.

        Nodes are vectors and matrices; edges carry the operation that connects them (`kind`).
        """
        import networkx as nx  # noqa: PLC0415 - 60 ms that `twin --help` need not pay

        graph: nx.DiGraph[str] = nx.DiGraph()
        last = len(self.layers) - 1
        for layer in self.layers:
            k = layer.index
            graph.add_node(f"W{k}", rows=layer.n_out, columns=layer.n_in)
            graph.add_edge(f"x{k}", f"z{k}", kind="forward", matrix=f"W{k}")
            graph.add_edge(f"z{k}", f"x{k + 1}", kind="activation", function=layer.activation)
            graph.add_edge(f"d{k}", f"W{k}", kind="update")
            graph.add_edge(f"x{k}", f"W{k}", kind="update")
            if k > 0:
                graph.add_edge(f"d{k}", f"e{k}", kind="backward", matrix=f"W{k}")
                graph.add_edge(f"e{k}", f"d{k - 1}", kind="derivative")
        graph.add_edge(f"x{last + 1}", f"d{last}", kind="loss", function=self.loss)
        return graph
