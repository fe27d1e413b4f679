"""Tables that are of several kinds: a class of its own describes each kind, beside what it costs.

The table's `kind` says which. The classes are found when the first chip is read, plug-ins among them.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

from pydantic_core import CoreSchema, core_schema

from twin.config.part import Part

if TYPE_CHECKING:
    from typing import TypeAlias

    from pydantic import GetCoreSchemaHandler

    from twin.chip.mover import Link, Store

KINDS = ("buffer", "memory", "registers", "link")
"""The tables of a chip that are of several kinds."""

DEFAULT = "channel"
"""The kind of a table that names none."""


@dataclass(frozen=True)
class Kinds:
    """Marks the field of a table that may be of several kinds.

    Attributes
    ----------
    place : str
        The table, which says what may stand there: ``"link"``, or a place for a memory.
    """

    place: str

    def classes(self) -> dict[str, type[Part]]:
        """Return the class of every kind that may stand here, by name."""
        from twin.chip.kinds import kinds_at  # noqa: PLC0415 - found when a chip is read

        return {**kinds_at(self.place)}

    def __get_pydantic_core_schema__(self, source: Any, handler: GetCoreSchemaHandler) -> CoreSchema:
        choices = {name: handler.generate_schema(kind) for name, kind in self.classes().items()}
        return core_schema.tagged_union_schema(choices, discriminator="kind", from_attributes=False)


if TYPE_CHECKING:
    Buffer: TypeAlias = Store
    Memory: TypeAlias = Store
    Registers: TypeAlias = Store
    TileLink: TypeAlias = Link
else:
    Buffer, Memory, Registers, TileLink = (Annotated[Part, Kinds(place)] for place in KINDS)
