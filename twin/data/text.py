"""A text as a data set: codes of characters, split in order, cut into sequences."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import numpy.typing as npt

from twin.data.dataset import Array, Dataset
from twin.errors import TwinError

TEST_SHARE = 10  # the last tenth is for the test, about as Gokmen 2021: 325,000 of 3,258,246


@dataclass(frozen=True, slots=True)
class Text:
    """Characters and their alphabet.

    Attributes
    ----------
    place : str
        What messages name: the data set, or the key and its value.
    raw : bytes
        The text as it is learnt; its SHA-256 goes into the facts.
    encoding : str
        What turns `raw` into characters.
    alphabet : str
        The symbols where they are fixed; empty where they are those that occur.
    notes : mapping of str to str
        Further facts.
    """

    place: str
    raw: bytes
    encoding: str
    alphabet: str = ""
    notes: Mapping[str, str] = field(default_factory=dict)

    def sequences(self, steps: int, test_characters: int = 0) -> Dataset:
        """Split the text and cut both parts into sequences of `steps` characters.

        Sequence k of a part holds its characters k steps to (k + 1) steps - 1, and its targets are the characters
        one further on. What is left at the end of a part is dropped; no target of one part lies in the other.

        Parameters
        ----------
        steps : int
            Characters in a sequence, at least 1.
        test_characters : int
            The last so many characters are for the test; 0: a tenth, rounded up.

        Raises
        ------
        TwinError
            Where fewer than two symbols occur or a part is too short for one sequence.
        """
        codes, symbols = self._codes()
        tested = test_characters or -(-len(codes) // TEST_SHARE)
        if test_characters >= len(codes) > 0:
            raise TwinError(
                f"data.test_characters (= {test_characters}): must be below the {len(codes)} characters of {self.place}"
            )
        parts = {"training": codes[: len(codes) - tested], "test": codes[len(codes) - tested :]}
        for name, part in parts.items():
            if len(part) <= steps:
                raise TwinError(
                    f"{self.place}: {len(part)} {name} characters are too few for one sequence of {steps} and the "
                    f"character after it; use a longer text, shorter sequences or other data.test_characters"
                )
        if codes.min() == codes.max():
            raise TwinError(f"{self.place}: holds one character only, again and again; use a text with two or more")
        inputs, targets = _cut(parts["training"], steps)
        test_inputs, test_targets = _cut(parts["test"], steps)
        facts: dict[str, str | int] = {
            "characters": len(codes),
            "symbols": len(symbols),
            "training characters": len(parts["training"]),
            "test characters": len(parts["test"]),
            "training characters dropped": len(parts["training"]) - inputs.size - 1,
            "test characters dropped": len(parts["test"]) - test_inputs.size - 1,
            "sha256": hashlib.sha256(self.raw).hexdigest(),
            **self.notes,
        }
        return Dataset(inputs, targets, test_inputs, test_targets, symbols=symbols, sequential=True, facts=facts)

    def _codes(self) -> tuple[npt.NDArray[np.intp], tuple[str, ...]]:
        points = _points(self.raw.decode(self.encoding))
        known = np.unique(_points(self.alphabet) if self.alphabet else points)
        return np.searchsorted(known, points), tuple(chr(point) for point in known)


def _points(characters: str) -> npt.NDArray[np.uint32]:
    return np.frombuffer(characters.encode("utf-32-le"), "<u4")


def _cut(codes: npt.NDArray[np.intp], steps: int) -> tuple[Array, Array]:
    """Return inputs and targets, (sequences, steps); exact, as codes are below 2^24."""
    used = (len(codes) - 1) // steps * steps
    values = codes[: used + 1].astype(np.float32)
    return values[:-1].reshape(-1, steps), values[1:].reshape(-1, steps)
