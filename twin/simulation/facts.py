"""What ``run.json`` holds, as a model: `twin schema run` prints its JSON Schema."""

from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from twin.report.columns import DIALECT
from twin.simulation.plan import RunPlan


class RunFacts(BaseModel):
    """``run.json``: what was asked for, by whom it was made, and from which data."""

    model_config = ConfigDict(extra="forbid")

    plan: RunPlan = Field(description="what was asked for; the resolved descriptions stand beside it")
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
