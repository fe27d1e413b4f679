"""A timing-only run: from its descriptions to its result, every block simulated once where that is exact."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from twin.algorithms.phases import Phase, PhaseProgram, phases
from twin.algorithms.program import Program
from twin.algorithms.registry import make_algorithm, settings_table
from twin.algorithms.shd import SHD
from twin.algorithms.steps import LayerSteps
from twin.chip import ChipCosts
from twin.chip.capacity import check_capacity
from twin.chip.channels import channels
from twin.chip.power import gated_tables
from twin.chip.sizes import remarks
from twin.chip.system import SystemCosts
from twin.config.chip import Chip
from twin.config.layout import Layout
from twin.descriptions.measured import SHAPE
from twin.descriptions.timing_only import TimingOnly
from twin.engine import Engine
from twin.engine.critical import bound_line
from twin.engine.reuse import Instance, Reused
from twin.errors import TwinError
from twin.mapping import map_layers
from twin.mapping.chips import place_on_chips
from twin.networks.blocks import BlockNetwork
from twin.results.card import add_weights
from twin.results.result import RunResult, empty_table, untrained_curve
from twin.runs.banks import memory_rows
from twin.runs.constants import constants, constants_of_run
from twin.runs.estimate import MOST_TIMED_TILES, check_tiles
from twin.runs.exports import check_recording
from twin.runs.layouts import check_layout
from twin.runs.placed import placed_costs
from twin.runs.plan import Plan
from twin.runs.protocol import Progress
from twin.runs.recording import Recording
from twin.runs.residency import check_described, resident_per_chip, spilled
from twin.runs.statistics import Expected, statistics_of
from twin.units import PS

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class TimedParts:
    """Everything a timing-only run consists of.

    Attributes
    ----------
    clock : Engine or Reused
        The engine over all blocks, or the phases of each block put together.
    warnings : list of str
        What was placed elsewhere than the chip says.
    """

    plan: Plan
    workload: TimingOnly
    network: BlockNetwork
    chip: Chip
    costs: ChipCosts | SystemCosts
    program: Program
    clock: Engine | Reused
    warnings: list[str]

    @property
    def chips(self) -> int:
        """How many chips the network takes."""
        if isinstance(self.costs, SystemCosts):
            return self.costs.chips
        return self.costs.network.n_chips if self.costs.network is not None else 1

    @property
    def events(self) -> int:
        """Operations that were simulated."""
        return self.clock.events if isinstance(self.clock, Reused) else self.clock.index

    def advance(self, sample: int) -> None:
        """Time one more sample, or with several in flight all of them at once."""
        if isinstance(self.clock, Reused):
            self.clock.run(sample)
        elif sample == 0:
            self.clock.run(0, self.workload.training.samples)


def build_timing_only(plan: Plan) -> TimedParts:
    """Build a run; raises TwinError where the parts do not fit together."""
    workload, chip, layout = plan.timing_only, plan.chip.model, plan.layout.model
    algorithm = make_algorithm(plan.algorithm, workload.algorithms)
    check_layout(algorithm, layout)
    settings = settings_table(plan.algorithm, workload.algorithms).settings()
    training, asked = workload.training, plan.request
    check_recording(asked, training.samples, training.in_flight)
    once = BlockNetwork.of(workload.network, expand=False)
    check_tiles(once.shapes, layout, chip, MOST_TIMED_TILES)
    per_chip = _tiles_per_chip(once, chip, layout)
    check_described(chip, several=per_chip > 0)
    reuse = per_chip > 0 and training.reuse and training.in_flight == 1
    if reuse and (asked.trace or asked.events):
        option = "--trace" if asked.trace else "--events"
        raise TwinError(
            f"{option}: needs every operation, but equal blocks are simulated once; "
            "time all of them with --set training.reuse=false"
        )
    network = BlockNetwork.of(workload.network, expand=not reuse)
    check_tiles(network.shapes, layout, chip, MOST_TIMED_TILES)
    mapping = map_layers(network.shapes, layout, chip, [layer.uses for layer in network.layers])
    placement = place_on_chips(mapping, network.blocks, per_chip) if per_chip else None
    cluster = chip.cluster.chips if chip.cluster is not None and mapping.tiles else 1
    resident = resident_per_chip(network, placement, settings, algorithm.name, training.in_flight, cluster)
    chip, warnings = spilled(chip, resident)
    kept = check_capacity(chip, resident)
    apart = _apart(network, lambda layer: placement.chips(mapping, layer, algorithm.main)) if placement else []
    steps = [
        LayerSteps(
            layer,
            mapping,
            settings.every(listed),
            settings.transfer_axis,
            up=layer.index in apart,
            down=layer.index - 1 in apart,
        )
        for layer, listed in zip(network.layers, network.listed, strict=True)
    ]
    program = Program(algorithm, steps, input_words=network.input_words)
    costs: ChipCosts | SystemCosts
    if placement:
        costs = SystemCosts(chip, mapping, placement, network.copies, kept, gated=not reuse)
        warnings += ungated(chip) if reuse else []
    else:
        of_all = {place: cluster * size for place, size in kept.items()}
        costs = placed_costs(chip, mapping, None, training.in_flight, program, of_all)
    hadamard = isinstance(algorithm, SHD) and algorithm.hadamard
    if algorithm.name == "digital":
        given = next(iter(workload.statistics.values()))  # no operation of it has counts
    else:
        given = statistics_of(workload, plan.algorithm)

    def instance(phase: Phase, sample: int) -> Instance:
        own = PhaseProgram(program, network.blocks[phase.block], phase, sample)
        effects = Expected(own, steps, given, hadamard=hadamard, sample=sample)
        counts = tuple(map(tuple, effects.rows(0, own.operations(0))))
        key: Hashable = (own.key(0), counts)
        return Instance(own, effects, key)

    clock: Engine | Reused
    if reuse and isinstance(costs, SystemCosts):
        clock = Reused(phases(len(network.blocks)), network.copies, costs, instance)
    else:
        clock = Engine(program, Expected(program, steps, given, hadamard=hadamard), costs, training.in_flight)
    return TimedParts(plan, workload, network, chip, costs, program, clock, warnings)


def ungated(chip: Chip) -> list[str]:
    """Say of a chip whose parts are gated that they are not where equal blocks are simulated once."""
    found = ", ".join(gated_tables(chip))
    line = (
        f"chip.{found}: nothing is gated where equal blocks are simulated once, so static energy is an upper bound; "
        "time all of them with --set training.reuse=false"
    )
    return [line] if found else []


def _tiles_per_chip(network: BlockNetwork, chip: Chip, layout: Layout) -> int:
    """Return how many tiles a chip of the system holds; 0 where one chip holds all, or there is no system."""
    if chip.system is None or not layout.tiles:
        return 0
    copies = {layer: n for layers, n in zip(network.blocks, network.copies, strict=True) for layer in layers}
    tiles = sum(copies[tile.layer] for tile in map_layers(network.shapes, layout, chip).tiles)
    return chip.system.tiles if tiles > chip.system.tiles else 0


def _apart(network: BlockNetwork, chips: Callable[[int], tuple[int, ...]]) -> set[int]:
    """Return the layers whose layer above is on other chips, as every next block is."""
    last = len(network.layers) - 1
    return {k for k in range(last) if chips(k) != chips(k + 1)}


@final
class TimedRun:
    """A run that is timed only; it keeps no checkpoint.

    Parameters
    ----------
    plan : Plan
    folder : Path
    progress : callable
        As in `twin.runs.run.run`.
    """

    def __init__(self, plan: Plan, folder: Path, progress: Progress) -> None:
        self.parts, self._progress = build_timing_only(plan), progress
        clock, self._samples = self.parts.clock, self.parts.workload.training.samples
        self._recording = Recording(plan.request, folder, clock, self._samples) if isinstance(clock, Engine) else None

    def advance(self) -> None:
        """Time all samples."""
        for sample in range(self._samples):
            self.parts.advance(sample)
            self._progress(sample + 1, self._samples)

    def result(self, command: str) -> RunResult:
        """Write what was asked for beside the result, and return it."""
        result = _result(self.parts, command)
        if self._recording is not None:
            self._recording.finish(result.name, result.command)
        return result

    def close(self) -> None:
        """Remove parts of recordings."""
        if self._recording is not None:
            self._recording.remove()


def _result(parts: TimedParts, command: str) -> RunResult:
    import pandas as pd  # noqa: PLC0415

    plan, samples = parts.plan, parts.workload.training.samples
    tables = parts.clock.tables()
    tables["calibration"] = empty_table("calibration")
    add_weights(tables["operations"], parts.network.shapes)
    if isinstance(parts.costs, ChipCosts) and parts.costs.network is not None:
        tables["floorplan"] = parts.costs.floorplan.table()
    tables["channels"] = pd.DataFrame(channels(parts.chip, parts.chips))
    makespan_s = parts.clock.now_ps * PS
    return RunResult(
        name=plan.name,
        algorithm=plan.algorithm,
        layout=plan.layout.model.name,
        chip=plan.chip.model.name,
        workload=parts.workload.name,
        device="",
        seed=0,
        samples=samples,
        epochs=1,
        test_error=float("nan"),
        curve=untrained_curve(samples, makespan_s),
        makespan_s=makespan_s,
        energy_J=float(tables["energy"]["energy_J"].sum()),
        area_m2=float(tables["area"]["area_m2"].sum()),
        leakage_W=float(tables["area"]["leakage_W"].sum()),
        tables=tables,
        bound=bound_line(tables["bound"]),
        diagnostics=_diagnostics(parts),
        warnings=[*parts.warnings, *remarks(plan.chip)],
        config=plan.document(),
        command=command,
        sources=constants(plan.chip) + constants_of_run(plan.workload, plan.algorithm),
        chips=parts.chips,
    )


def _diagnostics(parts: TimedParts) -> "pd.DataFrame":
    import pandas as pd  # noqa: PLC0415

    network = parts.network
    rows: list[tuple[int, str, str, float, str]] = [
        (-1, "", "parameters", float(network.parameters), "parameters"),
        (-1, "", "parameters that stay digital", float(network.digital_parameters), "parameters"),
        (-1, "", "operations simulated", float(parts.events), "operations"),
    ]
    for layer in network.layers:
        shape = zip((*SHAPE, "uses a sample"), (layer.n_in, layer.n_out, layer.uses), strict=True)
        rows += [
            (layer.index, layer.name, what, float(n), "mat-vecs" if "uses" in what else "lines") for what, n in shape
        ]
    if isinstance(parts.clock, Engine):
        rows += memory_rows(parts.clock)
    return pd.DataFrame(rows, columns=["layer", "matrix", "what", "value", "unit"])
