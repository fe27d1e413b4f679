"""Functions of single elements and norms, told by what they compute.

Exporters write SiLU as a product with a Sigmoid, GELU around an Erf or a Tanh, norms as means, squares and roots. Such
nodes build one function of one tensor; it is tried on numbers and held against the functions that the twin has.
"""

from collections.abc import Callable, Iterable
from math import isclose

import numpy as np

from twin.networks.onnx.graph import Reader, attributes
from twin.networks.onnx.taking import NodeProto, covered, held, name_of, scalar_of
from twin.networks.onnx.values import Held, NotCoveredError, Probe, Scores, Value, Worked
from twin.networks.onnx.views import axis_of

CLOSE = 2e-6
"""Of float32 constants and sums."""


def _probe() -> Probe:
    """Return samples of 16 features: large, usual and so small that an epsilon counts."""
    draw = np.random.default_rng(1)
    scales = np.array([*[3.0] * 12, *[0.3] * 6, *[1e-2] * 3, *[1e-3] * 3, 30.0, 3000.0])
    return np.asarray((draw.normal(0, 1, (len(scales), 16)) + 0.1) * scales[:, None], np.float64)


PROBE = _probe()


def _erf(x: Probe) -> Probe:
    from scipy.special import erf  # noqa: PLC0415 - slow to import

    found: Probe = erf(x)
    return found


def _sigmoid(x: Probe) -> Probe:
    return np.asarray(np.where(x < 0, np.exp(np.minimum(x, 0)), 1.0) / (1 + np.exp(-np.abs(x))), np.float64)


def _gelu(x: Probe, approximate: str) -> Probe:
    inner = np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)) if approximate == "tanh" else _erf(x / np.sqrt(2))
    return np.asarray(0.5 * x * (1 + inner), np.float64)


def _hat(x: Probe, *, centred: bool, epsilon: float) -> Probe:
    """Return what a norm makes of its input before scale and shift."""
    moved = x - x.mean(axis=1, keepdims=True) if centred else x
    return np.asarray(moved / np.sqrt((moved**2).mean(axis=1, keepdims=True) + epsilon), np.float64)


UNARY: dict[str, Callable[[Probe], Probe]] = {
    "Erf": _erf,
    "Neg": np.negative,
    "Reciprocal": np.reciprocal,
    "Relu": lambda x: np.maximum(x, 0),
    "Sigmoid": _sigmoid,
    "Sqrt": np.sqrt,
    "Tanh": np.tanh,
}
BINARY: dict[str, Callable[[Probe, Probe], Probe]] = {
    "Add": np.add,
    "Div": np.divide,
    "Mul": np.multiply,
    "Pow": np.power,
    "Sub": np.subtract,
    "Sum": np.add,
}
KNOWN: dict[tuple[str, str], Callable[[Probe], Probe]] = {
    ("relu", ""): UNARY["Relu"],
    ("sigmoid", ""): _sigmoid,
    ("tanh", ""): np.tanh,
    ("silu", ""): lambda x: x * _sigmoid(x),
    ("gelu", "tanh"): lambda x: _gelu(x, "tanh"),
    ("gelu", "none"): lambda x: _gelu(x, "none"),
}
PIECE = "is no part of a function or norm that the twin has"


def _same(one: Probe, other: Probe) -> bool:
    return one.shape == other.shape and np.allclose(one, other, rtol=CLOSE, atol=CLOSE * 1e-3)


def unary(reader: Reader, node: NodeProto, index: int) -> Held:
    """Functions of single elements."""
    x = _operand(reader, node, 0)
    given = attributes(node)
    if node.op_type == "Gelu":
        how = str(given.get("approximate", "none"))
        return _worked(node, index, (x,), lambda one: _gelu(one, how))
    if node.op_type == "Swish":
        alpha = float(given.get("alpha", 1.0))
        return _worked(node, index, (x,), lambda one: one * _sigmoid(alpha * one))
    return _worked(node, index, (x,), UNARY[node.op_type])


def mean(node: NodeProto, index: int, x: Held) -> Worked:
    """Return the mean over the last axis, which stays with one element."""
    if isinstance(x, Scores):
        raise NotCoveredError("of scores that are no attention yet")
    return _worked(node, index, (x,), lambda one: one.mean(axis=1, keepdims=True))


