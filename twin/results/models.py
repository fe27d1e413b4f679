"""What ``summary.json`` holds, as models: `twin schema summary` prints their JSON Schema.

Units stand in the names of the keys. A number that is not known, or that a run has no part for, is null.
"""

import math
from typing import Annotated, Any, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel

from twin.results.columns import DIALECT
from twin.results.derived import PATHS


def _known(value: Any) -> Any:
    return None if isinstance(value, float) and not math.isfinite(value) else value


Number = Annotated[float | None, BeforeValidator(_known)]


class Model(BaseModel):
    """A part of ``summary.json``: nothing but its keys."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Named(Model):
    """What was run."""

    name: str = Field(description="unique among the runs of a comparison")
    algorithm: str
    layout: str
    chip: str
    workload: str
    device: str = Field(description="what it is and what was changed of it; empty where no array was simulated")
    data: str = Field("", description="the data set; of other content than is published under its name with a hash")
    seed: int
    samples: int = Field(description="training samples seen")
    epochs: int
    command: str = Field(description="what repeats the run")


class Classified(Model):
    """Accuracy of a classification; null where nothing was trained."""

    test_error_fraction: Number


class Regressed(Model):
    """Accuracy of a regression."""

    test_loss: Number


class Time(Model):
    """Simulated time."""

    makespan_s: Number
    makespan_interval_95_s: Number = Field(
        description="half the 95 % interval where timing was sampled, null where unknown"
    )
    throughput_samples_per_s: Number
    speed_vs_baseline_ratio: Number
    baseline: str = Field(description="the run that the ratio is to")


class Energy(Model):
    """Energy: the total is with leakage, dynamic + idle + static."""

    total_J: Number
    total_interval_95_J: Number = Field(
        description="half the 95 % interval: of leakage and idle power, which take time"
    )
    dynamic_J: Number = Field(None, description="of operations, waking of gated parts included")
    idle_J: Number = Field(None, description="of parts that are awake: idle periphery, clocks, controllers")
    static_J: Number = Field(None, description="leakage")
    without_static_J: Number = Field(None, description="the total without leakage")
    per_sample_J: Number
    samples_per_J: Number = None
    by_component_J: dict[str, Number]
    by_operation_J: dict[str, Number] = Field(description="by kind of operation")


class Share(Model):
    """Bytes of the matrix H, and all others."""

    H: Number
    other: Number


class Traffic(Model):
    """What was moved."""

    per_sample_B: dict[Literal[PATHS], Share] = Field(description="by path")  # type: ignore[valid-type]  # of strings


class Area(Model):
    """Silicon."""

    total_m2: Number
    leakage_W: Number
    chips: int
    samples_per_s_per_mm2: Number = None


class Utilisation(Model):
    """Share of the makespan that tiles are in service; null without tiles."""

    tile_mean_fraction: Number
    tile_max_fraction: Number
    tile_bubble_fraction: Number = Field(description="idle share of the tiles while steps are under way; null: unknown")


class Staleness(Model):
    """How many samples' updates forward mat-vecs lacked; negative: newer weights than in program order."""

    forward_reads_by_samples: dict[str, int]
    mean_samples: Number
    most_samples: int


class Calibration(Model):
    """What calibration cost."""

    times: int
    pulses: int = Field(description="of the busiest array, summed over the calibrations")
    busy_s: Number
    energy_J: Number


class BusyLink(Model):
    """A link of a network."""

    link: str
    utilisation_fraction: Number
    per_sample_B: Number


class Network(Model):
    """Where traffic piles up."""

    busiest_links: list[BusyLink]


class Bound(Model):
    """What bound the time."""

    line: str
    critical_path_fraction: dict[str, Number] = Field(description="by what was in service")
    part_fraction: dict[str, Number] = Field(default_factory=dict, description="by part of the chip")
    work_fraction: dict[str, Number] = Field(default_factory=dict, description="by kind of work")
    node_fraction: dict[str, Number] = Field(default_factory=dict, description="by node; copies of a block are one")
    twice_as_fast_saves_fraction: dict[str, Number] = Field(
        default_factory=dict, description="of the path, at most, where a part of the chip is twice as fast"
    )
    waits_fraction: dict[str, Number] = Field(description="by what was waited for")


class RunSummary(Model):
    """``summary.json`` of one run."""

    schema_: Literal[1] = Field(alias="schema")
    kind: Literal["run"]
    twin_version: str
    run: Named
    accuracy: Classified | Regressed
    time: Time
    energy: Energy
    traffic: Traffic
    area: Area
    utilisation: Utilisation
    staleness: Staleness
    calibration: Calibration
    network: Network
    bound: Bound
    warnings: list[str]


class EqualArea(Model):
    """A run in the area of the largest run: as many copies as fit, at work on different samples."""

    run: str
    area_m2: Number = Field(description="of the run")
    samples_per_s_per_mm2: Number
    samples_per_J: Number
    copies: Number = Field(description="whole chips that fit")
    copies_area_m2: Number
    copies_samples_per_s: Number
    copies_power_W: Number = Field(description="mean power of these chips")
    tile_sets: Number = Field(description="copies of the network's tiles that fit beside one buffer and one memory")
    tile_sets_samples_per_s: Number = Field(description="at most: where buffer, memory or host is always busy")


class EqualAccuracy(Model):
    """A trained run until the end of the first epoch with a test error of at most `to_error`; null: never."""

    run: str
    to_error: Number = Field(description="test error, a fraction; of a regression the test loss")
    epoch: Number
    samples: Number
    time_s: Number
    not_before_s: Number = Field(description="end of the epoch before, at which it was not reached")
    energy_J: Number = Field(description="until then, leakage included")


class ComparisonSummary(Model):
    """``summary.json`` of a comparison: that of every run, the first of which is the baseline."""

    schema_: Literal[1] = Field(alias="schema")
    kind: Literal["comparison"]
    twin_version: str
    baseline: str
    runs: list[RunSummary]
    equal_area: list[EqualArea] = Field([], description="every run with the area of the largest")
    equal_accuracy: list[EqualAccuracy] = Field([], description="every trained run until a test error")
    command: str = Field(description="what regenerates the report")


class Summary(RootModel[Annotated[RunSummary | ComparisonSummary, Field(discriminator="kind")]]):
    """``summary.json``: of a run or of a comparison."""


def summary_schema() -> dict[str, Any]:
    """Return the JSON Schema of ``summary.json``."""
    return {"$schema": DIALECT} | Summary.model_json_schema() | {"title": "twin summary.json"}
