"""Given weights on a chip without training: accuracy, what programming and reading cost of it, time and energy."""

import math
from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from pydantic_core import PydanticCustomError

from twin.algorithms.inference import Inference
from twin.config.options import Options
from twin.config.quantity import REST
from twin.engine import Engine
from twin.errors import TwinError
from twin.machine.first import first_weights
from twin.machine.replay import Encoder, Replayed
from twin.machine.resting import drift, drifts, magnitudes
from twin.runs.build import Parts, build
from twin.runs.kinds import TRAINED
from twin.runs.library import Library
from twin.runs.plan import Plan, RunRequest
from twin.runs.planning import check_all, plan_request
from twin.runs.programming import programming_table
from twin.units import PS

HARDWARE = {"digital": ("digital", "digital"), "analog": ("sgd", "two-array")}
"""Algorithm and layout with one matrix a layer: in digital memory, or on arrays."""
TIMED = 100
EXACT = "exact weights, exact reads"
PROGRAMMED = "programmed weights, exact reads"
READ = "programmed weights, noisy reads"
RESTED = "after {} at rest, noisy reads"
COMPENSATED = "after {} at rest, compensated"


@dataclass(frozen=True, slots=True)
class Stage:
    """How the network does on the test set.

    Attributes
    ----------
    name : str
    loss : float
        Mean over the test set, and over repeats where reads are noisy.
    error : float
        Fraction of wrong classes; of a regression the loss.
    """

    name: str
    loss: float
    error: float


@dataclass(frozen=True, slots=True)
class Spent:
    """What inference takes a sample, measured over some samples of the test set.

    Attributes
    ----------
    samples : int
    time_s : float
        From one result to the next, s: with samples in flight less than `latency_s`.
    latency_s : float
        From a sample's arrival to its result, s.
    energy_J : float
        What is drawn all the time included.
    """

    samples: int
    time_s: float
    latency_s: float
    energy_J: float


@dataclass(frozen=True, slots=True)
class Inferred:
    """A network with given weights on some hardware; times in simulated s, energies in J, errors as fractions.

    Attributes
    ----------
    hardware : str
    stages : tuple of Stage
        On arrays three or four, as the constants of this module name them; in digital memory one.
    spent : Spent
    setup_s, setup_J : float
        What calibration and programming take before the first sample, where pulses do it.
    done : float
        Share of the devices that were programmed within the tolerance; NaN where they were put there.
    clipped : float
        Share of the weights beyond their devices' range.
    """

    hardware: str
    stages: tuple[Stage, ...]
    spent: Spent
    setup_s: float
    setup_J: float
    done: float
    clipped: float

    @property
    def error(self) -> float:
        """That of the last stage: a fraction without a unit, or the loss of a regression."""
        return self.stages[-1].error


@dataclass(frozen=True, slots=True)
class Rest:
    """A time between programming and inference.

    Attributes
    ----------
    seconds : float
    label : str
        As it was given.
    compensation : bool
        Whether every layer's outputs are scaled by one factor, so that what is read of it is on average what it was.
    """

    seconds: float
    label: str
    compensation: bool = False

    @classmethod
    def of(cls, text: str, *, compensation: bool = False) -> "Rest | None":
        """Read a time such as ``"1 d"``; none where there is no text.

        Raises
        ------
        TwinError
            On anything else, and where there is a compensation of no rest.
        """
        if not text:
            if compensation:
                raise TwinError('--drift-compensation: needs a time at rest, e.g. --at-rest "1 d"')
            return None
        try:
            return cls(REST.parse(text), text.strip(), compensation)
        except PydanticCustomError as error:
            raise TwinError(f"--at-rest (= {text}): {error.message()}") from error


def plan_inference(options: Options, hardware: str, programming: str | None = None, rest: Rest | None = None) -> Plan:
    """Plan what `infer` is to run.

    Parameters
    ----------
    options : Options
        Of which workload, chip, device, seed and overrides are read.
    hardware : "digital" or "analog"
    programming : "write-verify", "exact" or None
        None: as the workload says, and write-verify where it says nothing.
    rest : Rest or None

    Raises
    ------
    TwinError
        For whatever is wrong with the descriptions, and where the workload gives no weights.
    """
    if options.workload.lower().endswith((".onnx", ".npz", ".safetensors")):
        raise TwinError(
            f"{options.workload}: is a file of weights; name a workload with init.file = that file, which says on what "
            "data, or for a model of `twin extract` also the folder of its run"
        )
    library = Library()
    if not library.has_data(options.workload):
        raise TwinError(f"workload {options.workload}: is only timed and has no weights; name one that trains")
    algorithm, layout = HARDWARE[hardware]
    own = TRAINED.overrides(options) | options.workload_overrides
    own["timing.mode"] = '"exact"'  # nothing is sampled, and devices that relax are at home in the coupled mode alone
    request = RunRequest(options.workload, options.chip, layout, algorithm, "coupled", own, options.chip_overrides)
    plan = plan_request(request, library)
    if not plan.trained.init.file:
        raise TwinError(
            f"{options.workload}: init.file: is missing, and inference needs weights; name a file of them, e.g. "
            "--set init.file='\"model.onnx\"', or train with `twin run`"
        )
    method = programming or (None if plan.trained.programming else "write-verify")
    if method is not None and hardware == "analog":
        plan = plan_request(replace(request, workload_overrides={**own, "programming.method": f'"{method}"'}), library)
    if rest is not None:
        _check_rest(plan, hardware)
    check_all([plan])
    return plan


