"""What the tensors of a node are called in files, their shapes there, and how features of maps are ordered there.

Files have PyTorch's names and shapes: node ``conv1`` has ``conv1.weight`` (channels, input channels, height, width) and
``conv1.bias``. Their maps have the channels first, so the features of a flattened map lie channel by channel; in the
twin they lie position by position.
"""

from collections.abc import Mapping
from math import prod
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from twin.config.checks import identifier
from twin.errors import TwinError
from twin.networks.description import INPUT, Listed
from twin.networks.graph import Graph
from twin.networks.kinds.matrices import MATRICES, Conv, Dense, Recurrent, matrix_of
from twin.networks.kinds.moves import Flatten, Reshape
from twin.networks.kinds.node import Shape, Shapes
from twin.networks.kinds.tables import OF_BIAS

Order = npt.NDArray[np.int64] | None
"""For each feature of a vector its place in the file's order; None where both are the same."""
IGNORED = ("num_batches_tracked",)
"""Tensors of PyTorch's modules that are no weights."""
STATISTICS = ("running_mean", "running_var")


class Wanted(NamedTuple):
    """A tensor that a node has in files.

    Attributes
    ----------
    node : Listed
    part : str
        ``"weight"``, ``"bias"``, ``"running_mean"`` or ``"running_var"``.
    shape : tuple of int
    order : int64 array or None
        Of the last axis of a digital parameter, or of the inputs of a dense layer.
    """

    node: Listed
    part: str
    shape: Shape
    order: Order

    @property
    def name(self) -> str:
        """``"conv1.weight"``."""
        return f"{self.owner}.{self.part}"

    @property
    def owner(self) -> str:
        """The node that files know: of a digital bias the one whose bias it is."""
        return self.node.name.removesuffix(OF_BIAS) if self.part == "bias" else self.node.name

    @property
    def cuts(self) -> tuple[int, ...]:
        """Where its rows are cut into those of the layers of its node: of a GRU (z, r; n) in one place."""
        node = self.node.node
        return (2 * node.hidden,) if isinstance(node, Recurrent) and node.kind == "gru" else ()

    @property
    def matrix(self) -> bool:
        """Whether it is part of a matrix, not a digital parameter."""
        return isinstance(self.node.node, MATRICES)


def wanted(graph: Graph) -> list[Wanted]:
    """Return every tensor that a network has in files, node by node.

    Raises
    ------
    TwinError
        Where features are rearranged in a way that files with channels first cannot have.
    """
    found = []
    orders = orders_of(graph)
    for one in graph.nodes:
        given = tuple(graph.shapes[name] for name in one.inputs)
        shapes, order = Shapes(given, graph.shapes[one.name]), orders[one.inputs[0]]
        if isinstance(one.node, MATRICES):
            found += _matrix(one, shapes, _flattened(given[0]) if len(given[0]) == 3 else order)
        else:
            parts = [start.size for start in one.node.parameters(shapes)]
            width = shapes.output[-1]
            names = ("bias",) if one.name.endswith(OF_BIAS) else ("weight", "bias")
            found += [
                Wanted(one, part, (size,) if size == width else (size // width, width), order)
                for part, size in zip(names, parts, strict=False)
            ]
            if one.node.kind == "batch-norm":
                found += [Wanted(one, part, (width,), order) for part in STATISTICS]
    return found


def _matrix(one: Listed, shapes: Shapes, order: Order) -> list[Wanted]:
    outputs = shapes.output[-1]
    size, _ = matrix_of(one.node, shapes)
    if isinstance(one.node, Conv):
        channels = shapes.inputs[0][2] // one.node.groups
        found = [Wanted(one, "weight", (outputs, channels, *one.node.windows.kernel), None)]
    else:
        lines = outputs if isinstance(one.node, Dense) else size // _lines(one, shapes)
        found = [Wanted(one, "weight", (lines, size // lines - one.node.bias), order)]
    return [*found, Wanted(one, "bias", found[0].shape[:1], None)] if one.node.bias else found


def _lines(one: Listed, shapes: Shapes) -> int:
    """Return the input lines of a recurrent block."""
    features = getattr(shapes.inputs[0], "alphabet", shapes.inputs[0][-1])
    return int(features + one.node.hidden + one.node.bias)


def orders_of(graph: Graph) -> dict[str, Order]:
    """Return how the features of every tensor are ordered in files."""
    orders: dict[str, Order] = {INPUT: None}
    for one in graph.nodes:
        given, output = graph.shapes[one.inputs[0]], graph.shapes[one.name]
        below = [orders[name] for name in one.inputs]
        if isinstance(one.node, (Flatten, Reshape)):
            orders[one.name] = _reshaped(one, given, output, below[0])
        elif isinstance(one.node, MATRICES) or len(output) != 1 or len(given) != 1:
            orders[one.name] = None
        elif one.node.kind == "concat":
            orders[one.name] = _joined(below, [graph.shapes[name] for name in one.inputs])
        elif any(not _alike(other, below[0]) for other in below):
            raise TwinError(f"{one.name}: joins vectors whose features files with channels first order differently")
        else:
            orders[one.name] = below[0]
    return orders


def _flattened(shape: Shape) -> Order:
    height, width, channels = shape
    if channels == 1 or height * width == 1:
        return None
    return np.arange(prod(shape)).reshape(channels, height, width).transpose(1, 2, 0).ravel()


def _reshaped(one: Listed, given: Shape, output: Shape, order: Order) -> Order:
    if len(given) == 3 and len(output) == 1:
        return _flattened(given)
    into_map = len(output) == 3 and given != output and _flattened(output) is not None
    if into_map or (order is not None and output != given):
        raise TwinError(
            f"{one.name}: rearranges features into {len(output)} axes, which weights of files with channels first do "
            "not fit; leave init.file out"
        )
    return order


def _joined(orders: list[Order], shapes: list[Shape]) -> Order:
    if all(order is None for order in orders):
        return None
    starts = np.cumsum([0, *(shape[-1] for shape in shapes)])
    parts = [
        start + (np.arange(shape[-1]) if order is None else order)
        for start, order, shape in zip(starts, orders, shapes, strict=False)
    ]
    return np.concatenate(parts)


def _alike(one: Order, other: Order) -> bool:
    return one is other or (one is not None and other is not None and np.array_equal(one, other))


def by_plain_name(names: Mapping[str, object], label: str) -> dict[str, str]:
    """Return the names of tensors by what nodes would call them: ``"layer1-0-conv.weight"``.

    Raises
    ------
    TwinError
        Where two tensors come to the same name.
    """
    found: dict[str, str] = {}
    for name in names:
        place, _, part = name.rpartition(".")
        own = f"{identifier(place)}.{part}"
        if part in IGNORED:
            continue
        if own in found:
            raise TwinError(f"{label}: {name} and {found[own]} would belong to one node; rename one")
        found[own] = name
    return found
