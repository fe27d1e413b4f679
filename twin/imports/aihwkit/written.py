"""The files that an import writes: a workload with what its base has of network and data, and a chip with the io."""

import json
import re
from collections.abc import Iterator, Mapping
from copy import deepcopy
from typing import Any

from twin.config.loaded import Loaded
from twin.config.resources import Document
from twin.config.sources import flatten_sources
from twin.descriptions.load import Parsed
from twin.descriptions.resolved import toml_text
from twin.errors import TwinError
from twin.imports.aihwkit.found import Found

KEPT = ("data", "network", "training", "init", "timing", "optimiser", "extraction")
"""Tables of the base that a configuration says nothing about."""
CHIP = "chip."
WIDE = 44
PLACE = re.compile(r"[^:]*:\d+: ([\w.-]+)")


def workload_text(found: Found, base: Parsed, name: str) -> str:
    """Write the workload as TOML."""
    data: dict[str, Any] = {
        "schema": 1,
        "kind": "workload",
        "name": name,
        "description": f"{base.data.get('name')} with devices and settings of an aihwkit configuration",
        "notes": "\n".join(notes(found)),
        **{key: deepcopy(base.data[key]) for key in KEPT if key in base.data},
    }
    algorithms = base.data.get("algorithms", {})
    data["algorithms"] = {"digital": deepcopy(algorithms["digital"])} if "digital" in algorithms else {}
    own = {key: value for key, value in found.values.items() if not key.startswith(CHIP)}
    for key, value in own.items():
        put(data, key, value)
    sources = {
        key: text
        for key, text in flatten_sources(base.data.get("sources", {})).items()
        if (key.partition(".")[0] in KEPT or key.startswith("algorithms.digital")) and key not in own
    }
    data["sources"] = sources | {key: found.source(key) for key in own}
    return _toml(data, found)


def chip_text(found: Found, chip: Parsed, name: str) -> str:
    """Write a chip with the io of the configuration as TOML."""
    data = deepcopy(dict(chip.data))
    data["name"] = name
    data["sources"] = flatten_sources(data.get("sources", {}))
    for key, value in chip_values(found).items():
        put(data, key, value)
        data["sources"][key] = found.source(CHIP + key)
    return _toml(data, found, CHIP)


def chip_values(found: Found) -> dict[str, Any]:
    """Return what the configuration says about the chip, by the chip's dotted key."""
    return {key.removeprefix(CHIP): value for key, value in found.values.items() if key.startswith(CHIP)}


def notes(found: Found) -> Iterator[str]:
    """Yield a line for each setting that is lost, and how the chip is to be set."""
    settings = " ".join(f"--set {CHIP}{key}={value}" for key, value in chip_values(found).items())
    if settings:
        yield f"The io of the configuration belongs to the chip: {settings}"
    for one in found.report.lost:
        yield f"Not as in aihwkit: {one.place} = {one.value} (line {one.line}); here: {one.instead}"
    for one in found.report.differing:
        yield f"By another rule than aihwkit's: {one.place} = {one.value} (line {one.line}); here: {one.instead}"


def checked(text: str, kind: str, found: Found) -> Loaded[Any]:
    """Load what is to be written.

    Raises
    ------
    TwinError
        For a value that the twin does not take; it names the line of the configuration.
    """
    label = "import"
    try:
        return Parsed.made(Document(label, text)).load(kind)
    except TwinError as error:
        said = str(error)
        place = PLACE.match(said)
        key = place[1] if place else ""
        line = next((found.lines[own] for own in (CHIP * (kind == "chip") + key,) if own in found.lines), None)
        rule = said[place.start(1) :] if place else said
        if line is None:
            raise TwinError(f"{found.report.reader.label}: gives no {kind}: {rule}") from error
        raise found.report.reader.refused(line, f"gives no {kind}: {rule}") from error


def put(data: dict[str, Any], key: str, value: Any) -> None:
    """Put a value into tables within tables by its dotted key."""
    *tables, last = key.split(".")
    for table in tables:
        data = data.setdefault(table, {})
    data[last] = value


def _toml(data: Mapping[str, Any], found: Found, prefix: str = "") -> str:
    return "\n".join(_lines(data, (), found, prefix)).strip() + "\n"


def _lines(table: Mapping[str, Any], path: tuple[str, ...], found: Found, prefix: str) -> Iterator[str]:
    """Yield the values of a table, then the tables below it."""
    for key, value in table.items():
        if not isinstance(value, dict):
            origin = found.origin(prefix + ".".join((*path, key)))
            text = f"{_key(key)} = {_text(value)}"
            yield f"{text:<{WIDE}}  # {origin}" if origin else text
    for key, value in table.items():
        if isinstance(value, dict):
            inner = list(_lines(value, (*path, key), found, prefix))
            heading = ["", f"[{'.'.join(map(_key, (*path, key)))}]"] if not inner or inner[0] else []
            yield from (*heading, *inner)


def _key(key: str) -> str:
    return key if re.fullmatch(r"[\w-]+", key, re.ASCII) else toml_text(key)


def _text(value: Any) -> str:
    """Write a value; a long text and a list of tables get a line for each part."""
    if isinstance(value, str) and "\n" in value:
        inner = "\n".join(
            json.dumps(line, ensure_ascii=False)[1:-1].replace("\x7f", "\\u007f") for line in value.split("\n")
        )
        return f'"""\n{inner}"""'
    if isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        return "[\n" + "".join(f"  {toml_text(item)},\n" for item in value) + "]"
    return toml_text(value)