def _check_rest(plan: Plan, hardware: str) -> None:
    from twin.devices.presets import device_preset  # noqa: PLC0415 - devices import NumPy

    if hardware != "analog":
        raise TwinError("--at-rest: is about devices, and digital memory keeps its words; add --on analog")
    device = device_preset(*plan.trained.device.of("W"))
    if math.isinf(device.lifetime) and not device.nu:
        label = plan.trained.device.label(["W"])
        raise TwinError(f"--at-rest: the devices ({label}) neither relax nor drift; give device.lifetime or device.nu")
    if math.isfinite(device.lifetime) and device.nu:
        raise TwinError(
            f"device.nu (= {device.nu:g}): is not for devices that relax (device.lifetime = {device.lifetime:g} s); "
            "leave one out"
        )


def infer(
    plan: Plan,
    hardware: str,
    repeats: int = 1,
    rest: Rest | None = None,
    timed: int = TIMED,
    progress: Callable[[int], None] = lambda _: None,
) -> Inferred:
    """Run the test set through a planned network with its given weights.

    Parameters
    ----------
    plan : Plan
    hardware : str
    repeats : int
        Passes through the test set with noisy reads.
    rest : Rest or None
        After which the test set runs again.
    timed : int
        Samples of the test set whose time and energy are measured, at most.
    progress : callable
        Told how many passes are done.
    """
    parts = build(plan)
    machine = parts.machine
    if not machine.analog:
        stages = [Stage(EXACT, *machine.evaluate(0))]
        progress(repeats)
    else:
        programmed = machine.evaluate(0, analog=False)
        read = Stage(READ, *_read(parts, repeats, 0, progress))
        stages = [Stage(EXACT, *_exact(parts)), Stage(PROGRAMMED, *programmed), read]
    spent, setup_s, setup_J, done = _timed(parts, min(timed, len(parts.data.test_inputs)))
    if rest is not None:
        stages += _rested(parts, rest, repeats)
    clipped = list(machine.clipped.values())
    return Inferred(
        hardware,
        tuple(stages),
        spent,
        setup_s,
        setup_J,
        done,
        float(np.mean(clipped)) if clipped else 0.0,
    )


def _read(
    parts: Parts, repeats: int, first: int, progress: Callable[[int], None] = lambda _: None
) -> tuple[float, float]:
    """Return mean loss and error of passes through the test set as the chip reads; the noise of each is its own."""
    passes = []
    for number in range(repeats):
        passes.append(parts.machine.evaluate(first + number))
        progress(number + 1)
    loss, error = map(float, np.mean(passes, axis=0))
    return loss, error


def _rested(parts: Parts, rest: Rest, repeats: int) -> list[Stage]:
    """Let the arrays rest; return how the network does then, and where it is compensated."""
    machine = parts.machine
    before = magnitudes(machine, 0) if rest.compensation else None
    if parts.retention is not None:
        parts.retention.begin(0)
        parts.retention.settle(round(rest.seconds / PS))
    if drifts(machine):
        drift(machine, rest.seconds)
    stages = [Stage(RESTED.format(rest.label), *_read(parts, repeats, repeats))]
    if before is not None:
        machine.layers["scale"] *= before / magnitudes(machine, 1)
        stages.append(Stage(COMPENSATED.format(rest.label), *_read(parts, repeats, 2 * repeats)))
    return stages


def _exact(parts: Parts) -> tuple[float, float]:
    """Return loss and error with the given weights themselves, which the machine has only for that time."""
    machine = parts.machine
    kept = machine.f.copy()
    for layer, record in zip(machine.network.layers, machine.layers, strict=True):
        start = first_weights(layer, parts.workload.init, machine.given, int(machine.seed))
        machine.set_weights(layer.index, machine.main(layer.index), start / float(record["scale"]))
    found = machine.evaluate(0, analog=False)
    machine.f[:] = kept
    return found


def _timed(parts: Parts, samples: int) -> tuple[Spent, float, float, float]:
    """Return what samples of the test set take, seconds and joules of what comes before, and the share of `_done`."""
    machine, data = parts.machine, parts.data
    machine.data = replace(data, inputs=data.test_inputs, targets=data.test_targets)
    program, in_flight, slots = Inference(parts.program), parts.engine.in_flight, parts.engine.slots
    effects = Replayed(machine, program, Encoder(program, slots, lambda sample: sample))
    engine = Engine(program, effects, parts.engine.costs, in_flight, ahead=slots - in_flight)
    engine.prepare()
    before_ps, before_J = engine.now_ps, _drawn(engine)
    effects.segment(0, samples)
    engine.run(0, 1)
    latency_ps = engine.now_ps - before_ps
    engine.run(1, samples)
    machine.data = data
    each = PS / samples
    spent = Spent(samples, (engine.now_ps - before_ps) * each, latency_ps * PS, (_drawn(engine) - before_J) / samples)
    return spent, before_ps * PS, before_J, _done(parts)


def _drawn(engine: Engine) -> float:
    return float(engine.tables()["energy"]["energy_J"].sum())


def _done(parts: Parts) -> float:
    if not parts.machine.programmed:
        return float("nan")
    table = programming_table(parts.machine, parts.program.programming, parts.engine.costs)
    return float(np.average(table["done"], weights=table["devices"]))
