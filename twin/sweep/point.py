"""One point of a sweep: the run that it stands for, and the name under which its result is kept."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from twin.algorithms.registry import algorithm_class
from twin.descriptions.resolved import toml_text
from twin.descriptions.sweep import Fixed, Scalar, Stop, Sweep
from twin.errors import TwinError
from twin.runs.library import Library
from twin.runs.plan import Plan, RunRequest
from twin.runs.planning import plan_request
from twin.sweep.design import values_of

ID_LENGTH = 16
SEED = "seed"


@dataclass(frozen=True, slots=True)
class Point:
    """One run of a sweep.

    Attributes
    ----------
    id : str
        Hash of everything that decides the result: the resolved descriptions, the algorithm, the version, the rule
        by which it is given up.
    axes : dict
        Value of every axis, and the seed.
    request : RunRequest
    refused : str
        Why the point cannot be run, in one line; empty if it can.
    """

    id: str
    axes: dict[str, Scalar]
    request: RunRequest
    refused: str = ""


def none_possible(refused: Sequence[str]) -> str:
    """Return why no point at all can be run, from why each cannot; empty if one can."""
    return "" if not all(refused) else f"none of {len(refused)} points can be run; the first: {refused[0]}"


def points_of(sweep: Sweep) -> list[Point]:
    """Return all points, in the order of the design, seeds varying fastest."""
    keys, library = [axis.key for axis in sweep.axes], Library()
    return [
        point_of(sweep, dict(zip(keys, values, strict=True)) | {SEED: seed}, library)
        for values in values_of(sweep)
        for seed in sweep.seeds
    ]


def point_of(sweep: Sweep, values: dict[str, Scalar], library: Library) -> Point:
    """Return the point with these values of the axes, and of whatever else is set, and this seed."""
    request = request_of(sweep, values)
    content: list[object]
    try:
        plan = plan_request(request, library)
        _check_layout(plan)
        content, refused = [plan.id], ""
    except TwinError as error:
        content, refused = [request.workload, request.chip, request.layout, request.algorithm, values], str(error)
    return Point(point_id(content, sweep.stop), values, request, refused)


def point_id(content: Sequence[object], stop: Stop | None) -> str:
    """Return the name of the result of a run with this content (its identity), given up by this rule."""
    rule = stop.model_dump() if stop else None
    return hashlib.sha256(json.dumps([*content, rule], sort_keys=True).encode()).hexdigest()[:ID_LENGTH]


def _check_layout(plan: Plan) -> None:
    if not algorithm_class(plan.algorithm).fits(plan.layout.model):
        raise TwinError(
            f"layout (= {plan.request.layout}): does not hold the matrices of {plan.algorithm}; "
            f"take one of {', '.join(algorithm_class(plan.algorithm).default_layouts)}"
        )


def request_of(sweep: Sweep, values: Mapping[str, Scalar]) -> RunRequest:
    """Return the run that has these values; names first, so that a device's parameters find the device."""
    merged = dict(sweep.fixed) | dict(values)
    names = {key: str(merged.pop(key, getattr(sweep, key))) for key in ("workload", "chip", "algorithm", "layout")}
    if not names["layout"]:
        names["layout"] = algorithm_class(names["algorithm"]).default_layouts[0]
    workload = {"training.seed": str(merged.pop(SEED))}
    more, chip = overrides_of(names["algorithm"], merged)
    workload |= more
    named = names["workload"], names["chip"], names["layout"], names["algorithm"]
    return RunRequest(*named, sweep.mode, workload, chip)


def overrides_of(algorithm: str, values: Mapping[str, Fixed]) -> tuple[dict[str, str], dict[str, str]]:
    """Return the overrides of workload and chip that set these keys of a sweep, for a run with this algorithm."""
    merged = {key: values[key] for key in sorted(values, key=lambda key: key != "device")}  # what sets it whole first
    workload: dict[str, str] = {}
    chip: dict[str, str] = {}
    if isinstance(merged.get("device"), str):
        merged["device"] = {"preset": str(merged["device"])}
    for key, value in merged.items():
        first, _, rest = key.partition(".")
        if first == "chip":
            chip[rest] = toml_text(value)
        else:
            workload[f"algorithms.{algorithm}.{rest}" if first == "algorithm" else key] = toml_text(value)
    return workload, chip
