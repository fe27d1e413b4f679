"""Presets of parts: numbers with their sources, named in a chip file and overridden there key by key."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any

from twin.config.part import KeyPath


@dataclass(frozen=True)
class Preset:
    """Values of one table and where each comes from."""

    name: str
    description: str
    values: Mapping[str, Any]
    sources: Mapping[str, str]


TABLES: Mapping[str, Mapping[KeyPath, str]] = {
    "chip": {("tile", "converter"): "converter"},
    "layout": {},
    "workload": {},
    "timing-only": {},
    "baseline": {},
}
"""Which tables of which kind of file may name a preset of which family."""


@cache
def presets(family: str) -> dict[str, Preset]:
    """Give all presets of a family (``"converter"``), by name."""
    data = tomllib.loads(files("twin.config").joinpath("presets.toml").read_text(encoding="utf-8"))
    return {
        name: Preset(name, table["description"], table["values"], table["sources"])
        for name, table in data[family].items()
    }
