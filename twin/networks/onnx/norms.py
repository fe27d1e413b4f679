"""Norms and pools."""

from twin.networks.onnx.functions import hat_of
from twin.networks.onnx.functions import mean as mean_of
from twin.networks.onnx.graph import Reader, attributes, batch_axis
from twin.networks.onnx.places import Constant, FoldedBias, FoldedWeight, Input, Port
from twin.networks.onnx.taking import (
    NodeProto,
    axes_of,
    borders,
    covered,
    depends,
    has,
    held,
    map_of,
    name_of,
    require,
    rows_of,
    weight_of,
)
from twin.networks.onnx.values import Held, NotCoveredError, Value, Worked
from twin.networks.onnx.views import are_rows, axis_of, dims_of

NORMS = {"LayerNormalization": "layer-norm", "RMSNormalization": "rms-norm"}
PARTS = ("weight", "bias", "running_mean", "running_var")


def batch_norm(reader: Reader, node: NodeProto, index: int) -> Value:
    """BatchNormalization with running statistics, which may become part of the matrix before it."""
    given, x = attributes(node), depends(reader, node)
    require(given, training_mode=0)
    epsilon, width = float(given.get("epsilon", 1e-5)), x.shape[-1]
    if len(x.view) < 2 or x.view[1] != axis_of((width, 1)):
        raise NotCoveredError("of other than the axis of channels or features behind the batch")
    for port in range(1, 5):
        if weight_of(reader, node, port).shape != (width,):
            raise NotCoveredError("weights that are no vector of its features")
    layer = reader.layer(x.node)
    alone = reader.takers(node.input[0]) == 1 and layer.get("kind") in {"conv", "dense"}
    if reader.reading.folded and alone:
        bias = reader.model.places.get(f"{x.node}.bias")
        weight = reader.model.places[f"{x.node}.weight"]
        reader.hold(f"{x.node}.weight", FoldedWeight(weight, index, epsilon))
        reader.hold(f"{x.node}.bias", FoldedBias(bias, index, epsilon))
        layer["bias"] = True
        return x
    momentum = round(1 - float(given.get("momentum", 0.9)), 6) or 0.1
    own, shape = reader.add("batch-norm", name_of(node, node.input[1]), (x,), epsilon=epsilon, momentum=momentum)
    for port, part in enumerate(PARTS, 1):
        reader.hold(f"{own}.{part}", Input((index, port), (width,)))
    return Value(own, shape, x.view, moved=x.moved)


def feature_norm(reader: Reader, node: NodeProto, index: int) -> Value:
    """LayerNormalization and RMSNormalization of the last axis."""
    given, x = attributes(node), depends(reader, node)
    if given.get("axis", -1) not in {-1, len(x.view) - 1} or not are_rows(x.view, x.shape):
        raise NotCoveredError(f"axis = {given.get('axis', -1)}, which is not that of the features")
    found = _norm(reader, NORMS[node.op_type], name_of(node, node.input[1]), x, float(given.get("epsilon", 1e-5)))
    ports = {"weight": 1} if node.op_type == "RMSNormalization" else {"weight": 1, "bias": 2}
    for part, port in ports.items():
        absent = part == "bias" and not has(node, port)
        if not absent and weight_of(reader, node, port).shape != (x.shape[-1],):
            raise NotCoveredError("weights that are no vector of its features")
        reader.hold(f"{found.node}.{part}", Input((index, port), (x.shape[-1],), absent=absent))
    return found


def _norm(reader: Reader, kind: str, name: str, x: Value, epsilon: float) -> Value:
    own, shape = reader.add(kind, name, (x,), epsilon=round(epsilon, 12))
    return Value(own, shape, x.view, moved=x.moved)


