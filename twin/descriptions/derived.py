"""Filling what a chip leaves out from its technology and the sizes of its parts."""

import re
from functools import cache
from typing import Any

from pydantic import ConfigDict, TypeAdapter, ValidationError

from twin.config.chip import Digital, Host, System, Vector
from twin.config.electricity import ELECTRICITY
from twin.config.interconnect import NetworkOnChip
from twin.config.kinds import DEFAULT, KINDS, Kinds
from twin.config.origins import COMMAND_LINE, Draft
from twin.config.part import Part, dimension_of
from twin.config.placement import Placement
from twin.config.sources import source_key
from twin.config.technology import Technology
from twin.config.tile import Converter, InputOutput, Tile
from twin.descriptions.electricity import DERIVED, Devices, take
from twin.descriptions.formulas import BY_FORMAT, FORMULAS, OF_KIND
from twin.errors import TwinError

COMPUTED = f"{DERIVED}at "
"""How the origin of a value begins that was computed from a technology."""
OF_DEVICE = frozenset(f"tile.{key}" for key in ELECTRICITY)
"""What a tile may leave out because devices have it."""
NODE = re.compile(r"\d nm\b|\bany node\b")
_TABLES: dict[str, type[Part]] = {
    "tile": Tile,
    "tile.converter": Converter,
    "tile.io": InputOutput,
    "digital": Digital,
    "host": Host,
    "placement": Placement,
    "vector": Vector,
    "network": NetworkOnChip,
    "system": System,
    "technology": Technology,
}


class _AbsentError(Exception):
    """A formula asks for what the chip does not give, or not as it must be; its own check says so."""


class _Values:
    """Values of a draft by dotted key, as formulas ask for them.

    Attributes
    ----------
    used : set of str
        The keys of the technology and of devices that were asked for.
    asked : dict of str to None
        All keys, in order, that the formula at work asked for.
    """

    def __init__(self, draft: Draft) -> None:
        self._draft = draft
        self.used: set[str] = set()
        self.asked: dict[str, None] = {}

    def filled(self, key: str) -> dict[str, Any] | None:
        """Return the table of a value that has a formula; None where there is none, or one of another kind."""
        name = key.rpartition(".")[0]
        table = self.table(name)
        other = table is not None and name in KINDS and table.get("kind") != OF_KIND.get(key, DEFAULT)
        return None if other else table

    def table(self, name: str) -> dict[str, Any] | None:
        """Return a table of the chip if it is there."""
        found: Any = self._draft.data
        for step in name.split("."):
            found = found.get(step) if isinstance(found, dict) else None
        return found if isinstance(found, dict) else None

    def has(self, key: str) -> bool:
        """Return whether the chip gives a value."""
        table = self.table(key.rpartition(".")[0])
        return table is not None and key.rpartition(".")[2] in table

    def word(self, key: str) -> str:
        """Return a value that is a word."""
        return str(self(key))

    def __call__(self, key: str) -> float:
        """Return a number, or a quantity in SI units."""
        raw = self._raw(key)
        name = key.rpartition(".")[0]
        kind = (self.table(name) or {}).get("kind", DEFAULT) if name in KINDS else DEFAULT
        try:
            value: float = _reader(key, str(kind)).validate_python(raw)
        except (ValidationError, KeyError):  # a kind, or a value of it, that there is not
            raise _AbsentError from None
        return value

    def number(self, key: str) -> float | None:
        """Return a number as it stands now, which is not derived from; None where it is absent or not as it must be."""
        used = set(self.used)
        try:
            return self(key)
        except _AbsentError:
            return None
        finally:
            self.used = used

    def _raw(self, key: str) -> Any:
        name, _, last = key.rpartition(".")
        self.asked[key] = None
        if name == "technology" or key in OF_DEVICE:
            self.used.add(key)
        table = self.table(name)
        if table is None or last not in table:
            raise _AbsentError(key)
        return table[last]


def model_of(table: str, kind: str = DEFAULT) -> type[Part]:
    """Return the class of a table whose values are derived, of one that may be of several kinds."""
    return _TABLES[table] if table in _TABLES else Kinds(table).classes()[kind]


