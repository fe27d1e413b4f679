"""The description of where the streams of a chip live, and how wide a word of each is."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from twin.config.checks import refusal
from twin.config.part import Part
from twin.config.quantity import Bytes

Place = Literal["registers", "buffer", "memory", "auto"]
Rows = Annotated[int, Field(ge=0, le=1_000_000)]
LONGEST_FIXED = 16  # bits: what float32 arithmetic rounds without an error of its own
FLOAT_BITS = 32


class Placement(Part):
    """Where the streams live, and how wide a word of each is.

    "auto" takes the first of registers, buffer and memory with room.
    """

    h: Place
    """Where the digital matrices of transfers live: H, AGAD's references, chi."""
    activations: Place
    """Where activations wait for the next layer and the backward pass."""
    errors: Place
    """Where the errors of the backward pass live."""
    weights: Place
    """Where digital matrices live: W of the baseline, A and C of digital-shd."""
    pulses: Literal["drivers", "registers", "buffer", "memory", "auto"] = "drivers"
    """Where the pulse probabilities of an update live: "drivers", they go straight from the slice to the drivers beside
    it and are kept nowhere.
    """
    prefetch_h: Rows = 0
    """Rows of H that a layer fetches ahead into its registers; 0: none."""
    prefetch_input: Annotated[int, Field(ge=0, le=4096)] = 0
    """Samples that come from the host into the buffer while those before are under way; 1: double-buffered input."""
    h_word: Bytes
    """Size of one element of H, which also rounds it: 4 B is float32, up to 2 B are fixed point."""
    h_rounding: Literal["stochastic", "nearest"] = "stochastic"
    """How H in fixed point is rounded."""
    activation_word: Bytes
    """Size of one activation."""
    error_word: Bytes
    """Size of one error."""
    weight_word: Bytes
    """Size of one weight of the digital baseline."""
    input_word: Bytes
    """Size of one element of a sample as it comes from the host."""
    pulse_word: Bytes = 1.0
    """Size of one pulse probability, where `pulses` are kept somewhere."""

    @model_validator(mode="after")
    def _pulses_that_are_kept_have_a_width(self) -> Self:
        if vars(self)["pulses"] != "drivers" and "pulse_word" not in self.model_fields_set:
            raise refusal(("pulse_word",), 'is needed where pulses are placed, e.g. "1 B"')
        return self

    @model_validator(mode="after")
    def _h_words_are_kept_as_they_are_counted(self) -> Self:
        bits = 8 * vars(self)["h_word"]
        if bits != FLOAT_BITS and not (bits == round(bits) and 2 <= bits <= LONGEST_FIXED):
            raise refusal(("h_word",), 'must be "4 B" (float32) or whole bits up to "2 B" (fixed point), e.g. "1 B"')
        return self
