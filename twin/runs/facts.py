"""What ``run.json`` and ``comparison.json`` hold, as models: `twin schema` prints their JSON Schemas."""

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

from twin.results.columns import DIALECT
from twin.runs.plan import RunRequest


class RunFacts(BaseModel):
    """``run.json``: what was asked for, by whom it was made, and from which data."""

    model_config = ConfigDict(extra="forbid")

    plan: RunRequest = Field(description="what was asked for; the resolved descriptions stand beside it")
    id: str = Field(description="SHA-256 of everything that decides the result", pattern="^[0-9a-f]{64}$")
    version: str = Field(description="of twin")
    python: str = Field(description="version of Python")
    command: str = Field(description="what repeats the run")
    data: dict[str, str | int | float | list[int] | None] | None = Field(
        default=None, description="name, hash and sizes of the data; absent where nothing was trained or before"
    )


def facts_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``run.json``."""
    return {"$schema": DIALECT} | RunFacts.model_json_schema() | {"title": "twin run.json"}


class ComparisonFacts(BaseModel):
    """``comparison.json``: what was asked of one command and which runs it made; `twin resume` reads it."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    schema_version: Literal[1] = Field(default=1, alias="schema", description="of this file")
    command: str = Field(description="what repeats the comparison")
    runs: list[Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9.-]*$")]] = Field(
        description="folders of its runs below runs/, in order, the baseline first", min_length=1
    )
    to_error: float | None = Field(
        default=None, description="test error of the comparison at equal accuracy; null: the least that all reached"
    )


def comparison_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``comparison.json``."""
    found = ComparisonFacts.model_json_schema()
    found["required"] = ["schema", "command", "runs"]
    return {"$schema": DIALECT} | found | {"title": "twin comparison.json"}
