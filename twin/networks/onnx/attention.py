"""Attention: one op, or products of queries and keys, a mask, a softmax, and products with values."""

from dataclasses import replace
from math import isclose, sqrt

import numpy as np

from twin.networks.onnx.functions import factor_of
from twin.networks.onnx.graph import Reader, attributes, batch_axis
from twin.networks.onnx.places import Constant
from twin.networks.onnx.taking import NodeProto, covered, depends, has, held, name_of, require, weight_of
from twin.networks.onnx.values import Held, NotCoveredError, Scores, Value
from twin.networks.onnx.views import BATCH, View, are_rows, axis_of, size_of

HIDING = -1e4
"""What masks add at least where they hide: some write -10000, others the least number, or -infinity."""


def scores(queries: Held, keys: Held) -> Scores:
    """Return the products of two tensors that depend on the input, which only an attention has."""
    first, second = factor_of(queries), factor_of(keys)
    if first is None or second is None:
        raise NotCoveredError("of two tensors, other than in an attention")
    (q, one), (k, other) = first, second
    k = k._replace(view=(*k.view[:-2], k.view[-1], k.view[-2]))
    heads_of(q)
    heads_of(k)
    if q.view[:-1] != k.view[:-1] and q.dims != k.dims:
        raise NotCoveredError("of queries and keys of different shapes")
    return Scores(q, k, one * other)


def heads_of(x: Value) -> tuple[int, int]:
    """Return how many heads a tensor (..., positions, width) has, and their width; they lie side by side."""
    width = size_of(x.view[-1])
    lead = [part for axis in x.view[:-2] for part in axis if part[1] != BATCH]
    rows = x.view[-2] == axis_of((x.shape[0], x.shape[-1])) if len(x.shape) == 2 else False
    heads = lead[0][0] if lead else 1
    beside = lead in ([], [(heads, width)]) and x.view[-1] == axis_of((width, 1))
    if not rows or not beside:
        raise NotCoveredError("of two tensors, other than in an attention of heads side by side")
    return heads, width


def masked(x: Scores, mask: Constant) -> Scores:
    """Add a mask to scores: none, or one that hides all later positions."""
    if x.weights:
        raise NotCoveredError("of a constant, behind the softmax of an attention")
    values = np.asarray(mask, float)
    hidden = values <= HIDING
    if (values[~hidden] != 0).any():
        raise NotCoveredError("a mask that is not causal: only 0 and -infinity are covered")
    return hiding(x, hidden)


def hiding(x: Scores, hidden: Constant) -> Scores:
    """Hide positions: none, or all later ones."""
    count = x.dims[-1]
    try:
        whole = np.broadcast_to(hidden, np.broadcast_shapes(hidden.shape, (1, 1, count, count)))
    except ValueError as error:
        raise NotCoveredError("a mask of another shape than its scores") from error
    whole = whole[tuple(slice(0, 1) if step == 0 else slice(None) for step in whole.strides[:-2])]
    whole = whole.reshape(-1, count, count) if whole.shape[-2:] == (count, count) else np.ones((1, 1, 1), bool)
    later = np.triu(np.ones((count, count), bool), 1)
    if not whole.any():
        return x
    if any(not np.array_equal(one, later) for one in whole):
        raise NotCoveredError("a mask that is not causal")
    return replace(x, causal=True)


def where(reader: Reader, node: NodeProto, _: int) -> Held:
    """Where of scores and a constant: a mask."""
    mask = weight_of(reader, node, 0).astype(bool)
    at = [number for number in (1, 2) if node.input[number] in reader.values]
    x = held(reader, node, at[0]) if len(at) == 1 else None
    if not isinstance(x, Scores):
        raise NotCoveredError("other than as the mask of an attention")
    fill = np.asarray(weight_of(reader, node, 3 - at[0]), float)
    hidden = ~mask if at[0] == 1 else mask
    if x.weights and not hidden.any():
        return x
    if fill.size != 1 or fill.ravel()[0] > HIDING or x.weights:
        raise NotCoveredError("other than as the mask of an attention")
    return hiding(x, hidden)


