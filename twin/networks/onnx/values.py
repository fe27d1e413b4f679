"""Tensors of an ONNX graph that depend on the input, and what refuses them."""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from twin.networks.kinds.node import Shape
from twin.networks.onnx.views import View, dims_of

Probe = npt.NDArray[np.float64]


class NotCoveredError(Exception):
    """What a node asks for is not covered; the text says what, `node` is its number where it is another one."""

    def __init__(self, text: str = "", node: int = -1) -> None:
        super().__init__(text)
        self.node = node


class Value(NamedTuple):
    """A tensor as a view of what a node of the twin gives.

    Attributes
    ----------
    node : str
        The twin's node.
    shape : tuple of int
        In the twin: (height, width, channels), (positions, features) or (features,).
    view : View
        How the axes of the file lie in it.
    start : int
        The value of the twin's tensor that comes first: beyond 0 where this is a part of it.
    scale : float
        What its values are times.
    moved : str
        The last node of the file that gave it other axes; names a node of the twin that does so.
    """

    node: str
    shape: Shape
    view: View
    start: int = 0
    scale: float = 1.0
    moved: str = ""

    @property
    def dims(self) -> tuple[int, ...]:
        """The sizes of the axes in the file, the batch among them."""
        return dims_of(self.view)


@dataclass(frozen=True)
class Worked:
    """A function of one tensor, built by operations on its elements and means of its rows.

    What it is shows when it is needed whole: exporters write GELU and norms as many nodes.

    Attributes
    ----------
    base : Value
        What it is a function of.
    probe : float64 array, shape (samples, features or 1)
        What it makes of `twin.networks.onnx.functions.PROBE`.
    op : str
    index : int
        The node of the file that ends it.
    parts : tuple
        What that node takes: functions, tensors, and numbers.
    numbers : frozenset of float
        All numbers in it, among which is the epsilon of a norm.
    """

    base: Value
    probe: Probe
    op: str
    index: int
    parts: tuple["Worked | Value | float", ...]
    numbers: frozenset[float]

    @property
    def dims(self) -> tuple[int, ...]:
        """The sizes of the axes in the file; 1 where a mean was taken."""
        return (*self.base.dims[:-1], self.base.dims[-1] if self.probe.shape[1] > 1 else 1)


@dataclass(frozen=True)
class Scores:
    """Products of queries and keys on their way through an attention.

    Attributes
    ----------
    queries, keys : Value
        With axes (..., positions, width) both.
    scale : float
        What the products are times.
    causal : bool
        Whether later positions are hidden.
    weights : bool
        Whether the softmax is done.
    """

    queries: Value
    keys: Value
    scale: float
    causal: bool = False
    weights: bool = False

    @property
    def dims(self) -> tuple[int, ...]:
        """The sizes of the axes in the file."""
        return (*self.queries.dims[:-1], self.keys.dims[-2])

    def scaled(self, factor: float) -> "Scores":
        """Return them times a factor."""
        return replace(self, scale=self.scale * factor)


Held = Value | Worked | Scores
