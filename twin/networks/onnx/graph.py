"""An ONNX graph as nodes of the twin: walked in order, every node by the function for its op type."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import prod
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt
import onnx
from onnx import TensorProto
from pydantic import ValidationError

from twin.config.checks import identifier
from twin.errors import TwinError
from twin.networks.kinds import kinds
from twin.networks.kinds.node import MisfitError, Shape, Symbols
from twin.networks.onnx.files import DOMAINS, values_of

INPUT = "input"
NAMED = 10
Constant = npt.NDArray[Any]


class NotCoveredError(Exception):
    """What a node asks for is not covered; the text says what."""


class Value(NamedTuple):
    """A tensor of the ONNX graph that depends on the input.

    Attributes
    ----------
    node : str
        The twin's node that makes it.
    shape : tuple of int
        In the twin: (height, width, channels), (positions, features) or (features,).
    dims : tuple of int
        In the file, without the batch: (channels, height, width), (positions, features), ...
    """

    node: str
    shape: Shape
    dims: tuple[int, ...]


class Slot(NamedTuple):
    """Where a weight of the twin lies in the file: an input of a node, perhaps transposed."""

    node: int
    input: int
    transposed: bool


@dataclass
class Model:
    """What was made of an ONNX file.

    Attributes
    ----------
    message : ModelProto
    layers : list of dict
        Nodes as `twin.networks.description` has them.
    slots : dict of str to Slot
        By the names of tensors: ``"conv1.weight"``.
    constants : dict of str to array
        Tensors that do not depend on the input.
    steps : int
        Positions of a text; 0 where the input is none.
    """

    path: Path
    message: onnx.ModelProto
    layers: list[dict[str, Any]] = field(default_factory=list)
    slots: dict[str, Slot] = field(default_factory=dict)
    constants: dict[str, Constant] = field(default_factory=dict)
    steps: int = 0

    def tensors(self) -> dict[str, Constant]:
        """Return the weights of all nodes, as `twin.networks.given` has them."""
        found = {}
        for name, slot in self.slots.items():
            values = self.constants[self.message.graph.node[slot.node].input[slot.input]]
            values = values.T if slot.transposed else values
            found[name] = values.reshape(values.shape[-2:]) if values.ndim == 3 else values
        return found


Take = Callable[["Reader", onnx.NodeProto, int], Value]
Fold = Callable[["Reader", onnx.NodeProto], Constant]


class Reader:
    """Walks the nodes of a graph; functions of op types get it with a node.

    Parameters
    ----------
    model : Model
        Gets what is read.
    ops, folded : mapping of str to callable
        By op type: nodes that depend on the input, and those that do not.
    """

    def __init__(self, model: Model, ops: Mapping[str, Take], folded: Mapping[str, Fold]) -> None:
        self._ops, self._folded = ops, folded
        self.model, self.graph = model, model.message.graph
        self.values: dict[str, Value] = {}
        self._refused: list[str] = []
        self._names: set[str] = {INPUT}
        self._tensors = {one.name: one for one in self.graph.initializer}
        if self.graph.sparse_initializer:
            raise TwinError(f"{model.path}: has sparse weights; export it with dense ones")
        self.output = self._only([one.name for one in self.graph.output], "outputs")
        self._takers: dict[str, int] = {}
        self._needed = self._reachable()

    def read(self) -> Model:
        """Walk the graph."""
        self._take_input()
        for index in self._needed:
            node = self.graph.node[index]
            try:
                self._take(node, index)
            except NotCoveredError as error:
                place, text = ".".join(filter(None, (node.domain, node.op_type))), str(error)
                name = node.name or (node.output[0] if node.output else f"number {index}")
                self._refused.append(f"{name} ({place}{': ' if text else ''}{text})")
        if self._refused:
            more = len(self._refused) - NAMED
            listed = ", ".join(self._refused[:NAMED]) + (f" and {more} more" if more > 0 else "")
            raise TwinError(f"{self.model.path}: nodes that are not covered: {listed}; docs/onnx.md has what is")
        self._end()
        return self.model

    def _take(self, node: onnx.NodeProto, index: int) -> None:
        """Fold or add a node; one behind what is not covered is only checked for its op type."""
        known = node.op_type in self._ops or node.op_type in self._folded
        if node.domain not in DOMAINS or not known or not node.output:
            raise NotCoveredError
        if node.op_type in self._folded and self._is_constant(node):
            self.model.constants[node.output[0]] = self._folded[node.op_type](self, node)
        elif not all(name in self.values or self.is_fixed(name) for name in node.input if name):
            return
        elif node.op_type not in self._ops:
            raise NotCoveredError("of what depends on the input")
        else:
            self.values[node.output[0]] = self._ops[node.op_type](self, node, index)

    def constant(self, name: str) -> Constant:
        """Return a tensor that does not depend on the input."""
        found = self.model.constants
        if name not in found:
            found[name] = values_of(self._tensors[name], self.model.path)
        return found[name]

    def is_fixed(self, name: str) -> bool:
        """Return whether a tensor does not depend on the input."""
        return name in self.model.constants or name in self._tensors

    def takers(self, name: str) -> int:
        """Return how many nodes take a tensor."""
        return self._takers.get(name, 0)

    def add(self, kind: str, name: str, inputs: tuple[Value, ...], **fields: Any) -> tuple[str, Shape]:
        """Add a node of the twin; return its name and the shape of its output."""
        own = name = identifier(name) or kind
        number = 1
        while own in self._names:
            number += 1
            own = f"{name[:75]}-{number}"
        layer = {"kind": kind, "name": own, "inputs": [one.node for one in inputs], **fields}
        try:
            shape = kinds()[kind].model_validate(layer).shape(*(one.shape for one in inputs))
        except (MisfitError, ValidationError) as error:
            first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            raise NotCoveredError(first) from error
        self._names.add(own)
        self.model.layers.append(layer)
        return own, shape

    def hold(self, name: str, node: int, port: int, *, transposed: bool = False) -> None:
        """Note where the tensor `name` of the twin lies."""
        self.constant(self.graph.node[node].input[port])
        self.model.slots[name] = Slot(node, port, transposed)

    def layer(self, name: str) -> dict[str, Any]:
        """Return the node of the twin of a name."""
        return next(one for one in self.model.layers if one["name"] == name)

    def _only(self, names: list[str], what: str) -> str:
        if len(names) != 1:
            raise TwinError(f"{self.model.path}: has {len(names)} {what} ({', '.join(names)}); export it with one")
        return names[0]

    def _reachable(self) -> list[int]:
        """Return the nodes that the output needs, in order; a softmax at the end is part of the loss."""
        made = {name: index for index, node in enumerate(self.graph.node) for name in node.output}
        while self.output in made and self.graph.node[made[self.output]].op_type in {"Softmax", "LogSoftmax"}:
            self.output = self.graph.node[made[self.output]].input[0]
        known = {*made, *self._tensors, *(one.name for one in self.graph.input), ""}
        needed: set[int] = set()
        rest = [self.output]
        while rest:
            index = made.get(rest.pop(), -1)
            if index >= 0 and index not in needed:
                needed.add(index)
                for name in self.graph.node[index].input:
                    self._takers[name] = self._takers.get(name, 0) + 1
                    rest.append(name)
        missing = sorted({name for index in needed for name in self.graph.node[index].input} - known)
        if missing:
            more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
            raise TwinError(f"{self.model.path}: lacks the tensors {', '.join(missing[:NAMED])}{more}; export it again")
        return sorted(needed)

    def _is_constant(self, node: onnx.NodeProto) -> bool:
        if node.op_type == "Shape":
            return node.input[0] in self.values
        return all(self.is_fixed(name) for name in node.input if name)

    def _take_input(self) -> None:
        given = [one for one in self.graph.input if one.name not in self._tensors]
        name = self._only([one.name for one in given], "inputs")
        kind = given[0].type.tensor_type
        first, *dims = kind.shape.dim or [None]
        for axis, one in enumerate(dims, 1):
            if one.dim_value <= 0:
                shown = one.dim_param or "without a size"
                raise TwinError(
                    f"{self.model.path}: input {name}: axis {axis} ({shown}) is dynamic; export it with a fixed size"
                )
        shape = tuple(int(one.dim_value) for one in dims)
        if first is None or not 1 <= len(shape) <= 3:
            raise TwinError(f"{self.model.path}: input {name}: needs a batch and 1 to 3 axes behind it; export it so")
        if kind.elem_type in {TensorProto.INT64, TensorProto.INT32} and len(shape) == 1:
            self.model.steps = shape[0]
            self.values[name] = Value(INPUT, Symbols(shape, 0), shape)
        else:
            self.values[name] = Value(INPUT, channels_last(shape), shape)

    def _end(self) -> None:
        """Let the last dense layer have the activation behind it, as the twin's last node is dense."""
        if self.output not in self.values:
            raise TwinError(f"{self.model.path}: the output does not depend on the input; export it again")
        layers = self.model.layers
        if len(layers) > 1 and layers[-1]["kind"] in {"relu", "sigmoid", "tanh"} and layers[-2]["kind"] == "dense":
            layers[-2]["activation"] = layers.pop()["kind"]


def channels_last(dims: tuple[int, ...]) -> Shape:
    """Return the twin's shape of what has these axes behind the batch."""
    return (*dims[1:], dims[0]) if len(dims) == 3 else dims


def channels_first(shape: Shape) -> tuple[int, ...]:
    """Return the axes behind the batch of what has this shape in the twin."""
    return (shape[2], *shape[:2]) if len(shape) == 3 else tuple(shape)


def count(dims: tuple[int, ...]) -> int:
    """Return how many values there are."""
    return prod(dims)


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Return the attributes of a node by name; texts as str."""
    found = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
    return {name: one.decode(errors="replace") if isinstance(one, bytes) else one for name, one in found.items()}


def integers(values: Constant) -> list[int]:
    """Return whole numbers of a tensor."""
    return [int(one) for one in np.asarray(values).ravel()]
