"""Where a run's matrices and vectors are kept: as the chip places them, or by capacity, and whether they fit."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from twin.chip.streams import FIELDS, has_registers, share, word_bytes
from twin.errors import TwinError
from twin.operation import Stream

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.config.chip import Chip
    from twin.mapping import Mapping

PREFERENCE: Final = ("registers", "buffer", "memory")
# Those that "auto" places choose in this order: what is small and moved in every sample before what is large.
TURNS: Final = (Stream.PULSES, Stream.ERRORS, Stream.ACTIVATIONS, Stream.H, Stream.WEIGHTS)


class Kept(NamedTuple):
    """Words that are kept at once, and whose tiles' registers they would be in.

    Attributes
    ----------
    stream : Stream
    words : int
    layer, matrix : int, str
        Layer -1 for the host's input; that, and what belongs to a layer without tiles, is in the buffer where its
        stream is in registers.
    ahead : bool
        Lines of H fetched ahead: in registers whatever the place of H.
    """

    stream: Stream
    words: int
    layer: int
    matrix: str
    ahead: bool = False


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the streams of a run are.

    Attributes
    ----------
    places : dict of Stream to str
        Of every stream of which something is kept: "registers", "buffer" or "memory".
    n_bytes : dict of Stream to int
        What is kept of each.
    used : dict of str to int
        Bytes by place; of registers those of the fullest tile.
    warnings : tuple of str
        Which streams found no room where they were wanted.
    """

    places: dict[Stream, str]
    n_bytes: dict[Stream, int]
    used: dict[str, int]
    warnings: tuple[str, ...]


def place_streams(chip: Chip, mapping: Mapping, kept: Sequence[Kept]) -> Placed:
    """Place every stream: first what the chip places, then what it leaves to capacity.

    "auto" takes the first of `PREFERENCE` in which the whole stream fits beside what is there already; streams
    choose in the order of `TURNS`.

    Raises
    ------
    TwinError
        Naming what does not fit, and where it would.
    """
    rooms = _Rooms(chip, mapping)
    found = {stream: [one for one in kept if one.stream is stream and one.words and not one.ahead] for stream in TURNS}
    found = {stream: of_it for stream, of_it in found.items() if of_it}
    wanted: dict[Stream, str] = {stream: getattr(chip.placement, FIELDS[stream]) for stream in found}
    places, warnings = dict(wanted), []
    for stream, place in wanted.items():
        if place != "auto":
            rooms.take(stream, found[stream], place)
    rooms.take_ahead([one for one in kept if one.ahead])
    for stream, place in wanted.items():
        if place == "auto":
            places[stream], refused = rooms.choose(stream, found[stream])
            if refused:
                warnings.append(f"{stream} spilled to {places[stream]}: {refused}")
    n_bytes = {stream: sum(word_bytes(chip, stream, one.words) for one in of_it) for stream, of_it in found.items()}
    return Placed(places, n_bytes, rooms.used(), tuple(warnings))


