"""What the numerics of an algorithm would have found: for runs that are timed and train nothing."""

import tomllib
from collections.abc import Collection, Mapping
from dataclasses import replace
from functools import cache
from importlib.resources import files
from typing import Annotated, Any, ClassVar

from pydantic import Field, model_validator

from twin.config.checks import refusal
from twin.config.loaded import Loaded
from twin.config.numbers import Fraction
from twin.config.origins import split
from twin.config.part import Part
from twin.descriptions.cited import default_source
from twin.descriptions.measured import measured
from twin.errors import TwinError

Mean = Annotated[float, Field(ge=0, le=1e6)]
THROUGH_H = {"cttv2": "ttv2", "agad": "ttv2"}
"""Algorithms that take the statistics of another where they have none of their own."""


class Statistics(Part):
    """What the numerics of an algorithm would have found, on average over layers and samples.

    Instead of numbers, `run` names the folder of a finished run; they are read from its ledger.
    """

    about: ClassVar[frozenset[str]] = frozenset({"measured"})
    forward_mvms: Annotated[float, Field(ge=1, le=1e6)]
    """Mat-vecs a forward use: 1 + repeats of bound management."""
    forward_driven: Fraction
    """Share of the input lines that a forward mat-vec drives."""
    forward_conduction: Mean
    """Mean of |input| x conductance / mean conductance over the devices, both arrays, of a forward mat-vec."""
    backward_mvms: Annotated[float, Field(ge=1, le=1e6)]
    """Mat-vecs a backward use: 1 + repeats of bound management."""
    backward_driven: Fraction
    """Share of the output lines that a backward mat-vec drives."""
    backward_conduction: Mean
    """Mean of |input| x conductance / mean conductance over the devices, both arrays, of a backward mat-vec."""
    pulses: Mean
    """Pulse slots an update."""
    fired: Fraction
    """Share of the lines, rows and columns, that fire in a slot."""
    coincidences: Fraction
    """Share of the devices that step in a slot."""
    transfer_pulses: Mean = 0.0
    """Pulse slots a transferred line."""
    transfer_coincidences: Fraction = 0.0
    """Share of a transferred line's elements that step in a slot (of TTv2: what crosses in H, where anything does)."""
    measured: str = ""
    """Folder of the run that the numbers were read from; written by the twin."""

    @model_validator(mode="before")
    @classmethod
    def _read_the_run(cls, table: Any) -> Any:
        if not isinstance(table, dict) or not isinstance(table.get("run"), str):
            return table
        own = {key: value for key, value in table.items() if key != "run"}
        try:
            return measured(table["run"]) | own | {"measured": table["run"]}
        except TwinError as error:
            raise refusal(("run",), f"must name the folder of a finished run: {error}") from error


def completed(given: Mapping[str, Any]) -> dict[str, Any]:
    """Return tables of statistics by algorithm, with what they leave out as it was measured on MNIST."""
    return {
        name: {**shipped_statistics().get(name, {}), **table}
        if isinstance(table, dict) and "run" not in table
        else table
        for name, table in given.items()
    }


@cache
def shipped_statistics() -> dict[str, dict[str, float]]:
    """Return what was measured on MNIST, by algorithm; ``statistics.toml`` says how."""
    text = files("twin.descriptions").joinpath("statistics.toml").read_text(encoding="utf-8")
    found: dict[str, dict[str, float]] = tomllib.loads(text)
    return found


def statistics_name(given: Collection[str], algorithm: str) -> str | None:
    """Return under which name the statistics of an algorithm are among those given; None where they are not."""
    return next((name for name in (algorithm, THROUGH_H.get(algorithm, "")) if name in given), None)


def with_statistics(loaded: Loaded[Any], algorithm: str) -> Loaded[Any]:
    """Return a workload with the statistics of an algorithm in it, those that ship where it gives none."""
    given = vars(loaded.model)["statistics"]
    name = statistics_name(shipped_statistics(), algorithm)
    if name is None or statistics_name(given, algorithm) is not None:
        return loaded
    table = Statistics.model_validate(shipped_statistics()[name])
    model = loaded.model.model_copy(update={"statistics": {**given, name: table}})
    keys = [f"statistics.{name}.{key}" for key in Statistics.model_fields]
    sources = {key: split(default_source(key) or "") for key in keys}
    return replace(
        loaded, model=model, origins=loaded.origins | dict.fromkeys(keys, "default"), sources=loaded.sources | sources
    )
