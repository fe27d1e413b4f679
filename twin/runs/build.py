"""Puts a run together: network, mapping, machine, program, effects and engine from the descriptions."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.batches import Batches
from twin.algorithms.nodes import node_steps
from twin.algorithms.program import Program
from twin.chip import ChipCosts, Placed, place_streams
from twin.chip.floorplan import Floorplan
from twin.config.chip import Chip
from twin.config.optimiser import Optimiser
from twin.config.options import Mode
from twin.data import Dataset, load
from twin.descriptions.workload import Workload
from twin.engine import Engine
from twin.engine.consistency import Consistency
from twin.errors import TwinError
from twin.extraction.averaging import Schedule
from twin.extraction.inference import check_extractable
from twin.extraction.run import ReadEffects, RunReads, WithReads
from twin.kernels.streams import SHUFFLE
from twin.machine.design import Design
from twin.machine.machine import Machine
from twin.machine.replay import Coupled, Encoder, Replayed
from twin.machine.retention import Retention
from twin.machine.words import FLOAT32, Word
from twin.mapping import Mapping, map_layers
from twin.networks.given.fit import Given
from twin.networks.network import Network
from twin.operation import Stream
from twin.runs.calibration import CalibrationPhases
from twin.runs.designs import design_of, designs_of, ruled
from twin.runs.estimate import check_calibration, check_memory, check_tiles
from twin.runs.exports import check_recording
from twin.runs.layers import check_transfers, kept, layer_steps, prefetched
from twin.runs.networks import given_of, network_of, optimiser_of
from twin.runs.placed import placed_costs
from twin.runs.plan import Plan
from twin.runs.programming import bring_in, programming_operations
from twin.runs.rates import check_schedule, rates_of
from twin.runs.state import enter_state


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a run consists of."""

    plan: Plan
    network: Network
    data: Dataset
    mapping: Mapping
    placed: Placed
    algorithm: Algorithm
    designs: tuple[Design, ...]
    machine: Machine
    program: Program
    effects: Coupled | Replayed
    engine: Engine
    calibration: CalibrationPhases
    retention: Retention | None
    floorplan: Floorplan
    reads: RunReads | None
    averaging: Schedule | None

    @property
    def workload(self) -> Workload:
        """The workload's model."""
        return self.plan.trained

    @property
    def chip(self) -> Chip:
        """The chip's model."""
        return self.plan.chip.model


