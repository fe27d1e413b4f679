"""Presets of parts: numbers with their sources, named in a chip file and overridden there key by key."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from twin.config.part import KeyPath
from twin.config.resources import Document, read, root
from twin.errors import TwinError, one_line


@dataclass(frozen=True)
class Preset:
    """Values of one table and where each comes from."""

    name: str
    description: str
    values: Mapping[str, Any]
    sources: Mapping[str, str]


TABLES: Mapping[str, Mapping[KeyPath, str]] = {
    "chip": {("tile", "converter"): "converter", ("memory",): "dram"},
    "layout": {},
    "workload": {},
    "sweep": {},
    "study": {},
    "timing-only": {},
    "baseline": {},
}
"""Which tables of which kind of file may name a preset of which family."""


PARTS = {"memories": "dram", "converters": "converter"}
"""Families of presets by what lists call them."""

OWN_FILES = {"dram": "architectures/memory"}
"""Families whose presets are a file each, and the folder of those that are shipped."""


@cache
def presets(family: str) -> dict[str, Preset]:
    """Give all presets of a family (``"converter"``, ``"dram"``), by name."""
    if family in OWN_FILES:
        paths = sorted((root() / OWN_FILES[family]).glob("*.toml"))
        found = [_preset(family, Document(path.name, path.read_text(encoding="utf-8"))) for path in paths]
        return {preset.name: preset for preset in found}
    data = tomllib.loads(files("twin.config").joinpath("presets.toml").read_text(encoding="utf-8"))
    return {
        name: Preset(name, table["description"], table["values"], table["sources"])
        for name, table in data[family].items()
    }


def part_preset(name: str) -> Preset | None:
    """Find the preset of a part, whatever its family; None where there is none of this name."""
    return next((found for family in PARTS.values() if (found := presets(family).get(name)) is not None), None)


def part_names() -> list[str]:
    """List the presets of all families of parts."""
    return [name for family in PARTS.values() for name in presets(family)]


def preset_file(family: str, path: str) -> Preset:
    """Read a user's own preset from a file.

    Raises
    ------
    TwinError
        When the file cannot be read or is no preset of the family.
    """
    return replace(_preset(family, read(path)), name=path)


def _preset(family: str, document: Document) -> Preset:
    """Make a preset of a file with kind, name, description, [values] and a source for each in [sources]."""
    label = document.label
    try:
        data = tomllib.loads(document.text)
    except (ValueError, RecursionError) as error:
        raise TwinError(f"{label}:1: not valid TOML: {one_line(str(error))}") from error
    if data.get("kind") != family:
        raise TwinError(f'{label}:1: kind (= {data.get("kind")!r}): must be "{family}" in a preset of this family')
    for key, kind in (("name", str), ("description", str), ("values", dict), ("sources", dict)):
        if not isinstance(data.get(key), kind):
            what = "text" if kind is str else "a table"
            raise TwinError(f"{label}:1: {key}: must be there and {what}")
    for key in data["values"]:
        if key not in data["sources"]:
            raise TwinError(f'{label}:1: values.{one_line(key)}: has no source; add to [sources]: {key} = "S: ..."')
    for key in data["sources"]:
        if key not in data["values"]:
            raise TwinError(f"{label}:1: sources.{one_line(key)}: is no value of this preset")
    return Preset(data["name"], data["description"], data["values"], data["sources"])
