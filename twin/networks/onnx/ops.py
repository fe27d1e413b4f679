"""What ONNX's op types are in the twin: functions of a reader, a node and its number.

`OPS` are of tensors that depend on the input; each adds a node of the twin or says that its output is its input.
`FOLDED` are of tensors that do not: shapes and weights that exporters compute on the way.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
import onnx

from twin.networks.kinds.node import Symbols
from twin.networks.onnx.files import values_of
from twin.networks.onnx.graph import (
    Constant,
    NotCoveredError,
    Reader,
    Value,
    attributes,
    channels_first,
    count,
    integers,
)

NodeProto = onnx.NodeProto
Op = Callable[[Reader, NodeProto, int], Value]
NORMS = {"LayerNormalization": ("layer-norm", 3), "RMSNormalization": ("rms-norm", 2)}


def _made(reader: Reader, kind: str, name: str, inputs: tuple[Value, ...], **fields: Any) -> Value:
    own, shape = reader.add(kind, name, inputs, **fields)
    return Value(own, shape, channels_first(shape))


def _name(node: NodeProto, weight: str = "") -> str:
    """Name a node as its module is called, which the names of weights tell, or as the file calls it."""
    if weight.endswith(".weight"):
        return weight.removesuffix(".weight")
    return node.name or f"{node.op_type.lower()}-{node.output[0]}"


def _depends(reader: Reader, node: NodeProto, number: int = 0) -> Value:
    """Return an input that must depend on the network's input."""
    if number >= len(node.input) or node.input[number] not in reader.values:
        raise NotCoveredError("of a constant")
    return reader.values[node.input[number]]


def _weight(reader: Reader, node: NodeProto, number: int) -> Constant:
    if number >= len(node.input) or not reader.is_fixed(node.input[number]):
        raise NotCoveredError(
            "its weights are computed from the input" if number < len(node.input) else "lacks weights"
        )
    return reader.constant(node.input[number])


def _given(node: NodeProto, number: int) -> bool:
    return number < len(node.input) and bool(node.input[number])


def _require(given: dict[str, Any], **rules: Any) -> None:
    """Refuse attributes that have another value than the one that is covered."""
    for key, only in rules.items():
        if given.get(key, only) != only:
            raise NotCoveredError(f"{key} = {given[key]}")


def conv(reader: Reader, node: NodeProto, index: int) -> Value:
    """Conv over two axes."""
    x, given, weight = _depends(reader, node), attributes(node), _weight(reader, node, 1)
    if len(x.shape) != 3 or weight.ndim != 4:
        raise NotCoveredError("of other than two axes")
    kernel, stride = list(weight.shape[2:]), list(given.get("strides", (1, 1)))
    dilation = list(given.get("dilations", (1, 1)))
    reach = [(size - 1) * gap + 1 for size, gap in zip(kernel, dilation, strict=True)]
    top, left, bottom, right = _pads(given, x.dims[1:], reach, stride)
    name, bias = _name(node, node.input[1]), _given(node, 2)
    found = _made(
        reader,
        "conv",
        name,
        (x,),
        channels=weight.shape[0],
        kernel=kernel,
        stride=stride,
        dilation=dilation,
        padding=[top, bottom, left, right],
        groups=int(given.get("group", 1)),
        activation="identity",
        bias=bias,
    )
    reader.hold(f"{found.node}.weight", index, 1)
    if bias:
        reader.hold(f"{found.node}.bias", index, 2)
    return found


