"""Tensors that get another shape: flattened, reshaped, transposed."""

from twin.networks.onnx.graph import NotCoveredError, Reader, Value, attributes, count, integers
from twin.networks.onnx.taking import NodeProto, depends, made, name_of, weight_of


def flatten(reader: Reader, node: NodeProto, _: int) -> Value:
    """Flatten behind the batch."""
    x, axis = depends(reader, node), attributes(node).get("axis", 1)
    if axis not in {1, -len(x.dims)}:
        raise NotCoveredError(f"axis = {axis}, which is not the one behind the batch")
    return _flat(reader, node, x)


def _flat(reader: Reader, node: NodeProto, x: Value) -> Value:
    if len(x.shape) == 1:
        return x._replace(dims=x.shape)
    if len(x.dims) != len(x.shape):
        raise NotCoveredError("of a map whose axes were rearranged")
    return made(reader, "flatten", name_of(node), (x,))


def reshape(reader: Reader, node: NodeProto, _: int) -> Value:
    """Reshape that keeps the batch: to a vector, to positions, or of a vector to positions x features."""
    x, target = depends(reader, node), integers(weight_of(reader, node, 1))
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
        return made(reader, "reshape", name_of(node), (x,), to=list(dims))
    raise NotCoveredError(f"from {list(x.dims)} to {list(dims)} behind the batch")


def transpose(reader: Reader, node: NodeProto, _: int) -> Value:
    """Transpose of positions and features."""
    x, order = depends(reader, node), list(attributes(node).get("perm", ()))
    if order != [0, 2, 1]:
        raise NotCoveredError(f"perm = {order}")
    if len(x.shape) == 3:
        return made(reader, "reshape", name_of(node), (x,), to=[x.dims[1], x.dims[0]])
    return made(reader, "transpose", name_of(node), (x,))


def squeeze(reader: Reader, node: NodeProto, _: int) -> Value:
    """Squeeze of what a global pool leaves."""
    x = depends(reader, node)
    if len(x.shape) != 1:
        raise NotCoveredError("of what is no vector")
    return x._replace(dims=x.shape)
