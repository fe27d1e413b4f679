"""What every file says of itself, whatever it describes."""

from typing import ClassVar, Literal

from pydantic import Field

from twin.config.checks import Name
from twin.config.part import Part

HEADER = frozenset({"schema_version", "kind", "name", "description"})


class Description(Part):
    """A file; the class of each kind says which `kind` it is."""

    about: ClassVar[frozenset[str]] = HEADER
    schema_version: Literal[1] = Field(alias="schema")
    kind: str
    name: Name
    description: str
