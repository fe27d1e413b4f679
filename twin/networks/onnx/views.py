"""How the axes of a tensor in a file lie within a tensor of the twin.

Exporters split features into heads, merge heads with the batch, exchange axes and take slices. None of that computes
anything, so it is followed as a view: every axis of the file is a product of parts, each a number of steps of one
stride through the twin's tensor, which lies row by row. ``((BATCH of n,), (2, 4), (6, 8), (4, 1))`` are the heads of
(6, 8). Parts of size 1 are left out.
"""

from itertools import pairwise
from math import prod

Part = tuple[int, int]
"""Size and stride."""
Axis = tuple[Part, ...]
View = tuple[Axis, ...]
BATCH = -1
"""Stride of the batch, which the twin's tensors have not."""
SYMBOL = -2
"""Stride of an axis that has a 1 at its symbol and 0 elsewhere."""
MANY = 1_000_003
"""Size of a batch that may have any: a prime that no network has as another size."""


class UnviewableError(Exception):
    """A change of axes that is no view."""


def size_of(axis: Axis) -> int:
    """Return how many steps an axis has."""
    return prod(size for size, _ in axis)


def dims_of(view: View) -> tuple[int, ...]:
    """Return the sizes of all axes."""
    return tuple(size_of(axis) for axis in view)


def axis_of(*parts: Part) -> Axis:
    """Return an axis of these parts, joined where one goes on where the other ends."""
    found: list[Part] = []
    for size, stride in parts:
        if size == 1:
            continue
        if found and stride > 0 and found[-1][1] == size * stride:
            found[-1] = (found[-1][0] * size, stride)
        else:
            found.append((size, stride))
    return tuple(found)


def strides_of(shape: tuple[int, ...]) -> tuple[int, ...]:
    """Return the strides of a tensor that lies row by row."""
    return tuple(prod(shape[axis + 1 :]) for axis in range(len(shape)))


def lying(shape: tuple[int, ...], batch: int) -> View:
    """Return the view in which files have a tensor of the twin: the batch, then channels before height and width."""
    axes = [axis_of(part) for part in zip(shape, strides_of(shape), strict=True)]
    ordered = [axes[2], axes[0], axes[1]] if len(shape) == 3 else axes
    return (axis_of((batch, BATCH)), *ordered)


def within(view: View) -> list[Part]:
    """Return all parts but those of the batch, in order, joined where they go on."""
    return list(axis_of(*(part for axis in view for part in axis if part[1] != BATCH)))


def is_natural(parts: list[Part], count: int) -> bool:
    """Return whether parts go through `count` values one by one."""
    return parts == ([(count, 1)] if count > 1 else [])


def reshaped(view: View, sizes: list[int]) -> View:
    """Return a view with other axes of the same values."""
    parts = [part for axis in view for part in axis][::-1]
    found = []
    for size in sizes:
        axis, rest = [], size
        while rest > 1:
            if not parts:
                raise UnviewableError
            steps, stride = parts.pop()
            if rest % steps and (steps % rest or stride < 0):
                raise UnviewableError
            if rest % steps:
                parts.append((steps // rest, stride))
                steps, stride = rest, stride * (steps // rest)
            axis.append((steps, stride))
            rest //= steps
        found.append(axis_of(*axis))
    if parts:
        raise UnviewableError
    return tuple(found)


def sliced(axis: Axis, start: int, stop: int) -> tuple[Axis, int]:
    """Return steps `start` to `stop` of an axis, and by how many values of the tensor they begin later."""
    if (start, stop) == (0, size_of(axis)):
        return axis, 0
    if not axis or min(stride for _, stride in axis) < 0:
        raise UnviewableError
    (_, stride), rest = axis[0], axis[1:]
    inner = size_of(rest)
    if start % inner or stop % inner:
        raise UnviewableError
    return axis_of(((stop - start) // inner, stride), *rest), start // inner * stride


def widened(view: View, before: int, after: int) -> View:
    """Return the view of a tensor whose rows are `after` values wide in place of `before`; the last axis is a row."""
    lead = (
        tuple((size, stride if stride < 0 else stride // before * after) for size, stride in axis) for axis in view[:-1]
    )
    return (*(axis_of(*axis) for axis in lead), axis_of((after, 1)))


def are_rows(view: View, shape: tuple[int, ...]) -> bool:
    """Return whether the last axis is the last of the twin's tensor, and the others go through all its rows."""
    width = shape[-1]
    lead = sorted((part for axis in view[:-1] for part in axis if part[1] != BATCH), key=lambda part: -part[1])
    whole = all(outer[1] == inner[0] * inner[1] for outer, inner in pairwise([*lead, (width, 1)]) if inner[1] > 0)
    count = prod(size for size, _ in lead) == prod(shape[:-1])
    return view[-1] == axis_of((width, 1)) and count and whole