def is_nan(reader: Reader, node: NodeProto, _: int) -> Constant:
    """IsNaN of the weights of an attention: none is, as every position sees itself."""
    x = held(reader, node)
    if not isinstance(x, Scores) or not x.weights:
        raise NotCoveredError("other than of the weights of an attention")
    return np.zeros((1,), bool)


def softmaxed(node: NodeProto, x: Scores) -> Scores:
    """Softmax of scores."""
    axis = attributes(node).get("axis", -1)
    if axis not in {-1, len(x.dims) - 1} or x.weights:
        raise NotCoveredError(f"axis = {axis}, which is not that of the keys")
    _, width = heads_of(x.queries)
    if not isclose(x.scale * sqrt(width), 1, rel_tol=1e-5):
        raise NotCoveredError(
            f"scores times {x.scale:.6g}, and the attention of the twin has 1 / sqrt({width}) = {1 / sqrt(width):.6g}"
        )
    return replace(x, weights=True)


def attended(reader: Reader, node: NodeProto, weights: Scores, values: Held) -> Value:
    """Return what an attention gives: its weights with values (..., positions, width)."""
    found = factor_of(values)
    if not weights.weights or found is None or found[1] != 1:
        raise NotCoveredError("of two tensors, other than in an attention")
    x = found[0]
    if heads_of(x) != heads_of(weights.queries):
        raise NotCoveredError("of values of another shape than its queries")
    return _made(reader, node, weights.queries, weights.keys, x, causal=weights.causal)


def _made(reader: Reader, node: NodeProto, q: Value, k: Value, v: Value, *, causal: bool) -> Value:
    heads, width = heads_of(q)
    inputs = tuple(covered(reader, one._replace(moved="")) for one in (q, k, v))
    own, shape = reader.add("attention", name_of(node), inputs, heads=heads, causal=causal)
    view: View = (
        *(axis_of(*((size, step if step == BATCH else width) for size, step in axis)) for axis in q.view[:-2]),
        axis_of((shape[0], shape[1])),
        axis_of((width, 1)),
    )
    return Value(own, shape, view)


def attention(reader: Reader, node: NodeProto, _: int) -> Value:
    """Attention of opset 23: queries, keys and values with or without an axis of heads, and perhaps a mask."""
    given = attributes(node)
    require(given, softcap=0.0, qk_matmul_output_mode=0)
    if any(has(node, number) for number in (4, 5, 6)):
        raise NotCoveredError("with keys and values of before, or with lengths")
    q, k, v = (_with_heads(reader, node, number, given) for number in range(3))
    if not heads_of(q) == heads_of(k) == heads_of(v) or not q.dims == k.dims == v.dims:
        raise NotCoveredError("of queries, keys and values with different heads or positions")
    _, width = heads_of(q)
    found = Scores(q, k, float(given.get("scale", 1 / sqrt(width))), causal=bool(given.get("is_causal", 0)))
    if has(node, 3):
        mask = weight_of(reader, node, 3)
        found = hiding(found, ~mask) if mask.dtype == bool else masked(found, mask)
    if not isclose(found.scale * sqrt(width), 1, rel_tol=1e-5):
        raise NotCoveredError(f"scale = {found.scale:.6g}, and the twin has 1 / sqrt({width}) = {1 / sqrt(width):.6g}")
    made = _made(reader, node, q, k, v, causal=found.causal)
    if len(reader.values[node.input[0]].dims) == 3:
        positions, features = made.shape
        return made._replace(view=(made.view[0], axis_of((positions, features)), axis_of((features, 1))))
    return made


def _with_heads(reader: Reader, node: NodeProto, number: int, given: dict[str, object]) -> Value:
    """Return queries, keys or values with an axis of heads behind the batch."""
    x = depends(reader, node, number) if len(held(reader, node, number).dims) == 3 else None
    if x is None:
        return reader.whole(held(reader, node, number))
    heads = int(str(given.get("q_num_heads" if number == 0 else "kv_num_heads", 0)))
    if not batch_axis(x.view[0]) or not are_rows(x.view, x.shape) or heads < 1 or x.shape[-1] % heads:
        raise NotCoveredError("of other than positions x features in whole heads")
    width = x.shape[-1] // heads
    return x._replace(view=(x.view[0], axis_of((heads, width)), x.view[1], axis_of((width, 1))))
