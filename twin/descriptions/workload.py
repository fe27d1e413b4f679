"""The description of a workload: network, data, schedule, device, hyper-parameters of every algorithm."""

from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from twin.config.calibration import Calibration
from twin.config.checks import Identifier, refusal
from twin.config.data import CLASSES, OWN, TEXTS, Data
from twin.config.description import HEADER, Description
from twin.config.extraction import Extraction
from twin.config.numbers import Count, Inside
from twin.config.optimiser import Optimiser
from twin.config.part import Part
from twin.config.programming import Programming
from twin.config.schedule import Schedule
from twin.config.sources import SourceTable, check_sources, citable
from twin.config.timing import Timing
from twin.config.weights import Initial, WeightMapping
from twin.descriptions.algorithms import Algorithms
from twin.descriptions.device import Device
from twin.descriptions.rules import Rule, decided
from twin.descriptions.statistics import Statistics, completed
from twin.networks.description import Network
from twin.networks.kinds.matrices import Recurrent


class Training(Part):
    """The schedule."""

    epochs: Annotated[int, Field(ge=1, le=1_000_000)]
    """Passes over the training samples."""
    seed: Annotated[int, Field(ge=0, le=2**63 - 1)]
    """Seed of all that is drawn: initial weights, devices, noise and pulses."""
    batch: Annotated[int, Field(ge=1, le=4096)] = 1
    """Samples of a step, which see the same weights; rates are by the mean of their gradients. Steps are what
    `in_flight`, `staleness`, `calibration.every` and sampled timing count."""
    in_flight: Annotated[int, Field(ge=1, le=4096)] = 1
    """Samples that are under way at once."""
    consistency: Literal["strict", "bounded", "none"] = "strict"
    """How far apart samples in flight may read and write a weight matrix: not at all ("strict"), at most `staleness`
    samples ("bounded"), or as it comes ("none").
    """
    staleness: Annotated[int, Field(ge=0, le=4096)] = 0
    """Samples' updates that a read may lack at most, for consistency "bounded"."""
    decay_at: Annotated[tuple[Inside, ...], Field(strict=False)] = ()
    """Fractions of the epochs at which all rates shrink by `decay_factor`."""
    decay_factor: Annotated[float, Field(gt=0, le=1)] = 1.0
    """What all rates are multiplied by at each of `decay_at`."""
    schedule: Schedule | None = None
    """Warm-up, a cosine, and whether rates change every step; without it they shrink at `decay_at` alone."""
    checkpoint_every: Count = 0
    """Samples from one checkpoint to the next within an epoch; 0: one at the end of every epoch."""
    endurance: bool = False
    """Count the pulses that every device gets."""

    @model_validator(mode="after")
    def _fractions_ascend(self) -> Self:
        for index, (before, after) in enumerate(pairwise(vars(self)["decay_at"])):
            if after <= before:
                raise refusal(("decay_at", index + 1), "must be greater than the fraction before it")
        return self

    @model_validator(mode="after")
    def _steps_are_of_their_schedule(self) -> Self:
        chosen, given = vars(self)["schedule"], bool(vars(self)["decay_at"])
        if chosen is not None and (vars(chosen)["kind"] == "steps") != given:
            rule = 'must name at least one fraction for schedule.kind = "steps"'
            raise refusal(
                ("decay_at",), f'must be empty for schedule.kind = "{vars(chosen)["kind"]}"' if given else rule
            )
        return self

    def factor(self, at: int, total: int) -> float:
        """Return what all rates are multiplied by in epoch or step `at` of `total`."""
        past = sum(at >= round(fraction * total) for fraction in self.decay_at)
        return float(self.decay_factor**past) * (1.0 if self.schedule is None else self.schedule.factor(at, total))

    @model_validator(mode="after")
    def _staleness_is_bounded(self) -> Self:
        own = vars(self)
        if own["staleness"] > 0 and own["consistency"] != "bounded":
            raise refusal(("staleness",), 'must be 0 unless consistency = "bounded"')
        return self


