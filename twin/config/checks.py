"""What the models use to refuse: errors that know which key below them is at fault."""

import re
from collections.abc import Iterable
from typing import Annotated

from pydantic import Field
from pydantic_core import PydanticCustomError

from twin.config.part import KeyPath

Name = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_.+-]*$", max_length=80)]
"""A name that others refer to."""

Identifier = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+$", max_length=80)]
"""A name that may stand in a dotted key."""


def identifier(name: str) -> str:
    """Return a name as an `Identifier` may be: letters, digits, _ and -, at most 80."""
    return re.sub(r"[^A-Za-z0-9_-]+", "-", name).strip("-")[:80]


def refusal(at: KeyPath, rule: str) -> PydanticCustomError:
    """Give the error to raise in a validator; `at` is relative to the model that is validated."""
    return PydanticCustomError("rule", "{rule}", {"rule": rule, "at": at})


def first_repeated(names: Iterable[str]) -> tuple[int, str] | None:
    """Find the first name that stood before, with its position."""
    seen: set[str] = set()
    for position, name in enumerate(names):
        if name in seen:
            return position, name
        seen.add(name)
    return None