def _pads(given: dict[str, Any], sides: tuple[int, ...], reach: list[int], stride: list[int]) -> list[int]:
    """Return top, left, bottom, right."""
    how = given.get("auto_pad", "NOTSET")
    if how not in {"SAME_UPPER", "SAME_LOWER"}:
        return [0] * 4 if how == "VALID" else [int(one) for one in given.get("pads", (0, 0, 0, 0))]
    whole = [
        max((-(-side // step) - 1) * step + size - side, 0)
        for side, size, step in zip(sides, reach, stride, strict=True)
    ]
    less = [one // 2 for one in whole]
    more = [one - half for one, half in zip(whole, less, strict=True)]
    return [*less, *more] if how == "SAME_UPPER" else [*more, *less]


def gemm(reader: Reader, node: NodeProto, index: int) -> Value:
    """Gemm with weights on the right."""
    x, given, weight = _depends(reader, node), attributes(node), _weight(reader, node, 1)
    _require(given, alpha=1.0, beta=1.0, transA=0)
    return _dense(reader, node, index, x, weight, turned=not given.get("transB", 0), bias=_given(node, 2))


def matmul(reader: Reader, node: NodeProto, index: int) -> Value:
    """MatMul with weights on the right."""
    x, weight = _depends(reader, node), _weight(reader, node, 1)
    return _dense(reader, node, index, x, weight, turned=True, bias=False, name=_name_of_bias(reader, node.output[0]))


def _name_of_bias(reader: Reader, output: str) -> str:
    """Return what the module of a MatMul is called, which its bias tells where exporters rename its weights."""
    behind = (other for other in reader.graph.node if other.op_type == "Add" and output in other.input)
    names = [name for other in behind for name in other.input if name.endswith(".bias")]
    return names[0].removesuffix(".bias") if len(names) == 1 else ""


def _dense(
    reader: Reader,
    node: NodeProto,
    index: int,
    x: Value,
    weight: Constant,
    *,
    turned: bool,
    bias: bool,
    name: str = "",
) -> Value:
    if weight.ndim != 2 or len(x.dims) > 2 or x.dims != x.shape:
        raise NotCoveredError("of other than one matrix with vectors or positions x features")
    inputs, outputs = weight.shape if turned else weight.shape[::-1]
    if inputs != x.dims[-1]:
        raise NotCoveredError(f"{inputs} inputs on {x.dims[-1]} features")
    if bias and _weight(reader, node, 2).size != outputs:
        raise NotCoveredError("a bias that is no vector of its outputs")
    found = _made(
        reader,
        "dense",
        name or _name(node, node.input[1]),
        (x,),
        outputs=int(outputs),
        activation="identity",
        bias=bias,
    )
    reader.hold(f"{found.node}.weight", index, 1, transposed=turned)
    if bias:
        reader.hold(f"{found.node}.bias", index, 2)
    return found


def add(reader: Reader, node: NodeProto, index: int) -> Value:
    """Add of two tensors, of the bias behind a MatMul, or of learnt positions."""
    fixed = [port for port, name in enumerate(node.input) if reader.is_fixed(name)]
    if not fixed:
        return merge(reader, node, index)
    port = fixed[0]
    x, values = _depends(reader, node, 1 - port), reader.constant(node.input[port])
    below = reader.layer(x.node) if x.node != "input" else {}
    if (
        below.get("kind") == "dense"
        and not below["bias"]
        and reader.takers(node.input[1 - port]) == 1
        and values.shape == (below["outputs"],)
    ):
        below["bias"] = True
        reader.hold(f"{x.node}.bias", index, port)
        return x
    if len(x.shape) == 2 and values.shape in {x.dims, (1, *x.dims)}:
        found = _made(reader, "positions", _name(node, node.input[port]), (x,))
        reader.hold(f"{found.node}.weight", index, port)
        return found
    raise NotCoveredError("of a constant that is no bias of a MatMul and no vector for every position")


def merge(reader: Reader, node: NodeProto, _: int) -> Value:
    """Add, Mul, Sum and Concat of tensors, two at a time."""
    kind = {"Add": "add", "Sum": "add", "Mul": "multiply", "Concat": "concat"}[node.op_type]
    values = [_depends(reader, node, number) for number in range(len(node.input))]
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
        joined = _made(reader, kind, _name(node) + ("" if last else f"-{number}"), (joined, other))
    return joined


def batch_norm(reader: Reader, node: NodeProto, index: int) -> Value:
    """BatchNormalization with running statistics."""
    given = attributes(node)
    _require(given, training_mode=0)
    momentum = 1 - float(given.get("momentum", 0.9))
    return _norm(
        reader,
        node,
        index,
        "batch-norm",
        ("weight", "bias", "running_mean", "running_var"),
        epsilon=float(given.get("epsilon", 1e-5)),
        momentum=round(momentum, 6) or 0.1,
    )


def feature_norm(reader: Reader, node: NodeProto, index: int) -> Value:
    """LayerNormalization and RMSNormalization of the last axis."""
    kind, ports = NORMS[node.op_type]
    given, x = attributes(node), _depends(reader, node)
    if given.get("axis", -1) not in {-1, len(x.dims)} or len(x.dims) > 2:
        raise NotCoveredError(f"axis = {given.get('axis', -1)}, which is not that of the features")
    if ports == 3 and not _given(node, 2):
        raise NotCoveredError("without a shift")
    names = ("weight", "bias")[: ports - 1]
    return _norm(reader, node, index, kind, names, epsilon=float(given.get("epsilon", 1e-5)))


def _norm(reader: Reader, node: NodeProto, index: int, kind: str, names: tuple[str, ...], **fields: Any) -> Value:
    x = _depends(reader, node)
    for port in range(1, len(names) + 1):
        if _weight(reader, node, port).shape != (x.shape[-1],):
            raise NotCoveredError("weights that are no vector of its features")
    found = _made(reader, kind, _name(node, node.input[1]), (x,), **fields)
    for port, name in enumerate(names, 1):
        reader.hold(f"{found.node}.{name}", index, port)
    return found


def pool(reader: Reader, node: NodeProto, _: int) -> Value:
    """MaxPool and AveragePool of square windows."""
    x, given = _depends(reader, node), attributes(node)
    if len(x.dims) != 3 or len(node.output) > 1:
        raise NotCoveredError("of other than two axes, or with indices")
    size, step = list(given.get("kernel_shape", (1, 1))), list(given.get("strides", (1, 1)))
    pads = _pads(given, x.dims[1:], size, step)
    _require(given, dilations=[1] * len(size))
    if given.get("count_include_pad", 0) and any(pads):
        raise NotCoveredError("counts pixels beyond the border")
    if len({*size}) > 1 or len({*step}) > 1 or len({*pads}) > 1:
        raise NotCoveredError("windows that are not square, or borders that differ")
    if given.get("ceil_mode", 0) and any((side + 2 * pads[0] - size[0]) % step[0] for side in x.dims[1:]):
        raise NotCoveredError("ceil_mode = 1, where windows are left over")
    kind = "max-pool" if node.op_type == "MaxPool" else "average-pool"
    return _made(reader, kind, _name(node), (x,), size=size[0], stride=step[0], padding=pads[0])


def mean(reader: Reader, node: NodeProto, _: int) -> Value:
    """GlobalAveragePool, and ReduceMean over all positions."""
    x, given, kept = _depends(reader, node), attributes(node), 1
    if node.op_type == "ReduceMean":
        found = integers(_weight(reader, node, 1)) if _given(node, 1) else list(given.get("axes", ()))
        axes, kept = {axis % (len(x.dims) + 1) for axis in found}, given.get("keepdims", 1)
        if axes != ({2, 3} if len(x.dims) == 3 else {1}) or len(x.dims) < 2:
            raise NotCoveredError("over other axes than all positions")
    if len(x.shape) != len(x.dims) or len(x.dims) < 2 or (len(x.dims) == 2 and kept):
        raise NotCoveredError("of what is no map")
    name, shape = reader.add("global-average-pool", _name(node), (x,))
    return Value(name, shape, (*shape, 1, 1) if kept else tuple(shape))


def function(reader: Reader, node: NodeProto, _: int) -> Value:
    """Functions of single elements."""
    given = attributes(node)
    if node.op_type == "Gelu" and given.get("approximate", "none") != "tanh":
        raise NotCoveredError('approximate = "none"; the twin has the form "tanh"')
    _require(given, alpha=1.0)
    x = _depends(reader, node)
    name, shape = reader.add({"Swish": "silu"}.get(node.op_type, node.op_type.lower()), _name(node), (x,))
    return Value(name, shape, x.dims)


def softmax(reader: Reader, node: NodeProto, index: int) -> Value:
    """Softmax of the last axis."""
    x, axis = _depends(reader, node), attributes(node).get("axis", -1)
    if axis not in {-1, len(x.dims)} or len(x.dims) > 2:
        raise NotCoveredError(f"axis = {axis}, which is not the last")
    return function(reader, node, index)


def dropout(reader: Reader, node: NodeProto, _: int) -> Value:
    """Dropout, whatever its mode in the file: it drops in training only."""
    x = _depends(reader, node)
    share = float(_weight(reader, node, 1)) if _given(node, 1) else 0.5
    name, shape = reader.add("dropout", _name(node), (x,), probability=round(share, 6))
    return Value(name, shape, x.dims)


def same(reader: Reader, node: NodeProto, _: int) -> Value:
    """Identity, and Cast between floats."""
    if node.op_type == "Cast" and attributes(node).get("to") != onnx.TensorProto.FLOAT:
        x = _depends(reader, node)
        if not isinstance(x.shape, Symbols):
            raise NotCoveredError("to another type than float32")
    return _depends(reader, node)


def flatten(reader: Reader, node: NodeProto, _: int) -> Value:
    """Flatten behind the batch."""
    x, axis = _depends(reader, node), attributes(node).get("axis", 1)
    if axis not in {1, -len(x.dims)}:
        raise NotCoveredError(f"axis = {axis}, which is not the one behind the batch")
    return _flat(reader, node, x)


def _flat(reader: Reader, node: NodeProto, x: Value) -> Value:
    if len(x.shape) == 1:
        return x._replace(dims=x.shape)
    if len(x.dims) != len(x.shape):
        raise NotCoveredError("of a map whose axes were rearranged")
    return _made(reader, "flatten", _name(node), (x,))


def reshape(reader: Reader, node: NodeProto, _: int) -> Value:
    """Reshape that keeps the batch: to a vector, to positions, or of a vector to positions x features."""
    x, target = _depends(reader, node), integers(_weight(reader, node, 1))
    first, rest = target[0] if target else 1, target[1:]
    if first not in {0, -1, 1} or not rest:
        raise NotCoveredError(f"to {target}, which changes the batch")
    wanted = [x.dims[axis] if side == 0 and axis < len(x.dims) else side for axis, side in enumerate(rest)]
    known = count(tuple(side for side in wanted if side != -1))
    dims = tuple(count(x.dims) // known if side == -1 and known else side for side in wanted)
    if wanted.count(-1) > 1 or count(dims) != count(x.dims):
        raise NotCoveredError(f"to {target}, which changes the batch")
    if dims == x.dims:
        return x
    if len(dims) == 1:
        return _flat(reader, node, x)
    if len(x.shape) == 3 and dims == (x.dims[0], count(x.dims[1:])):
        return x._replace(dims=dims)  # (channels, positions), of which a Transpose makes positions x features
    if len(x.dims) == len(x.shape) == 1 and len(dims) == 2:
        return _made(reader, "reshape", _name(node), (x,), to=list(dims))
    raise NotCoveredError(f"from {list(x.dims)} to {list(dims)} behind the batch")


def transpose(reader: Reader, node: NodeProto, _: int) -> Value:
    """Transpose of positions and features."""
    x, order = _depends(reader, node), list(attributes(node).get("perm", ()))
    if order != [0, 2, 1]:
        raise NotCoveredError(f"perm = {order}")
    if len(x.shape) == 3:
        return _made(reader, "reshape", _name(node), (x,), to=[x.dims[1], x.dims[0]])
    return _made(reader, "transpose", _name(node), (x,))


def squeeze(reader: Reader, node: NodeProto, _: int) -> Value:
    """Squeeze of what a global pool leaves."""
    x = _depends(reader, node)
    if len(x.shape) != 1:
        raise NotCoveredError("of what is no vector")
    return x._replace(dims=x.shape)


def gather(reader: Reader, node: NodeProto, index: int) -> Value:
    """Gather of rows of a table by symbols: an embedding."""
    x, table = _depends(reader, node, 1), _weight(reader, node, 0)
    if not isinstance(x.shape, Symbols) or table.ndim != 2 or attributes(node).get("axis", 0) != 0:
        raise NotCoveredError("of other than rows of a table by symbols")
    known = x._replace(shape=Symbols(x.shape, table.shape[0]))
    found = _made(reader, "embedding", _name(node, node.input[0]), (known,), width=int(table.shape[1]))
    reader.hold(f"{found.node}.weight", index, 0)
    return found


OPS: dict[str, Op] = {
    "Add": add,
    "AveragePool": pool,
    "BatchNormalization": batch_norm,
    "Cast": same,
    "Concat": merge,
    "Conv": conv,
    "Dropout": dropout,
    "Flatten": flatten,
    "Gather": gather,
    "Gelu": function,
    "Gemm": gemm,
    "GlobalAveragePool": mean,
    "Identity": same,
    "LayerNormalization": feature_norm,
    "MatMul": matmul,
    "MaxPool": pool,
    "Mul": merge,
    "RMSNormalization": feature_norm,
    "ReduceMean": mean,
    "Relu": function,
    "Reshape": reshape,
    "Sigmoid": function,
    "Softmax": softmax,
    "Squeeze": squeeze,
    "Sum": merge,
    "Swish": function,
    "Tanh": function,
    "Transpose": transpose,
}


def _constant(reader: Reader, node: NodeProto) -> Constant:
    given = attributes(node)
    if "value" in given:
        return values_of(given["value"], reader.model.path)
    found = np.asarray(next(iter(given.values()), ()))
    if len(given) != 1 or found.dtype.kind not in "if":
        raise NotCoveredError("of other than numbers")
    return found


def _shape(reader: Reader, node: NodeProto) -> Constant:
    """Return a shape; its batch is 0, which Reshape takes as: the same as before."""
    (name,) = node.input
    if name not in reader.values:
        raise NotCoveredError("of a constant")
    given, whole = attributes(node), np.array([0, *reader.values[name].dims])
    return whole[given.get("start", 0) : given.get("end", len(whole))]


def _pick(reader: Reader, node: NodeProto) -> Constant:
    values, at = reader.constant(node.input[0]), reader.constant(node.input[1])
    try:
        return np.take(values, at.astype(int), axis=attributes(node).get("axis", 0))
    except (IndexError, ValueError) as error:
        raise NotCoveredError("beyond a constant") from error


def _widen(reader: Reader, node: NodeProto) -> Constant:
    return np.atleast_1d(reader.constant(node.input[0]))


def _turn(reader: Reader, node: NodeProto) -> Constant:
    values = reader.constant(node.input[0])
    return values.transpose(attributes(node).get("perm", tuple(range(values.ndim))[::-1]))


FOLDED: dict[str, Callable[[Reader, NodeProto], Constant]] = {
    "Cast": lambda reader, node: reader.constant(node.input[0]),
    "Concat": lambda reader, node: np.concatenate([np.atleast_1d(reader.constant(name)) for name in node.input]),
    "Constant": _constant,
    "Gather": _pick,
    "Identity": lambda reader, node: reader.constant(node.input[0]),
    "Shape": _shape,
    "Transpose": _turn,
    "Unsqueeze": _widen,
}
