"""The resolved description: TOML with every value, unit and origin; it loads to the same model."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.config.origins import RESOLVED
from twin.config.part import KeyPath, Part, dimension_of, dotted
from twin.errors import TwinError

if TYPE_CHECKING:
    from twin.config.loaded import Loaded

_WIDE = 60


def resolved_toml(loaded: "Loaded[Any]", heading: str = "") -> str:
    """Write the definitive version of what is simulated.

    Parameters
    ----------
    loaded : Loaded
    heading : str
        Comment lines at the top, e.g. the command.

    Returns
    -------
    str
        TOML; comments name the origin of each value. The values of presets and their sources are written
        out, so that a later preset of the same name cannot change them.
    """
    lines = [RESOLVED, *(f"# {line}".rstrip() for line in heading.splitlines()), ""]
    lines += _table((), loaded.model, loaded.origins)
    return "\n".join(lines).strip() + "\n"


def _table(path: KeyPath, part: Part, origins: Mapping[str, str]) -> Iterator[str]:
    """Yield the plain values of a table, then the tables below it."""
    tables: list[tuple[str, Any]] = []
    for name, value in vars(part).items():
        field = type(part).model_fields[name]
        key = field.alias or name
        dimension = dimension_of(field)
        if isinstance(value, Part) or _is_models(value) or isinstance(value, dict):
            tables.append((key, value))
        elif value is not None:
            text = toml_text(dimension.render(value)) if dimension else toml_text(value)
            yield _with_origin(f"{key} = {text}", origins.get(dotted((*path, key)), ""))
    for key, value in tables:
        yield from _below((*path, key), value, origins)


def _below(path: KeyPath, value: Any, origins: Mapping[str, str]) -> Iterator[str]:
    if path[-1] == "overrides":  # a device's own parameters stand beside the name of its preset
        for key, item in value.items():
            yield _with_origin(f"{toml_key(key)} = {toml_text(item)}", origins.get(dotted((*path[:-1], key)), ""))
    elif isinstance(value, Part):
        lines = list(_table(path, value, origins))
        heading = ["", f"[{_header(path)}]"] if lines and lines[0] else []
        yield from (*heading, *lines)
    elif isinstance(value, tuple):
        for index, item in enumerate(value):
            yield from ("", f"[[{_header(path)}]]", *_table((*path, index), item, origins))
    elif value:
        models = {key: item for key, item in value.items() if isinstance(item, Part)}
        if not models:
            yield from ("", _with_origin(f"[{_header(path)}]", origins.get(dotted(path), "")))
            yield from (f"{toml_key(key)} = {toml_text(item)}" for key, item in value.items())
        for key, item in models.items():
            yield from ("", f"[{_header((*path, key))}]", *_table((*path, key), item, origins))


def _with_origin(text: str, origin: str) -> str:
    if not origin:
        return text
    return f"{text:<{_WIDE}}  # {origin}"


def _is_models(value: Any) -> bool:
    return isinstance(value, tuple) and any(isinstance(item, Part) for item in value)


def _header(path: KeyPath) -> str:
    return ".".join(toml_key(key) for key in path if isinstance(key, str))


def toml_key(key: str) -> str:
    """Write a key as TOML does: bare where it may be."""
    bare = key.isascii() and key.replace("-", "").replace("_", "").isalnum()
    return key if bare else toml_text(key)


def toml_text(value: Any) -> str:
    """Write a value as TOML does; numbers and arrays of NumPy as Python's.

    Raises
    ------
    TwinError
        When TOML has no such value.
    """
    value = value.tolist() if hasattr(value, "tolist") else value
    match value:
        case bool():
            return "true" if value else "false"
        case str() | Path():
            return json.dumps(str(value), ensure_ascii=False).replace("\x7f", "\\u007f")
        case int() | float():
            return repr(value)
        case list() | tuple():
            return f"[{', '.join(toml_text(item) for item in value)}]"
        case dict():
            return f"{{ {', '.join(f'{toml_key(key)} = {toml_text(item)}' for key, item in value.items())} }}"
        case _:
            raise TwinError(f"{value!r}: cannot be written as TOML")
