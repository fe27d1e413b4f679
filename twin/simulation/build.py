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
from twin.config.layout import Layout
from twin.config.workload import Workload
from twin.data import Dataset, load
from twin.devices.family import DeviceFamily
from twin.devices.presets import device_preset
from twin.engine import Engine
from twin.errors import TwinError
from twin.extraction.averaging import Schedule
from twin.extraction.inference import check_extractable
from twin.extraction.run import ReadEffects, RunReads, WithReads
from twin.machine.machine import Machine
from twin.machine.replay import Coupled, Encoder, Replayed
from twin.machine.settings import Settings, settings_of
from twin.mapping import Mapping, map_layers
from twin.networks.network import Network
from twin.simulation.plan import Descriptions, Mode, RunPlan

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
        return self.descriptions.workload.model

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


@dataclass(frozen=True, slots=True)
class Fit:
    """What a run consists of before anything is simulated, all of it checked."""

    descriptions: Descriptions
    network: Network
    data: Dataset
    device: DeviceFamily
    mapping: Mapping
    algorithm: Algorithm
    settings: Settings
    averaging: Schedule | None


def check(plan: RunPlan, data: Dataset | None = None) -> Fit:
    """Load what a plan names and fit it together, without drawing a device.

    Parameters
    ----------
    plan : RunPlan
    data : Dataset or None
        The plan's data, where they are loaded already.

    Raises
    ------
    TwinError
        Where data are missing or the parts do not fit together.
    """
    descriptions = Descriptions.of(plan)
    workload, chip, layout = descriptions.workload.model, descriptions.chip.model, descriptions.layout.model
    training = workload.training
    check_timing(workload, plan.mode)
    algorithm = make_algorithm(plan.algorithm, workload.algorithms)
    _check_layout(algorithm, layout)
    settings = settings_of(settings_table(plan.algorithm, workload.algorithms))
    device = device_preset(workload.device.preset, workload.device.overrides)
    if data is None:
        data = load(workload.data, training.seed, workload.network.steps)
    network = Network.from_config(workload.network, data.inputs.shape[1], len(data.symbols))
    _check_transfers(algorithm, settings, network)
    mapping = map_layers(network.shapes, layout, chip)
    check_capacity(chip, resident(network, algorithm, settings, training.in_flight))
    averaging = None
    if workload.extraction is not None and layout.tiles:
        check_extractable(settings)
        arrays = [part for layer in network.layers for part in mapping.parts(layer.index, algorithm.main)]
        widest = max(part.in1 - part.in0 for part in arrays)
        averaging = Schedule.of(workload.extraction, training.epochs * len(data.inputs), widest)
    return Fit(descriptions, network, data, device, mapping, algorithm, settings, averaging)


def check_timing(workload: Workload, mode: Mode) -> None:
    """Raise TwinError where timing is to be sampled but effects wait for their moment, or windows lie too close."""
    timing = workload.timing
    if timing.mode == "exact":
        return
    if mode == "coupled":
        raise TwinError(
            'timing.mode (= sampled): needs mode "replayed", because coupled effects happen only where the '
            "engine times them; leave --mode coupled out or time every sample with --exact"
        )
    window = timing.warmup + timing.measured + 2 * workload.training.in_flight
    if timing.period < 2 * window:
        raise TwinError(
            f"timing.period (= {timing.period}): must be at least {2 * window}, twice a window of warmup + "
            "measured + 2 training.in_flight samples; raise it or time every sample with --exact"
        )


def build(plan: RunPlan, on_sample: Callable[[int], None] | None = None) -> Parts:
    """Build a run; raises as `check`."""
    found = check(plan)
    descriptions, network, data, mapping = found.descriptions, found.network, found.data, found.mapping
    algorithm, settings = found.algorithm, found.settings
    workload, chip, layout = descriptions.workload.model, descriptions.chip.model, descriptions.layout.model
    training = workload.training
    machine = Machine(
        network,
        data,
        mapping,
        algorithm,
        settings,
        found.device,
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
    reads = None
    timed: tuple[Any, Any] = program, effects
    if workload.extraction is not None and layout.tiles:
        reads = RunReads(machine, workload.extraction.amplitude)
        timed = WithReads(program, network.shapes, mapping, algorithm.main), ReadEffects(effects, reads)
    engine = Engine(*timed, ChipCosts(chip, mapping), training.in_flight, on_sample)
    return Parts(
        plan,
        descriptions,
        network,
        data,
        found.device,
        mapping,
        algorithm,
        settings,
        machine,
        program,
        effects,
        engine,
        reads,
        found.averaging,
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


def _check_layout(algorithm: Algorithm, layout: Layout) -> None:
    if algorithm.fits(layout):
        return
    missing = [name for name in algorithm.matrices if name not in layout.matrices]
    reason = f"has no matrix {' or '.join(missing)}, which {algorithm.name} needs"
    if not missing:
        reason = f"does not fit the algorithm {algorithm.name}"
    raise TwinError(f"layout {layout.name}: {reason}; use e.g. {', '.join(algorithm.default_layouts)}")


def _check_transfers(algorithm: Algorithm, settings: Settings, network: Network) -> None:
    given, layers = settings.transfer_every_per_layer, len(network.layers)
    if given and len(given) != layers:
        raise TwinError(
            f"algorithms.{algorithm.name}.transfer_every_per_layer (= {list(given)}): must have {layers} numbers, one "
            f"for each layer with weights; it has {len(given)}"
        )
