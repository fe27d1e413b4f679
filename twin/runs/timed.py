"""A run that is timed and trains nothing: the program of training, on statistics in place of its numerics."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, final

from twin.algorithms.batches import Batches
from twin.algorithms.nodes import node_steps
from twin.algorithms.phases import Phase, PhaseProgram, phases
from twin.algorithms.program import Program
from twin.algorithms.shd import SHD
from twin.chip import ChipCosts, Placed, place_streams
from twin.chip.capacity import check_capacity
from twin.chip.channels import channels
from twin.chip.power import gated_tables
from twin.chip.sizes import remarks
from twin.chip.system import SystemCosts
from twin.config.chip import Chip
from twin.config.layout import Layout
from twin.descriptions.measured import SHAPE
from twin.descriptions.statistics import Statistics
from twin.engine import Engine
from twin.engine.consistency import Consistency
from twin.engine.reuse import Instance, Reused
from twin.errors import TwinError
from twin.machine.design import Design
from twin.mapping import Mapping, map_layers
from twin.mapping.chips import Placement, place_on_chips
from twin.networks.layers import Recurrent
from twin.networks.network import Network
from twin.operation import Stream
from twin.results.bound import bound_line
from twin.results.card import add_weights
from twin.results.result import RunResult, empty_table, untrained_curve
from twin.runs.banks import memory_rows
from twin.runs.bound import name_nodes
from twin.runs.constants import constants, constants_of_run
from twin.runs.designs import design_of, designs_of, designs_table, ruled
from twin.runs.estimate import MOST_TIMED_TILES, check_tiles
from twin.runs.exports import check_recording
from twin.runs.layers import check_transfers, kept, layer_steps, prefetched
from twin.runs.networks import optimiser_of
from twin.runs.placed import placed_costs
from twin.runs.plan import Plan
from twin.runs.protocol import Progress
from twin.runs.recording import Recording
from twin.runs.residency import check_described, resident, resident_per_chip, spilled
from twin.runs.sections import Sectioned, sectioned
from twin.runs.statistics import Expected, statistics_of
from twin.units import PS

if TYPE_CHECKING:
    import pandas as pd


@dataclass(frozen=True, slots=True)
class TimedParts:
    """Everything that such a run consists of.

    Attributes
    ----------
    laid : Sectioned
    designs : tuple of Design
        By layer.
    network : Network
        Of what is simulated.
    clock : Engine or Reused
        The engine over all sections, or the phases of each put together.
    steps : int
        Training steps that are timed.
    warnings : list of str
        What was placed elsewhere than the chip says.
    """

    plan: Plan
    laid: Sectioned
    designs: tuple[Design, ...]
    network: Network
    chip: Chip
    costs: ChipCosts | SystemCosts
    program: Program
    clock: Engine | Reused
    steps: int
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

    def advance(self, step: int) -> None:
        """Time one more step, or where all are simulated all of them at once."""
        if isinstance(self.clock, Reused):
            self.clock.run(step)
        elif step == 0:
            self.clock.run(0, self.steps)


def build_timed(plan: Plan) -> TimedParts:
    """Build a run; raises TwinError where the parts do not fit together."""
    workload, chip, layout = plan.trained, plan.chip.model, plan.layout.model
    training, timing = workload.training, workload.timing
    run = design_of(plan)
    algorithm = run.algorithm
    check_recording(plan.request, timing.samples, training.in_flight)
    laid, designs, per_chip, reuse = _laid(plan, run)
    layouts = {k: one.layout for k, one in enumerate(designs)}
    network, placement, mapping = _mapped(laid, chip, layout, layouts, algorithm.main, per_chip)
    check_transfers(designs, network)
    prefetch = prefetched(chip, network, designs)
    optimiser = optimiser_of(workload, network, matrices=any(one.settings.optimised for one in designs))
    given = [statistics_of(workload, one.algorithm.name) for one in designs]
    words = kept(network, designs, chip, training, optimiser)
    shared = chip.cluster.chips if chip.cluster is not None and mapping.tiles else 1
    held = resident_per_chip(words, laid.sections, placement) if placement else resident(words, shared)
    chip, warnings = spilled(chip, held)
    used = check_capacity(chip, held) if placement else {}
    placed = Placed({}, {}, used, ()) if placement else place_streams(chip, mapping, words)
    stored = Stream.PULSES in placed.places
    layers = layer_steps(network, mapping, designs, prefetch, optimiser, stored_pulses=stored, batch=training.batch)
    nodes = node_steps(network.flow, layers, algorithm.main, optimiser, apart=chip.vector is not None)
    batches = Batches(training.batch, timing.samples * training.batch)
    learnt = [one.algorithm for one in designs]
    program = Program(learnt, layers, flow=network.flow, nodes=nodes, batches=batches)
    warnings += [*placed.warnings, *(ungated(chip) if reuse else [])]
    costs: ChipCosts | SystemCosts
    if placement is not None:
        costs = SystemCosts(chip, mapping, placement, laid.copies, used, gated=not reuse)
    else:
        costs = placed_costs(
            chip, mapping, placed.places, training.in_flight, program, placed.used, ruled(plan, designs)
        )
    clock: Engine | Reused
    if reuse and isinstance(costs, SystemCosts):
        clock = _phases(given, laid, program, costs)
    else:
        consistency = Consistency(training.consistency, training.staleness)
        clock = Engine(
            program,
            _effects(given, program),
            costs,
            training.in_flight,
            consistency=consistency,
            ahead=chip.placement.prefetch_input,
        )
    return TimedParts(plan, laid, designs, network, chip, costs, program, clock, timing.samples, warnings)


def _laid(plan: Plan, run: Design) -> tuple[Sectioned, tuple[Design, ...], int, bool]:
    """Return what is simulated, its designs by layer, how many tiles each of several chips has, and if it is reused.

    Copies of a block are one section where they are simulated once; a rule may decide otherwise about each.
    """
    workload, chip, layout, training = plan.trained, plan.chip.model, plan.layout.model, plan.trained.training
    laid = sectioned(workload, folded=not workload.rules)
    designs = designs_of(plan, laid.names, run)
    layouts = {k: one.layout for k, one in enumerate(designs)}
    check_tiles(laid.shapes, layout, chip, MOST_TIMED_TILES, layouts)
    per_chip = _tiles_per_chip(laid, chip, layout, layouts)
    if per_chip and workload.rules:
        raise TwinError(
            f"rules.0: layers of several designs are timed on one chip, and {chip.name} holds {per_chip:,} tiles; "
            "raise chip.system.tiles to hold all, or leave the rules out"
        )
    if per_chip:
        check_described(chip)
    clipped = workload.optimiser is not None and workload.optimiser.clip_norm > 0  # by a norm over all sections
    alone = training.in_flight == training.batch == 1 and not run.settings.transfer_every_per_layer and not clipped
    reuse = per_chip > 0 and workload.timing.reuse and alone
    if reuse:
        _check_complete(plan)
    elif max(laid.copies) > 1:
        laid = sectioned(workload, folded=False)
        designs = designs_of(plan, laid.names, run)
        check_tiles(laid.shapes, layout, chip, MOST_TIMED_TILES)
    return laid, designs, per_chip, reuse


def _effects(
    given: Sequence[Statistics], program: Program, phase: PhaseProgram | None = None, sample: int | None = None
) -> Expected:
    """Return what stands for the numerics of a program, or of one phase of a sample."""
    learnt = [program.of(layer) for layer in program.layers]
    hadamard = [isinstance(one, SHD) and one.hadamard for one in learnt]
    return Expected(phase or program, program.layers, given, hadamard, sample=sample, batches=program.batches)


def _phases(given: Sequence[Statistics], laid: Sectioned, program: Program, costs: SystemCosts) -> Reused:
    """Return a clock that simulates equal sections once."""

    def instance(phase: Phase, sample: int) -> Instance:
        own = PhaseProgram(program, laid.sections[phase.block], phase, sample)
        effects = _effects(given, program, own, sample)
        counts = tuple(map(tuple, effects.rows(0, own.operations(0))))
        return Instance(own, effects, (own.key(0), counts))

    own = [one for one in phases(len(laid.sections)) if not one.early or any(instance(one, 0).program.operations(0))]
    return Reused(own, laid.copies, costs, instance)


def _mapped(
    laid: Sectioned, chip: Chip, layout: Layout, layouts: dict[int, Layout], main: str, per_chip: int
) -> tuple[Network, Placement | None, Mapping]:
    """Map the layers onto tiles and, where one chip holds only so many, these onto chips."""
    uses = [1 if isinstance(layer, Recurrent) else layer.uses for layer in laid.layers]
    mapping = map_layers(laid.shapes, layout, chip, uses, layouts)
    placement = place_on_chips(mapping, laid.sections, per_chip) if per_chip else None
    return laid.network(mapping, placement, main), placement, mapping


def _check_complete(plan: Plan) -> None:
    """Refuse to record operations where not all are simulated."""
    asked = plan.request
    if asked.trace or asked.events:
        option = "--trace" if asked.trace else "--events"
        raise TwinError(
            f"{option}: needs every operation, but equal blocks are simulated once; "
            "time all of them with --set timing.reuse=false"
        )


def ungated(chip: Chip) -> list[str]:
    """Say of a chip whose parts are gated that they are not where equal blocks are simulated once."""
    found = ", ".join(gated_tables(chip))
    line = (
        f"chip.{found}: nothing is gated where equal blocks are simulated once, so static energy is an upper bound; "
        "time all of them with --set timing.reuse=false"
    )
    return [line] if found else []


def _tiles_per_chip(laid: Sectioned, chip: Chip, layout: Layout, layouts: dict[int, Layout]) -> int:
    """Return how many tiles a chip of the system holds; 0 where one chip holds all, or there is no system."""
    if chip.system is None or not any(one.tiles for one in layouts.values()):
        return 0
    times = laid.times
    tiles = sum(times[tile.layer] for tile in map_layers(laid.shapes, layout, chip, layouts=layouts).tiles)
    return chip.system.tiles if tiles > chip.system.tiles else 0


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
        self.parts, self._progress = build_timed(plan), progress
        clock, steps = self.parts.clock, self.parts.steps
        self._recording = Recording(plan.request, folder, clock, steps) if isinstance(clock, Engine) else None

    def advance(self) -> None:
        """Time all steps."""
        for step in range(self.parts.steps):
            self.parts.advance(step)
            self._progress(step + 1, self.parts.steps)

    def result(self, command: str) -> RunResult:
        """Write what was asked for beside the result, and return it."""
        result = _result(self.parts, command)
        if self._recording is not None:
            self._recording.finish(result.name, result.command)
        return result

    def close(self) -> None:
        """Remove parts of recordings."""
        if self._recording is not None:
            self._recording.rows.remove()


def _result(parts: TimedParts, command: str) -> RunResult:
    import pandas as pd  # noqa: PLC0415

    plan, samples = parts.plan, parts.steps * parts.program.batches.size
    tables = parts.clock.tables()
    tables["calibration"] = empty_table("calibration")
    add_weights(tables["operations"], parts.network.shapes)
    name_nodes(tables["bound"], parts.network)
    if isinstance(parts.costs, ChipCosts) and parts.costs.network is not None:
        tables["floorplan"] = parts.costs.floorplan.table()
    tables["channels"] = pd.DataFrame(channels(parts.chip, parts.chips))
    if plan.trained.rules:
        tables["designs"] = designs_table(plan.trained, parts.network, parts.designs)
    makespan_s = parts.clock.now_ps * PS
    return RunResult(
        name=plan.name,
        algorithm=plan.algorithm,
        layout=plan.layout.model.name,
        chip=plan.chip.model.name,
        workload=plan.trained.name,
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

    times, nodes = parts.laid.times, parts.network.flow.nodes if parts.network.flow else ()
    digital = sum(times[node.host] * node.parameters for node in nodes)
    rows: list[tuple[int, str, str, float, str]] = [
        (-1, "", "parameters", float(parts.laid.parameters), "parameters"),
        (-1, "", "parameters that stay digital", float(digital), "parameters"),
        (-1, "", "operations simulated", float(parts.events), "operations"),
    ]
    for layer in parts.network.layers:
        shape = zip((*SHAPE, "uses a sample"), (layer.n_in, layer.n_out, layer.uses), strict=True)
        rows += [(layer.index, "", what, float(n), "mat-vecs" if "uses" in what else "lines") for what, n in shape]
    if isinstance(parts.clock, Engine):
        rows += memory_rows(parts.clock)
    return pd.DataFrame(rows, columns=["layer", "matrix", "what", "value", "unit"])
