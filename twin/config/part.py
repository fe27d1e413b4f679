"""The base of all configuration models: frozen, strict about keys, and aware of what was read.

A parameter that is configured but read by nothing has no effect, and the user should hear so. Every model
therefore notes which of its fields Python code has read. Pydantic's own validation, comparison and dumping
bypass ``__getattribute__`` and do not count.
"""

from collections.abc import Iterator
from typing import Any, ClassVar

from pydantic import BaseModel, ConfigDict, GetJsonSchemaHandler, PrivateAttr
from pydantic.fields import FieldInfo
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema

from twin.config.meaning import meanings_of
from twin.config.quantity import Dimension

KeyPath = tuple[str | int, ...]
"""Where a value stands: keys, and indices of lists."""


class _Marks(set[str]):
    """Names of fields that were read; equal to any other, so that reading a model never makes it differ."""

    __hash__ = None

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Marks)

    def __ne__(self, other: object) -> bool:
        return not self == other


class Part(BaseModel):
    """A frozen table of a configuration file; the string below a field says what it means.

    Attributes
    ----------
    about : ClassVar[frozenset of str]
        Fields that describe rather than configure; the audit leaves them out.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)
    about: ClassVar[frozenset[str]] = frozenset()
    _read: _Marks = PrivateAttr(default_factory=_Marks)

    @classmethod
    def __get_pydantic_json_schema__(cls, schema: CoreSchema, handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Give every key its meaning."""
        found = handler(schema)
        keys = handler.resolve_ref_schema(found).get("properties", {})
        for name, text in meanings_of(cls).items():
            if text:
                keys[cls.model_fields[name].alias or name]["description"] = text
        return found

    def __getattribute__(self, name: str) -> Any:
        value = super().__getattribute__(name)
        if name[0] != "_" and name in super().__getattribute__("__dict__"):
            private = super().__getattribute__("__pydantic_private__")
            if private is not None:
                private["_read"].add(name)
        return value


def dotted(path: KeyPath) -> str:
    """Join a path as it is written in ``--set``: ``network.layers.0.outputs``."""
    return ".".join(str(key) for key in path)


def visible(path: KeyPath) -> str:
    """Join a path for a message, in which an empty key is seen."""
    return dotted(tuple('""' if key == "" else key for key in path))


def dimension_of(field: FieldInfo) -> Dimension | None:
    """Give the dimension of a quantity field, which may be left out; None for other fields."""
    choices = [
        one for choice in getattr(field.annotation, "__args__", ()) for one in getattr(choice, "__metadata__", ())
    ]
    return next((item for item in (*field.metadata, *choices) if isinstance(item, Dimension)), None)


def leaves(part: Part, path: KeyPath = ()) -> Iterator[tuple[KeyPath, Part, str, object]]:
    """Walk all values below `part` without marking them as read.

    Yields
    ------
    tuple
        The path, the model that owns the field, the field's name, and the value. Lists and mappings of models
        are entered; other lists and mappings are values.
    """
    fields = type(part).model_fields
    for name, value in vars(part).items():
        here = (*path, fields[name].alias or name)
        below = dict(_models(value))
        if not below:
            yield here, part, name, value
        for key, model in below.items():
            yield from leaves(model, here if key is None else (*here, key))


def meanings(part: Part, path: KeyPath = ()) -> dict[str, str]:
    """Give the meaning of every key of `part` and of the tables below it, by dotted key; this marks none as read."""
    found = {}
    for name, text in meanings_of(type(part)).items():
        here = (*path, type(part).model_fields[name].alias or name)
        found[dotted(here)] = text
        for key, model in _models(vars(part)[name]):
            found |= meanings(model, here if key is None else (*here, key))
    return found


def _models(value: object) -> Iterator[tuple[str | int | None, Part]]:
    if isinstance(value, Part):
        yield None, value
    elif isinstance(value, tuple):
        yield from ((index, item) for index, item in enumerate(value) if isinstance(item, Part))
    elif isinstance(value, dict):
        yield from ((key, item) for key, item in value.items() if isinstance(item, Part))


def unread(part: Part, path: KeyPath = ()) -> list[str]:
    """List the explicitly set fields that nothing read, as dotted keys in file order."""
    fields = type(part).model_fields
    keys: list[str] = []
    for name, value in vars(part).items():
        if name not in part.model_fields_set or name in part.about:
            continue
        here = (*path, fields[name].alias or name)
        below = dict(_models(value))
        if not below and name not in _marks(part):
            inside = value if name == "overrides" and isinstance(value, dict) else None
            keys += [dotted(here)] if inside is None else [dotted((*path, key)) for key in inside]
        for key, model in below.items():
            keys += unread(model, here if key is None else (*here, key))
    return keys


def _owners(part: Part) -> Iterator[Part]:
    yield part
    for value in vars(part).values():
        for _, model in _models(value):
            yield from _owners(model)


def forget_reads(part: Part) -> None:
    """Clear all marks; the loader does so after its own checks."""
    for owner in _owners(part):
        _marks(owner).clear()


def _marks(part: Part) -> _Marks:
    marks: _Marks = (part.__pydantic_private__ or {})["_read"]
    return marks