class _Rooms:
    """What is left in each place."""

    def __init__(self, chip: Chip, mapping: Mapping) -> None:
        self._chip, self._mapping = chip, mapping
        chips = chip.cluster.chips if chip.cluster else 1  # whose buffers and memories count together
        self._sizes = {"buffer": chips * chip.buffer.size_B, "memory": chips * chip.memory.size_B}
        if mapping.tiles and has_registers(chip) and chip.registers is not None:
            self._sizes["registers"] = chip.registers.size_B
        self._used: dict[str, NDArray[np.int64]] = {
            place: np.zeros(len(mapping.tiles) if place == "registers" else 1, np.int64) for place in PREFERENCE
        }

    def take(self, stream: Stream, kept: Sequence[Kept], place: str) -> None:
        """Place a stream where the chip wants it."""
        self._check_registers(f"placement.{FIELDS[stream]} (= {place!r})", place)
        needed = self._needed(stream, kept, place)
        for where, amount in needed.items():
            self._used[where] += amount
            if self._used[where].max() > self._sizes[where]:
                words = sum(one.words for one in kept)
                raise TwinError(
                    f"{self._chip.name}: placement.{FIELDS[stream]} (= {place!r}): {words} words need "
                    f"{self._used[where].max()} bytes {_there(where)} with what is placed before, more than "
                    f"{where}.size (= {self._sizes[where]:.0f} bytes); {remedy(self._chip, where, stream)}"
                )

    def take_ahead(self, kept: Sequence[Kept]) -> None:
        """Place lines of H that are fetched ahead."""
        rows = self._chip.placement.prefetch_h
        for one in kept:
            self._check_registers(f"placement.prefetch_h (= {rows})", "registers", "set prefetch_h = 0")
            self._used["registers"] += self._needed(Stream.H, [one], "registers")["registers"]
        if kept and self._used["registers"].max() > self._sizes["registers"]:
            raise TwinError(
                f"{self._chip.name}: placement.prefetch_h (= {rows}): lines of H need {self._used['registers'].max()} "
                f"bytes {_there('registers')} with what is placed before, more than registers.size (= "
                f"{self._sizes['registers']:.0f} bytes); fetch fewer ahead or enlarge registers.size"
            )

    def choose(self, stream: Stream, kept: Sequence[Kept]) -> tuple[str, str]:
        """Place a stream in the first place with room; return it, and why not an earlier one."""
        refused: list[str] = []
        for place in PREFERENCE:
            if place not in self._sizes:
                continue
            needed = self._needed(stream, kept, place)
            left = {where: self._sizes[where] - self._used[where].max() for where in needed}
            short = [w for w, more in needed.items() if (self._used[w] + more).max() > self._sizes[w]]
            if not short:
                for where, more in needed.items():
                    self._used[where] += more
                return place, "; ".join(refused)
            where = short[0]
            refused.append(f"needs {needed[where].max()} bytes {_there(where)}, {left[where]:.0f} left")
        raise TwinError(
            f"{self._chip.name}: placement.{FIELDS[stream]} (= 'auto'): fits nowhere: {'; '.join(refused)}; "
            f"{_more_memory(self._chip)} or use shorter words"
        )

    def used(self) -> dict[str, int]:
        """Return the bytes taken by place."""
        return {place: int(self._used[place].max(initial=0)) for place in PREFERENCE}

    def _check_registers(self, setting: str, place: str, fix: str = 'set "buffer" or "memory"') -> None:
        if place != "registers" or place in self._sizes:
            return
        reason = "the layout has no tiles whose registers these would be"
        if self._chip.registers is None:
            reason = "the chip describes no registers"
            fix += " or add a table [registers] (size, bandwidth, latency, energy, area, leakage of one tile's)"
        raise TwinError(f"{self._chip.name}: {setting}: {reason}; {fix}")

    def _needed(self, stream: Stream, kept: Sequence[Kept], place: str) -> dict[str, NDArray[np.int64]]:
        """Return the bytes by place, of registers by tile; what the host sent is not in registers."""
        needed = {place: np.zeros_like(self._used[place])}
        for one in kept:
            n_bytes = word_bytes(self._chip, stream, one.words)
            if place != "registers":
                needed[place] += n_bytes
            elif one.layer < 0 or not self._mapping.tiles_of(one.layer, one.matrix):
                needed["buffer"] = needed.get("buffer", np.zeros(1, np.int64)) + n_bytes
            else:
                tiles = self._mapping.tiles_of(one.layer, one.matrix)
                needed[place][tiles] += share(n_bytes, len(tiles))
        return needed


def _there(place: str) -> str:
    return "in the fullest tile's registers" if place == "registers" else f"in the {place}"


def remedy(chip: Chip, place: str, stream: Stream) -> str:
    """Say what makes room for a stream that does not fit in `place`."""
    if place == "registers":
        enlarge = chip.registers.remedy if chip.registers is not None else "enlarge {place}.size"
        return f'set placement.{FIELDS[stream]} = "buffer" or "auto", or {enlarge.format(place=place)}'
    if place == "buffer":
        return f'set placement.{FIELDS[stream]} = "memory" or {chip.buffer.remedy.format(place=place)}'
    return f"{_more_memory(chip)} or use shorter words"


def _more_memory(chip: Chip) -> str:
    return chip.memory.remedy.format(place="memory")
