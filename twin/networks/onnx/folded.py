"""Tensors that do not depend on the input: shapes and weights that exporters compute on the way."""

import numpy as np

from twin.networks.onnx.files import values_of
from twin.networks.onnx.graph import Constant, Fold, NotCoveredError, Reader, attributes
from twin.networks.onnx.taking import NodeProto


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


FOLDED: dict[str, Fold] = {
    "Cast": lambda reader, node: reader.constant(node.input[0]),
    "Concat": lambda reader, node: np.concatenate([np.atleast_1d(reader.constant(name)) for name in node.input]),
    "Constant": _constant,
    "Gather": _pick,
    "Identity": lambda reader, node: reader.constant(node.input[0]),
    "Shape": _shape,
    "Transpose": _turn,
    "Unsqueeze": _widen,
}
