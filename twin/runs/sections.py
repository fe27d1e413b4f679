"""A workload's network as it is timed: in sections, each once or as often as it stands there."""

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING

from twin.errors import TwinError
from twin.networks.copies import Sections
from twin.networks.graph import Graph
from twin.networks.layers import Recurrent
from twin.networks.lowering import Apart, Lowering
from twin.networks.network import Network
from twin.runs.networks import network_to_time, sample_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from twin.descriptions.workload import Workload
    from twin.mapping import Mapping
    from twin.mapping.chips import Placement
    from twin.networks.layers import Layer


@dataclass(frozen=True, slots=True)
class Sectioned:
    """Layers, the sections that they are of, and how many sections each one stands for.

    Attributes
    ----------
    layers : sequence of Layer
    sections : tuple of range
        The layers of each section.
    copies : tuple of int
    parameters : int
        Of the whole network as they are published: tied ones once.
    """

    layers: "Sequence[Layer]"
    sections: tuple[range, ...]
    copies: tuple[int, ...]
    parameters: int
    _plain: Network | None
    _loss: str
    _lowering: Lowering | None
    _starts: tuple[int, ...]

    @property
    def shapes(self) -> list[tuple[int, int]]:
        """(input lines, output lines) of each layer's matrix."""
        return [(layer.n_in, layer.n_out) for layer in self.layers]

    @property
    def names(self) -> tuple[str, ...]:
        """By layer the node whose matrix it has."""
        if self._plain is not None:
            return self._plain.names
        return tuple(self._lowering.names) if self._lowering is not None else ()

    @property
    def times(self) -> list[int]:
        """How many layers each one stands for."""
        return [n for layers, n in zip(self.sections, self.copies, strict=True) for _ in layers]

    def network(
        self, mapping: "Mapping | None" = None, placement: "Placement | None" = None, main: str = ""
    ) -> Network:
        """Return the network, wired for several chips where there is a placement; ask once.

        Raises
        ------
        TwinError
            Of a recurrent network on several chips.
        """
        if placement is not None and any(isinstance(layer, Recurrent) for layer in self.layers):
            raise TwinError("network: recurrent layers are timed on one chip; raise chip.system.tiles to hold them")
        if self._lowering is None and self._plain is not None:
            return self._plain
        apart = None
        if placement is not None and mapping is not None:
            chips = [placement.chips(mapping, layer.index, main) for layer in self.layers]
            numbers = [number for number, layers in enumerate(self.sections) for _ in layers]
            apart = Apart(chips, numbers, self._least())
        flow = self._lowering.flow(apart) if self._lowering is not None else None
        return Network(tuple(self.layers), self._loss, flow, self.names)

    def _least(self) -> list[int]:
        """Return the first layer of the section that each node of the graph is of."""
        nodes = len(self._lowering.graph.nodes) if self._lowering is not None else 0
        ends = (*self._starts[1:], nodes)
        spans = zip(self.sections, self._starts, ends, strict=True)
        return [layers.start for layers, start, end in spans for _ in range(start, end)]


def sectioned(workload: "Workload", *, folded: bool) -> Sectioned:
    """Return the network of a workload in its sections, with `folded` the copies of a block once.

    Raises
    ------
    TwinError
        As `twin.runs.networks.sample_of`, and where a node cannot take its inputs.
    """
    if workload.network.unrolled:
        plain = network_to_time(workload)
        weights = sum(n_in * n_out for n_in, n_out in plain.shapes)
        return Sectioned(plain.layers, (range(len(plain.layers)),), (1,), weights, plain, plain.loss, None, (0,))
    graph = Graph.of(workload.network, *sample_of(workload))
    found = Sections.of(graph)
    found = found.folded() if folded else found
    lowering = Lowering(found.graph)
    firsts = [*(lowering.firsts[start] for start in found.starts), len(lowering.layers)]
    ranges = tuple(range(first, end) for first, end in pairwise(firsts))
    return Sectioned(
        lowering.layers, ranges, found.copies, graph.parameters, None, found.graph.loss, lowering, found.starts
    )
