"""What every kind of node is."""

from collections.abc import Iterable
from math import prod
from typing import Annotated, ClassVar, Literal, NamedTuple, Self

from pydantic import Field

from twin.config.checks import Identifier
from twin.config.part import Part
from twin.networks.work import Cost

Shape = tuple[int, ...]
"""Of a tensor, without the batch: (width,), (positions, width) or (height, width, channels)."""


class Symbols(Shape):
    """Shape of the symbols of a text, (positions,), of which there are `alphabet`."""

    alphabet: int

    def __new__(cls, shape: Iterable[int], alphabet: int) -> Self:
        """Make it of a shape."""
        made = super().__new__(cls, shape)
        made.alphabet = alphabet
        return made


class MisfitError(ValueError):
    """Inputs that a node cannot take; the text is the rule."""


class Shapes(NamedTuple):
    """The shapes of a node's inputs and of its output."""

    inputs: tuple[Shape, ...]
    output: Shape

    @property
    def rows(self) -> tuple[int, int]:
        """The output as (positions, width)."""
        return rows(self.output)


class Start(NamedTuple):
    """How a node's parameters start: `constant` or drawn from N(0, `std`^2)."""

    size: int
    constant: float = 0.0
    std: float = 0.0


class Node(Part):
    """A node of a network.

    Attributes
    ----------
    inputs_least, inputs_most : ClassVar[int]
        How many inputs it takes.
    again : ClassVar[str]
        Which tensor its way back loads again, where it needs nothing else that was kept: "output", "input" or "".
    looks_up : ClassVar[bool]
        Whether a sample loads only as many parameters as its output has values, out of a table.
    meets : ClassVar[bool]
        Whether all samples of a batch must have come before any may go on.
    """

    kind: str
    name: Identifier | None = None
    """How other nodes and all tables call it; its kind and number where it is left out."""
    inputs: Annotated[tuple[Identifier, ...], Field(strict=False)] = ()
    """The nodes whose outputs it takes, or "input"; the node before it where they are left out."""

    inputs_least: ClassVar[int] = 1
    inputs_most: ClassVar[int] = 1
    again: ClassVar[Literal["output", "input", ""]] = ""
    looks_up: ClassVar[bool] = False
    meets: ClassVar[bool] = False

    def shape(self, *inputs: Shape) -> Shape:
        """Return the shape of the output; raise MisfitError where the inputs do not fit."""
        return inputs[0]

    def cost(self, shapes: Shapes) -> Cost:
        """Return the digital work of one sample."""
        return Cost(0, 0, 0, 0)

    def moved(self, shapes: Shapes) -> tuple[int, ...]:
        """Return how many words of each input are loaded, and stored as errors on the way back: all of them."""
        return tuple(prod(shape) for shape in shapes.inputs)

    def parameters(self, shapes: Shapes) -> tuple[Start, ...]:
        """Return how the digital parameters start, in the order in which they lie."""
        return ()

    def record(self, shapes: Shapes) -> dict[str, float]:
        """Return what the kernels must know beside shapes: fields of their record."""
        return {}

    def numbers(self, shapes: Shapes) -> tuple[float, ...]:
        """Return what no field of the record is for: up to 8 numbers, `own` in the kernels."""
        return ()

    def kept(self, shapes: Shapes) -> int:
        """Return the words the kernels keep for the way back (or to pass moments on), a sample."""
        return 0

    def shared(self, shapes: Shapes) -> tuple[Start, ...]:
        """Return how the words start that the kernels keep for all samples of a batch."""
        return ()


def rows(shape: Shape) -> tuple[int, int]:
    """Return a tensor as (positions, width)."""
    return prod(shape[:-1]), shape[-1]


def written(shape: Shape) -> str:
    """Write a shape as errors have it: ``"8 x 8 x 1"``."""
    return " x ".join(map(str, shape))
