"""What functions of op types share: what a node must have, and how its tensors become inputs of the twin's nodes."""

import re
from math import prod
from typing import Any

import onnx

from twin.networks.onnx.graph import Reader, attributes, batch_axis, integers
from twin.networks.onnx.places import Constant
from twin.networks.onnx.values import NotCoveredError, Scores, Value, Worked
from twin.networks.onnx.views import SYMBOL, View, are_rows, axis_of, is_natural, size_of, strides_of, within

NodeProto = onnx.NodeProto


def named(number: int, of: str) -> str:
    """Return the name of a tensor that is written in place of another."""
    return f"{of} (twin {number})" if number else f"{of} (twin)"


def plain(name: str) -> str:
    """Return what a tensor was called before it was written by the twin, so that nodes keep their names."""
    return re.sub(r" \(twin( \d+)?\)$", "", name)


def name_of(node: NodeProto, weight: str = "") -> str:
    """Name a node as its module is called, which the names of weights tell, or as the file calls it."""
    weight = plain(weight)
    if weight.endswith(".weight"):
        return weight.removesuffix(".weight")
    if weight and node.name.endswith(f"/{node.op_type}"):
        return node.name.removesuffix(f"/{node.op_type}")
    return node.name or f"{node.op_type.lower()}-{node.output[0]}"


def held(reader: Reader, node: NodeProto, number: int = 0) -> Value | Worked | Scores:
    """Return an input that must depend on the network's input, as it was read so far."""
    if number >= len(node.input) or node.input[number] not in reader.values:
        raise NotCoveredError("of a constant")
    return reader.values[node.input[number]]


def depends(reader: Reader, node: NodeProto, number: int = 0) -> Value:
    """Return an input that must depend on the network's input, as the output of a node of the twin."""
    return covered(reader, reader.whole(held(reader, node, number)))


