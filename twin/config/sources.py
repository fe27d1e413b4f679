"""Who says so: the sources of a description's values, and the status of each."""

import re
from collections.abc import Mapping
from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from twin.config.checks import refusal
from twin.config.part import Part, dotted, leaves
from twin.config.resources import suggestion

STATUSES = {
    "S": "read in a primary source",
    "S2": "read in a secondary source",
    "L": "measured with the twin",
    "D": "derived",
    "M": "from memory, not verified",
    "assumption": "assumed",
}
SOURCE = re.compile(r"(S2|S|L|D|M|assumption): \s*\S.*", re.DOTALL)


def flatten_sources(table: Mapping[str, Any]) -> dict[str, Any]:
    """Accept ``tile.rows = "..."`` beside ``"tile.rows" = "..."``: nested tables become dotted keys.

    Without recursion, because a stranger's file may nest as deeply as it likes.
    """
    flat: dict[str, Any] = {}
    rest = list(table.items())[::-1]
    while rest:
        key, value = rest.pop()
        if isinstance(value, dict):
            rest += [(f"{key}.{below}", item) for below, item in list(value.items())[::-1]]
        else:
            flat[key] = value
    return flat


def _flat(value: Any) -> Any:
    return flatten_sources(value) if isinstance(value, dict) else value


SourceTable = Annotated[
    dict[str, str], BeforeValidator(_flat), Field(description='Who says so: dotted key to "STATUS: citation".')
]


def check_sources(sources: Mapping[str, str], known: set[str], kind: str) -> None:
    """Refuse a source of what is none of the `known` keys nor a table above one, and a source without a status."""
    tables = {key.rsplit(".", cut)[0] for key in known for cut in range(1, key.count(".") + 1)}
    for key, text in sources.items():
        at = ("sources", *key.split("."))
        if key not in known | tables:
            raise refusal(at, f"is no field of the {kind}{suggestion(key, known | tables)}")
        if not SOURCE.fullmatch(text):
            raise refusal(at, f'must begin with a status ({", ".join(STATUSES)}), e.g. "S: paper, table 2"')


def citable(description: Part) -> list[str]:
    """List the dotted keys of all fields that may have a source."""
    return [
        dotted(path)
        for path, owner, name, value in leaves(description)
        if len(path) > 1 and path[0] != "sources" and name not in owner.about and value is not None
    ]


def source_key(key: str, sources: Mapping[str, str]) -> str | None:
    """Find the entry that covers `key`: its own, or that of the nearest enclosing table."""
    while key not in sources:
        if "." not in key:
            return None
        key = key.rsplit(".", 1)[0]
    return key
