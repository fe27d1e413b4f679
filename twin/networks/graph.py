"""A network as a dataflow graph: every node with its shape, and what each takes from which."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from twin.config.part import dotted
from twin.errors import TwinError
from twin.networks.description import INPUT, Listed, Network
from twin.networks.kinds import kinds
from twin.networks.kinds.matrices import Conv, Dense, matrix_of
from twin.networks.kinds.node import MisfitError, Shape, Shapes, Symbols, written
from twin.networks.kinds.tables import OF_BIAS, Bias


class Row(NamedTuple):
    """A node for a table: its parameters, how often a sample uses its matrix, and where its parameters live.

    `tied` of them are published as those of another node.
    """

    name: str
    kind: str
    inputs: tuple[str, ...]
    shape: str
    parameters: int
    uses: int
    home: str
    tied: int


@dataclass(frozen=True)
class Graph:
    """Nodes in the order of their description, below whatever they take.

    Attributes
    ----------
    nodes : tuple of Listed
    shapes : mapping of str to tuple of int
        Of the output of every node, and of the input.
    loss : str
    """

    nodes: tuple[Listed, ...]
    shapes: Mapping[str, Shape]
    loss: str

    @classmethod
    def of(cls, description: Network, shape: Sequence[int], symbols: int = 0) -> "Graph":
        """Infer all shapes.

        Parameters
        ----------
        description : Network
        shape : sequence of int
            Of a sample: (height, width, channels) of a map, (n,) of a vector, (steps,) of a text.
        symbols : int
            Size of a text's vocabulary; 0 for other data.

        Raises
        ------
        TwinError
            Where a node cannot take its inputs; names the node, their shapes and the rule.
        """
        shapes: dict[str, Shape] = {INPUT: Symbols(shape, symbols) if symbols else tuple(shape)}
        nodes: list[Listed] = []
        ends: dict[str, str] = {}  # by node, the last of the nodes that do its work
        for listed in description.read():
            one = listed._replace(inputs=tuple(ends.get(name, name) for name in listed.inputs))
            if symbols and isinstance(one.node, Dense) and one.node.outputs == 0:
                one = one._replace(node=one.node.model_copy(update={"outputs": symbols}))
            for part in with_digital_bias(one) if description.digital_bias else (one,):
                given = tuple(shapes[name] for name in part.inputs)
                try:
                    shapes[part.name] = part.node.shape(*given)
                except MisfitError as error:
                    place = dotted(("network", *one.at))
                    raise TwinError(f"{place} ({one.name}, of {' and '.join(map(written, given))}): {error}") from None
                nodes.append(part)
            ends[one.name] = nodes[-1].name
        return cls(tuple(nodes), shapes, description.loss)

    def takers(self) -> dict[str, list[tuple[str, int]]]:
        """Return for each output which nodes take it, and as which of their inputs."""
        found: dict[str, list[tuple[str, int]]] = {name: [] for name in self.shapes}
        for one in self.nodes:
            for port, name in enumerate(one.inputs):
                found[name].append((one.name, port))
        return found

    def rows(self) -> Iterator[Row]:
        """Yield what a table of the nodes shows."""
        for one in self.nodes:
            given = tuple(self.shapes[name] for name in one.inputs)
            shapes = Shapes(given, self.shapes[one.name])
            weights, uses = matrix_of(one.node, shapes)
            digital = sum(start.size for start in one.node.parameters(shapes))
            home = "arrays" if weights else "digital" if digital else ""
            tied = weights - shapes.output[-1] * one.node.bias if isinstance(one.node, Dense) and one.node.tied else 0
            made = written(shapes.output)
            yield Row(one.name, str(one.node.kind), one.inputs, made, weights or digital, uses, home, tied)

    @property
    def parameters(self) -> int:
        """Parameters as they are published: tied ones once."""
        return sum(row.parameters - row.tied for row in self.rows())


def with_digital_bias(one: Listed) -> tuple[Listed, ...]:
    """Return the nodes that stand for a dense layer or a convolution whose bias is digital: matrix, bias, activation.

    Other nodes, and those without a bias, stand for themselves.
    """
    if not isinstance(one.node, (Dense, Conv)) or not one.node.bias:
        return (one,)
    activation = one.node.activation
    bare = one._replace(node=one.node.model_copy(update={"bias": False, "activation": "identity"}))
    biased = one._replace(node=Bias(kind="bias"), name=f"{one.name}{OF_BIAS}", inputs=(one.name,))
    if activation == "identity":
        return bare, biased
    function = kinds()[activation].model_validate({"kind": activation})
    return bare, biased, one._replace(node=function, name=f"{one.name}.{activation}", inputs=(biased.name,))
