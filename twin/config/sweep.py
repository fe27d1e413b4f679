"""The description of a sweep: axes over dotted keys, how points are drawn from them, when a point is given up."""

from typing import Annotated, ClassVar, Literal, Self

from pydantic import Field, model_validator

from twin.config.checks import Name, first_repeated, refusal
from twin.config.numbers import Real
from twin.config.part import Part

Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$", max_length=120)]
Scalar = str | int | float | bool


class Axis(Part):
    """One dotted key and its values: a list, or a range that random designs draw from.

    Plain keys are ``workload``, ``chip``, ``layout``, ``algorithm`` and ``device`` (a preset). ``device.KEY`` is a
    parameter of the device, ``algorithm.KEY`` one of whatever algorithm the point has, ``chip.KEY`` one of the chip;
    every other key is the workload's.
    """

    key: Key
    values: Annotated[tuple[Scalar, ...], Field(strict=False)] = ()
    low: Real | None = None
    high: Real | None = None
    scale: Literal["linear", "log"] = "linear"

    @model_validator(mode="after")
    def _either_values_or_range(self) -> Self:
        own = vars(self)
        low, high = own["low"], own["high"]
        if bool(own["values"]) == (low is not None or high is not None):
            raise refusal((), "needs either values = [...] or low and high")
        if own["values"]:
            return self
        if low is None or high is None or low >= high:
            raise refusal(("high",), "must be given with low, and be greater")
        if own["scale"] == "log" and low <= 0:
            raise refusal(("low",), "must be greater than 0 on a log scale")
        return self


class Design(Part):
    """Which points are run.

    ``grid``: every combination. ``list``: the first values of all axes, the second, and so on. ``random`` and
    ``latin-hypercube``: `points` draws, by `seed`; of a list of values each is as likely as another.
    """

    kind: Literal["grid", "list", "random", "latin-hypercube"] = "grid"
    points: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0


class Stop(Part):
    """A point is given up where its test error is still above `error_above` after `after_epoch` epochs."""

    error_above: Annotated[float, Field(gt=0)]
    after_epoch: Annotated[int, Field(ge=1)]


class Sweep(Part):
    """A sweep over one workload."""

    about: ClassVar[frozenset[str]] = frozenset({"schema_version", "kind", "name", "description"})
    schema_version: Literal[1] = Field(alias="schema")
    kind: Literal["sweep"]
    name: Name
    description: str
    workload: str
    chip: str = "aimc-512"
    algorithm: str = "ttv2"
    layout: str = ""
    mode: Literal["replayed", "coupled"] = "replayed"
    seeds: Annotated[tuple[Annotated[int, Field(ge=0, le=2**63 - 1)], ...], Field(strict=False, min_length=1)]
    axes: Annotated[tuple[Axis, ...], Field(strict=False, min_length=1)]
    fixed: dict[Key, Scalar] = Field(default_factory=dict)
    design: Design = Design()
    stop: Stop | None = None

    @model_validator(mode="after")
    def _design_fits_the_axes(self) -> Self:
        own = vars(self)
        axes = [vars(axis) for axis in own["axes"]]
        repeated = first_repeated(axis["key"] for axis in axes)
        if repeated is not None:
            raise refusal(("axes", repeated[0], "key"), "stands twice; give each axis a key of its own")
        design = vars(own["design"])
        drawn = design["kind"] in {"random", "latin-hypercube"}
        if drawn != (design["points"] > 0):
            rule = (
                "must say how many to draw" if drawn else f"follows from the axes of a {design['kind']}; leave it out"
            )
            raise refusal(("design", "points"), rule)
        for index, axis in enumerate(axes):
            if axis["key"] in own["fixed"] or axis["key"] in {"seed", "training.seed"}:
                raise refusal(("axes", index, "key"), "is an axis and fixed, or a seed; seeds stand in `seeds`")
            if not drawn and not axis["values"]:
                raise refusal(
                    ("axes", index, "values"), f"are needed in a {design['kind']}; ranges are for random designs"
                )
        lengths = {len(axis["values"]) for axis in axes}
        if design["kind"] == "list" and len(lengths) > 1:
            raise refusal(("axes",), "must all have as many values in a list, the k-th of all axes being a point")
        return self