class Order:
    """Which training example a sample number stands for: a new permutation every epoch, by seed.

    The sequences of a text (not `shuffled`) keep their order, as each goes on from the state of the one before. A batch
    has one sequence of each of as many `streams`, equal parts of the text.
    """

    def __init__(self, seed: int, examples: int, *, shuffled: bool = True, streams: int = 1) -> None:
        self.seed, self.examples, self.shuffled, self.streams = seed, examples, shuffled, streams
        self._epoch = -1
        self._permutation: npt.NDArray[np.int64] = np.zeros(0, np.int64)

    def __call__(self, sample: int) -> int:
        """Return the example of a sample."""
        epoch, at = divmod(sample, self.examples)
        if not self.shuffled:
            step, stream = divmod(at, self.streams)
            return stream * (self.examples // self.streams) + step
        if epoch != self._epoch:
            sequence = np.random.SeedSequence([self.seed, SHUFFLE, epoch])
            self._permutation = np.random.Generator(np.random.Philox(sequence)).permutation(self.examples)
            self._epoch = epoch
        return int(self._permutation[at])


@dataclass(frozen=True, slots=True)
class Fit:
    """What a run consists of before anything is simulated, all of it checked."""

    network: Network
    data: Dataset
    mapping: Mapping
    placed: Placed
    prefetch: tuple[int, ...]
    run: Design
    designs: tuple[Design, ...]
    averaging: Schedule | None
    optimiser: Optimiser | None
    given: Given | None


def check(plan: Plan, data: Dataset | None = None) -> Fit:
    """Fit a plan's parts together, without drawing a device.

    Parameters
    ----------
    plan : Plan
    data : Dataset or None
        The plan's data, where they are loaded already.

    Raises
    ------
    TwinError
        Where data are missing or the parts do not fit together.
    """
    workload, chip, layout = plan.trained, plan.chip.model, plan.layout.model
    training = workload.training
    check_timing(workload, plan.mode, chip.placement.prefetch_input)
    run = design_of(plan)
    if data is None:
        data = load(workload.data, training.seed, workload.network.steps)
    network = network_of(workload, data)
    designs = designs_of(plan, network.names, run)
    check_transfers(designs, network)
    layouts = {k: one.layout for k, one in enumerate(designs)}
    check_memory(network.shapes, layout, layouts)
    check_tiles(network.shapes, layout, chip, layouts=layouts)
    check_calibration(network.shapes, layout, workload.calibration, layouts)
    uses = [1 if network.stepwise(layer) else layer.uses for layer in network.layers]
    mapping = map_layers(network.shapes, layout, chip, uses, layouts)
    prefetch = prefetched(chip, network, designs)
    learnt = any(one.settings.optimised for one in designs)
    optimiser, given = optimiser_of(workload, network, matrices=learnt), given_of(workload, data)
    _check_batch(workload, len(data.inputs))
    data = streamed(data, network, training.batch)
    steps = training.epochs * Batches(training.batch, len(data.inputs)).steps
    check_schedule(training, steps)
    check_recording(plan.request, steps, training.in_flight, workload.timing)
    placed = place_streams(chip, mapping, kept(network, designs, chip, training, optimiser))
    ChipCosts(chip, mapping, placed.places, training.in_flight)  # whether the chip has a place for every tile
    averaging = None
    if workload.extraction is not None and mapping.tiles:
        _check_extraction(network, designs)
        main = [one.algorithm.main for one in designs]
        arrays = [part for layer in network.layers for part in mapping.parts(layer.index, main[layer.index])]
        widest = max(part.in1 - part.in0 for part in arrays)
        averaging = Schedule.of(workload.extraction, steps, widest)
    return Fit(network, data, mapping, placed, prefetch, run, designs, averaging, optimiser, given)


def check_timing(workload: Workload, mode: Mode, ahead: int) -> None:
    """Raise TwinError where timing is to be sampled but effects wait for their moment, or windows lie too close.

    `ahead`: samples that come from the host before they are worked on.
    """
    timing = workload.timing
    if timing.mode == "exact":
        return
    if mode == "coupled":
        raise TwinError(
            'timing.mode (= sampled): needs mode "replayed", because coupled effects happen only where the '
            "engine times them; leave --mode coupled out or time every sample with --exact"
        )
    window = timing.warmup + timing.measured + 2 * (workload.training.in_flight + ahead)
    if timing.period < 2 * window:
        raise TwinError(
            f"timing.period (= {timing.period}): must be at least {2 * window}, twice a window of warmup + "
            "measured + 2 training.in_flight samples; raise it or time every sample with --exact"
        )


def build(plan: Plan, on_sample: Callable[[int], None] | None = None) -> Parts:
    """Build a run; raises as `check`."""
    found = check(plan)
    network, data, mapping = found.network, found.data, found.mapping
    placed, designs, run = found.placed, found.designs, found.run
    workload, chip = plan.trained, plan.chip.model
    training = workload.training
    slots = training.in_flight + chip.placement.prefetch_input
    machine = Machine(
        network,
        data,
        mapping,
        designs,
        workload.calibration,
        workload.init,
        training.seed,
        slots * training.batch,
        endurance=training.endurance or bool(plan.request.pulses),
        word=Word.of(chip.placement) if any(one.settings.h_words for one in designs) else FLOAT32,
        optimiser=found.optimiser,
        given=found.given,
        batch=training.batch,
    )
    stored = Stream.PULSES in placed.places
    batch = training.batch
    steps = layer_steps(network, mapping, designs, found.prefetch, found.optimiser, stored_pulses=stored, batch=batch)
    by_pulses = workload.calibration.method == "pulses"
    bring_in(machine, workload)
    if workload.init.state:
        enter_state(machine, workload.init.state)
    batches = Batches(training.batch, len(data.inputs))
    apart = plan.chip.model.vector is not None
    nodes = node_steps(network.flow, steps, run.algorithm.main, found.optimiser, apart=apart)
    program = Program(
        [one.algorithm for one in designs],
        steps,
        [one.calibrated for one in designs] if by_pulses else (),
        flow=network.flow,
        nodes=nodes,
        batches=batches,
        programming=list(programming_operations(machine.programmed, mapping)),
    )
    order = Order(training.seed, len(data.inputs), shuffled=not network.carried, streams=training.batch)
    encoder = Encoder(program, slots, order, rates_of(training, batches))
    effects = (Coupled if plan.mode == "coupled" else Replayed)(machine, program, encoder)
    reads = None
    timed: tuple[Any, Any] = program, effects
    if workload.extraction is not None and mapping.tiles:
        reads = RunReads(machine, workload.extraction.amplitude)
        timed = (
            WithReads(program, network.shapes, mapping, [one.algorithm.main for one in designs]),
            ReadEffects(effects, reads),
        )
    consistency = Consistency(training.consistency, training.staleness)
    costs = placed_costs(chip, mapping, placed.places, training.in_flight, program, placed.used, ruled(plan, designs))
    listeners: list[Callable[[int], None]] = [] if on_sample is None else [on_sample]

    def announce(sample: int) -> None:
        for listener in listeners:
            listener(sample)

    engine = Engine(*timed, costs, training.in_flight, announce, consistency, chip.placement.prefetch_input)
    retention = None
    relaxes = any(math.isfinite(one.devices[name].lifetime) for one in designs for name in one.algorithm.matrices)
    if machine.analog and (workload.calibration.repeats or relaxes):
        retention = Retention(machine, program, workload.calibration, lambda: engine.start_ps)
        if isinstance(effects, Coupled) and relaxes:
            effects.retention = retention
    phases = CalibrationPhases(workload.calibration, machine, program, costs, engine, retention)
    if retention is not None and workload.calibration.interval > 0:
        listeners.append(phases.watch)
    return Parts(
        plan,
        network,
        data,
        mapping,
        placed,
        run.algorithm,
        designs,
        machine,
        program,
        effects,
        engine,
        phases,
        retention,
        costs.floorplan,
        reads,
        found.averaging,
    )


def streamed(data: Dataset, network: Network, batch: int) -> Dataset:
    """Return a text without the sequences at its end that do not fill a batch of streams; other data as they are."""
    left = len(data.inputs) % batch if network.carried else 0
    if not left:
        return data
    whole = data.limited(len(data.inputs) - left)
    facts = {"training samples": len(whole.inputs), "training samples dropped": left}
    return replace(whole, facts={**data.facts, **facts})


def _check_batch(workload: Workload, samples: int) -> None:
    batch = workload.training.batch
    if batch > samples:
        raise TwinError(f"training.batch (= {batch}): the data have only {samples} samples; use at most as many")


def _check_extraction(network: Network, designs: Sequence[Design]) -> None:
    for layer, design in zip(network.layers, designs, strict=True):
        if not design.analog:
            name = network.names[layer.index]
            raise TwinError(
                f"extraction: reads arrays, and rules.{design.rule} keeps the matrix of {name} in digital memory; "
                "leave the table out, or the rule"
            )
        check_extractable(design.settings.gamma)