def scaled(reader: Reader, node: NodeProto, port: Port, x: Held, values: Constant) -> Value:
    """Mul of a norm that was built step by step with its scale."""
    found = hat_of(x) if isinstance(x, Worked) else None
    if not isinstance(x, Worked) or found is None or not is_for_features(x.base, values):
        raise NotCoveredError("of a constant that is no scale of a norm")
    (kind, epsilon), base = found, covered(reader, x.base._replace(scale=1.0))
    made = _norm(reader, kind, name_of(node, node.input[port[1]]), base, epsilon)
    reader.hold(f"{made.node}.weight", Input(port, (base.shape[-1],)))
    if kind == "layer-norm":
        reader.open[made.node] = port[0]
    return made


def shifts(reader: Reader, x: Value, port: Port, values: Constant) -> bool:
    """Return whether an Add gives a norm that was built step by step its shift, and note where that lies."""
    if x.node not in reader.open or not is_for_features(x, values):
        return False
    del reader.open[x.node]
    reader.hold(f"{x.node}.bias", Input(port, (x.shape[-1],)))
    return True


def is_for_features(x: Value, values: Constant) -> bool:
    """Return whether a constant has one value for each feature, wherever the file has their axis."""
    own = axis_of((x.shape[-1], 1))
    wanted = [size if axis == own else 1 for axis, size in zip(x.view, dims_of(x.view), strict=True)]
    given = [1] * (len(wanted) - values.ndim) + list(values.shape)
    return given == wanted and values.size == x.shape[-1]


def pool(reader: Reader, node: NodeProto, _: int) -> Value:
    """MaxPool and AveragePool of square windows."""
    given = attributes(node)
    x = map_of(reader, depends(reader, node), name_of(node))
    size, step = list(given.get("kernel_shape", (1, 1))), list(given.get("strides", (1, 1)))
    if len(size) != 2 or len(step) != 2:
        raise NotCoveredError("of other than two axes")
    pads = borders(given, x.shape[:2], size, step)
    require(given, dilations=[1] * len(size))
    if given.get("count_include_pad", 0) and any(pads):
        raise NotCoveredError("counts pixels beyond the border")
    if len({*size}) > 1 or len({*step}) > 1 or len({*pads}) > 1:
        raise NotCoveredError("windows that are not square, or borders that differ")
    if given.get("ceil_mode", 0) and any((side + 2 * pads[0] - size[0]) % step[0] for side in x.shape[:2]):
        raise NotCoveredError("ceil_mode = 1, where windows are left over")
    kind = "max-pool" if node.op_type == "MaxPool" else "average-pool"
    return reader.made(kind, name_of(node), (x,), size=size[0], stride=step[0], padding=pads[0])


def mean(reader: Reader, node: NodeProto, index: int) -> Held:
    """GlobalAveragePool, ReduceMean over all positions, and means over features as parts of norms."""
    x, given = held(reader, node), attributes(node)
    rank = len(x.dims)
    axes = axes_of(reader, node, rank) if node.op_type == "ReduceMean" else set(range(2, rank))
    kept = bool(given.get("keepdims", 1)) or node.op_type != "ReduceMean"
    if axes == {rank - 1} and kept and node.op_type == "ReduceMean" and not _is_map_row(x):
        return mean_of(node, index, x)
    whole = depends(reader, node)
    if rank - 1 not in axes:
        whole = rows_of(reader, whole, name_of(node))
    rest = [axis for number, axis in enumerate(whole.view) if number not in axes and not batch_axis(axis)]
    if not axes or rest != [axis_of((whole.shape[-1], 1))] or len(whole.shape) < 2:
        raise NotCoveredError("over other axes than all positions")
    own, shape = reader.add("global-average-pool", name_of(node), (whole,))
    after = [() if number in axes else axis for number, axis in enumerate(whole.view) if kept or number not in axes]
    return Value(own, shape, tuple(after))


def _is_map_row(x: Held) -> bool:
    """Return whether the last axis is one of positions."""
    base = x.base if isinstance(x, Worked) else x
    return isinstance(base, Value) and base.view[-1] != axis_of((base.shape[-1], 1))
