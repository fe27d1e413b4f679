"""What functions of op types share: what a node must have, and how the twin's node is added."""

from typing import Any

import onnx

from twin.networks.onnx.graph import Constant, NotCoveredError, Reader, Value, channels_first

NodeProto = onnx.NodeProto


def made(reader: Reader, kind: str, name: str, inputs: tuple[Value, ...], **fields: Any) -> Value:
    """Add a node of the twin; return its output."""
    own, shape = reader.add(kind, name, inputs, **fields)
    return Value(own, shape, channels_first(shape))


def name_of(node: NodeProto, weight: str = "") -> str:
    """Name a node as its module is called, which the names of weights tell, or as the file calls it."""
    if weight.endswith(".weight"):
        return weight.removesuffix(".weight")
    return node.name or f"{node.op_type.lower()}-{node.output[0]}"


def depends(reader: Reader, node: NodeProto, number: int = 0) -> Value:
    """Return an input that must depend on the network's input."""
    if number >= len(node.input) or node.input[number] not in reader.values:
        raise NotCoveredError("of a constant")
    return reader.values[node.input[number]]


def weight_of(reader: Reader, node: NodeProto, number: int) -> Constant:
    """Return an input that must not depend on the network's input."""
    if number >= len(node.input) or not reader.is_fixed(node.input[number]):
        raise NotCoveredError(
            "its weights are computed from the input" if number < len(node.input) else "lacks weights"
        )
    return reader.constant(node.input[number])


def has(node: NodeProto, number: int) -> bool:
    """Return whether a node has an optional input."""
    return number < len(node.input) and bool(node.input[number])


def require(given: dict[str, Any], **rules: Any) -> None:
    """Refuse attributes that have another value than the one that is covered."""
    for key, only in rules.items():
        if given.get(key, only) != only:
            raise NotCoveredError(f"{key} = {given[key]}")


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
