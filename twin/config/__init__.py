"""Configuration: TOML to frozen models, with units, origins, sources and an audit of what was read."""

from twin.config.chip import Chip
from twin.config.layout import Layout
from twin.config.load import Loaded, load_any, load_chip, load_layout, load_workload
from twin.config.part import Part, unread
from twin.config.resolved import resolved_toml
from twin.config.schema import json_schema
from twin.config.workload import Workload

__all__ = [
    "Chip",
    "Layout",
    "Loaded",
    "Part",
    "Workload",
    "json_schema",
    "load_any",
    "load_chip",
    "load_layout",
    "load_workload",
    "resolved_toml",
    "unread",
]
