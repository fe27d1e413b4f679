"""Where the weights of the twin's nodes lie in a file: read from there, and written back to there."""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Constant = npt.NDArray[Any]
Port = tuple[int, int]
"""A node of the file and the number of its input."""
Read = Callable[[Port], Constant]
Edit = Callable[[Port, Constant], None]


class Place(ABC):
    """Where a tensor of the twin lies."""

    @abstractmethod
    def read(self, of: Read) -> Constant:
        """Return the tensor as the twin has it; `of` gives inputs of the file's nodes."""

    @abstractmethod
    def write(self, values: Constant, of: Read, edit: Edit) -> None:
        """Put the tensor there; `edit` replaces inputs, and `of` gives what is there so far."""


@dataclass(frozen=True)
class Input(Place):
    """An input of a node, or a part of it.

    Attributes
    ----------
    port : (int, int)
    shape : tuple of int
        Of the tensor in the twin.
    turned : bool
        Whether rows and columns are exchanged in the file.
    start : int
        The first row, and how many there are is in `shape`.
    rows : int
        Rows of the whole; 0 where it is not shared.
    absent : bool
        Whether the file has no such input, which stands for zeros.
    """

    port: Port
    shape: tuple[int, ...]
    turned: bool = False
    start: int = 0
    rows: int = 0
    absent: bool = False

    def read(self, of: Read) -> Constant:
        """Return the rows."""
        if self.absent:
            return np.zeros(self.shape, np.float32)
        return self._whole(of)[self._own].reshape(self.shape)

    def write(self, values: Constant, of: Read, edit: Edit) -> None:
        """Replace the rows, and leave the others."""
        if self.absent:
            edit(self.port, values.astype(np.float32))
            return
        before = of(self.port)
        whole = self._whole(of).copy()
        whole[self._own] = values.reshape(whole[self._own].shape)
        edit(self.port, (whole.T if self.turned else whole).reshape(before.shape).astype(before.dtype))

    @property
    def _own(self) -> slice:
        return slice(self.start, self.start + self.shape[0]) if self.rows else slice(None)

    def _whole(self, of: Read) -> Constant:
        values = of(self.port)
        if self.turned:
            return values.T
        return values.reshape(self.rows or self.shape[0], *self.shape[1:])

    def part(self, start: int, count: int) -> "Input":
        """Return the place of some of the rows."""
        return Input(self.port, (count, *self.shape[1:]), self.turned, self.start + start, self.rows or self.shape[0])


@dataclass(frozen=True)
class Cells(Place):
    """The matrix of recurrent cells, which files have in two: for inputs and for states, and gates in another order.

    Attributes
    ----------
    inputs, states : (int, int)
        (1, gates x hidden, features) and (1, gates x hidden, hidden).
    order : tuple of int
        For each gate of the twin its place in the file.
    """

    inputs: Port
    states: Port
    order: tuple[int, ...]

    def read(self, of: Read) -> Constant:
        """Return (gates x hidden, features + hidden)."""
        return np.concatenate([ordered(of(port)[0], self.order) for port in (self.inputs, self.states)], axis=1)

    def write(self, values: Constant, of: Read, edit: Edit) -> None:
        """Part the matrix."""
        back = tuple(int(one) for one in np.argsort(self.order))
        features = of(self.inputs).shape[2]
        for port, own in ((self.inputs, values[:, :features]), (self.states, values[:, features:])):
            edit(port, ordered(own, back)[None].astype(of(port).dtype))


@dataclass(frozen=True)
class CellBiases(Place):
    """The biases of recurrent cells, of which files have two that are added: (1, 2 x gates x hidden)."""

    port: Port
    order: tuple[int, ...]

    def read(self, of: Read) -> Constant:
        """Return their sum."""
        first, second = np.split(of(self.port)[0], 2)
        return ordered(first + second, self.order)

    def write(self, values: Constant, of: Read, edit: Edit) -> None:
        """Put all of it into the first."""
        own = ordered(values, tuple(int(one) for one in np.argsort(self.order)))
        edit(self.port, np.concatenate([own, np.zeros_like(own)])[None].astype(of(self.port).dtype))


@dataclass(frozen=True)
class FoldedWeight(Place):
    """Weights that a batch norm behind them scales (Jacob 2018, Eq. 14)."""

    inner: Place
    norm: int
    epsilon: float

    def read(self, of: Read) -> Constant:
        """Return the weights, scaled."""
        values, (scale, _, _, spread) = self.inner.read(of), norm_of(of, self.norm, self.epsilon)
        factor = (scale / spread).reshape(-1, *(1,) * (values.ndim - 1))
        return np.asarray(values * factor.astype(values.dtype))

    def write(self, values: Constant, of: Read, edit: Edit) -> None:
        """Put the weights there, and let the norm scale no more."""
        self.inner.write(values, of, edit)
        *_, spread = norm_of(of, self.norm, self.epsilon)
        edit((self.norm, 1), spread.astype(of((self.norm, 1)).dtype))


@dataclass(frozen=True)
class FoldedBias(Place):
    """The bias of such weights, None where they have none of their own: the shift of the norm."""

    inner: Place | None
    norm: int
    epsilon: float

    def read(self, of: Read) -> Constant:
        """Return shift + (bias - mean) scale / spread."""
        scale, shift, mean, spread = norm_of(of, self.norm, self.epsilon)
        own = self.inner.read(of) if self.inner else 0.0
        return np.asarray(shift + (own - mean) * scale / spread, np.float32)

    def write(self, values: Constant, of: Read, edit: Edit) -> None:
        """Put the whole bias into the shift of a norm that scales no more."""
        mean = of((self.norm, 3)).astype(float)
        if self.inner:
            self.inner.write(np.zeros_like(values), of, edit)
        edit((self.norm, 2), (mean + values).astype(of((self.norm, 2)).dtype))


def norm_of(of: Read, node: int, epsilon: float) -> tuple[Constant, Constant, Constant, Constant]:
    """Return scale, shift, mean and spread of a BatchNormalization."""
    scale, shift, mean, variance = (of((node, port)).astype(float) for port in range(1, 5))
    return scale, shift, mean, np.sqrt(variance + epsilon)


def ordered(values: Constant, order: tuple[int, ...]) -> Constant:
    """Return the gates in another order, which lie one after another along the first axis."""
    found: Constant = values.reshape(len(order), -1, *values.shape[1:])[list(order)].reshape(values.shape)
    return found
