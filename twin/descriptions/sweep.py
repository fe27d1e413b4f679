"""The description of a sweep: axes over dotted keys, how points are drawn from them, what is sought at each."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from twin.config.checks import first_repeated, refusal
from twin.config.description import Description
from twin.config.numbers import Real
from twin.config.options import Mode, Options
from twin.config.part import Part

Key = Annotated[str, Field(pattern=r"^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$", max_length=120)]
Scalar = str | int | float | bool
Fixed = Scalar | dict[str, Scalar]


class Axis(Part):
    """One dotted key and its values: a list, or a range that random designs and searches draw from."""

    key: Key
    """``workload``, ``chip``, ``layout``, ``algorithm`` or ``device`` (a preset); ``device.KEY``, a parameter of the
    device; ``algorithm.KEY``, one of whatever algorithm the point has; ``chip.KEY``; every other key is the workload's.
    """
    values: Annotated[tuple[Scalar, ...], Field(strict=False)] = ()
    """A list of values, in place of a range."""
    low: Real | None = None
    """Lower end of a range."""
    high: Real | None = None
    """Upper end of a range."""
    scale: Literal["linear", "log"] = "linear"
    """Draw evenly over the range ("linear") or over its logarithm ("log")."""
    integer: bool = False
    """Draw whole numbers, both ends of the range included."""

    @model_validator(mode="after")
    def _either_values_or_range(self) -> Self:
        own = vars(self)
        low, high = own["low"], own["high"]
        if bool(own["values"]) == (low is not None or high is not None):
            raise refusal((), "needs either values = [...] or low and high")
        if own["values"]:
            if own["integer"]:
                raise refusal(("integer",), "is for a range; write whole numbers as values")
            return self
        if low is None or high is None or low >= high:
            raise refusal(("high",), "must be given with low, and be greater")
        if own["scale"] == "log" and low <= 0:
            raise refusal(("low",), "must be greater than 0 on a log scale")
        if own["integer"] and not (low.is_integer() and high.is_integer()):
            raise refusal(("integer",), "needs a low and a high that are whole numbers")
        return self


class Design(Part):
    """Which points are run."""

    kind: Literal["grid", "list", "random", "latin-hypercube"] = "grid"
    """``grid``: every combination. ``list``: the first values of all axes, the second, and so on. ``random`` and
    ``latin-hypercube``: `points` draws; of a list of values each is as likely as another.
    """
    points: Annotated[int, Field(ge=0, le=1_000_000)] = 0
    """How many points are drawn; 0 for a grid or a list, whose axes say so."""
    seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0
    """Seed of the draws."""


class Stop(Part):
    """When a point is given up."""

    error_above: Annotated[float, Field(gt=0)]
    """Test error, as a fraction, above which a point is given up."""
    after_epoch: Annotated[int, Field(ge=1)]
    """Epochs from whose end on the test error is looked at."""


class Search(Part):
    """Values of further keys that are sought at every point of the design, at each for itself.

    A trial runs the point with values that the sampler proposes. The best values are run with the seeds of the sweep.
    """

    objective: Literal[
        "test_error",
        "best_test_error",
        "late_test_error",
        "test_loss",
        "train_loss",
        "makespan_s",
        "samples_per_s",
        "energy_J",
    ] = "test_error"
    """Column whose mean over `seeds` is sought least or greatest; "late" is the mean of the last three epochs."""
    direction: Literal["minimize", "maximize"] = "minimize"
    """Seek the least ("minimize") or the greatest ("maximize") objective."""
    trials: Annotated[int, Field(ge=1, le=100_000)]
    """Settings that are tried at each point of the design."""
    seeds: Annotated[tuple[Annotated[int, Field(ge=0, le=2**63 - 1)], ...], Field(strict=False, min_length=1)]
    """Seeds with which each setting is tried, others than the sweep's: a seed by which values were chosen says too much
    good of them.
    """
    sampler: Literal["tpe", "random"] = "tpe"
    """Learn from earlier trials by a tree-structured Parzen estimator ("tpe"), or draw at "random"."""
    sampler_seed: Annotated[int, Field(ge=0, le=2**32 - 1)] = 0
    """Seed of what the sampler draws."""
    startup: Annotated[int, Field(ge=1, le=100_000)] = 10
    """Trials that "tpe" draws at random before it learns."""
    together: Annotated[int, Field(ge=1, le=1_000)] = 1
    """Trials that are proposed before the sampler hears of any of them."""
    axes: Annotated[tuple[Axis, ...], Field(strict=False, min_length=1)]
    """What is sought, as the axes of the design; no key stands in both."""

    @model_validator(mode="after")
    def _only_the_sampler_that_learns_starts(self) -> Self:
        if vars(self)["sampler"] == "random" and "startup" in self.model_fields_set:
            raise refusal(("startup",), 'is of sampler = "tpe", which draws so many trials at random; leave it out')
        return self


class Sweep(Description):
    """A sweep over one workload."""

    kind: Literal["sweep"]
    """Says that this file describes a sweep."""
    workload: str
    """The workload, by name or path."""
    chip: str = "aimc-512"
    """The chip, by name or path."""
    algorithm: str = "ttv2"
    """The algorithm, where no axis names it."""
    layout: str = ""
    """The layout, where no axis names it; empty: the algorithm's first."""
    mode: Mode = Options.mode
    seeds: Annotated[tuple[Annotated[int, Field(ge=0, le=2**63 - 1)], ...], Field(strict=False, min_length=1)]
    """Seeds with which every point is run."""
    axes: Annotated[tuple[Axis, ...], Field(strict=False, min_length=1)]
    """What changes from point to point."""
    fixed: dict[Key, Fixed] = Field(default_factory=dict)
    """Keys and the values that they have at every point, in place of the workload's or the chip's."""
    design: Design = Design()
    """Which combinations of the axes are run."""
    stop: Stop | None = None
    """When a point is given up early; without it none is."""
    search: Search | None = None
    """What is sought at every point; without it nothing is."""

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

    @model_validator(mode="after")
    def _search_is_over_other_keys_and_seeds(self) -> Self:
        own = vars(self)
        if own["search"] is None:
            return self
        search = vars(own["search"])
        taken = {vars(axis)["key"] for axis in own["axes"]} | set(own["fixed"]) | {"seed", "training.seed"}
        for index, axis in enumerate(search["axes"]):
            key = vars(axis)["key"]
            if key in taken:
                rule = "is sought and set elsewhere (axis, fixed, seed or sought twice); keep one of them"
                raise refusal(("search", "axes", index, "key"), rule)
            taken.add(key)
        if set(search["seeds"]) & set(own["seeds"]):
            raise refusal(("search", "seeds"), "must be others than `seeds`, which judge what was found with these")
        return self
