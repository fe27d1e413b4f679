"""Norms and pools."""

from typing import Any

from twin.networks.onnx.graph import NotCoveredError, Reader, Value, attributes, integers
from twin.networks.onnx.taking import NodeProto, borders, depends, has, made, name_of, require, weight_of

NORMS = {"LayerNormalization": ("layer-norm", 3), "RMSNormalization": ("rms-norm", 2)}


def batch_norm(reader: Reader, node: NodeProto, index: int) -> Value:
    """BatchNormalization with running statistics."""
    given = attributes(node)
    require(given, training_mode=0)
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
    given, x = attributes(node), depends(reader, node)
    if given.get("axis", -1) not in {-1, len(x.dims)} or len(x.dims) > 2:
        raise NotCoveredError(f"axis = {given.get('axis', -1)}, which is not that of the features")
    if ports == 3 and not has(node, 2):
        raise NotCoveredError("without a shift")
    names = ("weight", "bias")[: ports - 1]
    return _norm(reader, node, index, kind, names, epsilon=float(given.get("epsilon", 1e-5)))


def _norm(reader: Reader, node: NodeProto, index: int, kind: str, names: tuple[str, ...], **fields: Any) -> Value:
    x = depends(reader, node)
    for port in range(1, len(names) + 1):
        if weight_of(reader, node, port).shape != (x.shape[-1],):
            raise NotCoveredError("weights that are no vector of its features")
    found = made(reader, kind, name_of(node, node.input[1]), (x,), **fields)
    for port, name in enumerate(names, 1):
        reader.hold(f"{found.node}.{name}", index, port)
    return found


def pool(reader: Reader, node: NodeProto, _: int) -> Value:
    """MaxPool and AveragePool of square windows."""
    x, given = depends(reader, node), attributes(node)
    if len(x.dims) != 3 or len(node.output) > 1:
        raise NotCoveredError("of other than two axes, or with indices")
    size, step = list(given.get("kernel_shape", (1, 1))), list(given.get("strides", (1, 1)))
    pads = borders(given, x.dims[1:], size, step)
    require(given, dilations=[1] * len(size))
    if given.get("count_include_pad", 0) and any(pads):
        raise NotCoveredError("counts pixels beyond the border")
    if len({*size}) > 1 or len({*step}) > 1 or len({*pads}) > 1:
        raise NotCoveredError("windows that are not square, or borders that differ")
    if given.get("ceil_mode", 0) and any((side + 2 * pads[0] - size[0]) % step[0] for side in x.dims[1:]):
        raise NotCoveredError("ceil_mode = 1, where windows are left over")
    kind = "max-pool" if node.op_type == "MaxPool" else "average-pool"
    return made(reader, kind, name_of(node), (x,), size=size[0], stride=step[0], padding=pads[0])


def mean(reader: Reader, node: NodeProto, _: int) -> Value:
    """GlobalAveragePool, and ReduceMean over all positions."""
    x, given, kept = depends(reader, node), attributes(node), 1
    if node.op_type == "ReduceMean":
        found = integers(weight_of(reader, node, 1)) if has(node, 1) else list(given.get("axes", ()))
        axes, kept = {axis % (len(x.dims) + 1) for axis in found}, given.get("keepdims", 1)
        if axes != ({2, 3} if len(x.dims) == 3 else {1}) or len(x.dims) < 2:
            raise NotCoveredError("over other axes than all positions")
    if len(x.shape) != len(x.dims) or len(x.dims) < 2 or (len(x.dims) == 2 and kept):
        raise NotCoveredError("of what is no map")
    name, shape = reader.add("global-average-pool", name_of(node), (x,))
    return Value(name, shape, (*shape, 1, 1) if kept else tuple(shape))
