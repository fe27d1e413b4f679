"""Conv, Gemm, MatMul and Add: nodes with a matrix, and what exporters make of biases."""

from twin.networks.onnx.graph import Constant, NotCoveredError, Reader, Value, attributes
from twin.networks.onnx.merging import merge
from twin.networks.onnx.taking import NodeProto, borders, depends, has, made, name_of, require, weight_of


def conv(reader: Reader, node: NodeProto, index: int) -> Value:
    """Conv over two axes."""
    x, given, weight = depends(reader, node), attributes(node), weight_of(reader, node, 1)
    if len(x.shape) != 3 or weight.ndim != 4:
        raise NotCoveredError("of other than two axes")
    kernel, stride = list(weight.shape[2:]), list(given.get("strides", (1, 1)))
    dilation = list(given.get("dilations", (1, 1)))
    reach = [(size - 1) * gap + 1 for size, gap in zip(kernel, dilation, strict=True)]
    top, left, bottom, right = borders(given, x.dims[1:], reach, stride)
    name, bias = name_of(node, node.input[1]), has(node, 2)
    found = made(
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


def gemm(reader: Reader, node: NodeProto, index: int) -> Value:
    """Gemm with weights on the right."""
    x, given, weight = depends(reader, node), attributes(node), weight_of(reader, node, 1)
    require(given, alpha=1.0, beta=1.0, transA=0)
    return _dense(reader, node, index, x, weight, turned=not given.get("transB", 0), bias=has(node, 2))


def matmul(reader: Reader, node: NodeProto, index: int) -> Value:
    """MatMul with weights on the right."""
    x, weight = depends(reader, node), weight_of(reader, node, 1)
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
    if bias and weight_of(reader, node, 2).size != outputs:
        raise NotCoveredError("a bias that is no vector of its outputs")
    found = made(
        reader,
        "dense",
        name or name_of(node, node.input[1]),
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
    x, values = depends(reader, node, 1 - port), reader.constant(node.input[port])
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
        found = made(reader, "positions", name_of(node, node.input[port]), (x,))
        reader.hold(f"{found.node}.weight", index, port)
        return found
    raise NotCoveredError("of a constant that is no bias of a MatMul and no vector for every position")
