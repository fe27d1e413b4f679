"""The text of an .ini file as DRAMsim3 reads it, each value with its line."""

import re
from collections.abc import Iterator
from math import isfinite
from pathlib import Path
from typing import NamedTuple

from twin.errors import TwinError, one_line
from twin.files import read_limited

MOST_BYTES = 1_000_000
LONGEST = 200
LARGEST = 2**31 - 1
REMARK = re.compile(r"\s+\(.*\)$")
"""What may stand behind a number: GDDR5X_8Gb_x32.ini has ``tCK = 0.666 (1/1.5)``."""
TRUE, FALSE = ("true", "yes", "on", "1"), ("false", "no", "off", "0")


class Entry(NamedTuple):
    """A value as it stands, and its line."""

    text: str
    line: int


class Ini:
    """Sections and keys of a file, without regard to case; `taken` grows by every key that is asked for.

    DRAMsim3 reads its files with inih: ``key = value`` or ``key: value``, comments behind ``;`` or ``#``. The standard
    library's reader of such files keeps no lines, which an error must name.
    """

    def __init__(self, label: str, text: str) -> None:
        self.label = label
        self.entries: dict[tuple[str, str], Entry] = {}
        self.taken: set[tuple[str, str]] = set()
        section = ""
        for number, whole in enumerate(text.splitlines(), 1):
            line = whole.partition(";")[0].partition("#")[0].strip()
            if not line:
                continue
            if line.startswith("["):
                if not line.endswith("]"):
                    raise self.refused(number, f"{_shown(line)}: a section needs a closing bracket")
                section = line[1:-1].strip().lower()
                continue
            cut = min((line.find(mark) for mark in "=:" if mark in line), default=-1)
            if cut < 1:
                raise self.refused(number, f"{_shown(line)}: must be a [section] or key = value")
            place = (section, line[:cut].strip().lower())
            if place in self.entries:
                raise self.refused(
                    number, f"{_shown(line[:cut].strip())}: stands twice, first in line {self.entries[place].line}"
                )
            self.entries[place] = Entry(line[cut + 1 :].strip(), number)

    @classmethod
    def read(cls, path: Path) -> "Ini":
        """Read a file.

        Raises
        ------
        TwinError
            When it cannot be read, is no text or has a line of another form.
        """
        try:
            return cls(str(path), read_limited(path, MOST_BYTES).decode("utf-8-sig"))
        except UnicodeDecodeError as error:
            raise TwinError(f"{path}: byte {error.start} is no UTF-8; an .ini file of DRAMsim3 is plain text") from None

    def refused(self, line: int, rule: str) -> TwinError:
        """Return the error of a line."""
        return TwinError(f"{self.label}:{line}: {rule}")

    def has(self, section: str, key: str) -> bool:
        """Return whether a key is there."""
        return (section, key.lower()) in self.entries

    def line(self, section: str, key: str) -> int:
        """Return the line of a key that is there."""
        return self.entries[section, key.lower()].line

    def text(self, section: str, key: str, default: str) -> str:
        """Return a value as text."""
        entry = self._take(section, key)
        return default if entry is None else entry.text

    def number(self, section: str, key: str, default: float, *, least: float = 0.0, most: float = LARGEST) -> float:
        """Return a number within bounds; DRAMsim3's `default` where the key is missing."""
        entry = self._take(section, key)
        if entry is None:
            return default
        try:
            value = float(REMARK.sub("", entry.text))
        except ValueError:
            value = float("nan")
        if not isfinite(value) or not least <= value <= most:
            rule = f"must be a number from {least:g} to {most:g}"
            raise self.refused(entry.line, f"{key} (= {_shown(entry.text)}): {rule}")
        return value

    def count(self, section: str, key: str, default: int, *, least: int = 0, most: int = LARGEST) -> int:
        """Return a whole number within bounds."""
        value = self.number(section, key, default, least=least, most=most)
        if value != int(value):
            raise self.refused(self.line(section, key), f"{key} (= {value:g}): must be a whole number")
        return int(value)

    def flag(self, section: str, key: str, *, default: bool) -> bool:
        """Return whether a switch is on."""
        entry = self._take(section, key)
        if entry is None:
            return default
        if entry.text.lower() not in TRUE + FALSE:
            raise self.refused(entry.line, f"{key} (= {_shown(entry.text)}): must be true or false")
        return entry.text.lower() in TRUE

    def untaken(self) -> Iterator[tuple[str, str, Entry]]:
        """Yield section, key and entry of everything that nothing has asked for."""
        for place, entry in self.entries.items():
            if place not in self.taken:
                yield (*place, entry)

    def _take(self, section: str, key: str) -> Entry | None:
        place = (section, key.lower())
        self.taken.add(place)
        return self.entries.get(place)


def _shown(text: str) -> str:
    return one_line(text)[:LONGEST]
