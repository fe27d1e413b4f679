"""Whether what a run keeps fits where the chip places it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.chip.placing import remedy
from twin.chip.streams import FIELDS, word_bytes
from twin.errors import TwinError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from twin.config.chip import Chip
    from twin.operation import Stream


def check_capacity(chip: Chip, resident: Mapping[Stream, int]) -> dict[str, int]:
    """Refuse a run whose matrices and vectors do not fit.

    Parameters
    ----------
    chip : Chip
    resident : mapping of Stream to int
        Words that are kept at once: all of H, all weights, the activations and errors of every
        sample in flight.

    Returns
    -------
    dict of str to int
        Bytes placed in ``"buffer"`` and ``"memory"``.

    Raises
    ------
    TwinError
        Naming the placement that does not fit and where it would.
    """
    used = {"buffer": 0, "memory": 0}
    for stream, words in resident.items():
        if not words:
            continue
        place = getattr(chip.placement, FIELDS[stream])
        used[place] += word_bytes(chip, stream, words)
        size = chip.buffer.size_B if place == "buffer" else chip.memory.size_B
        if used[place] > size:
            raise TwinError(
                f"{chip.name}: placement.{FIELDS[stream]} (= {place!r}): {words} words need "
                f"{used[place]} bytes there with what is placed before, more than {place}.size "
                f"(= {size:.0f} bytes); {remedy(chip, place, stream)}"
            )
    return used
