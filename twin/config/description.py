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
    """Version of the format of the file, which is 1."""
    kind: str
    """What the file describes."""
    name: Name
    """The name by which reports, tables and other files call it."""
    description: str
    """One line that says what it is, for lists and headings."""
