"""A network as data: layers in order, the loss, and the dataflow graph."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import prod
from typing import TYPE_CHECKING

from twin.errors import TwinError
from twin.networks import description as config
from twin.networks.layers import Conv, Dense, Layer, Recurrent

if TYPE_CHECKING:
    import networkx as nx

MAP_AXES = 3


@dataclass(frozen=True, slots=True)
class Network:
    """Layers in order and the loss ("cross-entropy" or "squared-error")."""

    layers: tuple[Layer, ...]
    loss: str

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
        if description.is_recurrent:
            if not symbols:
                raise TwinError('network.layers.0.kind: recurrent layers need a text; choose another data "set"')
            return cls(tuple(_recurrent(description, symbols)), description.loss)
        if symbols:
            raise TwinError('network.layers: a text needs recurrent layers (kind = "lstm" or "rnn") first')
        return cls(tuple(_feed_forward(description, shape)), description.loss)

    @property
    def timed(self) -> bool:
        """Whether samples are sequences, unrolled in time."""
        return isinstance(self.layers[0], Recurrent)

    @property
    def steps(self) -> int:
        """Time steps of a sample; 1 for others."""
        return self.layers[0].uses if self.timed else 1

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


def _feed_forward(description: config.Network, shape: Sequence[int]) -> list[Layer]:
    layers: list[Layer] = []
    layer: Layer
    width = prod(shape)
    image = (shape[0], shape[1], shape[2]) if len(shape) == MAP_AXES else None
    for place, one in enumerate(description.layers):
        index = len(layers)
        if one.kind == "conv":
            at = f"network.layers.{place}"
            if image is None:
                raise TwinError(
                    f"{at}.kind (= conv): a sample is a vector of {width} values, not a map; use dense layers or maps"
                )
            window = one.kernel, one.stride, one.padding, _pool_after(description, place)
            try:
                conv = Conv(index, *image, one.channels, one.bias, one.activation, *window)
            except TwinError as error:
                raise TwinError(f"{at}.{error}") from None
            image, layer = conv.pooled, conv
        elif one.kind == "dense":
            layer = Dense(index, width, one.outputs, one.bias, one.activation)
        else:
            continue
        width = layer.size
        layers.append(layer)
    return layers


def _pool_after(description: config.Network, place: int) -> int:
    after = description.layers[place + 1]  # there is one: a dense layer ends every network
    return after.size if after.kind == "max-pool" else 1


def _recurrent(description: config.Network, symbols: int) -> list[Layer]:
    layers: list[Layer] = []
    width = symbols
    for index, one in enumerate(description.layers):
        if one.kind == "lstm" or one.kind == "rnn":  # noqa: PLR1714 - mypy narrows by comparison only
            layer: Layer = Recurrent(index, one.kind, width, one.hidden, one.bias, description.steps, index == 0)
        elif one.kind == "dense":
            outputs = one.outputs or symbols
            layer = Dense(index, width, outputs, one.bias, one.activation, description.steps)
        else:  # the description admits no other kind here
            continue
        width = layer.size
        layers.append(layer)
    if layers[-1].n_out != symbols:
        raise TwinError(
            f"network.layers.{len(layers) - 1}.outputs (= {layers[-1].n_out}): the text has {symbols} symbols; "
            "leave it out"
        )
    return layers