def covered(reader: Reader, x: Value) -> Value:
    """Return a tensor that is all of a node's output; a part of what a dense node gives gets a node of its own."""
    if x.scale != 1.0:
        raise NotCoveredError(f"of what is times {x.scale:.6g}, which the twin has for the scores of an attention only")
    parts, width = [part for part in within(x.view) if part[1] != SYMBOL], x.shape[-1]
    if not x.start and prod(size for size, _ in parts) == prod(x.shape):
        return x
    layer = reader.layer(x.node)
    features = sorted((part for part in parts if part[1] < width), key=lambda part: -part[1])
    count = prod(size for size, _ in features)
    lines = prod(size for size, _ in parts) == prod(x.shape[:-1]) * count
    if layer.get("kind") != "dense" or not is_natural(list(axis_of(*features)), count) or not lines:
        raise NotCoveredError(f"of a part of what {x.node} gives")
    own = reader.share(x.node, x.start, count)
    view = tuple(
        axis_of(*((size, step // width * count if step >= width else step) for size, step in axis)) for axis in x.view
    )
    return Value(own, (*x.shape[:-1], count), view, moved=x.moved)


def rows_of(reader: Reader, x: Value, name: str) -> Value:
    """Return a tensor whose last axis in the file is that of the twin; nodes that rearrange it are added."""
    if are_rows(x.view, x.shape):
        return x
    core = [axis for axis in x.view if not batch_axis(axis)]
    sizes, parts = [size_of(axis) for axis in core], within(x.view)
    named = x.moved or f"{name}-rows"
    if len(core) == 1 and _is_flat_map(x):
        return _laid(reader.made("flatten", named, (x,)), x.view)
    if len(core) == 1 and is_natural(parts, prod(x.shape)):
        if len(x.shape) == 3:  # a flattened map counts as channel by channel in weights of files; positions do not
            pairs = [prod(x.shape[:-1]), x.shape[-1]]
            x = reader.made("reshape", f"{named}-rows", (x,), to=pairs)._replace(view=x.view)
        return _laid(reader.made("flatten", named, (x,)), x.view)
    if len(core) in {2, 3} and is_natural(parts, prod(x.shape)):
        shape = [prod(sizes[:-1]), sizes[-1]]
        return _laid(reader.made("reshape", named, (x,), to=shape), x.view)
    if len(core) == 2 and is_natural(list(axis_of(*core[1], *core[0])), prod(x.shape)):
        if x.shape != (sizes[1], sizes[0]):
            x = reader.made("reshape", f"{named}-rows", (x,), to=sizes[::-1])._replace(view=x.view)
        return _laid(reader.made("transpose", named, (x,)), x.view)
    raise NotCoveredError("of features that lie apart, which the twin has no node to rearrange")


def pairs_of(reader: Reader, x: Value, name: str) -> Value:
    """Return a tensor as positions x features, or as a vector of features; nodes that rearrange it are added."""
    x = rows_of(reader, x, name)
    if len(x.shape) < 3:
        return x
    shape = [prod(x.shape[:-1]), x.shape[-1]]
    return reader.made("reshape", x.moved or f"{name}-rows", (x,), to=shape)._replace(view=x.view)


def _is_flat_map(x: Value) -> bool:
    if len(x.shape) != 3:
        return False
    height, width, channels = x.shape
    return within(x.view) == list(axis_of((channels, 1), (height * width, channels)))


def _laid(x: Value, before: View) -> Value:
    """Return what a node gives that lies in the order of the file's axes."""
    sizes = [1 if batch_axis(axis) else size_of(axis) for axis in before]
    steps = strides_of(tuple(sizes))
    each = zip(before, sizes, steps, strict=True)
    return x._replace(view=tuple(axis if batch_axis(axis) else axis_of((size, step)) for axis, size, step in each))


def map_of(reader: Reader, x: Value, name: str) -> Value:
    """Return a map of which the file has the batch, channels, height and width."""
    if len(x.view) != 4 or not batch_axis(x.view[0]):
        raise NotCoveredError("of other than two axes")
    channels, height, width = (size_of(axis) for axis in x.view[1:])
    wanted = (axis_of((channels, 1)), axis_of((height, width * channels)), axis_of((width, channels)))
    if x.view[1:] != wanted:
        raise NotCoveredError("of a map whose axes were rearranged")
    if x.shape == (height, width, channels):
        return x
    return reader.made("reshape", x.moved or f"{name}-map", (x,), to=[height, width, channels])._replace(view=x.view)


def weight_of(reader: Reader, node: NodeProto, number: int) -> Constant:
    """Return an input that must not depend on the network's input."""
    if number >= len(node.input) or not reader.is_fixed(node.input[number]):
        raise NotCoveredError(
            "its weights are computed from the input" if number < len(node.input) else "lacks weights"
        )
    return reader.constant(node.input[number])


def fixed_of(reader: Reader, node: NodeProto) -> tuple[int, Constant] | None:
    """Return the number and the values of the only input that does not depend on the network's; None for others."""
    fixed = [number for number, name in enumerate(node.input) if reader.is_fixed(name)]
    return (fixed[0], reader.constant(node.input[fixed[0]])) if len(fixed) == 1 else None


def scalar_of(reader: Reader, node: NodeProto, number: int) -> float | None:
    """Return an input that is one number; None for others."""
    if not reader.is_fixed(node.input[number]):
        return None
    values = reader.constant(node.input[number])
    return float(values.ravel()[0]) if values.size == 1 else None


def has(node: NodeProto, number: int) -> bool:
    """Return whether a node has an optional input."""
    return number < len(node.input) and bool(node.input[number])


def require(given: dict[str, Any], **rules: Any) -> None:
    """Refuse attributes that have another value than the one that is covered."""
    for key, only in rules.items():
        if given.get(key, only) != only:
            raise NotCoveredError(f"{key} = {given[key]}")


def axes_of(reader: Reader, node: NodeProto, rank: int) -> set[int]:
    """Return the axes of a ReduceMean, counted from the first."""
    found = integers(weight_of(reader, node, 1)) if has(node, 1) else list(attributes(node).get("axes", ()))
    return {axis % rank for axis in found}


def borders(given: dict[str, Any], sides: tuple[int, ...], reach: list[int], stride: list[int]) -> list[int]:
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
