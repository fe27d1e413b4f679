"""Tensors that get other axes: flattened, reshaped, transposed, sliced. All are views until a node needs them so."""

from math import prod

from twin.networks.onnx.graph import Reader, attributes, integers
from twin.networks.onnx.taking import NodeProto, has, held, name_of, weight_of
from twin.networks.onnx.values import Held, NotCoveredError, Scores, Value
from twin.networks.onnx.views import UnviewableError, View, reshaped, size_of, sliced


def flatten(reader: Reader, node: NodeProto, _: int) -> Value:
    """Flatten behind the batch."""
    x, axis = _tensor(reader, node), attributes(node).get("axis", 1)
    dims = x.dims
    axis = axis + len(dims) if axis < 0 else axis
    return _reshaped(x, [prod(dims[:axis]), prod(dims[axis:])], name_of(node))


def reshape(reader: Reader, node: NodeProto, _: int) -> Value:
    """Reshape."""
    x, target = _tensor(reader, node), integers(weight_of(reader, node, 1))
    zero = attributes(node).get("allowzero", 0)
    dims = x.dims
    sizes = [dims[k] if size == 0 and not zero and k < len(dims) else size for k, size in enumerate(target)]
    known = prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and known > 0:
        sizes = [prod(dims) // known if size == -1 else size for size in sizes]
    if prod(sizes) != prod(dims) or min(sizes, default=1) < 1:
        raise NotCoveredError(f"to {target}, which changes the batch or the number of values")
    return _reshaped(x, sizes, name_of(node))


def _reshaped(x: Value, sizes: list[int], name: str) -> Value:
    try:
        view = reshaped(x.view, sizes)
    except UnviewableError as error:
        raise NotCoveredError(f"from {list(x.dims)} to {sizes}, which takes axes apart that were rearranged") from error
    return x._replace(view=view, moved=name if view != x.view else x.moved)


def transpose(reader: Reader, node: NodeProto, _: int) -> Value:
    """Transpose."""
    x = _tensor(reader, node)
    order = list(attributes(node).get("perm", range(len(x.view))[::-1]))
    if sorted(order) != list(range(len(x.view))):
        raise NotCoveredError(f"perm = {order} of {len(x.view)} axes")
    return x._replace(view=tuple(x.view[axis] for axis in order), moved=name_of(node))


def squeeze(reader: Reader, node: NodeProto, _: int) -> Value:
    """Squeeze of axes of size 1."""
    x = _tensor(reader, node)
    rank = len(x.view)
    chosen = _axes(reader, node, rank) or {axis for axis, one in enumerate(x.view) if one == ()}
    if any(x.view[axis] != () for axis in chosen):
        raise NotCoveredError("of an axis that has a size")
    return x._replace(view=tuple(one for axis, one in enumerate(x.view) if axis not in chosen))


def unsqueeze(reader: Reader, node: NodeProto, _: int) -> Value:
    """Unsqueeze: axes of size 1."""
    x = _tensor(reader, node)
    rank = len(x.view) + len(integers(weight_of(reader, node, 1)))
    chosen, rest = _axes(reader, node, rank), list(x.view)
    return x._replace(view=tuple(() if axis in chosen else rest.pop(0) for axis in range(rank)))


def expand(reader: Reader, node: NodeProto, _: int) -> Value:
    """Expand to the size that a tensor has."""
    x, target = _tensor(reader, node), integers(weight_of(reader, node, 1))
    dims = [1] * (len(target) - len(x.dims)) + list(x.dims)
    if any(size not in {1, own} for size, own in zip(target[::-1], dims[::-1], strict=False)):
        raise NotCoveredError(f"from {list(x.dims)} to {target}")
    return x._replace(view=(*((),) * (len(dims) - len(x.view)), *x.view))


def _axes(reader: Reader, node: NodeProto, rank: int) -> set[int]:
    found = integers(weight_of(reader, node, 1)) if has(node, 1) else []
    if any(not -rank <= axis < rank for axis in found):
        raise NotCoveredError(f"axes = {found} of {rank}")
    return {axis % rank for axis in found}


def slices(reader: Reader, node: NodeProto, _: int) -> Value:
    """Slice along axes, step by step."""
    x = _tensor(reader, node)
    starts, stops = (integers(weight_of(reader, node, number)) for number in (1, 2))
    axes = integers(weight_of(reader, node, 3)) if has(node, 3) else list(range(len(starts)))
    steps = integers(weight_of(reader, node, 4)) if has(node, 4) else [1] * len(starts)
    if any(step != 1 for step in steps):
        raise NotCoveredError(f"steps = {steps}")
    for axis, start, stop in zip(axes, starts, stops, strict=True):
        x = part(x, axis, *slice(start, stop).indices(x.dims[axis])[:2])
    return x


def split(reader: Reader, node: NodeProto, _: int) -> tuple[Held, ...]:
    """Split along an axis."""
    x, given = _tensor(reader, node), attributes(node)
    axis, count = given.get("axis", 0) % len(x.view), len(node.output)
    whole = x.dims[axis]
    each = -(-whole // count)
    alike = [min(each, whole - k * each) for k in range(count)]
    sizes = integers(weight_of(reader, node, 1)) if has(node, 1) else alike
    if sum(sizes) != whole or len(sizes) != count:
        raise NotCoveredError(f"into {sizes} of {whole}")
    return tuple(part(x, axis, sum(sizes[:k]), sum(sizes[: k + 1])) for k in range(count))


def step(reader: Reader, node: NodeProto, _: int) -> Value:
    """Gather of one step along an axis."""
    x, at = _tensor(reader, node), weight_of(reader, node, 1)
    axis = attributes(node).get("axis", 0) % len(x.view)
    count = size_of(x.view[axis])
    if at.ndim or not -count <= int(at) < count:
        raise NotCoveredError("of other than one step of an axis")
    found = part(x, axis, int(at) % count, int(at) % count + 1)
    return found._replace(view=tuple(one for number, one in enumerate(found.view) if number != axis))


def part(x: Value, axis: int, start: int, stop: int) -> Value:
    """Return steps `start` to `stop` of an axis."""
    try:
        found, offset = sliced(x.view[axis], start, stop)
    except UnviewableError as error:
        raise NotCoveredError(f"of steps {start} to {stop} of an axis that was rearranged") from error
    axis %= len(x.view)
    view: View = tuple(found if number == axis else one for number, one in enumerate(x.view))
    return x._replace(view=view, start=x.start + offset)


def _tensor(reader: Reader, node: NodeProto) -> Value:
    """Return the tensor that is moved; it may be a part of another, and times a number."""
    x = held(reader, node)
    if isinstance(x, Scores):
        raise NotCoveredError("of scores that are no attention yet")
    return reader.whole(x)
