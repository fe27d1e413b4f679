"""The description of a workload: network, data, schedule, device, hyper-parameters of every algorithm."""

from itertools import pairwise
from typing import Annotated, Any, ClassVar, Literal, Self

from pydantic import Field, model_validator

from twin.config.checks import Name, refusal
from twin.config.part import Part
from twin.config.resources import suggestion

Count = Annotated[int, Field(ge=0, le=2**40)]
LearningRate = Annotated[float, Field(gt=0, le=1e4)]
Real = Annotated[float, Field(ge=-1e6, le=1e6)]
Fraction = Annotated[float, Field(ge=0, le=1)]
Inside = Annotated[float, Field(gt=0, lt=1)]

CLASSES = {"digits": 10, "mnist": 10, "linear": 1}
_LINE = ("slope", "intercept", "noise")


class Data(Part):
    """The data set, with at most `samples` training samples (0 = all).

    Linear: y = slope x + intercept + N(0, noise^2).
    """

    set: Literal["digits", "mnist", "linear"]
    samples: Count = 0
    slope: Real = 0.0
    intercept: Real = 0.0
    noise: Annotated[float, Field(ge=0, le=1e6)] = 0.0

    @model_validator(mode="after")
    def _a_line_belongs_to_linear(self) -> Self:
        linear = vars(self)["set"] == "linear"
        for key in _LINE:
            if linear and key not in self.model_fields_set:
                raise refusal((), f'needs {key} for set = "linear"')
            if not linear and vars(self)[key] != 0:
                raise refusal((key,), 'belongs to set = "linear"')
        return self


class Layer(Part):
    """A dense layer; a bias adds one input line that always carries 1."""

    kind: Literal["dense"]
    outputs: Annotated[int, Field(ge=1, le=1_000_000)]
    activation: Literal["sigmoid", "tanh", "relu", "identity", "softmax"]
    bias: bool


class Network(Part):
    """Layers in order, and the loss."""

    loss: Literal["cross-entropy", "squared-error"]
    layers: Annotated[tuple[Layer, ...], Field(strict=False, min_length=1, max_length=1000)]

    @model_validator(mode="after")
    def _softmax_ends_a_classifier(self) -> Self:
        last = len(vars(self)["layers"]) - 1
        for index, layer in enumerate(vars(self)["layers"]):
            softmax = vars(layer)["activation"] == "softmax"
            at = ("layers", index, "activation")
            if softmax and index < last:
                raise refusal(at, "may stand in the last layer only")
            if softmax and vars(self)["loss"] != "cross-entropy":
                raise refusal(at, 'needs loss = "cross-entropy"')
            if index == last and not softmax and vars(self)["loss"] == "cross-entropy":
                raise refusal(at, 'must be "softmax" in the last layer under loss = "cross-entropy"')
        return self


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


class Update(Part):
    """The pulsed update, in aihwkit's names; pulse_type "none" writes the exact outer product."""

    pulse_type: Literal["stochastic", "none"] = "stochastic"
    desired_bl: Annotated[int, Field(ge=1, le=10_000)] = 31
    update_management: bool = True
    update_bl_management: bool = True


class DigitalSGD(Part):
    """FP32 baseline."""

    learning_rate: LearningRate = 0.01


class AnalogSGD(Part):
    """Plain SGD on one pulsed matrix W."""

    learning_rate: LearningRate = 0.01
    update: Update = Update()


class Transfer(Part):
    """What SHD and TTv2 share: fast matrix A, slow matrix C, one line read every `transfer_every` updates.

    With `auto_scale` the rate of A is fast_lr x desired_bl x dw_min / (mu_x mu_d), where mu are running means
    (momentum `auto_momentum`) of the largest input and error of the layer (Rasch 2024, Eq. 15).
    """

    fast_lr: LearningRate = 1.0
    auto_scale: bool = True
    auto_momentum: Annotated[float, Field(ge=0, lt=1)] = 0.99
    transfer_every: Annotated[int, Field(ge=1, le=10_000_000)] = 1
    transfer_axis: Literal["row", "column"] = "row"
    transfer_lr: LearningRate
    update: Update = Update(desired_bl=1)


class SHD(Transfer):
    """Stochastic Hamiltonian descent, that is Tiki-Taka v1 (Onen 2021)."""

    transfer_lr: LearningRate = 0.02
    gamma: Fraction = 0.0
    threshold: Annotated[float, Field(ge=0, le=1e3)] = 0.06
    transfer_vectors: Literal["one-hot", "hadamard"] = "one-hot"
    transfer_update: Update = Update(desired_bl=1)


class TTv2(Transfer):
    """Tiki-Taka v2 (Gokmen 2021) with plain or hysteretic reset of H."""

    transfer_lr: LearningRate = 3.0
    reset: Literal["plain", "hysteretic"] = "plain"


class Algorithms(Part):
    """Hyper-parameters by algorithm; defaults are allowed, as none sets time, energy or area by itself."""

    digital: DigitalSGD = DigitalSGD()
    sgd: AnalogSGD = AnalogSGD()
    shd: SHD = SHD()
    ttv2: TTv2 = TTv2()


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
