"""An ONNX graph as nodes of the twin: walked in order, every node by the function for its op type."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto
from pydantic import ValidationError

from twin.config.checks import identifier
from twin.errors import TwinError
from twin.networks.kinds import kinds
from twin.networks.kinds.node import MisfitError, Shape, Symbols
from twin.networks.onnx.files import DOMAINS, values_of
from twin.networks.onnx.places import Constant, Input, Place, Port
from twin.networks.onnx.reading import Reading
from twin.networks.onnx.values import Held, NotCoveredError, Value, Worked
from twin.networks.onnx.views import BATCH, MANY, Axis, axis_of, lying

INPUT = "input"
NAMED = 10
LISTED = 40
UNFINISHED = ("Add", "Div", "Mul", "Pow", "Sub", "Sum")
"""Op types that may end a function whose parts are none."""


@dataclass
class Model:
    """What was made of an ONNX file.

    Attributes
    ----------
    message : ModelProto
    layers : list of dict
        Nodes as `twin.networks.description` has them.
    places : dict of str to Place
        By the names of tensors: ``"conv1.weight"``.
    constants : dict of str to array
        Tensors that do not depend on the input.
    shape : tuple of int
        Of a sample as the twin has it, channels last; of a text its positions.
    steps : int
        Positions of a text; 0 where the input is none.
    dynamic : list of str
        Axes of the input that have no size in the file, but the batch: names, or numbers where they have none.
    """

    path: Path
    message: onnx.ModelProto
    layers: list[dict[str, Any]] = field(default_factory=list)
    places: dict[str, Place] = field(default_factory=dict)
    constants: dict[str, Constant] = field(default_factory=dict)
    shape: tuple[int, ...] = ()
    steps: int = 0
    dynamic: list[str] = field(default_factory=list)

    def input(self, port: Port) -> Constant:
        """Return an input of a node of the file that does not depend on the network's."""
        node, number = port
        return self.constants[self.message.graph.node[node].input[number]]

    def tensors(self) -> dict[str, Constant]:
        """Return the weights of all nodes, as `twin.networks.given` has them."""
        return {name: place.read(self.input) for name, place in self.places.items()}


Take = Callable[["Reader", onnx.NodeProto, int], "Held | Constant | tuple[Held, ...]"]
Fold = Callable[["Reader", onnx.NodeProto], "Constant | tuple[Constant, ...]"]