@cache
def _reader(key: str, kind: str) -> TypeAdapter[Any]:
    """Return what reads a value as the model of its table does."""
    table, _, name = key.rpartition(".")
    return TypeAdapter(model_of(table, kind).model_fields[name].rebuild_annotation(), config=ConfigDict(strict=True))


def derive(draft: Draft, devices: Devices | None = None) -> tuple[frozenset[str], tuple[str, ...]]:
    """Fill what is left out of a chip with a technology, and return which of its keys that took, and notes on devices.

    A resolved description has all values, of which those that were derived are derived again where something was set on
    the command line, or where the run has other devices.

    Raises
    ------
    TwinError
        Where a table has no data, the technology lacks what a value is derived from, or a given value states no node.
    """
    technology = draft.data.get("technology")
    try:
        Technology.model_validate(technology)
    except ValidationError:  # none, or one whose mistake the whole chip's check explains
        own = ", ".join(f"device.{key}" for key in (devices.changed if devices else ()))
        return frozenset(), (f"{own}: the chip has no [technology], and a tile of its own",) if own else ()
    values = _Values(draft)
    renewed, notes = take(draft, devices, values.number)
    again = draft.is_resolved and (draft.is_overridden or renewed)
    for key in FORMULAS:
        name, _, last = key.rpartition(".")
        table = values.filled(key)
        if table is None:
            continue
        path = (*name.split("."), last)
        if key in BY_FORMAT and draft.origin(("digital", "format")) == COMMAND_LINE != draft.origin(path):
            table.pop(last, None)
        if again and draft.origin(path).startswith(COMPUTED):
            table.pop(last, None)
        if last in table and key not in OF_DEVICE | BY_FORMAT:  # of which a node says nothing
            _refuse_without_node(draft, key)
        elif last not in table:
            _fill(draft, values, table, key)
    if draft.is_resolved and not again:
        return OF_DEVICE | {f"technology.{name}" for name in Technology.model_fields}, notes
    fallback = (
        {"technology.device"} if devices is None or draft.origin(("technology", "device")) != COMMAND_LINE else set()
    )
    return frozenset(values.used | fallback), notes


def _fill(draft: Draft, values: _Values, table: dict[str, Any], key: str) -> None:
    name, _, last = key.rpartition(".")
    formula, path = FORMULAS[key], (*name.split("."), last)
    values.asked.clear()
    try:
        value = formula.value(values)
    except _AbsentError as absent:
        missing = str(absent)
        if missing.startswith("technology."):
            raise TwinError(draft.message(tuple(missing.split(".")), f"is missing; {key} is derived from it")) from None
        if missing in OF_DEVICE and "device" not in draft.data["technology"]:
            rule = f"is missing; {missing} is taken from it where a run has no devices, and {key} derived from that"
            raise TwinError(draft.message(("technology", "device"), rule)) from None
        return
    except TwinError as error:
        for own in (tuple(one.split(".")) for one in values.asked):
            if draft.origin(own) == COMMAND_LINE:
                rule = f"{key} cannot be derived with it: {error}; take another, or set {key}, too"
                raise TwinError(draft.message(own, rule)) from error
        raise TwinError(draft.message(path, f"cannot be derived: {error}; give it, with its source")) from error
    dimension = dimension_of(model_of(name, OF_KIND.get(key, DEFAULT)).model_fields[last])
    unit = dimension.unit if dimension else ""
    node = draft.data["technology"]["node"]
    text = formula.text if isinstance(formula.text, str) else formula.text[values.word("technology.analog")]
    draft.fill(table, path, f"{value!r} {unit}", f"D: at {node}: {text}", f"{COMPUTED}{node}")


def _refuse_without_node(draft: Draft, key: str) -> None:
    """Refuse a value that the file gives where one would be derived, and of which its source states no node."""
    path = tuple(key.split("."))
    sources = draft.data.get("sources")
    if not draft.origin(path).startswith(f"{draft.label}:") or not isinstance(sources, dict):
        return
    covering = source_key(key, sources)
    source = sources[covering] if covering else None
    if isinstance(source, str) and not NODE.search(source):
        rule = 'is given, but its source states no node; say it there, e.g. "..., 14 nm" (or "any node")'
        raise TwinError(draft.message(path, rule))
