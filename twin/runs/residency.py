"""What a network that is only timed keeps on each chip, and where it goes when the buffer is too small."""

from collections import Counter
from collections.abc import Mapping, Sequence

from twin.chip import Kept
from twin.chip.capacity import check_capacity
from twin.chip.streams import FIELDS
from twin.config.chip import Chip
from twin.errors import TwinError
from twin.mapping.chips import Placement
from twin.operation import Stream

PLACES = ("buffer", "memory")
SPILLING = (Stream.ERRORS, Stream.ACTIVATIONS, Stream.H, Stream.WEIGHTS)
"""Streams in the order in which they leave a buffer that is too small."""


def check_described(chip: Chip) -> None:
    """Refuse what the costs of several chips of a `[system]` do not describe.

    Raises
    ------
    TwinError
        Naming the table or the key.
    """
    placement = chip.placement
    places = {"h": placement.h, "activations": placement.activations, "errors": placement.errors}
    wrong = next((f"placement.{key} (= {place!r})" for key, place in places.items() if place not in PLACES), "")
    if placement.pulses != "drivers":
        wrong = f"placement.pulses (= {placement.pulses!r})"
    if placement.prefetch_h:
        wrong = f"placement.prefetch_h (= {placement.prefetch_h})"
    if wrong:
        raise TwinError(f"{chip.name}: {wrong}: is not described for networks on several chips; use buffer or memory")
    if chip.memory.banked:
        wrong = f"memory.kind (= {chip.memory.kind!r})"
    if chip.network is not None:
        wrong = "network"
    if chip.mapping.pack or any(copies > 1 for copies in chip.mapping.replicate):
        wrong = "mapping"
    if wrong:
        raise TwinError(
            f"{chip.name}: {wrong}: is described for one chip or a [cluster], and the network takes several of a "
            "[system]; use a chip with a memory channel and links, e.g. aimc-512"
        )


def resident_per_chip(kept: Sequence[Kept], sections: Sequence[range], placement: Placement) -> dict[Stream, int]:
    """Return the words of each stream kept at once on a chip of the fullest section, whose chips share them equally."""
    section_of = {layer: number for number, layers in enumerate(sections) for layer in layers}
    words: Counter[tuple[int, Stream]] = Counter()
    for one in kept:
        words[section_of[max(one.layer, 0)], one.stream] += one.words
    chips = Counter(placement.block)
    shares: dict[Stream, int] = {}
    for (section, stream), found in words.items():
        shares[stream] = max(shares.get(stream, 0), -(-found // chips[section]))
    return shares


def resident(kept: Sequence[Kept], chips: int) -> dict[Stream, int]:
    """Return the words of each stream kept at once, on one of so many `chips`."""
    words: Counter[Stream] = Counter()
    for one in kept:
        words[one.stream] += one.words
    return {stream: -(-found // chips) for stream, found in words.items()}


def spilled(chip: Chip, words: Mapping[Stream, int]) -> tuple[Chip, list[str]]:
    """Return the chip with streams that do not fit the buffer placed in memory, and a line about each."""
    lines: list[str] = []
    if any(words.get(stream) and getattr(chip.placement, FIELDS[stream]) not in PLACES for stream in FIELDS):
        return chip, lines  # registers, or placed by capacity
    for stream in SPILLING:
        try:
            check_capacity(chip, words)
        except TwinError:
            field = FIELDS[stream]
            if getattr(chip.placement, field) == "buffer" and words.get(stream):
                moved = chip.placement.model_copy(update={field: "memory"})
                chip = chip.model_copy(update={"placement": moved})
                lines.append(f"placement.{field}: {words[stream]:,} words a chip leave the buffer for the memory")
    return chip, lines
