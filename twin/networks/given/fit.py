"""Fits tensors of a file onto a network's matrices and digital parameters, and takes them back out."""

from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from twin.config.checks import identifier
from twin.errors import TwinError
from twin.networks.given.files import Tensors
from twin.networks.given.names import STATISTICS, Wanted, by_plain_name, wanted
from twin.networks.graph import Graph
from twin.networks.kinds.matrices import Conv
from twin.networks.kinds.node import written

Array = npt.NDArray[np.float32]
NAMED = 8


@dataclass(frozen=True)
class Given:
    """The weights of a network.

    Attributes
    ----------
    matrices : list of float32 array, shape (n_out, n_in)
        Of the layers in order, biases as the last column.
    parameters : dict of str to float32 array
        Of digital nodes by name, in the order in which they lie.
    statistics : dict of str to float32 array, shape (2, width)
        Running means and variances of batch norms by name.
    sha256 : str
        Of the file that they come from.
    """

    matrices: list[Array] = field(default_factory=list)
    parameters: dict[str, Array] = field(default_factory=dict)
    statistics: dict[str, Array] = field(default_factory=dict)
    sha256: str = ""


def fit(graph: Graph, tensors: Tensors, label: str, sha256: str = "") -> Given:
    """Fit tensors onto a network.

    Parameters
    ----------
    graph : Graph
    tensors : dict of str to array
        ``NODE.weight`` and so on, as `twin.networks.given.names` says.
    label : str
        Names the file in errors.
    sha256 : str
        Of the file.

    Raises
    ------
    TwinError
        Naming what is missing, what belongs to no node, and what has another shape.
    """
    needed, names = wanted(graph), by_plain_name(tensors, label)
    places = {f"{identifier(one.owner)}.{one.part}": one for one in needed}
    missing = [f"{one.name} ({written(one.shape)})" for place, one in places.items() if place not in names]
    extra = [name for place, name in names.items() if place not in places]
    if missing or extra:
        found = [f"lacks {_listed(missing)}"] if missing else []
        found += [f"has {_listed(extra)}, of which this network has no node"] if extra else []
        raise TwinError(f"{label}: {' and '.join(found)}; the names are NODE.weight and NODE.bias")
    given = Given(sha256=sha256)
    for place, one in places.items():
        _enter(given, one, _checked(tensors[names[place]], one, f"{label}: {names[place]}"))
    return given


def _listed(names: list[str]) -> str:
    more = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {more} more" if more > 0 else "")


def _checked(values: npt.NDArray[np.float64], one: Wanted, label: str) -> Array:
    if values.shape != one.shape:
        shape = written(values.shape) or "of one number"
        raise TwinError(f"{label}: has the shape {shape}, and must have {written(one.shape)}")
    if values.dtype.kind not in "fiu" and values.dtype.name != "bfloat16":
        raise TwinError(f"{label}: has the type {values.dtype}, and must have numbers")
    found = values.astype(np.float32)
    if not np.isfinite(found).all():
        raise TwinError(f"{label}: must be finite")
    if one.part == "running_var" and (found < 0).any():
        raise TwinError(f"{label}: must not be negative, as variances are not")
    return found


def _enter(given: Given, one: Wanted, values: Array) -> None:
    name = one.node.name
    if one.part in STATISTICS:
        ordered = values if one.order is None else values[one.order]
        given.statistics.setdefault(name, np.zeros((2, values.size), np.float32))
        given.statistics[name][STATISTICS.index(one.part)] = ordered
    elif not one.matrix:
        ordered = values if one.order is None else values[..., one.order]
        before = given.parameters.get(name, np.zeros(0, np.float32))
        given.parameters[name] = np.concatenate([before, ordered.ravel()])
    elif one.part == "bias":
        parts = np.split(values, one.cuts)
        weights = given.matrices[-len(parts) :]
        given.matrices[-len(parts) :] = [np.column_stack(pair) for pair in zip(weights, parts, strict=True)]
    elif isinstance(one.node.node, Conv):
        given.matrices.append(values.transpose(0, 2, 3, 1).reshape(values.shape[0], -1))
    else:
        ordered = values if one.order is None else values[:, one.order]
        given.matrices.extend(np.split(ordered, one.cuts))


def taken(graph: Graph, given: Given) -> Tensors:
    """Return the tensors of a network as files have them: what `fit` undoes."""
    found: Tensors = {}
    matrices, at = iter(given.matrices), dict.fromkeys(given.parameters, 0)
    matrix = np.zeros((0, 0), np.float32)
    for one in wanted(graph):
        name = one.node.name
        if one.part in STATISTICS:
            values = _restored(given.statistics[name][STATISTICS.index(one.part)], one)
        elif not one.matrix:
            size = int(np.prod(one.shape))
            values = given.parameters[name][at[name] : at[name] + size].reshape(one.shape)
            values, at[name] = _restored(values, one), at[name] + size
        elif one.part == "bias":
            values = matrix[:, -1]
        else:
            matrix = np.concatenate([next(matrices) for _ in range(len(one.cuts) + 1)])
            values = matrix[:, :-1] if one.node.node.bias else matrix
            if isinstance(one.node.node, Conv):
                outputs, channels, height, width = one.shape
                values = values.reshape(outputs, height, width, channels).transpose(0, 3, 1, 2)
            else:
                values = _restored(values, one)
        found[one.name] = np.ascontiguousarray(values, np.float32)
    return found


def _restored(values: Array, one: Wanted) -> Array:
    if one.order is None:
        return values
    found = np.empty_like(values)
    found[..., one.order] = values
    return found
