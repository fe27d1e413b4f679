"""What a training algorithm is: the matrices it keeps and the program of one layer's update."""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar, Self

from twin.algorithms.steps import LayerSteps
from twin.algorithms.tables import Table
from twin.config.layout import Layout
from twin.operation import Operation


class Algorithm(ABC):
    """A training algorithm, per layer; final classes are one file each.

    Attributes
    ----------
    name : str
        As on the command line.
    matrices : tuple of str
        Analog matrices of a layer, the one that forward and backward use first.
    default_layouts : tuple of str
        Layouts that `twin compare` runs when none is named.
    options : type of Table or None
        The model of its table below `[algorithms]`, which also tells what it keeps for every layer; None where it
        has that of another algorithm.
    table : str
        The algorithm whose table it has; the name unless said otherwise.
    effects : tuple of str
        Kernels, as ``"package.module:function"``, that perform its operations `Opcode.OWN_0`, `OWN_1` and so on.
    digital : bool
        Whether its matrices are in digital memory and no tile is used.
    """

    name: ClassVar[str]
    options: ClassVar[type[Table] | None] = None
    table: ClassVar[str] = ""
    effects: ClassVar[tuple[str, ...]] = ()
    digital: ClassVar[bool] = False
    matrices: ClassVar[tuple[str, ...]]
    default_layouts: ClassVar[tuple[str, ...]]

    @property
    def main(self) -> str:
        """The matrix that holds the network's weights."""
        return self.matrices[0]

    @property
    def fast(self) -> str:
        """The matrix that gradients update; the main one unless there is an A."""
        return self.matrices[-1]

    @classmethod
    def of(cls, table: Table) -> Self:  # noqa: ARG003 - for those that do
        """Return the algorithm with the structure that its table asks for: the same for all."""
        return cls()

    @classmethod
    def fits(cls, layout: Layout) -> bool:
        """Return whether a layout has the algorithm's matrices, on tiles or in digital memory as it wants them."""
        own = [layout.matrices.get(matrix) for matrix in cls.matrices]
        return all(one is not None and one.digital == cls.digital for one in own)

    def forward(self, layer: LayerSteps) -> Iterator[Operation]:
        """Z = W x."""
        yield from layer.forward(self.main)

    def backward(self, layer: LayerSteps) -> Iterator[Operation]:
        """E = W^T d."""
        yield from layer.backward(self.main)

    def prefetch(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:  # noqa: ARG002 - for those that do
        """What a sample asks for when it starts, before it is needed: nothing."""
        yield from ()

    def finish(self, layer: LayerSteps) -> Iterator[Operation]:  # noqa: ARG002 - for those that do
        """What ends a step on one layer, after the updates of all its samples: nothing."""
        yield from ()

    @abstractmethod
    def update(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:
        """What follows backward on one layer, after which the sample is learnt."""
