"""From names to plans: descriptions loaded once a command, checked against one another."""

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from twin.algorithms.registry import algorithm_class
from twin.config.chip import Chip
from twin.config.loaded import Loaded
from twin.config.options import Mode
from twin.config.origins import COMMAND_LINE
from twin.descriptions.electricity import Devices, of_workload
from twin.descriptions.statistics import with_statistics
from twin.descriptions.workload import Workload
from twin.errors import TwinError
from twin.runs.folder import request_of
from twin.runs.kinds import TIMED, TRAINED
from twin.runs.library import Library
from twin.runs.plan import Plan, RunRequest
from twin.runs.protocol import RunKind


def plan_run(
    workload: str,
    chip: str,
    layout: str,
    algorithm: str,
    mode: Mode = "replayed",
    workload_overrides: Mapping[str, str] = {},
    chip_overrides: Mapping[str, str] = {},
    trace: str = "",
    events: bool = False,
    *,
    timing_only: bool = False,
) -> Plan:
    """Plan one run; the parameters are those of `RunRequest`, the errors those of `plan_request`."""
    own = dict(workload_overrides), dict(chip_overrides)
    request = RunRequest(workload, chip, layout, algorithm, mode, *own, trace, events, timing_only)
    return plan_request(request, Library())


def plan_request(request: RunRequest, library: Library) -> Plan:
    """Load what a request names.

    Raises
    ------
    TwinError
        For whatever is wrong with a description, and where the mode cannot run it.
    """
    layout = library.load("layout", request.layout)
    workload = library.load("workload", request.workload, request.workload_overrides)
    devices = of_workload(workload, algorithm_class(request.algorithm).matrices)
    chip = library.load("chip", request.chip, request.chip_overrides, devices)
    plan = Plan(request, chip, layout, workload, _ruled(request, workload, devices, library))
    if plan.only_timed:
        ruled = [rule.algorithm for rule in workload.model.rules if rule.algorithm is not None]
        for name in (request.algorithm, *ruled):
            workload = with_statistics(workload, name)
        plan = replace(plan, workload=workload)
    kind_of(plan).check_mode(plan)
    return plan


def _ruled(
    request: RunRequest, workload: Loaded[Workload], devices: Devices | None, library: Library
) -> dict[int, Chip]:
    """Return by rule the chip for the tiles of its nodes, where it gives them devices or io."""
    found = {}
    for index, rule in enumerate(vars(workload.model)["rules"]):
        io = {f"tile.io.{key}": json.dumps(value) for key, value in (vars(rule)["io"] or {}).items()}
        own = of_workload(workload, rule=index)
        if own is None and not io:
            continue
        try:
            loaded = library.load("chip", request.chip, request.chip_overrides | io, own or devices)
        except TwinError as error:
            said = str(error).removeprefix(f"{COMMAND_LINE}: chip.tile.")
            raise TwinError(f"rules.{index}{'.' if said.startswith('io.') else ': '}{said}") from error
        found[index] = loaded.model
    return found


def plan_folder(folder: Path) -> Plan:
    """Plan a prepared run from its own folder; raises as `plan_request`, and where the folder holds none."""
    return plan_request(request_of(folder), Library())


def kind_of(plan: Plan) -> RunKind:
    """Return the kind of a plan's workload."""
    return TIMED if plan.only_timed else TRAINED


def kind_named(workload: str, library: Library, *, timing_only: bool = False) -> RunKind:
    """Return the kind of run of a workload by its name or path; `timing_only` where it is not to be trained."""
    return TIMED if timing_only or not library.has_data(workload) else TRAINED


def plan_runs(
    workload: str,
    chip: str,
    algorithms: Sequence[str],
    layouts: Sequence[str],
    library: Library,
    **common: Any,
) -> list[Plan]:
    """Return one plan per algorithm and layout that fits it; `common` are further parameters of `RunRequest`.

    Without layouts each algorithm runs on its default ones; a layout that an algorithm cannot use is skipped,
    unless that leaves the algorithm without any.
    """
    for layout in layouts:
        library.load("layout", layout)  # also where no algorithm would look at it
    plans = []
    for name in dict.fromkeys(algorithms):
        algorithm = algorithm_class(name)
        chosen = list(dict.fromkeys(layouts)) or list(algorithm.default_layouts)
        if algorithm.digital:
            chosen = list(algorithm.default_layouts)
        fits = [layout for layout in chosen if algorithm.fits(library.load("layout", layout).model)]
        if not fits:
            needs = ", ".join(algorithm.default_layouts)
            raise TwinError(f"--layouts (= {','.join(chosen)}): none fits the algorithm {name}; add one of {needs}")
        requests = [RunRequest(workload, chip, layout, name, **common) for layout in fits]
        plans += [plan_request(request, library) for request in requests]
    return plans


def first_layout(algorithm: str) -> tuple[str, ...]:
    """Return the layout that an algorithm runs on where nobody names one."""
    return (algorithm_class(algorithm).default_layouts[0],)


def check_all(plans: Sequence[Plan]) -> None:
    """Find what is wrong with runs of one workload before anything is written; raises as `RunKind.check`."""
    if plans:
        try:
            kind_of(plans[0]).check(plans)
        except TwinError as error:
            raise TwinError(_placed(str(error), plans[0])) from error


def _placed(message: str, plan: Plan) -> str:
    """Put file and line of a key of the chip or the workload before a message that begins with it.

    It was found after loading. A node of a network stands where its kind does.
    """
    key = re.match(r"[a-z_]+(\.[a-z0-9_]+)+", message)
    if not key:
        return message
    for loaded, prefix in ((plan.chip, "chip."), (plan.workload, "")):
        origin = loaded.origins.get(key[0]) or loaded.origins.get(f"{key[0]}.kind", "default")
        if key[0].startswith("rules."):  # which stands where what chooses its nodes does
            rule = ".".join(key[0].split(".")[:2])
            chooses = (loaded.origins.get(f"{rule}.{one}", "default") for one in ("nodes", "kind"))
            origin = next((one for one in chooses if one != "default"), "default")
        if origin != "default":
            return f"{origin}: {prefix if origin == COMMAND_LINE else ''}{message}"
    return message
