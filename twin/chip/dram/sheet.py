"""What the banks of a DRAM go by: timing rules in picoseconds, sizes, energies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, NamedTuple, final

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Access(NamedTuple):
    """A transfer that operations repeat: which lines of which region it walks through.

    Attributes
    ----------
    cursor : int
        Which counter says how many lines were passed.
    base, pitch : int
        The first burst of the region and the bursts from line to line.
    lines : int
        After the last line comes the first again.
    n_bytes : int
        Of one line.
    writes : bool
    """

    cursor: int
    base: int
    pitch: int
    lines: int
    n_bytes: int
    writes: bool


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class DataSheet:
    """All channels of a DRAM, as its data sheet says, in picoseconds and joules.

    Attributes
    ----------
    rules : ndarray of int64
        Timing rules, ps, and sizes, as `twin.chip.dram.kernel` numbers them.
    order, sizes : ndarray of int64, (6,)
        Fields of a burst's address, the least significant first, and how many there are of each.
    channels, ranks, burst_bytes : int
    activate_J, refresh_J : float
        One row opened and closed; one refresh of a rank.
    read_J, write_J : float
        One burst, wires included.
    background_W, refresh_W : float
        Of all ranks.
    """

    rules: NDArray[np.int64]
    order: NDArray[np.int64]
    sizes: NDArray[np.int64]
    channels: int
    ranks: int
    burst_bytes: int
    activate_J: float
    read_J: float
    write_J: float
    background_W: float
    refresh_W: float

    def bursts(self, n_bytes: float) -> int:
        """Return how many bursts carry `n_bytes` that begin with a burst."""
        return -(-int(n_bytes) // self.burst_bytes)

    def energy_J(self, n_bytes: float, *, writes: bool) -> float:
        """Return the energy of the column accesses and wires of `n_bytes`, J; activations are counted apart."""
        return self.bursts(n_bytes) * (self.write_J if writes else self.read_J)
