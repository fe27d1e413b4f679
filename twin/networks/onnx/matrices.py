"""Conv, Gemm, MatMul and Add: nodes with a matrix, and what exporters make of biases."""

import numpy as np

from twin.networks.onnx.attention import attended, masked, scores
from twin.networks.onnx.functions import binary
from twin.networks.onnx.graph import Reader, attributes
from twin.networks.onnx.merging import merge
from twin.networks.onnx.norms import is_for_features, scaled, shifts
from twin.networks.onnx.places import Constant, Input
from twin.networks.onnx.taking import (
    NodeProto,
    borders,
    covered,
    depends,
    fixed_of,
    has,
    held,
    map_of,
    name_of,
    pairs_of,
    plain,
    require,
    weight_of,
)
from twin.networks.onnx.values import Held, NotCoveredError, Scores, Value
from twin.networks.onnx.views import BATCH, are_rows, axis_of, dims_of, widened


def conv(reader: Reader, node: NodeProto, index: int) -> Value:
    """Conv over two axes."""
    given, weight, name = attributes(node), weight_of(reader, node, 1), name_of(node, node.input[1])
    x = map_of(reader, depends(reader, node), name)
    if weight.ndim != 4:
        raise NotCoveredError("of other than two axes")
    kernel, stride = list(weight.shape[2:]), list(given.get("strides", (1, 1)))
    dilation = list(given.get("dilations", (1, 1)))
    reach = [(size - 1) * gap + 1 for size, gap in zip(kernel, dilation, strict=True)]
    top, left, bottom, right = borders(given, x.shape[:2], reach, stride)
    bias = has(node, 2)
    groups = int(given.get("group", 1))
    if x.shape[2] != weight.shape[1] * groups:
        raise NotCoveredError(f"{weight.shape[1] * groups} channels on {x.shape[2]}")
    found = reader.made(
        "conv",
        name,
        (x,),
        channels=int(weight.shape[0]),
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        padding=[top, bottom, left, right],
        groups=groups,
        activation="identity",
        bias=bias,
    )
    reader.hold(f"{found.node}.weight", Input((index, 1), weight.shape))
    if bias:
        _hold_bias(reader, found.node, (index, 2), weight_of(reader, node, 2), weight.shape[0])
    return found


def gemm(reader: Reader, node: NodeProto, index: int) -> Value:
    """Gemm with weights on the right."""
    given, weight = attributes(node), weight_of(reader, node, 1)
    require(given, alpha=1.0, beta=1.0, transA=0)
    return _dense(reader, node, index, weight, turned=not given.get("transB", 0), bias=has(node, 2))


def matmul(reader: Reader, node: NodeProto, index: int) -> Held:
    """MatMul with weights on the right, or of queries with keys, or of what an attention weighs with values."""
    if len(node.input) == 2 and all(name in reader.values for name in node.input):
        first = held(reader, node)
        if isinstance(first, Scores):
            return attended(reader, node, first, held(reader, node, 1))
        return scores(first, held(reader, node, 1))
    bias = _name_of_bias(reader, node.output[0])
    return _dense(reader, node, index, weight_of(reader, node, 1), turned=True, bias=False, name=bias)


def _name_of_bias(reader: Reader, output: str) -> str:
    """Return what the module of a MatMul is called, which its bias tells where exporters rename its weights."""
    behind = (other for other in reader.graph.node if other.op_type == "Add" and output in other.input)
    names = [plain(name) for other in behind for name in other.input]
    names = [name for name in names if name.endswith((".bias", "_bias"))]
    return names[0][: -len(".bias")] if len(names) == 1 else ""


def _dense(
    reader: Reader, node: NodeProto, index: int, weight: Constant, *, turned: bool, bias: bool, name: str = ""
) -> Value:
    name = name or name_of(node, node.input[1])
    x = pairs_of(reader, depends(reader, node), name)
    if weight.ndim != 2:
        raise NotCoveredError("of other than one matrix with vectors or positions x features")
    inputs, outputs = weight.shape if turned else weight.shape[::-1]
    if inputs != x.shape[-1]:
        raise NotCoveredError(f"{inputs} inputs on {x.shape[-1]} features")
    if bias and weight_of(reader, node, 2).size != outputs:
        raise NotCoveredError("a bias that is no vector of its outputs")
    own, shape = reader.add("dense", name, (x,), outputs=int(outputs), activation="identity", bias=bias)
    reader.hold(f"{own}.weight", Input((index, 1), (int(outputs), int(inputs)), turned))
    if bias:
        _hold_bias(reader, own, (index, 2), weight_of(reader, node, 2), outputs)
    return Value(own, shape, widened(x.view, inputs, outputs))


