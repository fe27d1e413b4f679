"""The description of a workload: network, data, schedule, device, hyper-parameters of every algorithm."""

from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from twin.config.algorithms import Algorithms
from twin.config.checks import Name, refusal
from twin.config.data import CLASSES, Data
from twin.config.network import Network
from twin.config.numbers import Count, Inside
from twin.config.part import Part
from twin.config.resources import suggestion


class Training(Part):
    """The schedule; at each fraction of the epochs in `decay_at` all rates shrink by `decay_factor`."""

    epochs: Annotated[int, Field(ge=1, le=1_000_000)]
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)]
    in_flight: Annotated[int, Field(ge=1, le=4096)] = 1
    decay_at: Annotated[tuple[Inside, ...], Field(strict=False)] = ()
    decay_factor: Annotated[float, Field(gt=0, le=1)] = 1.0
    checkpoint_every: Count = 0

    @model_validator(mode="after")
    def _fractions_ascend(self) -> Self:
        for index, (before, after) in enumerate(pairwise(vars(self)["decay_at"])):
            if after <= before:
                raise refusal(("decay_at", index + 1), "must be greater than the fraction before it")
        return self


class Device(Part):
    """A device preset by name, and the parameters that replace the preset's.

    In TOML both stand in one table: ``device = {preset = "gokmen-60", dw_min = 0.01}``.
    """

    preset: Name
    overrides: dict[str, Any] = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _gather_overrides(cls, table: Any) -> Any:
        if not isinstance(table, dict):
            return table
        if "preset" not in table:
            misspelt = next((key for key in table if "did you mean" in suggestion(key, ["preset"])), None)
            if misspelt is not None:
                raise refusal((misspelt,), f"unknown key{suggestion(misspelt, ['preset'])}")
        overrides = {key: value for key, value in table.items() if key != "preset"}
        return {**({"preset": table["preset"]} if "preset" in table else {}), "overrides": overrides}


class Calibration(Part):
    """How references reach the symmetry point: computed, by `pairs` of up and down pulses, or not at all."""

    method: Literal["exact", "pulses", "none"]
    pairs: Annotated[int, Field(ge=0, le=10_000_000)] = 0

    @model_validator(mode="after")
    def _pulses_are_counted(self) -> Self:
        if vars(self)["method"] == "pulses" and vars(self)["pairs"] == 0:
            raise refusal((), 'needs pairs (more than 0) for method = "pulses"')
        return self


class Initial(Part):
    """The distribution of initial weights: uniform in +-scale / sqrt(inputs)."""

    distribution: Literal["uniform"]
    scale: Annotated[float, Field(ge=0, le=1e3)]


class Workload(Part):
    """A network, what it is trained on, how, and on which devices."""

    about: ClassVar[frozenset[str]] = frozenset({"schema_version", "kind", "name", "description", "notes"})
    schema_version: Literal[1] = Field(alias="schema")
    kind: Literal["workload"]
    name: Name
    description: str
    notes: str = ""
    data: Data
    network: Network
    training: Training
    device: Device
    calibration: Calibration
    init: Initial
    algorithms: Algorithms = Algorithms()

    @model_validator(mode="after")
    def _network_fits_data(self) -> Self:
        chosen = vars(vars(self)["data"])["set"]
        layers = vars(vars(self)["network"])["layers"]
        if vars(layers[-1])["outputs"] != CLASSES[chosen]:
            at = ("network", "layers", len(layers) - 1, "outputs")
            raise refusal(at, f'must be {CLASSES[chosen]} in the last layer for set = "{chosen}"')
        if chosen == "linear" and vars(vars(self)["network"])["loss"] != "squared-error":
            raise refusal(("network", "loss"), 'must be "squared-error" for set = "linear"')
        return self
