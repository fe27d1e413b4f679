"""Where each key of a TOML text stands: a scanner for valid TOML, as tomllib keeps no positions."""

import json
import re

from twin.config.part import KeyPath

_BLANK = re.compile(r"(?:[ \t\r\n]|#[^\n]*)*")
_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")
_SCALAR = re.compile(r"[^,\]}\n#]*")
_STRING = re.compile(
    r'"""(?:\\.|[^\\])*?"{3,5}|\'\'\'.*?\'{3,5}|"(?:\\.|[^"\\\n])*"|\'[^\'\n]*\'',
    re.DOTALL,
)


def key_lines(text: str) -> dict[KeyPath, int]:
    """Map the path of every table, key and list element to its line, counted from 1.

    Parameters
    ----------
    text : str
        TOML that tomllib accepts; anything else gives an incomplete map, never an error.
    """
    scanner = _Scanner(text)
    try:
        scanner.document()
    except (IndexError, ValueError, RecursionError):
        return scanner.lines
    return scanner.lines


class _Scanner:
    """One pass over the text; `lines` fills up as it goes."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0
        self.lines: dict[KeyPath, int] = {}
        self._counted_to = 0
        self._line = 1
        self._elements: dict[KeyPath, int] = {}

    def document(self) -> None:
        table: KeyPath = ()
        self._blank()
        while self.at < len(self.text):
            if self.text.startswith("[", self.at):
                table = self._header()
            else:
                self._pair(table)
            self._blank()

    def _header(self) -> KeyPath:
        many = self.text.startswith("[[", self.at)
        line = self._line_here()
        self.at += 2 if many else 1
        path = self._resolve(self._key())
        self.at += 2 if many else 1
        self.lines.setdefault(path, line)
        if many:
            index = self._elements.get(path, -1) + 1
            self._elements[path] = index
            path = (*path, index)
            self.lines[path] = line
        return path

    def _resolve(self, keys: tuple[str, ...]) -> KeyPath:
        """Enter the last element of every list of tables that the header passes through."""
        path: KeyPath = ()
        for position, key in enumerate(keys):
            path = (*path, key)
            if path in self._elements and position < len(keys) - 1:
                path = (*path, self._elements[path])
        return path

    def _pair(self, table: KeyPath) -> None:
        line = self._line_here()
        path = table
        for key in self._key():
            path = (*path, key)
            self.lines.setdefault(path, line)
        self.at = self.text.index("=", self.at) + 1
        self._blank()
        self._value(path)

    def _key(self) -> tuple[str, ...]:
        keys = []
        while True:
            self._blank()
            if self.text[self.at] in "\"'":
                quoted = self._match(_STRING)
                keys.append(json.loads(quoted, strict=False) if quoted[0] == '"' else quoted[1:-1])
            else:
                keys.append(self._match(_BARE_KEY))
            self._blank()
            if not self.text.startswith(".", self.at):
                return tuple(keys)
            self.at += 1

    def _value(self, path: KeyPath) -> None:
        opening = self.text[self.at]
        if opening in "\"'":
            self._match(_STRING)
        elif opening == "[":
            self._sequence("]", path)
        elif opening == "{":
            self._sequence("}", path)
        else:
            self._match(_SCALAR)

    def _sequence(self, closing: str, path: KeyPath) -> None:
        self.at += 1
        index = 0
        self._blank()
        while self.text[self.at] != closing:
            if closing == "]":
                self.lines[*path, index] = self._line_here()
                self._value((*path, index))
                index += 1
            else:
                self._pair(path)
            self._blank()
            if self.text[self.at] == ",":
                self.at += 1
                self._blank()
        self.at += 1

    def _blank(self) -> None:
        match = _BLANK.match(self.text, self.at)
        self.at = match.end() if match else self.at

    def _match(self, pattern: re.Pattern[str]) -> str:
        match = pattern.match(self.text, self.at)
        if match is None or match.end() == self.at:
            raise ValueError(self.at)
        self.at = match.end()
        return match.group()

    def _line_here(self) -> int:
        self._line += self.text.count("\n", self._counted_to, self.at)
        self._counted_to = self.at
        return self._line
