"""A description on its way to a model: its values, and where each came from."""

import tomllib
from collections.abc import Iterable, Mapping
from typing import Any

from twin.config.kinds import DEFAULT, KINDS
from twin.config.lines import key_lines
from twin.config.part import KeyPath, Part, dotted, leaves, visible
from twin.config.presets import Preset, families, may_be_file, preset_file, presets
from twin.config.resources import Document, is_path, misspelt, suggestion
from twin.config.sources import flatten_sources
from twin.errors import TwinError, one_line

COMMAND_LINE = "command line"
RESOLVED = "# A resolved description: the comment behind a value is its origin."
SET_SOURCE = "assumption: set on the command line"


class Draft:
    """The merged values of a file, its presets and the command line, before validation.

    Attributes
    ----------
    data : dict
        The values, as TOML gives them.
    """

    def __init__(self, document: Document, data: dict[str, Any], kind: str) -> None:
        self.label = document.label
        self.data = data
        self._lines = key_lines(document.text)
        self._rows = document.text.splitlines() if document.text.startswith(RESOLVED) else []
        self._set: set[KeyPath] = set()
        self._filled: dict[KeyPath, str] = {}
        self._kind = kind
        if isinstance(data.get("sources"), dict):
            data["sources"] = flatten_sources(data["sources"])

    def override(self, overrides: Mapping[str, str]) -> None:
        """Set values by dotted key; the text is read as a TOML value, else as a string."""
        for key, text in overrides.items():
            path: KeyPath = tuple(key.split("."))
            if path[0] == "sources" and len(path) > 1:
                path = ("sources", ".".join(str(part) for part in path[1:]))
            self._put(key, path, _value(text))

    def _put(self, key: str, path: KeyPath, value: Any) -> None:
        place: Any = self.data
        where: list[str | int] = []
        for step in path[:-1]:
            index = _index(place, step)
            if isinstance(place, dict):
                place.setdefault(index, {})
            elif not isinstance(place, list):
                raise TwinError(self._refused(key, f"{self._typed(where)} is a value, not a table"))
            elif index is None:
                raise TwinError(self._refused(key, _beyond(len(place))))
            place = place[index]
            where.append(index)
        last = _index(place, path[-1])
        if not isinstance(place, dict | list):
            raise TwinError(self._refused(key, f"{self._typed(where)} is a value, not a table"))
        if last is None:
            raise TwinError(self._refused(key, _beyond(len(place))))
        place[last] = value
        full = (*where, last)
        self._set.add(full)
        self._replace_sources(dotted(full))

    def _typed(self, path: Iterable[str | int]) -> str:
        """Write a key as the command line takes it: those of a chip after ``chip.``."""
        return dotted(("chip", *path) if self._kind == "chip" else tuple(path))

    def _refused(self, key: str, rule: str) -> str:
        return f"{COMMAND_LINE}: {one_line(self._typed([key]))}: {rule}"

    def _replace_sources(self, key: str) -> None:
        sources = self.data.get("sources")
        if not isinstance(sources, dict) or key.startswith("sources.") or key.endswith((".preset", ".file", ".kind")):
            return  # what says where values come from, or which there are, is no constant
        if "." not in key and not isinstance(self.data[key], dict):
            return
        for stale in [name for name in sources if name == key or name.startswith(f"{key}.")]:
            del sources[stale]
        sources[key] = SET_SOURCE

    def fill_presets(self) -> None:
        """Fill every table that names a preset with the preset's values and their sources.

        Raises
        ------
        TwinError
            On an unknown preset.
        """
        self._name_kinds()
        for path, family in families(self._kind):
            table: Any = self.data
            for step in path:
                table = table.get(step) if isinstance(table, dict) else None
            if not isinstance(table, dict) or not isinstance(table.get("preset"), str):
                continue
            if table.get("kind", family) != family:
                continue
            name = table["preset"]
            if may_be_file(family) and is_path(name):
                if not self.is_resolved:  # a resolved description has the values, and the file may be gone
                    self._fill(path, table, preset_file(family, name))
                continue
            known = presets(family)
            if name not in known:
                rule = f"is no {family} preset{suggestion(name, known)}"
                raise TwinError(self.message((*path, "preset"), rule, name))
            self._fill(path, table, known[name])

    def _name_kinds(self) -> None:
        """Write the default kind where a table that has kinds names none."""
        for name in KINDS if self._kind == "chip" else ():
            table = self.data.get(name)
            if isinstance(table, dict) and "kind" not in table:
                wrong = misspelt("kind", table)
                if wrong is not None:
                    raise TwinError(self.message((name, wrong), f"unknown key{suggestion(wrong, ['kind'])}"))
                table["kind"] = DEFAULT

    def _fill(self, path: KeyPath, table: dict[str, Any], preset: Preset) -> None:
        for key, value in preset.values.items():
            if key not in table:
                self.fill(table, (*path, key), value, preset.sources[key], f"preset {preset.name}")

    def fill(self, table: dict[str, Any], path: KeyPath, value: Any, source: str, origin: str) -> None:
        """Give a key of `table` that the file leaves out its value, source and origin."""
        table[str(path[-1])] = value
        self._filled[path] = origin
        if isinstance(self.data.get("sources"), dict):
            self.data["sources"][dotted(path)] = source

    @property
    def is_resolved(self) -> bool:
        """Whether the file is a resolved description, which has the values of presets and all that was derived."""
        return bool(self._rows)

    @property
    def is_overridden(self) -> bool:
        """Whether something was set on the command line."""
        return bool(self._set)

    def origin(self, path: KeyPath) -> str:
        """Say where the value at `path` comes from: file:line, preset, command line, or default."""
        starts = [path[:length] for length in range(len(path), 0, -1)]
        for start in starts:  # first, as what replaces a table also replaces the lines within it
            if start in self._set:
                return COMMAND_LINE
            if start in self._filled:
                return self._filled[start]
        for start in starts:
            if start in self._lines:
                # A table that the file has does not make the keys it lacks explicit; a name that stands for one does.
                given = start == path or isinstance(value_at(self.data, start), str)
                return self._written_origin(self._lines[start]) if given else "default"
        return "default"

    def _written_origin(self, line: int) -> str:
        """Give the origin of the value in `line`; a resolved text passes on the origins it was made with."""
        passed_on = self._rows[line - 1].rpartition("  # ")[2] if line <= len(self._rows) else ""
        return passed_on if passed_on and "  # " in self._rows[line - 1] else f"{self.label}:{line}"

    def line(self, path: KeyPath) -> int:
        """Give the line of `path`, or of the nearest table above it that the file has."""
        if path[:1] == ("sources",):
            key = dotted(path[1:])
            path = ("sources", key) if ("sources", key) in self._lines else ("sources", *key.split("."))
        return next((self._lines[path[:end]] for end in range(len(path), 0, -1) if path[:end] in self._lines), 1)

    def message(self, path: KeyPath, rule: str, *value: Any) -> str:
        """Write the one line of an error: place, key, value if given, rule."""
        from_command = any(path[:end] in self._set for end in range(1, len(path) + 1))
        place = COMMAND_LINE if from_command else f"{self.label}:{self.line(path)}"
        key = self._typed(path) if from_command else visible(path)
        shown = f" (= {show_value(value[0])})" if value else ""
        return one_line(f"{place}: {_shortened(key, 120)}{shown}: {rule}")

    def origins(self, model: Part) -> dict[str, str]:
        """Give the origin of every value of the model, by dotted key."""
        found = {}
        for path, _, name, value in leaves(model):
            keys = value if name == "overrides" and isinstance(value, dict) else None
            for place in [path] if keys is None else [(*path[:-1], key) for key in keys]:
                found[dotted(place)] = self.origin(place)
        return found