def binary(reader: Reader, node: NodeProto, index: int) -> Held | None:
    """Return a sum, product and so on of a tensor with a number or with a function of itself; None for others."""
    parts: list[Worked | Value | float] = []
    for number, name in enumerate(node.input):
        if name in reader.values:
            parts.append(_operand(reader, node, number))
        else:
            value = scalar_of(reader, node, number)
            if value is None:
                return None
            parts.append(value)
    bases = [one.base if isinstance(one, Worked) else one for one in parts if not isinstance(one, float)]
    alike = all((one.node, one.start, one.view) == (bases[0].node, bases[0].start, bases[0].view) for one in bases)
    if len(parts) != 2 or not alike:
        return None
    return _worked(node, index, tuple(parts), BINARY[node.op_type])


def _operand(reader: Reader, node: NodeProto, number: int) -> "Worked | Value":
    x = held(reader, node, number)
    if isinstance(x, Scores):
        raise NotCoveredError("of scores that are no attention yet")
    return x


def _worked(
    node: NodeProto, index: int, parts: Iterable["Worked | Value | float"], function: Callable[..., Probe]
) -> Worked:
    parts = tuple(parts)
    base = next(one.base if isinstance(one, Worked) else one for one in parts if not isinstance(one, float))
    numbers = frozenset(one for one in parts if isinstance(one, float)).union(
        *(one.numbers for one in parts if isinstance(one, Worked))
    )
    tried = [
        one.probe if isinstance(one, Worked) else np.full((1, 1), one) if isinstance(one, float) else PROBE * one.scale
        for one in parts
    ]
    with np.errstate(all="ignore"):
        found = function(*tried)
    return Worked(base, found, node.op_type, index, parts, numbers)


def factor_of(one: Held) -> tuple[Value, float] | None:
    """Return a tensor and what it is multiplied by, where that is all that was done to it."""
    if isinstance(one, Value):
        return one._replace(scale=1.0), one.scale
    if not isinstance(one, Worked) or one.probe.shape != PROBE.shape:
        return None
    factor = float(one.probe[0, 0] / PROBE[0, 0])
    if not np.isfinite(factor) or not _same(one.probe, PROBE * factor):
        return None
    return one.base._replace(scale=1.0), factor


def resolve(reader: Reader, one: Worked) -> Value:
    """Make a node of the twin of a function, or nodes of what it was built of."""
    name, base = name_of(reader.graph.node[one.index]), one.base._replace(scale=1.0)
    found = factor_of(one)
    if found is not None:
        return found[0]._replace(scale=1.0 if isclose(found[1], 1.0, rel_tol=1e-7) else found[1])
    for (kind, how), function in KNOWN.items():
        if _same(one.probe, function(PROBE)):
            own, shape = reader.add(kind, name, (covered(reader, base),), **({"approximate": how} if how else {}))
            return Value(own, shape, base.view, moved=base.moved)
    if hat_of(one) is not None:
        raise NotCoveredError("a norm without scale")
    tensors = [part for part in one.parts if not isinstance(part, float)]
    if one.op in {"Relu", "Sigmoid", "Tanh"}:
        x = _piece(reader, tensors[0])
        own, shape = reader.add(one.op.lower(), name, (x,))
        return Value(own, shape, x.view, moved=x.moved)
    if one.op in {"Add", "Sum", "Mul"} and len(tensors) == 2:
        first, second = (_piece(reader, part) for part in tensors)
        own, shape = reader.add("multiply" if one.op == "Mul" else "add", name, (first, second))
        return Value(own, shape, first.view)
    raise NotCoveredError(PIECE)


def _piece(reader: Reader, part: "Worked | Value") -> Value:
    """Return what a function was built of; what refuses it is said of its own node."""
    try:
        return covered(reader, reader.whole(part))
    except NotCoveredError as error:
        own = part.index if isinstance(part, Worked) else -1
        raise NotCoveredError(str(error), own if error.node < 0 else error.node) from error


def hat_of(one: Worked) -> tuple[str, float] | None:
    """Return the kind of norm, and its epsilon, where a function is one that lacks only its scale."""
    if one.probe.shape != PROBE.shape or one.base.view[-1] != axis_of((one.base.shape[-1], 1)):
        return None
    for epsilon in one.numbers:
        if 0 < epsilon < 1:
            for kind in ("layer-norm", "rms-norm"):
                if _same(one.probe, _hat(PROBE, centred=kind == "layer-norm", epsilon=epsilon)):
                    return kind, epsilon
    return None
