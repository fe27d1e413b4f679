"""Streams in a chip's description: where each is placed, and how long its words are."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Final

from twin.operation import Stream

if TYPE_CHECKING:
    from twin.config.chip import Chip

FIELDS: Final = {
    Stream.ACTIVATIONS: "activations",
    Stream.ERRORS: "errors",
    Stream.H: "h",
    Stream.WEIGHTS: "weights",
    Stream.PULSES: "pulses",
}
WORDS: Final = {
    Stream.INPUT: "input_word",
    Stream.ACTIVATIONS: "activation_word",
    Stream.ERRORS: "error_word",
    Stream.H: "h_word",
    Stream.WEIGHTS: "weight_word",
    Stream.PULSES: "pulse_word",
}


def word_bytes(chip: Chip, stream: Stream, words: int) -> int:
    """Whole bytes that `words` words of `stream` fill, rounded up once for all of them."""
    word: float = getattr(chip.placement, WORDS[stream])
    return math.ceil(words * word)


def share(n_bytes: int, tiles: int) -> int:
    """Bytes of a tile that holds its share."""
    return -(-n_bytes // tiles)


def has_registers(chip: Chip) -> bool:
    """Whether the chip's tiles are built with registers: something is placed there, or may be."""
    placement = vars(chip.placement)  # a look that does not count as reading
    placed = {placement[field] for field in FIELDS.values()}
    if "auto" in placed and vars(chip)["registers"] is not None:
        return True
    return "registers" in placed or placement["prefetch_h"] > 0
