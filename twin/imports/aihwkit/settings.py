"""One object of a configuration: its values, those of its class where the text has none, and what was read of it."""

from dataclasses import dataclass, field
from math import isfinite
from typing import NamedTuple

from twin.config.resources import suggestion
from twin.errors import TwinError
from twin.imports.aihwkit.classes import ancestors, class_names, usual
from twin.imports.aihwkit.syntax import Call, Given, Reader, Value, shown

WITHOUT_EFFECT = frozenset({"runtime", "tile_class", "tile_array_class", "simulator_tile_class"})
"""Fields that say how aihwkit computes, not what."""


class Lost(NamedTuple):
    """A setting that a run cannot express: where it stands, its value, and what the twin does in its place."""

    place: str
    value: str
    line: int
    instead: str


@dataclass
class Report:
    """What becomes of a configuration on its way.

    Attributes
    ----------
    lost : list of Lost
        Settings that a run cannot express.
    differing : list of Lost
        Settings that a run has, of which it makes something else than aihwkit (docs/validation/aihwkit.md).
    met : list of Settings
        The objects of the configuration.
    """

    reader: Reader
    lost: list[Lost] = field(default_factory=list)
    differing: list[Lost] = field(default_factory=list)
    met: list["Settings"] = field(default_factory=list)

    def finish(self) -> None:
        """List what has another value than its class gives it and was not read by anything."""
        for settings in self.met:
            settings.list_unread()
        for entries in (self.lost, self.differing):
            entries.sort(key=lambda one: (one.line, one.place))