class Reader:
    """Walks the nodes of a graph; functions of op types get it with a node.

    Parameters
    ----------
    model : Model
        Gets what is read.
    reading : Reading
    ops, folded : mapping of str to callable
        By op type: nodes that depend on the input, and those that do not.
    resolve : callable
        Makes nodes of the twin of a function that was built step by step.
    """

    def __init__(
        self,
        model: Model,
        reading: Reading,
        ops: Mapping[str, Take],
        folded: Mapping[str, Fold],
        resolve: Callable[["Reader", Worked], Value],
    ) -> None:
        self._ops, self._folded, self._resolve = ops, folded, resolve
        self.model, self.graph, self.reading = model, model.message.graph, reading
        self.values: dict[str, Held] = {}
        self.shares: dict[str, dict[tuple[int, int], str]] = {}
        self.open: dict[str, int] = {}  # layer norms that still lack their shift, with the node that made them
        self._resolved: dict[int, Value | NotCoveredError] = {}
        self._keep: list[Worked] = []
        self._refused: dict[int, str] = {}
        self._names: set[str] = {INPUT}
        self._tensors = {one.name: one for one in self.graph.initializer}
        if self.graph.sparse_initializer:
            raise TwinError(f"{model.path}: has sparse weights; export it with dense ones")
        self.output = self._only([one.name for one in self.graph.output], "outputs")
        self._takers: dict[str, int] = {}
        self._needed = self._reachable()

    # -- what functions of op types use ----------------------------------------------------------------------

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

    def whole(self, held: Held) -> Value:
        """Return a tensor as the output of a node of the twin, which is added where it is not there yet."""
        if isinstance(held, Value):
            return held
        if not isinstance(held, Worked):
            raise NotCoveredError("of scores that are no attention yet")
        if id(held) not in self._resolved:
            self._keep.append(held)  # so that no other gets its id
            try:
                self._resolved[id(held)] = self._resolve(self, held)
            except NotCoveredError as error:
                self._resolved[id(held)] = NotCoveredError(str(error), held.index if error.node < 0 else error.node)
        found = self._resolved[id(held)]
        if isinstance(found, NotCoveredError):
            raise found
        return found

    def add(self, kind: str, name: str, inputs: tuple[Value, ...], **fields: Any) -> tuple[str, Shape]:
        """Add a node of the twin; return its name and the shape of its output."""
        own = self.free(name, kind)
        layer = {"kind": kind, "name": own, "inputs": [one.node for one in inputs], **fields}
        try:
            shape = kinds()[kind].model_validate(layer).shape(*(one.shape for one in inputs))
        except (MisfitError, ValidationError) as error:
            first = error.errors()[0]["msg"] if isinstance(error, ValidationError) else str(error)
            raise NotCoveredError(first) from error
        self._names.add(own)
        self.model.layers.append(layer)
        return own, shape

    def free(self, name: str, kind: str) -> str:
        """Return a name that no node has yet."""
        own = name = identifier(name) or kind
        number = 1
        while own in self._names:
            number += 1
            own = f"{name[:75]}-{number}"
        return own

    def made(self, kind: str, name: str, inputs: tuple[Value, ...], **fields: Any) -> Value:
        """Add a node of the twin; return its output as files have such tensors."""
        own, shape = self.add(kind, name, inputs, **fields)
        return Value(own, shape, lying(shape, self.batch))

    def share(self, name: str, start: int, count: int) -> str:
        """Return a dense node that gives `count` features of another from `start` on; it takes the other's place."""
        own = self.shares.setdefault(name, {})
        if (start, count) not in own:
            layers = self.model.layers
            layer, at = self.layer(name), next(k for k, one in enumerate(layers) if one["name"] == name)
            part = self.free(f"{name}-{len(own)}", "dense")
            self._names.add(part)
            layers.insert(at + len(own), {**layer, "name": part, "outputs": count})
            for end in ("weight", "bias") if layer["bias"] else ("weight",):
                whole = self.model.places[f"{name}.{end}"]
                if not isinstance(whole, Input):
                    raise NotCoveredError(f"of a part of what {name} gives, which has a batch norm folded in")
                self.model.places[f"{part}.{end}"] = whole.part(start, count)
            own[start, count] = part
        return own[start, count]

    def hold(self, name: str, place: Place) -> None:
        """Note where the tensor `name` of the twin lies."""
        self.model.places[name] = place

    def layer(self, name: str) -> dict[str, Any]:
        """Return the node of the twin of a name; nothing for the input."""
        return next((one for one in self.model.layers if one["name"] == name), {})

    # -- the walk --------------------------------------------------------------------------------------------

    def read(self) -> Model:
        """Walk the graph."""
        self._take_input()
        for index in self._needed:
            try:
                self._take(self.graph.node[index], index)
            except NotCoveredError as error:
                self._refuse(error, index)
        if not self._refused and self.output in self.values:
            try:
                self._end()
            except NotCoveredError as error:
                self._refuse(error, len(self.graph.node) - 1)
        if self._refused:
            more = len(self._refused) - LISTED
            listed = ", ".join(list(self._refused.values())[:LISTED]) + (f" and {more} more" if more > 0 else "")
            raise TwinError(f"{self.model.path}: nodes that are not covered: {listed}; docs/onnx.md has what is")
        if self.output not in self.values:
            raise TwinError(f"{self.model.path}: the output does not depend on the input; export it again")
        return self.model

    def _refuse(self, error: NotCoveredError, index: int) -> None:
        index, text = index if error.node < 0 else error.node, str(error)
        node = self.graph.node[index]
        place = ".".join(filter(None, (node.domain, node.op_type)))
        name = node.name or (node.output[0] if node.output else f"number {index}")
        self._refused.setdefault(index, f"{name} ({place}{': ' if text else ''}{text})")

    def _take(self, node: onnx.NodeProto, index: int) -> None:
        """Fold or add a node; one behind what is not covered is only checked for its op type."""
        known = node.op_type in self._ops or node.op_type in self._folded
        if node.domain not in DOMAINS or not known or not node.output:
            raise NotCoveredError
        given = [name for name in node.input if name]
        fixed = all(self.is_fixed(name) for name in given)
        if node.op_type == "Shape" and given and given[0] in self.values:
            fixed = True
        if fixed and node.op_type in self._folded:
            made = self._folded[node.op_type](self, node)
            made = made if isinstance(made, tuple) else (made,)
            self.model.constants.update(zip(node.output, made, strict=False))
        elif not all(name in self.values or self.is_fixed(name) for name in given):
            self._try(node, given)
        elif node.op_type not in self._ops:
            raise NotCoveredError("of what depends on the input")
        else:
            found = self._ops[node.op_type](self, node, index)
            several = found if isinstance(found, tuple) and not isinstance(found, Value) else (found,)
            for name, one in zip(node.output, several, strict=False):
                if isinstance(one, np.ndarray):
                    self.model.constants[name] = one
                else:
                    self.values[name] = one
            for number, name in enumerate(node.output[len(several) :], len(several) + 1):
                if self.takers(name) or name == self.output:
                    raise NotCoveredError(f"whose output number {number} is taken")

    def _try(self, node: onnx.NodeProto, given: list[str]) -> None:
        """Refuse what is not covered of the other inputs of a node behind what is not covered."""
        for name in given if node.op_type not in UNFINISHED else ():
            if isinstance(self.values.get(name), Worked):
                self.whole(self.values[name])

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
        self._check_order(sorted(needed), made, known)
        return sorted(needed)

    def _check_order(self, needed: list[int], made: dict[str, int], known: set[str]) -> None:
        """Refuse tensors that nothing makes, and nodes that stand above what they take."""
        missing = sorted({name for index in needed for name in self.graph.node[index].input} - known)
        if missing:
            more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
            raise TwinError(f"{self.model.path}: lacks the tensors {', '.join(missing[:NAMED])}{more}; export it again")
        for index in needed:
            node = self.graph.node[index]
            late = next((name for name in node.input if name and made.get(name, -1) >= index), None)
            if late is not None:
                raise TwinError(
                    f"{self.model.path}: node {node.name or node.output[0]} ({node.op_type}) takes {late}, which is "
                    "made below it; nodes stand below their inputs, as there are no cycles: export it again"
                )

    def _take_input(self) -> None:
        given = [one for one in self.graph.input if one.name not in self._tensors]
        name = self._only([one.name for one in given], "inputs")
        if not given[0].type.HasField("tensor_type"):
            raise TwinError(f"{self.model.path}: input {name}: is no tensor; export it with a tensor as its input")
        kind, label = given[0].type.tensor_type, f"{self.model.path}: input {name}"
        first, *dims = kind.shape.dim or [None]
        shape = tuple(self._side(axis, one, label) for axis, one in enumerate(dims, 1))
        if first is None or not 1 <= len(shape) <= 3:
            raise TwinError(f"{label}: needs a batch and 1 to 3 axes behind it; export it so")
        self.batch = int(first.dim_value) or MANY
        if kind.elem_type in {TensorProto.INT64, TensorProto.INT32} and len(shape) == 1:
            self.model.steps = shape[0]
            known: Shape = Symbols(shape, 0)
        elif kind.elem_type in {TensorProto.FLOAT, TensorProto.FLOAT16, TensorProto.DOUBLE, TensorProto.BFLOAT16}:
            known = (*shape[1:], shape[0]) if len(shape) == 3 else shape
        else:
            found = TensorProto.DataType.Name(kind.elem_type).lower()
            raise TwinError(
                f"{label}: is of type {found} with {len(shape)} axes; it must be of floats, or one row of int64 symbols"
            )
        self.model.shape = shape if isinstance(known, Symbols) else known
        self.values[name] = Value(INPUT, known, lying(known, self.batch))

    def _side(self, axis: int, one: Any, label: str) -> int:
        """Return the size of an axis of the input."""
        if one.dim_value > 0:
            return int(one.dim_value)
        self.model.dynamic.append(one.dim_param or str(axis))
        given = self.reading.sizes.get(one.dim_param or str(axis))
        if given is None:
            name = one.dim_param or str(axis)
            shown = one.dim_param or "without a size"
            raise TwinError(
                f"{label}: axis {axis} ({shown}) is dynamic; give it a size, sizes = {{ {name} = 64 }}, "
                "or export it with one"
            )
        return given

    def _end(self) -> None:
        """Take away what parts stand for; let the last dense layer have the activation behind it."""
        for index in self.open.values():
            raise NotCoveredError("a layer norm without shift", index)
        last = self.whole(self.values[self.output])
        layers = self.model.layers
        if last.start or last.scale != 1 or not layers or layers[-1]["name"] != last.node:
            raise NotCoveredError("gives the output as a part of a tensor, or times a number")
        for name in self.shares:
            if any(name in one["inputs"] for one in layers):
                raise NotCoveredError(f"takes {name} whole, and others take parts of it")
            layers.remove(self.layer(name))
            for end in ("weight", "bias"):
                self.model.places.pop(f"{name}.{end}", None)
        if len(layers) > 1 and layers[-1]["kind"] in {"relu", "sigmoid", "tanh"} and layers[-2]["kind"] == "dense":
            layers[-2]["activation"] = layers.pop()["kind"]


def batch_axis(axis: Axis) -> bool:
    """Return whether an axis is the batch."""
    return axis in {(), axis_of(*(part for part in axis if part[1] == BATCH))}


def attributes(node: onnx.NodeProto) -> dict[str, Any]:
    """Return the attributes of a node by name; texts as str."""
    found = {one.name: onnx.helper.get_attribute_value(one) for one in node.attribute}
    return {name: one.decode(errors="replace") if isinstance(one, bytes) else one for name, one in found.items()}


def integers(values: Constant) -> list[int]:
    """Return whole numbers of a tensor."""
    return [int(one) for one in np.asarray(values).ravel()]