class Workload(Description):
    """A network, what it is trained on, how, and on which devices."""

    about: ClassVar[frozenset[str]] = HEADER | {"notes", "sources"}
    kind: Literal["workload"]
    """Says that this file describes a workload."""
    notes: str = ""
    """Anything that a reader should know."""
    data: Data
    """What the network is trained and tested on."""
    network: Network
    """Layers and loss."""
    training: Training
    """Length, seed and schedule of the training."""
    device: Device
    """Devices of the arrays."""
    calibration: Calibration
    """How reference arrays are set."""
    init: Initial
    """Where training starts."""
    rules: Annotated[tuple[Rule, ...], Field(strict=False)] = ()
    """Which matrices are digital, and what algorithm, layout and devices others have than the run's; of the rules that
    match a node the last decides.
    """
    mapping: WeightMapping = WeightMapping()
    """How weights become states of devices."""
    programming: Programming | None = None
    """How the first weights get into the arrays; without it, exactly and at no cost."""
    timing: Timing = Timing()
    """Which samples are timed one by one."""
    algorithms: Algorithms = Algorithms()
    """Hyper-parameters by algorithm."""
    optimiser: Optimiser | None = None
    """How digital parameters learn: scales, shifts, embeddings, positions."""
    statistics: dict[Identifier, Statistics] = Field(default_factory=dict)
    """Algorithm to what its numerics would have found, for runs that are timed and train nothing. What is left out is
    as it was measured on MNIST.
    """
    extraction: Extraction | None = None
    """How the trained model is read out of the arrays; without it, it is not."""
    sources: SourceTable = Field(default_factory=dict)

    @model_validator(mode="before")
    @classmethod
    def _complete_statistics(cls, table: Any) -> Any:
        given = table.get("statistics") if isinstance(table, dict) else None
        return {**table, "statistics": completed(given)} if isinstance(given, dict) else table

    @model_validator(mode="after")
    def _sources_name_values(self) -> Self:
        """Refuse a source of what is no value, and one without a status; a value without one is an assumption."""
        device = vars(self)["device"]
        own = list(device.keys("device."))
        for index, rule in enumerate(vars(self)["rules"]):
            own += vars(rule)["device"].keys(f"rules.{index}.device.") if vars(rule)["device"] else []
        check_sources(vars(self)["sources"], {*citable(self), *own}, "workload")
        return self

    @model_validator(mode="after")
    def _rules_decide(self) -> Self:
        network, rules = vars(self)["network"], vars(self)["rules"]
        decided([(one.name, vars(one.node)["kind"]) for one in network.listed()], rules)
        return self

    @model_validator(mode="after")
    def _network_fits_data(self) -> Self:
        data = vars(self)["data"]
        chosen, loss = vars(data)["set"], data.loss
        if chosen == "none":
            if bool(vars(data)["symbols"]) != vars(self)["network"].reads_text:
                rule = "must be given where network.steps is, and for no other network"
                raise refusal(("data", "symbols"), rule)
            return self
        named = f'targets = "{vars(data)["targets"]}"' if chosen in OWN else f'set = "{chosen}"'
        network = vars(self)["network"]
        last = list(network.listed())[-1]
        outputs = vars(last.node).get("outputs")  # those of other kinds follow from their inputs
        if chosen in TEXTS and not network.reads_text:
            if any(isinstance(one.node, Recurrent) for one in network.listed()):
                rule = "must be at least 1: the characters of a sample (the papers use 100)"
                raise refusal(("network", "steps"), rule)
            rule = f'needs a recurrent layer (kind = "lstm") or an embedding for set = "{chosen}"'
            raise refusal(("network", "layers"), rule)
        if chosen not in TEXTS and network.reads_text:
            raise refusal(("data", "set"), f"must be a text where network.steps is given: {', '.join(sorted(TEXTS))}")
        if chosen in CLASSES and outputs is not None and outputs != CLASSES[chosen]:
            raise refusal(
                ("network", *last.at, "outputs"), f'must be {CLASSES[chosen]} in the last layer for set = "{chosen}"'
            )
        if vars(network)["loss"] != loss:
            raise refusal(("network", "loss"), f'must be "{loss}" for {named}')
        return self
