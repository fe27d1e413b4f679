"""Puts a run together: network, mapping, machine, program, effects and engine from the descriptions."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from twin.algorithms.algorithm import Algorithm
from twin.algorithms.operation import Stream
from twin.algorithms.program import Program
from twin.algorithms.registry import make_algorithm, settings_table
from twin.algorithms.steps import LayerSteps
from twin.chip import ChipCosts
from twin.chip.capacity import check_capacity
from twin.config.chip import Chip
from twin.config.workload import Workload
from twin.data import Dataset, load
from twin.devices.family import DeviceFamily
from twin.devices.presets import device_preset
from twin.engine import Engine
from twin.extraction.averaging import Schedule
from twin.extraction.run import ReadEffects, RunReads, WithReads
from twin.machine.machine import Machine
from twin.machine.replay import Coupled, Encoder, Replayed
from twin.machine.settings import Settings, settings_of
from twin.mapping import Mapping, map_layers
from twin.networks.network import Network
from twin.simulation.layouts import check_layout
from twin.simulation.plan import Descriptions, RunPlan

SHUFFLE = 7


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a run consists of."""

    plan: RunPlan
    descriptions: Descriptions
    network: Network
    data: Dataset
    device: DeviceFamily
    mapping: Mapping
    algorithm: Algorithm
    settings: Settings
    machine: Machine
    program: Program
    effects: Coupled | Replayed
    engine: Engine
    reads: RunReads | None
    averaging: Schedule | None

    @property
    def workload(self) -> Workload:
        """The workload's model."""
        return self.descriptions.trained

    @property
    def chip(self) -> Chip:
        """The chip's model."""
        return self.descriptions.chip.model


class Order:
    """Which training example a sample number stands for: a new permutation every epoch, by seed.

    The sequences of a text (not `shuffled`) keep their order, as each goes on from the state of the one before.
    """

    def __init__(self, seed: int, examples: int, *, shuffled: bool = True) -> None:
        self.seed, self.examples, self.shuffled = seed, examples, shuffled
        self._epoch = -1
        self._permutation: npt.NDArray[np.int64] = np.zeros(0, np.int64)

    def __call__(self, sample: int) -> int:
        """Return the example of a sample."""
        epoch, at = divmod(sample, self.examples)
        if not self.shuffled:
            return at
        if epoch != self._epoch:
            sequence = np.random.SeedSequence([self.seed, SHUFFLE, epoch])
            self._permutation = np.random.Generator(np.random.Philox(sequence)).permutation(self.examples)
            self._epoch = epoch
        return int(self._permutation[at])


def build(plan: RunPlan, on_sample: Callable[[int], None] | None = None) -> Parts:
    """Build a run; raises TwinError where the parts do not fit together."""
    descriptions = Descriptions.of(plan)
    workload, chip, layout = descriptions.trained, descriptions.chip.model, descriptions.layout.model
    training = workload.training
    algorithm = make_algorithm(plan.algorithm, workload.algorithms)
    check_layout(algorithm, layout)
    settings = settings_of(settings_table(plan.algorithm, workload.algorithms))
    device = device_preset(workload.device.preset, workload.device.overrides)
    data = load(workload.data, training.seed, workload.network.steps)
    network = Network.from_config(workload.network, data.inputs.shape[1], len(data.symbols))
    mapping = map_layers(network.shapes, layout, chip)
    check_capacity(chip, resident(network, algorithm, settings, training.in_flight))
    machine = Machine(
        network,
        data,
        mapping,
        algorithm,
        settings,
        device,
        chip.tile,
        layout,
        workload.calibration,
        workload.init,
        workload.mapping,
        training.seed,
        training.in_flight,
        endurance=training.endurance,
    )
    steps = [
        LayerSteps(layer, mapping, settings.every(layer.index), settings.transfer_axis, network.timed)
        for layer in network.layers
    ]
    calibrated = []
    if workload.calibration.method == "pulses":
        calibrated = sorted({reference.symmetry_point_of for reference in layout.references.values()})
    program = Program(algorithm, steps, [name for name in calibrated if name in algorithm.matrices])
    order = Order(training.seed, len(data.inputs), shuffled=not data.sequential)
    encoder = Encoder(program, training.in_flight, order)
    effects = (Coupled if plan.mode == "coupled" else Replayed)(machine, program, encoder)
    reads, averaging = None, None
    timed: tuple[Any, Any] = program, effects
    if workload.extraction is not None and layout.tiles:
        reads = RunReads(machine, workload.extraction.amplitude)
        averaging = Schedule.of(workload.extraction, training.epochs * len(data.inputs), reads.widest)
        timed = WithReads(program, network.shapes, mapping, algorithm.main), ReadEffects(effects, reads)
    engine = Engine(*timed, ChipCosts(chip, mapping), training.in_flight, on_sample)
    return Parts(
        plan,
        descriptions,
        network,
        data,
        device,
        mapping,
        algorithm,
        settings,
        machine,
        program,
        effects,
        engine,
        reads,
        averaging,
    )


def resident(network: Network, algorithm: Algorithm, settings: Settings, in_flight: int) -> dict[Stream, int]:
    """Return the words of each stream that are kept at once."""
    weights = sum(n_in * n_out for n_in, n_out in network.shapes)
    return {
        Stream.H: weights * settings.h_words,
        Stream.WEIGHTS: weights if algorithm.name == "digital" else 0,
        Stream.ACTIVATIONS: in_flight * sum(layer.n_in * layer.uses for layer in network.layers),
        Stream.ERRORS: in_flight * sum((layer.n_in + layer.n_out) * layer.uses for layer in network.layers),
    }