class Settings:
    """An object: a device, a cell, an io, an update.

    Parameters
    ----------
    call : Call
    place : str
        Where it stands in the configuration, e.g. ``"device.unit_cell_devices[0]"``.
    report : Report
    """

    def __init__(self, call: Call, place: str, report: Report) -> None:
        self.name, self.line, self.place, self.report = call.name, call.line, place, report
        self.classes = ancestors(call.name)
        self._given = call.fields
        self._usual = usual(call.name)
        self._neutral = usual(call.name, presets=False)
        self._read: set[str] = set()
        report.met.append(self)

    def is_a(self, *names: str) -> bool:
        """Whether its class is one of these, or below one."""
        return any(name in self.classes for name in names)

    def get(self, key: str) -> Given:
        """Return a value and its line, and note that it was read; the line of a default is that of the object."""
        self._read.add(key)
        return self._given[key] if key in self._given else Given(self._usual[key], self.line)

    def knows(self, key: str) -> bool:
        """Whether its class has this field."""
        return key in self._usual

    def number(self, key: str) -> float:
        """Return a number; a whole one stays whole."""
        value = self.get(key).value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.refused(key, "must be a number")
        if not isfinite(value):
            raise self.refused(key, "must be finite")
        return value

    def count(self, key: str) -> int:
        """Return a whole number."""
        value = self.number(key)
        if not float(value).is_integer():
            raise self.refused(key, "must be a whole number")
        return int(value)

    def flag(self, key: str) -> bool:
        """Return True or False."""
        value = self.get(key).value
        if not isinstance(value, bool):
            raise self.refused(key, "must be True or False")
        return value

    def word(self, key: str) -> str:
        """Return a member of an enumeration without the enumeration's name, e.g. ``"ABS_MAX"``."""
        value = self.get(key).value
        if not isinstance(value, str):
            raise self.refused(key, "must be a member of an enumeration")
        return value.rpartition(".")[2]

    def numbers(self, key: str) -> list[float]:
        """Return a list of numbers."""
        value = self.get(key).value
        items = value if isinstance(value, list) else [None]
        found = [item for item in items if isinstance(item, int | float) and not isinstance(item, bool)]
        if len(found) != len(items) or not all(map(isfinite, found)):
            raise self.refused(key, "must be a list of finite numbers")
        return found

    def below(self, key: str, *kinds: str) -> "Settings":
        """Return the object that a field holds, of one of these classes."""
        value, line = self.get(key)
        return self._object(value, key, line, kinds)

    def all_below(self, key: str) -> list["Settings"]:
        """Return the objects of a list."""
        value, line = self.get(key)
        if not isinstance(value, list):
            raise self.refused(key, "must be a list of devices")
        return [self._object(item, f"{key}[{index}]", line, ()) for index, item in enumerate(value)]

    def _object(self, value: Value, key: str, line: int, kinds: tuple[str, ...]) -> "Settings":
        if not isinstance(value, Call):
            raise self.refused(key, f"must be {' or '.join(kinds) or 'a device'}", value)
        # a default has the lines of the text that our tables have it in
        known = value if key.partition("[")[0] in self._given else _moved(value, line)
        made = Settings(known, f"{self.place}.{key}".lstrip("."), self.report)
        if not made.classes:
            rule = f"is no class that the twin knows{suggestion(value.name, kinds or class_names())}"
            raise TwinError(str(self.report.reader.refused(known.line, f"{made.place} (= {value.name}): {rule}")))
        if kinds and not made.is_a(*kinds):
            raise self.refused(key, f"must be {' or '.join(kinds)}", value)
        return made

    def refused(self, key: str, rule: str, value: Value = None) -> TwinError:
        """Make the one-line error of a value."""
        given = self._given.get(key)
        line = given.line if given is not None else self.line
        found = shown(given.value if given is not None and value is None else value)
        return self.report.reader.refused(line, f"{self.place}.{key}".lstrip(".") + f" (= {found}): {rule}")

    def fields(self) -> list[str]:
        """Return the names of all values."""
        return list({**self._usual, **self._given})

    def contents(self) -> dict[str, Value]:
        """Return all values without their lines."""
        return {**self._usual, **{key: given.value for key, given in self._given.items()}}

    def lose(self, key: str, instead: str) -> None:
        """List a value that a run cannot express."""
        self.report.lost.append(self._entry(key, instead))

    def differs(self, key: str, here: str, there: str) -> None:
        """List a value of which the twin makes something else: what it does, and what aihwkit does."""
        self.report.differing.append(self._entry(key, f"{here}; aihwkit: {there}"))

    def _entry(self, key: str, instead: str) -> Lost:
        value, line = self.get(key)
        return Lost(f"{self.place}.{key}".lstrip("."), shown(value), line, instead)

    def lose_unless_usual(self, instead: str, *keys: str) -> None:
        """List those of these values which differ from what their class has."""
        for key in keys:
            if self.knows(key) and not same(self.get(key).value, self._neutral.get(key)):
                self.lose(key, instead)

    def pass_over(self, *keys: str) -> None:
        """Note that values have no effect here."""
        self._read |= set(keys)

    def list_unread(self) -> None:
        """List what differs from its class's default and was not read."""
        for key in [*self._given, *(key for key in self._usual if key not in self._given)]:
            if key in self._read or key in WITHOUT_EFFECT:
                continue
            if key not in self._usual:
                self._read.add(key)
                given = self._given[key]
                place = f"{self.place}.{key}".lstrip(".")
                near = suggestion(key, self._usual)
                unknown = f"not known to the twin{near if near.startswith(' (did you mean') else ''}"
                self.report.lost.append(Lost(place, shown(given.value), given.line, unknown))
            elif isinstance(value := self.get(key).value, Call) and ancestors(value.name):
                self.below(key)  # its own values are listed in its turn
            else:
                self.lose_unless_usual("no such setting", key)


def same(value: Value, usual_value: Value) -> bool:
    """Whether a value is the default; of objects, whether all their values are."""
    if isinstance(value, Call):
        if isinstance(usual_value, Call) and ancestors(value.name)[:1] and ancestors(usual_value.name):
            own, other = dict(usual(value.name)), usual(usual_value.name)
            own |= {key: given.value for key, given in value.fields.items()}
            expected = dict(other) | {key: given.value for key, given in usual_value.fields.items()}
            return own.keys() == expected.keys() and all(same(own[key], expected[key]) for key in own)
        return False
    if isinstance(value, list) and isinstance(usual_value, list):
        return len(value) == len(usual_value) and all(map(same, value, usual_value))
    if isinstance(value, bool) or isinstance(usual_value, bool):
        return value is usual_value
    return value == usual_value


def _moved(call: Call, line: int) -> Call:
    """Return a default as if it stood in the line of what it is the default of."""
    fields = {key: Given(_moved_value(given.value, line), line) for key, given in call.fields.items()}
    return Call(call.name, line, fields)


def _moved_value(value: Value, line: int) -> Value:
    match value:
        case Call():
            return _moved(value, line)
        case list():
            return [_moved_value(item, line) for item in value]
    return value
