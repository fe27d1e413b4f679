"""Parts of a graph between which one tensor passes, and those of them that are copies of each other."""

from collections.abc import Sequence
from dataclasses import dataclass

from twin.networks.description import INPUT, Listed
from twin.networks.graph import Graph
from twin.networks.kinds.matrices import MATRICES


@dataclass(frozen=True, slots=True)
class Sections:
    """A graph and the sections that its nodes fall into.

    Attributes
    ----------
    graph : Graph
    starts : tuple of int
        The first node of each section.
    copies : tuple of int
        How many sections each one stands for.
    """

    graph: Graph
    starts: tuple[int, ...]
    copies: tuple[int, ...]

    @classmethod
    def of(cls, graph: Graph) -> "Sections":
        """Cut a graph where blocks meet other nodes and where exactly one tensor passes.

        Every section has a matrix, as its nodes are worked out beside one: what has none belongs to the next section,
        at the end to the one before.
        """
        last = _last_takers(graph)
        starts = [0]
        for index in range(1, len(graph.nodes)):
            if not any(isinstance(one.node, MATRICES) for one in graph.nodes[starts[-1] : index]):
                continue
            before, own = graph.nodes[index - 1], graph.nodes[index]
            if _place(before) != _place(own) and _passing(graph, last, index) == 1:
                starts.append(index)
        if len(starts) > 1 and not any(isinstance(one.node, MATRICES) for one in graph.nodes[starts[-1] :]):
            starts.pop()
        return cls(graph, tuple(starts), (1,) * len(starts))

    def folded(self) -> "Sections":
        """Let one copy of a block stand for those that follow it and are alike.

        The first section and the last, which lack a neighbour, stand for themselves alone.
        """
        nodes: list[Listed] = []
        starts: list[int] = []
        copies: list[int] = []
        names: dict[str, str] = {INPUT: INPUT}
        kept: Sequence[Listed] = ()
        for number, own in enumerate(self._sections()):
            inside = 1 < number < len(self.starts) - 1
            if inside and self._alike(kept, own):
                copies[-1] += 1
                names |= {one.name: other.name for one, other in zip(own, kept, strict=True)}
                continue
            names |= {one.name: one.name for one in own}
            starts.append(len(nodes))
            copies.append(1)
            nodes += [one._replace(inputs=tuple(names[name] for name in one.inputs)) for one in own]
            kept = own
        graph = Graph(tuple(nodes), self.graph.shapes, self.graph.loss)
        return Sections(graph, tuple(starts), tuple(copies))

    def _sections(self) -> list[Sequence[Listed]]:
        ends = (*self.starts[1:], len(self.graph.nodes))
        return [self.graph.nodes[start:end] for start, end in zip(self.starts, ends, strict=True)]

    def _alike(self, one: Sequence[Listed], other: Sequence[Listed]) -> bool:
        """Return whether two sections are copies of one block, on tensors of the same shapes."""
        if [node.at for node in one] != [node.at for node in other] or len({node.copy for node in other}) > 1:
            return False
        shapes = self.graph.shapes
        return all(
            [shapes[name] for name in (a.name, *a.inputs)] == [shapes[name] for name in (b.name, *b.inputs)]
            for a, b in zip(one, other, strict=True)
        )


def _place(one: Listed) -> tuple[object, ...]:
    """Return which copy of which block a node is of; all nodes outside of blocks are of one place."""
    return (*one.at[:2], one.copy) if len(one.at) > 2 else ()


def _last_takers(graph: Graph) -> dict[str, int]:
    """Return the last node that takes each tensor."""
    return {name: index for index, one in enumerate(graph.nodes) for name in one.inputs}


def _passing(graph: Graph, last: dict[str, int], index: int) -> int:
    """Return how many tensors are made before a node and taken by it or behind it."""
    made = [INPUT, *(one.name for one in graph.nodes[:index])]
    return sum(last.get(name, -1) >= index for name in made)
