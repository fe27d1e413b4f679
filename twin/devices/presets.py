"""Presets: named, cited parameters of a device family, with overrides."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from pathlib import Path
from types import MappingProxyType
from typing import Any

from pydantic import ValidationError

from twin.config.origins import split
from twin.config.sources import SOURCE, STATUSES
from twin.devices.family import DeviceFamily
from twin.devices.registry import family_of, suggest
from twin.errors import TwinError
from twin.files import read_limited

MOST_BYTES = 2**20


@dataclass(frozen=True, slots=True)
class Preset:
    """One entry of ``presets.toml``.

    Attributes
    ----------
    name, family, source : str
        The source names the publication or the code the numbers were read in, and what is left out.
    states : float
        Number of states that follows from the parameters.
    parameters : mapping
        Fields of the family.
    sources : mapping of str to str
        ``"STATUS: citation"`` of every parameter and of the family; ``"all"`` for those without an entry.
    """

    name: str
    family: str
    source: str
    states: float
    parameters: Mapping[str, object]
    sources: Mapping[str, str]

    def cited(self, parameter: str) -> tuple[str, str]:
        """Return status and source of a parameter, or of the family."""
        return split(self.sources[parameter if parameter in self.sources else "all"])


@cache
def _presets() -> Mapping[str, Preset]:
    table, electrical = _table("presets"), _table("electricity")
    return MappingProxyType({name: _entry(name, dict(entry), electrical) for name, entry in table.items()})


def _table(name: str) -> dict[str, dict[str, Any]]:
    return tomllib.loads(files("twin.devices").joinpath(f"{name}.toml").read_text(encoding="utf-8"))


def _entry(name: str, entry: dict[str, Any], electrical: Mapping[str, dict[str, Any]]) -> Preset:
    if "electricity" in entry:
        table = entry.pop("electricity")
        if table not in electrical:
            raise TwinError(f"presets.toml: {name}.electricity (= {table}): {suggest(str(table), electrical)}")
        own = dict(electrical[table])
        cited = own.pop("sources") | entry.get("sources", {})
        entry = {**entry, **{key: value for key, value in own.items() if key not in entry}, "sources": cited}
    try:
        family, source, states, sources = (entry.pop(key) for key in ("family", "source", "states", "sources"))
    except KeyError as error:
        raise TwinError(
            f"presets.toml: {name}.{error.args[0]}: missing; a preset has family, source, states and sources"
        ) from error
    return Preset(
        name, str(family), str(source), float(str(states)), MappingProxyType(entry), _sources(name, sources, entry)
    )


def _sources(name: str, given: object, parameters: Mapping[str, object]) -> Mapping[str, str]:
    """Check that every parameter has a status and a source, and that every source is of a parameter."""
    sources = dict(given) if isinstance(given, dict) else {}
    for key, text in sources.items():
        place = f"presets.toml: {name}.sources.{key}"
        if key not in {"all", "family", *parameters}:
            raise TwinError(f"{place}: is no parameter of this preset; {suggest(key, ('all', 'family', *parameters))}")
        if not SOURCE.fullmatch(str(text)):
            raise TwinError(f'{place}: must begin with a status ({", ".join(STATUSES)}), e.g. "S: paper, table 2"')
    for key in ("family", *parameters):
        if key not in sources and "all" not in sources:
            raise TwinError(f'presets.toml: {name}.{key}: has no source; add sources.{key} or sources.all = "S: ..."')
    return MappingProxyType(sources)


def preset_names() -> tuple[str, ...]:
    """Names of all presets, in the order of ``presets.toml``."""
    return tuple(_presets())


def describe(name: str) -> Preset:
    """Parameters and source of a preset.

    Raises
    ------
    TwinError
        If there is no such preset.
    """
    presets = _presets()
    if name not in presets:
        raise TwinError(f"device preset {name!r}: unknown; {suggest(name, presets)}")
    return presets[name]


def device_preset(name: str, overrides: Mapping[str, object] = MappingProxyType({})) -> DeviceFamily:
    """Device family of a preset, with some of its fields changed.

    Parameters
    ----------
    name : str
        A name of `preset_names`.
    overrides : mapping
        Fields of the family, and `family` itself: then those of the preset's parameters that the
        new family has too are kept, and what it has beyond them is given or its default.

    Raises
    ------
    TwinError
        If the name, a field or the family is unknown, or a value breaks its rule (then
        pydantic's error is the cause).
    """
    preset = describe(name)
    changed = dict(overrides)
    family_name = str(changed.pop("family", preset.family))
    place = f"device preset {name}"
    try:
        family = family_of(family_name)
    except TwinError as error:
        raise TwinError(f"{place}: family (= {family_name!r}): {error}") from error
    fields = family.model_fields
    for key, value in changed.items():
        if key not in fields:
            near = suggest(key, (*fields, "family"))
            raise TwinError(f"{place}: {key} (= {value!r}): family {family_name} has no such field; {near}")
    kept = {key: value for key, value in preset.parameters.items() if key in fields or family_name == preset.family}
    try:
        return family.model_validate(kept | changed)
    except ValidationError as error:
        first = error.errors()[0]
        key = ".".join(str(part) for part in first["loc"])
        if first["type"] == "missing":
            raise TwinError(f"{place}: {key}: is missing; family {family_name} needs it") from error
        rule = first["msg"].replace("Input should be", "must be").replace("greater than or equal to", "at least")
        raise TwinError(f"{place}: {key} (= {repr(first['input'])[:40]}): {rule}") from error


def read_description(path: str) -> dict[str, object]:
    """Parameters of a device description, the file that ``twin device fit --out`` writes.

    It has the form of an entry of ``presets.toml``; `source` and `states` say where it comes from and are left out.

    Raises
    ------
    TwinError
        If the file cannot be read or is no description of a device.
    """
    try:
        raw = read_limited(Path(path), MOST_BYTES)
    except TwinError as error:
        reason = str(error).removeprefix(f"{path}: ").replace("cannot be read", "cannot be read as a device", 1)
        raise TwinError(f"{path}: {reason}") from error
    try:
        table = tomllib.loads(raw.decode("utf-8"))
    except RecursionError as error:
        raise TwinError(f"{path}: cannot be read as a device (nested too deeply)") from error
    except ValueError as error:  # TOML and UTF-8 errors are ValueErrors
        reason = str(error).partition("\n")[0]
        raise TwinError(f"{path}: cannot be read as a device ({reason})") from error
    if "family" not in table or "dw_min" not in table:
        raise TwinError(f"{path}: has no family and dw_min; write it with twin device fit --out")
    return {key: value for key, value in table.items() if key not in {"source", "sources", "states"}}
