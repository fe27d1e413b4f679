"""The design of every layer of a run: that of the run, or what a rule of the workload decides."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from twin.algorithms.registry import algorithm_class, algorithm_names, make_algorithm, settings_table
from twin.config.chip import Chip
from twin.config.layout import Layout
from twin.config.resources import suggestion
from twin.config.weights import WeightMapping
from twin.descriptions.device import Device
from twin.descriptions.load import load_layout
from twin.descriptions.rules import Rule, decided
from twin.devices.family import DeviceFamily
from twin.devices.one_sided import OneSidedPair
from twin.devices.presets import device_preset
from twin.errors import TwinError
from twin.machine.design import Design
from twin.results.result import UNITS
from twin.runs.layouts import check_layout

if TYPE_CHECKING:
    import pandas as pd

    from twin.descriptions.workload import Workload
    from twin.networks.network import Network
    from twin.runs.plan import Plan


def design_of(plan: "Plan") -> Design:
    """Return the design of layers without a rule.

    Raises
    ------
    TwinError
        Where algorithm, layout and devices do not fit together.
    """
    workload, layout = plan.trained, plan.layout.model
    algorithm = make_algorithm(plan.algorithm, workload.algorithms)
    check_layout(algorithm, layout)
    settings = settings_table(plan.algorithm, workload.algorithms).settings()
    devices = devices_of(workload.device, layout)
    return Design(algorithm, settings, layout, devices, plan.chip.model.tile, workload.mapping)


def designs_of(plan: "Plan", names: Sequence[str], run: Design) -> tuple[Design, ...]:
    """Return the designs of all layers; raises as `design_of`.

    Parameters
    ----------
    plan : Plan
    names : sequence of str
        By layer that of the node whose matrix it has.
    run : Design
        Of layers without a rule.
    """
    rules = rules_of(plan.trained)
    if not rules:
        return (run,) * len(names)
    made = {index: _ruled(plan, index, run) for index in sorted(set(rules.values()))}
    return tuple(made[rules[name]] if name in rules else run for name in names)


def ruled(plan: "Plan", designs: Sequence[Design]) -> dict[int, Chip]:
    """Return by layer the chip as it is for its tiles, where a rule has devices or io of its own."""
    return {k: plan.ruled[one.rule] for k, one in enumerate(designs) if one.rule in plan.ruled}


def rules_of(workload: "Workload") -> dict[str, int]:
    """Return by node which rule decides about its matrix; nodes without one are left out."""
    for rule in workload.rules:
        rule.read()
    return decided([(one.name, vars(one.node)["kind"]) for one in workload.network.listed()], workload.rules)


def layout_of(rule: Rule, name: str, run: Layout) -> Layout:
    """Return the layout of a rule's nodes: its own, the run's if it fits algorithm `name`, else that one's default."""
    algorithm = algorithm_class(name)
    if rule.layout is not None:
        return rule.layout
    # A copy, as devices may differ: arrays are shared by nodes of one and the same rule only.
    return run.model_copy() if algorithm.fits(run) else load_layout(algorithm.default_layouts[0]).model


def designs_table(
    workload: "Workload", network: "Network", designs: Sequence[Design], scales: npt.NDArray[np.floating] | None = None
) -> "pd.DataFrame":
    """Return one row a layer: its node, the rule that decides about it, and what that decides.

    `scales` by layer are those of the weights; None where nothing is trained, and the table lacks them.
    """
    import pandas as pd  # noqa: PLC0415

    rows = []
    for k, (name, one) in enumerate(zip(network.names, designs, strict=True)):
        own = workload.rules[one.rule].device if one.rule >= 0 else None
        device = (own or workload.device).label(one.algorithm.matrices) if one.analog else ""
        layout = one.layout.name if one.analog else "digital"
        rows.append((k, name, one.rule, one.algorithm.name, layout, device))
    table = pd.DataFrame(rows, columns=list(UNITS["designs"]))
    return table if scales is None else table.assign(out_scaling=scales.astype(float))


def _ruled(plan: "Plan", index: int, run: Design) -> Design:
    workload = plan.trained
    rule = workload.rules[index]
    name = rule.algorithm or run.algorithm.name
    layout = layout_of(rule, name, run.layout)
    algorithm = make_algorithm(name, workload.algorithms)
    if not algorithm.fits(layout):
        raise TwinError(
            f"rules.{index}.layout (= {layout.name}): does not have what {name}, the run's algorithm, needs, arrays "
            f"of {', '.join(algorithm.matrices)}; give the rule an algorithm too, or leave its layout out"
        )
    if algorithm.digital and any(one is not None for one in (rule.device, rule.io, rule.out_scaling)):
        raise TwinError(f"rules.{index}: is for arrays, and {name} has none; give the rule an algorithm too")
    mapped, spread = workload.mapping, rule.out_scaling == "weights"
    if rule.out_scaling is not None and not spread:
        mapped = WeightMapping(out_scaling=float(rule.out_scaling))
    device, at = (workload.device, "device") if rule.device is None else (rule.device, f"rules.{index}.device")
    settings = settings_table(name, workload.algorithms).settings()
    tile = plan.chip_of(index).tile
    return Design(algorithm, settings, layout, devices_of(device, layout, at), tile, mapped, spread, index)


def devices_of(config: Device, layout: Layout, at: str = "device") -> dict[str, DeviceFamily]:
    """Return the devices of every matrix of a layout; `at` is their place in the workload.

    Raises
    ------
    TwinError
        Where devices are given to a matrix that no algorithm has, or cannot share the reference that they share.
    """
    known = sorted({*layout.matrices, *(name for one in algorithm_names() for name in algorithm_class(one).matrices)})
    for name in config.matrices:
        if name not in known:
            raise TwinError(f"{at}.matrices.{name}: no algorithm has a matrix of this name{suggestion(name, known)}")
    devices = {name: device_preset(*config.of(name)) for name in layout.matrices}
    for name, matrix in layout.matrices.items():
        source = name if matrix.digital else layout.references[str(matrix.reference)].symmetry_point_of
        if isinstance(devices[name], OneSidedPair) != isinstance(devices[source], OneSidedPair):
            raise TwinError(
                f"{at}.matrices: {name} and {source} share a reference in layout {layout.name}, and only one of them "
                "is a one-sided pair, which has none; use a layout in which each has its own, e.g. four-array"
            )
    return devices
