"""Kinds of memories and links by name: one line each; plug-ins come through the same door.

A plug-in package adds a kind with an entry point of its own, `twin.links` likewise::

    [project.entry-points."twin.memories"]
    my-kind = "my_package.my_module:MyMemory"
"""

from __future__ import annotations

from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import get_args

from twin.chip.mover import Link, Mover, Store
from twin.errors import TwinError

MEMORIES, LINKS = "twin.memories", "twin.links"

_BUILT_IN = {
    MEMORIES: {
        "channel": "twin.chip.channel:Channel",
        "dram": "twin.chip.dram.memory:Dram",
    },
    LINKS: {
        "channel": "twin.chip.link:ChannelLink",
    },
}


@cache
def _points(group: str) -> tuple[EntryPoint, ...]:
    """Entry points of a group, built-ins first."""
    built_in = (EntryPoint(name, value, group) for name, value in _BUILT_IN[group].items())
    return (*built_in, *entry_points(group=group))


def _kinds(group: str) -> dict[str, type[Mover]]:
    """Load all kinds of a group.

    Raises
    ------
    TwinError
        If two kinds have one name, or a plug-in cannot be loaded or is no kind of that name.
    """
    base = Link if group == LINKS else Store
    found: dict[str, type[Mover]] = {}
    for point in _points(group):
        label = f"{group} {point.name} (= {point.value})"
        if point.name in found:
            raise TwinError(f"{label}: there is a kind of this name already; rename the plug-in's entry point")
        try:
            kind = point.load()
        except (ImportError, AttributeError) as error:
            raise TwinError(f"{label}: cannot be loaded: {error}") from error
        if not (isinstance(kind, type) and issubclass(kind, base)):
            raise TwinError(f"{label}: must be a subclass of {base.__name__}")
        if get_args(kind.model_fields["kind"].annotation) != (point.name,):
            raise TwinError(f'{label}: its field `kind` must be Literal["{point.name}"]')
        found[point.name] = kind
    return found


def kinds_at(place: str) -> dict[str, type[Mover]]:
    """Return the kinds that may stand in a chip's table, by name: ``"link"``, or a place for a memory."""
    if place == "link":
        return _kinds(LINKS)
    return {name: kind for name, kind in _kinds(MEMORIES).items() if place in getattr(kind, "places", ())}
