"""Tensors that do not depend on the input: shapes, masks and weights that exporters compute on the way.

A tensor that only repeats others, as masks for every sample of a batch, is held as a view with strides of 0 and worked
on once, so that no file can claim more memory than it has values.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from onnx import helper

from twin.networks.onnx.files import values_of
from twin.networks.onnx.graph import Fold, Reader, attributes, integers
from twin.networks.onnx.places import Constant
from twin.networks.onnx.taking import NodeProto, has
from twin.networks.onnx.values import NotCoveredError

MOST = 2**26
"""Values of a tensor that is worked out here."""


def _slim(values: Constant) -> Constant:
    """Return a tensor without its repetitions."""
    return (
        values[tuple(slice(0, 1) if step == 0 else slice(None) for step in values.strides)] if values.size else values
    )


def _checked(shape: Any) -> tuple[int, ...]:
    sizes = tuple(int(one) for one in shape)
    if min(sizes, default=1) < 0 or len(sizes) > 16:
        raise NotCoveredError(f"of the shape {list(sizes)}")
    return sizes


def _of_elements(function: Callable[..., Constant]) -> Fold:
    """Return what applies a function to single elements, repetitions once."""

    def fold(reader: Reader, node: NodeProto) -> Constant:
        given = [reader.constant(name) for name in node.input]
        shape = np.broadcast_shapes(*(one.shape for one in given))
        slim = [_slim(one) for one in given]
        if np.prod(np.broadcast_shapes(*(one.shape for one in slim)), dtype=float) > MOST:
            raise NotCoveredError(f"of more than {MOST:,} values")
        with np.errstate(all="ignore"):
            return np.broadcast_to(function(*slim), shape)

    return fold


def _divide(one: Constant, other: Constant) -> Constant:
    if one.dtype.kind in "iu":
        return np.asarray(np.trunc(one / np.where(other == 0, 1, other)).astype(one.dtype))
    return np.asarray(one / other)


def _cast(reader: Reader, node: NodeProto) -> Constant:
    values, to = reader.constant(node.input[0]), int(attributes(node).get("to", 1))
    with np.errstate(all="ignore"):
        found = _slim(values).astype(np.dtype(helper.tensor_dtype_to_np_dtype(to)))
    return np.broadcast_to(found, values.shape)


def _constant(reader: Reader, node: NodeProto) -> Constant:
    given = attributes(node)
    if "value" in given:
        return values_of(given["value"], reader.model.path)
    found = np.asarray(next(iter(given.values()), ()))
    if len(given) != 1 or found.dtype.kind not in "if":
        raise NotCoveredError("of other than numbers")
    return found.astype(np.float32) if found.dtype.kind == "f" else found


def _shape(reader: Reader, node: NodeProto) -> Constant:
    (name,) = node.input
    whole = np.array(reader.values[name].dims if name in reader.values else reader.constant(name).shape, np.int64)
    given = attributes(node)
    return whole[given.get("start", 0) : given.get("end", len(whole))]


def _filled(reader: Reader, node: NodeProto) -> Constant:
    given = attributes(node)
    value = values_of(given["value"], reader.model.path) if "value" in given else np.zeros(1, np.float32)
    return np.broadcast_to(value.reshape(-1)[:1], _checked(reader.constant(node.input[0])))


def _expanded(reader: Reader, node: NodeProto) -> Constant:
    values, target = reader.constant(node.input[0]), _checked(reader.constant(node.input[1]))
    return np.broadcast_to(values, np.broadcast_shapes(values.shape, target))


def _range(reader: Reader, node: NodeProto) -> Constant:
    start, stop, step = (reader.constant(name).ravel()[0] for name in node.input)
    if step == 0 or abs((stop - start) / step) > MOST:
        raise NotCoveredError(f"of more than {MOST:,} values")
    return np.arange(start, stop, step)


def _pick(reader: Reader, node: NodeProto) -> Constant:
    values, at = reader.constant(node.input[0]), reader.constant(node.input[1])
    return np.take(values, _whole(at).astype(int), axis=attributes(node).get("axis", 0))


def _whole(values: Constant) -> Constant:
    """Return a tensor that may be worked out with its repetitions."""
    if values.size > MOST:
        raise NotCoveredError(f"of more than {MOST:,} values")
    return values


def _joined(reader: Reader, node: NodeProto) -> Constant:
    parts = [_whole(reader.constant(name)) for name in node.input]
    return np.concatenate([np.atleast_1d(one) for one in parts], axis=attributes(node).get("axis", 0))


def _widened(reader: Reader, node: NodeProto) -> Constant:
    return np.expand_dims(reader.constant(node.input[0]), tuple(integers(reader.constant(node.input[1]))))


def _squeezed(reader: Reader, node: NodeProto) -> Constant:
    axes = tuple(integers(reader.constant(node.input[1]))) if has(node, 1) else None
    return np.squeeze(reader.constant(node.input[0]), axes)


def _reshaped(reader: Reader, node: NodeProto) -> Constant:
    values, target = _whole(reader.constant(node.input[0])), integers(reader.constant(node.input[1]))
    keep = not attributes(node).get("allowzero", 0)
    return values.reshape([values.shape[k] if size == 0 and keep else size for k, size in enumerate(target)])


def _turned(reader: Reader, node: NodeProto) -> Constant:
    values = reader.constant(node.input[0])
    found: Constant = values.transpose(attributes(node).get("perm", tuple(range(values.ndim))[::-1]))
    return found


def _sliced(reader: Reader, node: NodeProto) -> Constant:
    values, starts, stops, *rest = (reader.constant(name) for name in node.input if name)
    axes = integers(rest[0]) if rest else range(len(starts))
    steps = integers(rest[1]) if len(rest) > 1 else [1] * len(starts)
    chosen = [slice(None)] * values.ndim
    for axis, start, stop, step in zip(axes, integers(starts), integers(stops), steps, strict=True):
        chosen[axis] = slice(start, stop if abs(stop) < 2**31 else (None if (stop > 0) == (step > 0) else 0), step)
    return values[tuple(chosen)]


def _split(reader: Reader, node: NodeProto) -> tuple[Constant, ...]:
    values, axis, count = reader.constant(node.input[0]), attributes(node).get("axis", 0), len(node.output)
    if has(node, 1):
        return tuple(np.split(values, np.cumsum(integers(reader.constant(node.input[1])))[:-1], axis))
    each = -(-values.shape[axis] // count)
    return tuple(np.split(values, [each * (k + 1) for k in range(count - 1)], axis))


def _triangle(reader: Reader, node: NodeProto) -> Constant:
    values = _whole(reader.constant(node.input[0]))
    by = int(reader.constant(node.input[1]).ravel()[0]) if has(node, 1) else 0
    return np.triu(values, by) if attributes(node).get("upper", 1) else np.tril(values, by)


def _product(reader: Reader, node: NodeProto) -> Constant:
    values = _whole(reader.constant(node.input[0]))
    return np.asarray(np.prod(values, keepdims=bool(attributes(node).get("keepdims", 1))))


def _guarded(fold: Fold) -> Fold:
    """Return a fold that refuses what NumPy cannot do."""

    def guarded(reader: Reader, node: NodeProto) -> Constant | tuple[Constant, ...]:
        try:
            return fold(reader, node)
        except (IndexError, ValueError, TypeError, KeyError, OverflowError, MemoryError) as error:
            raise NotCoveredError("of constants that do not fit") from error

    return guarded


FOLDED: dict[str, Fold] = {
    name: _guarded(fold)
    for name, fold in {
        "Abs": _of_elements(np.abs),
        "Add": _of_elements(np.add),
        "And": _of_elements(np.logical_and),
        "Cast": _cast,
        "Ceil": _of_elements(np.ceil),
        "Concat": _joined,
        "Constant": _constant,
        "ConstantOfShape": _filled,
        "Div": _of_elements(_divide),
        "Equal": _of_elements(np.equal),
        "Expand": _expanded,
        "Floor": _of_elements(np.floor),
        "Gather": _pick,
        "Greater": _of_elements(np.greater),
        "GreaterOrEqual": _of_elements(np.greater_equal),
        "Identity": lambda reader, node: reader.constant(node.input[0]),
        "IsNaN": _of_elements(np.isnan),
        "Less": _of_elements(np.less),
        "LessOrEqual": _of_elements(np.less_equal),
        "Max": _of_elements(np.maximum),
        "Min": _of_elements(np.minimum),
        "Mod": _of_elements(np.mod),
        "Mul": _of_elements(np.multiply),
        "Neg": _of_elements(np.negative),
        "Not": _of_elements(np.logical_not),
        "Or": _of_elements(np.logical_or),
        "Pow": _of_elements(np.power),
        "Range": _range,
        "Reciprocal": _of_elements(np.reciprocal),
        "ReduceProd": _product,
        "Reshape": _reshaped,
        "Shape": _shape,
        "Slice": _sliced,
        "Split": _split,
        "Sqrt": _of_elements(np.sqrt),
        "Squeeze": _squeezed,
        "Sub": _of_elements(np.subtract),
        "Transpose": _turned,
        "Trilu": _triangle,
        "Unsqueeze": _widened,
        "Where": _of_elements(np.where),
    }.items()
}
