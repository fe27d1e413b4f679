"""Presets of parts: numbers with their sources, named in a chip file and overridden there key by key."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from importlib.resources import files
from typing import Any

from twin.config.kinds import KINDS, Kinds
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


MEMORIES = "architectures/memory"
"""The folder of the shipped presets of memories, a file each."""


def families(kind: str) -> list[tuple[KeyPath, str]]:
    """List which tables of a kind of file may name a preset of which family.

    The family of a memory's or link's presets is its kind; those of a kind with a field `preset` are asked for.
    """
    if kind != "chip":
        return []
    found: list[tuple[KeyPath, str]] = [(("tile", "converter"), "converter")]
    for place in KINDS:
        kinds = Kinds(place).classes().items()
        found += [((place,), name) for name, model in kinds if "preset" in model.model_fields]
    return found


@cache
def _together() -> dict[str, dict[str, Any]]:
    """Read the families whose presets stand in one file."""
    return tomllib.loads(files("twin.config").joinpath("presets.toml").read_text(encoding="utf-8"))


@cache
def _memories() -> dict[str, dict[str, Preset]]:
    """Read the shipped presets of memories, by kind and name."""
    found: dict[str, dict[str, Preset]] = {}
    for path in sorted((root() / MEMORIES).glob("*.toml")):
        document = Document(path.name, path.read_text(encoding="utf-8"))
        family = str(tomllib.loads(document.text)["kind"])
        preset = _preset(family, document)
        found.setdefault(family, {})[preset.name] = preset
    return found


def may_be_file(family: str) -> bool:
    """Return whether a preset of this family may be a user's own file."""
    return family not in _together()


@cache
def presets(family: str) -> dict[str, Preset]:
    """Give all presets of a family (``"converter"``, ``"dram"``), by name."""
    if may_be_file(family):
        return _memories().get(family, {})
    return {
        name: Preset(name, table["description"], table["values"], table["sources"])
        for name, table in _together()[family].items()
    }


def part_presets() -> dict[str, dict[str, Preset]]:
    """Give the presets of all parts by name, as lists group them."""
    memories = {name: preset for found in _memories().values() for name, preset in found.items()}
    return {"memories": memories, "converters": presets("converter")}


def part_preset(name: str) -> Preset | None:
    """Find the preset of a part, whatever its family; None where there is none of this name."""
    return next((found[name] for found in part_presets().values() if name in found), None)


def part_names() -> list[str]:
    """List the presets of all families of parts."""
    return [name for found in part_presets().values() for name in found]


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
