"""SHD (stochastic Hamiltonian descent), also Tiki-Taka: Onen 2021, Fig. 2A; Gokmen 2021, Algorithm 1.

Pseudocode, per sample and layer; W = gamma A + C::

    I    y = W x                     forward
    II   z = W^T delta               backward
    III  A <- A + eta_A delta x      pulsed update
         every ns samples:
    IV   v = A u                     read-out, u one-hot (cyclic) or a Hadamard column
    V    C <- C + eta_C f(v) u       pulsed update; f zeroes |v| below the threshold
"""

from collections.abc import Iterator
from typing import Annotated, ClassVar, Literal, Self, final

from pydantic import Field

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.settings import Settings, Update
from twin.algorithms.steps import LayerSteps
from twin.algorithms.tables import Table, Transfer
from twin.config.numbers import Fraction, LearningRate
from twin.errors import TwinError
from twin.operation import Opcode, Operation


class SHDTable(Transfer):
    """Stochastic Hamiltonian descent, that is Tiki-Taka v1 (Onen 2021)."""

    transfer_lr: LearningRate = 0.02
    """Factor between a line that is read of A and the mean change of C."""
    gamma: Fraction = 0.0
    """Share of A in the weights of forward and backward passes: W = gamma A + C."""
    threshold: Annotated[float, Field(ge=0, le=1e3)] = 0.06
    """Readings of A that are smaller than this are not passed on to C."""
    transfer_vectors: Literal["one-hot", "hadamard"] = "one-hot"
    """What A is read with: "one-hot", one line after another, or "hadamard", sums and differences of all lines."""
    transfer_update: Update = Update(desired_bl=1)
    """How C is pulsed."""

    def settings(self) -> Settings:
        """Translate them for the executor."""
        return self.with_transfer(
            transfer_update=self.transfer_update,
            gamma=self.gamma,
            hadamard=self.transfer_vectors == "hadamard",
            threshold=self.threshold,
        )


@final
class SHD(Algorithm):
    """Stochastic Hamiltonian descent, Tiki-Taka v1 (Onen 2021): lines of A are pulsed into C.

    Parameters
    ----------
    gamma : float
        Share of A in the weights that forward and backward use, in [0, 1].
    hadamard : bool
        Transfer vectors are Hadamard columns (every line of A and C takes part) instead of one-hot.
    """

    name: ClassVar[str] = "shd"
    matrices: ClassVar[tuple[str, ...]] = ("C", "A")
    default_layouts: ClassVar[tuple[str, ...]] = ("four-array", "three-array")
    options: ClassVar[type[Table]] = SHDTable

    def __init__(self, gamma: float = 0.0, *, hadamard: bool = False) -> None:
        self.used = ("C", "A") if gamma > 0 else ("C",)
        self.hadamard = hadamard

    @classmethod
    def of(cls, table: Table) -> Self:
        """Return the algorithm with the mat-vecs that its table asks for; raises TwinError for another's table."""
        if not isinstance(table, SHDTable):
            raise TwinError(f"algorithm {cls.name}: needs the settings of shd, not {type(table).__name__}")
        return cls(table.gamma, hadamard=table.transfer_vectors == "hadamard")

    def forward(self, layer: LayerSteps) -> Iterator[Operation]:
        """Step I."""
        yield from layer.forward(*self.used)

    def backward(self, layer: LayerSteps) -> Iterator[Operation]:
        """Step II."""
        yield from layer.backward(*self.used)

    def update(self, layer: LayerSteps, sample: int) -> Iterator[Operation]:
        """Steps III to V."""
        yield from layer.update("A", main="C")
        for line in layer.reads(sample):
            parts = None if self.hadamard else line.line_parts("A", sample)
            yield line.read_out("A", parts)
            yield line.choose_pulses("A")
            yield from line.hand_over("A", "C")
            yield line.transfer("C", Opcode.TRANSFER_UPDATE, parts)
