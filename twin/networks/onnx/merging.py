"""Tensors that are joined, embeddings, and what passes tensors on."""

import numpy as np
import onnx

from twin.networks.kinds.node import Symbols
from twin.networks.onnx.attention import softmaxed
from twin.networks.onnx.graph import Reader, attributes
from twin.networks.onnx.moves import step
from twin.networks.onnx.places import Constant, Input
from twin.networks.onnx.taking import NodeProto, depends, has, held, name_of, pairs_of, weight_of
from twin.networks.onnx.values import Held, NotCoveredError, Scores, Value
from twin.networks.onnx.views import SYMBOL, are_rows, axis_of, widened


def merge(reader: Reader, node: NodeProto, _: int) -> Value:
    """Add, Mul and Sum of tensors, two at a time."""
    kind = "multiply" if node.op_type == "Mul" else "add"
    values = [depends(reader, node, number) for number in range(len(node.input))]
    if len({one.dims for one in values}) > 1:
        raise NotCoveredError("of tensors of different shapes")
    if len({(one.view, one.shape) for one in values}) > 1:
        values = [pairs_of(reader, one, name_of(node)) for one in values]
    if len({(one.view, one.shape) for one in values}) > 1:
        raise NotCoveredError("of tensors that lie in different orders")
    return _joined(reader, node, kind, values)


def concat(reader: Reader, node: NodeProto, _: int) -> Value:
    """Concat of channels or features."""
    values = [depends(reader, node, number) for number in range(len(node.input))]
    axis = attributes(node).get("axis", 1)
    for one in values:
        if not -len(one.view) <= axis < len(one.view) or one.view[axis] != axis_of((one.shape[-1], 1)):
            raise NotCoveredError(f"axis = {axis}, which is not that of channels or features")
    return _joined(reader, node, "concat", values)


def _joined(reader: Reader, node: NodeProto, kind: str, values: list[Value]) -> Value:
    found = values[0]
    for number, other in enumerate(values[1:], 2):
        name = name_of(node) + ("" if number == len(values) else f"-{number}")
        own, shape = reader.add(kind, name, (found, other))
        view, width = found.view, found.shape[-1]
        if kind == "concat":
            at = view.index(axis_of((width, 1)))
            wide = widened((*view[:at], *view[at + 1 :], view[at]), width, shape[-1])
            view = (*wide[:at], wide[-1], *wide[at:-1])
        found = Value(own, shape, view)
    return found


def gather(reader: Reader, node: NodeProto, index: int) -> Value:
    """Gather of rows of a table by symbols: an embedding; of one step of an axis: a part."""
    if reader.is_fixed(node.input[1]):
        return step(reader, node, index)
    x, table = depends(reader, node, 1), weight_of(reader, node, 0)
    if not isinstance(x.shape, Symbols) or table.ndim != 2 or attributes(node).get("axis", 0) != 0:
        raise NotCoveredError("of other than rows of a table by symbols")
    known = x._replace(shape=Symbols(x.shape, table.shape[0]))
    width = int(table.shape[1])
    own, shape = reader.add("embedding", name_of(node, node.input[0]), (known,), width=width)
    reader.hold(f"{own}.weight", Input((index, 0), (int(table.shape[0]), width)))
    axes = (tuple((size, stride * width if stride > 0 else stride) for size, stride in axis) for axis in x.view)
    return Value(own, shape, (*(axis_of(*axis) for axis in axes), axis_of((width, 1))))


def softmax(reader: Reader, node: NodeProto, _: int) -> Held:
    """Softmax of the last axis."""
    raw = held(reader, node)
    if isinstance(raw, Scores):
        return softmaxed(node, raw)
    x, axis = depends(reader, node), attributes(node).get("axis", -1)
    if axis not in {-1, len(x.view) - 1} or not are_rows(x.view, x.shape):
        raise NotCoveredError(f"axis = {axis}, which is not that of the features")
    own, shape = reader.add("softmax", name_of(node), (x,))
    return Value(own, shape, x.view, moved=x.moved)


def dropout(reader: Reader, node: NodeProto, _: int) -> Held:
    """Dropout, whatever its mode in the file: it drops in training only."""
    raw = held(reader, node)
    if isinstance(raw, Scores):
        return raw
    x = depends(reader, node)
    share = float(weight_of(reader, node, 1)) if has(node, 1) else 0.5
    own, shape = reader.add("dropout", name_of(node), (x,), probability=round(share, 6))
    return Value(own, shape, x.view, moved=x.moved)


def same(reader: Reader, node: NodeProto, _: int) -> Held:
    """Identity, and Cast between floats."""
    x = held(reader, node)
    if node.op_type == "Cast" and attributes(node).get("to") != onnx.TensorProto.FLOAT:
        symbols = isinstance(x, Value) and isinstance(x.shape, Symbols)
        if not symbols:
            raise NotCoveredError("to another type than float32")
    return x


def like(reader: Reader, node: NodeProto, index: int) -> Held | Constant:
    """CastLike: a constant, or a tensor, of the type of another, which is float32."""
    if not reader.is_fixed(node.input[0]):
        return same(reader, node, index)
    depends(reader, node, 1)
    return weight_of(reader, node, 0).astype(np.float32)


def one_hot(reader: Reader, node: NodeProto, _: int) -> Value:
    """OneHot of symbols: what recurrent cells take of a text."""
    x, depth, values = depends(reader, node), weight_of(reader, node, 1), weight_of(reader, node, 2)
    axis, count = attributes(node).get("axis", -1), int(np.ravel(depth)[0])
    if not isinstance(x.shape, Symbols) or axis not in {-1, len(x.view)} or list(np.ravel(values)) != [0, 1]:
        raise NotCoveredError("of other than symbols, with 0 and 1 along the last axis")
    return _hot(x, x.view, count)


def equal(reader: Reader, node: NodeProto, _: int) -> Value:
    """Equal of symbols with 0, 1, 2, ...: the same, as exporters write it."""
    number = 1 if node.input[1] not in reader.values else 0
    x, values = depends(reader, node, 1 - number), weight_of(reader, node, number)
    rising = np.array_equal(values.ravel(), np.arange(values.size)) and values.shape[-1:] == (values.size,)
    if not isinstance(x.shape, Symbols) or x.view[-1] != () or not rising:
        raise NotCoveredError("other than of symbols with 0, 1, 2, ...")
    return _hot(x, x.view[:-1], int(values.size))


def _hot(x: Value, view: tuple[tuple[tuple[int, int], ...], ...], count: int) -> Value:
    return x._replace(shape=Symbols(x.shape, count), view=(*view, axis_of((count, SYMBOL))))