def value_at(data: Any, path: KeyPath, missing: Any = None) -> Any:
    """Find the value at a path of tables and lists; a value that the path goes past, or lacks, gives `missing`."""
    for key in path:
        inside = key in data if isinstance(data, dict) else isinstance(key, int) and isinstance(data, list)
        if not inside:
            return missing
        data = data[key]
    return data


def show_value(value: Any) -> str:
    """Show a value as a file has it, on one line and short."""
    if isinstance(value, dict):
        return "a table"
    if isinstance(value, list):
        return "a list"
    text = str(value).lower() if isinstance(value, bool) else _number_or_text(value)
    return _shortened(one_line(text), 60)


def _number_or_text(value: Any) -> str:
    try:
        return str(value)
    except ValueError:  # hexadecimal literals may go beyond Python's limit of decimal digits
        return "a number of thousands of digits"


def _shortened(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."


def _value(text: str) -> Any:
    try:
        parsed = tomllib.loads(f"value = {text}")
    except (ValueError, RecursionError):
        return text
    return parsed["value"] if len(parsed) == 1 else text


def _index(place: Any, step: str | int) -> Any:
    if not isinstance(place, list):
        return step
    return int(step) if str(step).isdecimal() and int(step) < len(place) else None


def _beyond(length: int) -> str:
    return f"needs an index from 0 to {length - 1} into the list"


def split(text: str) -> tuple[str, str]:
    """Split ``"S: paper, table 2"`` into status and source."""
    status, _, source = text.partition(":")
    return status, source.strip()
