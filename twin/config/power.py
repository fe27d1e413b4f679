"""What parts of a chip draw beside their work, and what is switched off where it is not needed."""

from typing import Annotated

from pydantic import Field

from twin.config.part import Part

Banks = Annotated[int, Field(ge=1, le=65_536)]


class StorePower(Part):
    """How a memory is switched off."""

    banks: Banks | None = None
    """Equal banks that are switched one by one: those in which nothing is kept are off. 1: off unless something is
    kept; without it the whole memory is on.
    """


class PowerStates(Part):
    """What parts draw beside their work, and when they are off; without a table a part always draws its leakage."""

    buffer: StorePower | None = None
    """The buffer of every chip, of which one bank is always on, as samples arrive there."""
    memory: StorePower | None = None
    """The memory of every chip, with its refresh."""
