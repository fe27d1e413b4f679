"""Short words of digital matrices: fixed point with stochastic rounding.

What a transfer keeps of H never exceeds the threshold, because beyond it the element crosses and is reset: a word
of b bits is a sign and a fraction of the threshold, and leaving its range is the crossing. Steps are uniform, since
the filter adds many small terms up to the threshold: a floating-point word of the same width would be coarsest
where it crosses. A term below half a step is lost in rounding to nearest; rounded up with the probability of what
is cut off it adds up without bias (Gupta et al., ICML 2015).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from twin.algorithms.settings import Settings
from twin.config.placement import Placement
from twin.errors import TwinError
from twin.machine.state import FIELDS

Records = npt.NDArray[np.void]


@dataclass(frozen=True, slots=True)
class Word:
    """How the elements of H (P and P_ref of AGAD, chi of mixed precision) are kept.

    Attributes
    ----------
    bits : int
        32 for float32, else fixed point.
    nearest : bool
        Round to the nearest step instead of stochastically.
    """

    bits: int = 32
    nearest: bool = False

    @classmethod
    def of(cls, placement: Placement) -> Self:
        """Return the word that a chip places."""
        bits = round(8 * placement.h_word)
        return cls(bits, bits < 32 and placement.h_rounding == "nearest")

    @property
    def top(self) -> int:
        """Most steps from 0, either way."""
        return int(2 ** (self.bits - 1)) - 1


FLOAT32 = Word()


def place_words(word: Word, layers: Records, matrices: Records, nominal: Sequence[float], settings: Settings) -> None:
    """Enter the steps of the layers' digital matrices; all stay 0 for float32. `nominal` is by matrix, as its record.

    H has the threshold for its range; P and P_ref, which are readings of A, twice A's nominal weight; chi as many
    pulses as a transfer fires at most, in steps of which a power of two makes a pulse.

    Raises
    ------
    TwinError
        When AGAD's devices have no bounds from which a range would follow, or nothing is known of a matrix's range.
    """
    if word.bits == 32 or not settings.h_words:
        return
    exact = [one.name for one in settings.state if one.stored and one.name not in FIELDS]
    if exact:
        raise TwinError(
            f"placement.h_word (= {word.bits / 8:g} B): {exact[0]} is kept in float32 alone; use h_word = 4 B"
        )
    for record in layers:
        record["word_top"], record["word_nearest"] = word.top, word.nearest
        if settings.accumulates:
            pulses = float(matrices[record["main"]]["transfer_bl"])
            record["h_step"] = record["granularity"] / 2.0 ** max(0, np.floor(np.log2(word.top / pulses)))
            continue
        record["h_step"] = record["threshold"] / (word.top + 1)
        record["reset"] = np.rint(record["reset"] / record["h_step"]) * record["h_step"]
        if settings.tail > 0:
            reach = 2 * nominal[record["fast"]]
            if not np.isfinite(reach):
                raise TwinError(
                    f"placement.h_word (= {word.bits / 8:g} B): AGAD's P needs a range, and the device has no bounds; "
                    "use a device with bounds or h_word = 4 B"
                )
            record["mean_step"] = reach / (word.top + 1)