def _hold_bias(reader: Reader, name: str, port: tuple[int, int], values: Constant, outputs: int) -> None:
    if values.size != outputs:
        raise NotCoveredError("a bias that is no vector of its outputs")
    reader.hold(f"{name}.bias", Input(port, (int(outputs),)))


def add(reader: Reader, node: NodeProto, index: int) -> Held:
    """Add of two tensors, of a mask, or of learnt vectors: a bias, or positions."""
    fixed = fixed_of(reader, node)
    if fixed is None or len(node.input) != 2:
        return binary(reader, node, index) or merge(reader, node, index)
    port, values = fixed
    x = held(reader, node, 1 - port)
    if isinstance(x, Scores):
        return masked(x, values)
    if isinstance(x, Value) and reader.takers(node.input[1 - port]) == 1:
        below = reader.layer(x.node)
        if below.get("kind") in {"dense", "conv"} and not below["bias"] and is_for_features(x, values):
            x = covered(reader, x)
            below["bias"] = True
            _hold_bias(reader, x.node, (index, port), values, x.shape[-1])
            return x
        if below.get("kind") == "layer-norm" and shifts(reader, x, (index, port), values):
            return x
    made = binary(reader, node, index)
    if made is not None:
        return made
    return _vector(reader, node, (index, port), values)


def _vector(reader: Reader, node: NodeProto, port: tuple[int, int], values: Constant) -> Value:
    """Add of learnt positions, or of one learnt vector to every position."""
    x, name = depends(reader, node, 1 - port[1]), name_of(node, node.input[port[1]])
    if are_rows(x.view, x.shape) and len(x.shape) > 1 and _is_for_positions(x, values):
        x = pairs_of(reader, x, name)
        found, shape = reader.add("positions", name, (x,))
        reader.hold(f"{found}.weight", Input(port, shape))
        return Value(found, shape, x.view)
    if is_for_features(x, values):
        x = covered(reader, x)
        found, shape = reader.add("bias", name, (x,))
        reader.hold(f"{found}.weight", Input(port, shape[-1:]))
        return Value(found, shape, x.view)
    raise NotCoveredError("of a constant that is no vector for all positions and none for every position")


def _is_for_positions(x: Value, values: Constant) -> bool:
    """Return whether a constant has one value for each element of a sample, in the order in which they lie."""
    ones = [1 if axis == axis_of(*(part for part in axis if part[1] == BATCH)) else 0 for axis in x.view]
    wanted = [1 if one else size for one, size in zip(ones, dims_of(x.view), strict=True)]
    given = [1] * (len(wanted) - values.ndim) + list(values.shape)
    lead = [part for axis in x.view[:-1] for part in axis if part[1] != BATCH]
    return given == wanted and lead == sorted(lead, key=lambda part: -part[1])


def multiply(reader: Reader, node: NodeProto, index: int) -> Held:
    """Mul and Div: of two tensors, of scores with a number, or of a norm with its scale."""
    for number, name in enumerate(node.input):
        x = reader.values.get(name)
        if isinstance(x, Scores):
            other = fixed_of(reader, node)
            if other is None or other[1].size != 1 or x.weights or (node.op_type == "Div" and number):
                raise NotCoveredError("of the scores of an attention with other than a number")
            factor = float(np.ravel(other[1])[0])
            return x.scaled(1 / factor if node.op_type == "Div" else factor)
    made = binary(reader, node, index)
    if made is not None:
        return made
    fixed = fixed_of(reader, node)
    if node.op_type == "Mul" and fixed is not None and len(node.input) == 2:
        return scaled(reader, node, (index, fixed[0]), held(reader, node, 1 - fixed[0]), fixed[1])
    if node.op_type != "Mul":
        raise NotCoveredError("of two tensors")
    return merge(reader, node, index)


def combine(reader: Reader, node: NodeProto, index: int) -> Held:
    """Sub and Pow, which are parts of functions and norms."""
    made = binary(reader, node, index)
    if made is None:
        raise NotCoveredError("of two tensors, or with other than a number")
    return made
