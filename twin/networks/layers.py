"""Layers as data: the shape of each one's matrix, how often a sample uses it, and what it hands on."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar, NamedTuple

from twin.errors import TwinError

GATES = {"lstm": 4, "rnn": 1, "gru": 3}
"""Output lines a cell of each kind of node, of all its matrices."""
LINES = {"lstm": 4, "rnn": 1, "gru-gates": 2, "gru": 1}
"""Output lines a cell of each matrix."""


class Lines:
    """What follows from the inputs of a layer, unless it says otherwise."""

    __slots__ = ()

    if TYPE_CHECKING:  # properties of the class would be defaults of the layers' fields

        @property
        def n_inputs(self) -> int:
            """Inputs without the bias line."""

        @property
        def n_out(self) -> int:
            """Output lines."""

        @property
        def bias(self) -> bool:
            """Whether there is a line that is always 1."""

        @property
        def uses(self) -> int:
            """Mat-vecs a sample."""

    @property
    def n_in(self) -> int:
        """Input lines, the bias line included."""
        return self.n_inputs + int(self.bias)

    @property
    def loaded(self) -> int:
        """Words brought to the array for one mat-vec."""
        return self.n_in

    @property
    def returned(self) -> int:
        """Input lines, without the bias, whose errors are wanted."""
        return self.n_inputs

    @property
    def fan(self) -> int:
        """Inputs that the spread of the initial weights is taken from."""
        return self.n_inputs

    @property
    def answered(self) -> int:
        """Outputs of one mat-vec that are wanted."""
        return self.n_out

    @property
    def positions(self) -> int:
        """Vectors of `n_out` outputs a sample."""
        return self.uses


@dataclass(frozen=True, slots=True)
class Dense(Lines):
    """A dense layer: z = W x, y = f(z); above recurrent layers it is used once a time step.

    Attributes
    ----------
    index : int
    n_inputs, n_out : int
        Inputs without the bias line; outputs.
    bias : bool
        Whether an input line that is always 1 is added.
    activation : str
        "sigmoid", "tanh", "relu", "identity" or "softmax".
    uses : int
        Mat-vecs a sample: 1, or the time steps of a sequence.
    """

    kind: ClassVar[str] = "dense"

    index: int
    n_inputs: int
    n_out: int
    bias: bool
    activation: str
    uses: int = 1

    @property
    def size(self) -> int:
        """Values handed to the next layer, a use."""
        return self.n_out


class Windows(NamedTuple):
    """Where the windows of a convolution lie on a map.

    Attributes
    ----------
    kernel, stride, dilation : (int, int)
        Along height and width, in pixels.
    padding : (int, int, int, int)
        Pixels of zeros at the top, the bottom, the left and the right.
    """

    kernel: tuple[int, int]
    stride: tuple[int, int] = (1, 1)
    padding: tuple[int, int, int, int] = (0, 0, 0, 0)
    dilation: tuple[int, int] = (1, 1)

    @classmethod
    def square(cls, kernel: int, stride: int = 1, padding: int = 0) -> "Windows":
        """Return windows that are the same along both axes."""
        return cls((kernel, kernel), (stride, stride), (padding,) * 4)

    @property
    def reach(self) -> tuple[int, int]:
        """Pixels from the first to the last of a window, both included."""
        tall, wide = ((size - 1) * gap + 1 for size, gap in zip(self.kernel, self.dilation, strict=True))
        return tall, wide

    def fit(self, height: int, width: int) -> tuple[int, int]:
        """Return how many windows fit along both axes of a map; less than 1 where none does."""
        top, bottom, left, right = self.padding
        tall, wide = self.reach
        return (height + top + bottom - tall) // self.stride[0] + 1, (width + left + right - wide) // self.stride[1] + 1


@dataclass(frozen=True, slots=True)
class Conv(Lines):
    """A convolution as mat-vecs of one array with every window of the input map, loaded whole, then max-pooling.

    The weight reuse is the number of output positions (Gokmen 2017, "Convolutional Neural Networks"), times the groups:
    groups share the input lines, each has output lines of its own, and takes its turn.
    Maps are stored position by position, channels last.

    Attributes
    ----------
    height, width, channels : int
        The input map.
    n_out : int
        Output channels.
    windows : Windows
    pool : int
        Side and stride of the max-pooling windows; 1 for none. Rows and columns left over are dropped.
    groups : int
        Groups of input channels, each of which makes as many of the outputs as any other.
    """

    kind: ClassVar[str] = "conv"

    index: int
    height: int
    width: int
    channels: int
    n_out: int
    bias: bool
    activation: str
    windows: Windows
    pool: int = 1
    groups: int = 1

    def __post_init__(self) -> None:
        """Refuse windows that do not fit; the error begins with the key below the layer that is at fault."""
        if self.out_height < 1 or self.out_width < 1:
            raise TwinError(
                f"kernel (= {by(self.windows.kernel)}): the input map is only {self.height} x {self.width}; "
                "use a smaller kernel or more padding"
            )
        if self.out_height < self.pool or self.out_width < self.pool:
            raise TwinError(
                f"stride (= {by(self.windows.stride)}): leaves a map of {self.out_height} x {self.out_width}, "
                f"too small for the max-pool of size {self.pool} after it; use a smaller stride or max-pool"
            )

    @property
    def n_inputs(self) -> int:
        """Inputs of one window."""
        tall, wide = self.windows.kernel
        return tall * wide * self.channels // self.groups

    @property
    def out_height(self) -> int:
        """Rows of output positions."""
        return self.windows.fit(self.height, self.width)[0]

    @property
    def out_width(self) -> int:
        """Columns of output positions."""
        return self.windows.fit(self.height, self.width)[1]

    @property
    def positions(self) -> int:
        """Output positions."""
        return self.out_height * self.out_width

    @property
    def uses(self) -> int:
        """Mat-vecs a sample."""
        return self.positions * self.groups

    @property
    def answered(self) -> int:
        """Outputs of one group."""
        return self.n_out // self.groups

    @property
    def pooled(self) -> tuple[int, int, int]:
        """The map handed to the next layer: height, width, channels."""
        return self.out_height // self.pool, self.out_width // self.pool, self.n_out

    @property
    def size(self) -> int:
        """Values handed to the next layer."""
        height, width, channels = self.pooled
        return height * width * channels


@dataclass(frozen=True, slots=True)
class Recurrent(Lines):
    """A matrix of recurrent cells for inputs and state (Gokmen 2018), used once a time step.

    Its lines are [input features | state h of the step before | bias]. A GRU is two layers in a row, whose steps take
    turns: the second has r h in place of h.

    Attributes
    ----------
    cell : str
        "lstm": gates i, f, o (sigmoid), g (tanh), c = f c + i g, h = o tanh c; "rnn": h = tanh z; "gru-gates": z, r
        (sigmoid); "gru": n = tanh, h = (1 - z) n + z h (Cho 2014, arXiv 1406.1078, Eq. 5 to 8).
    features, hidden : int
        Width of the input and of the state.
    uses : int
        Time steps of a sequence.
    one_hot : bool
        Whether the input is one symbol out of `features`.
    carried : bool
        Whether a sample begins with the state that the one before it left, as in a text; with zeros otherwise.
    wanted : bool
        Whether the errors of the features are wanted, if the input is no symbol.
    """

    kind: ClassVar[str] = "recurrent"

    index: int
    cell: str
    features: int
    hidden: int
    bias: bool
    uses: int
    one_hot: bool
    carried: bool = True
    wanted: bool = True

    @property
    def joined(self) -> bool:
        """Whether each of its steps is followed by that of the next layer."""
        return self.cell == "gru-gates"

    @property
    def activation(self) -> str:
        """The cell stands for the activation function."""
        return self.cell

    @property
    def n_inputs(self) -> int:
        """Inputs without the bias line."""
        return self.features + self.hidden

    @property
    def n_out(self) -> int:
        """Output lines: all gates."""
        return LINES[self.cell] * self.hidden

    @property
    def size(self) -> int:
        """Values handed to the next layer, a step."""
        return self.hidden

    @property
    def loaded(self) -> int:
        """Words brought to the array for one mat-vec: a one-hot input is one word."""
        return (1 if self.one_hot else self.features) + self.hidden + int(self.bias)

    @property
    def returned(self) -> int:
        """Input lines, without the bias, whose errors are wanted: a symbol has none."""
        return self.n_inputs if self.wanted and not self.one_hot else self.hidden

    @property
    def fan(self) -> int:
        """Inputs that the spread of the initial weights is taken from, as PyTorch's LSTM does."""
        return self.hidden


Layer = Dense | Conv | Recurrent


def by(sides: tuple[int, ...]) -> str:
    """Write sizes as errors have them: ``"3"`` where all are the same, else ``"3 x 5"``."""
    return str(sides[0]) if len(set(sides)) == 1 else " x ".join(map(str, sides))
