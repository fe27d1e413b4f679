"""Tensors that are joined, embeddings, and functions of single elements."""

import onnx

from twin.networks.kinds.node import Symbols
from twin.networks.onnx.graph import NotCoveredError, Reader, Value, attributes
from twin.networks.onnx.taking import NodeProto, depends, has, made, name_of, require, weight_of


def merge(reader: Reader, node: NodeProto, _: int) -> Value:
    """Add, Mul, Sum and Concat of tensors, two at a time."""
    kind = {"Add": "add", "Sum": "add", "Mul": "multiply", "Concat": "concat"}[node.op_type]
    values = [depends(reader, node, number) for number in range(len(node.input))]
    if kind == "concat":
        axis, axes = attributes(node).get("axis", 1), len(values[0].dims)
        features = 1 if axes == 3 else axes
        if axis not in {features, features - axes - 1}:
            raise NotCoveredError(f"axis = {axis}, which is not that of channels or features")
    elif len({one.dims for one in values}) > 1:
        raise NotCoveredError("of tensors of different shapes")
    joined = values[0]
    for number, other in enumerate(values[1:], 2):
        last = number == len(values)
        joined = made(reader, kind, name_of(node) + ("" if last else f"-{number}"), (joined, other))
    return joined


def gather(reader: Reader, node: NodeProto, index: int) -> Value:
    """Gather of rows of a table by symbols: an embedding."""
    x, table = depends(reader, node, 1), weight_of(reader, node, 0)
    if not isinstance(x.shape, Symbols) or table.ndim != 2 or attributes(node).get("axis", 0) != 0:
        raise NotCoveredError("of other than rows of a table by symbols")
    known = x._replace(shape=Symbols(x.shape, table.shape[0]))
    found = made(reader, "embedding", name_of(node, node.input[0]), (known,), width=int(table.shape[1]))
    reader.hold(f"{found.node}.weight", index, 0)
    return found


def function(reader: Reader, node: NodeProto, _: int) -> Value:
    """Functions of single elements."""
    given = attributes(node)
    if node.op_type == "Gelu" and given.get("approximate", "none") != "tanh":
        raise NotCoveredError('approximate = "none"; the twin has the form "tanh"')
    require(given, alpha=1.0)
    x = depends(reader, node)
    name, shape = reader.add({"Swish": "silu"}.get(node.op_type, node.op_type.lower()), name_of(node), (x,))
    return Value(name, shape, x.dims)


def softmax(reader: Reader, node: NodeProto, index: int) -> Value:
    """Softmax of the last axis."""
    x, axis = depends(reader, node), attributes(node).get("axis", -1)
    if axis not in {-1, len(x.dims)} or len(x.dims) > 2:
        raise NotCoveredError(f"axis = {axis}, which is not the last")
    return function(reader, node, index)


def dropout(reader: Reader, node: NodeProto, _: int) -> Value:
    """Dropout, whatever its mode in the file: it drops in training only."""
    x = depends(reader, node)
    share = float(weight_of(reader, node, 1)) if has(node, 1) else 0.5
    name, shape = reader.add("dropout", name_of(node), (x,), probability=round(share, 6))
    return Value(name, shape, x.dims)


def same(reader: Reader, node: NodeProto, _: int) -> Value:
    """Identity, and Cast between floats."""
    if node.op_type == "Cast" and attributes(node).get("to") != onnx.TensorProto.FLOAT:
        x = depends(reader, node)
        if not isinstance(x.shape, Symbols):
            raise NotCoveredError("to another type than float32")
    return depends(reader, node)
