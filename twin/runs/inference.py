"""Given weights on a chip without training: accuracy, what programming and reading cost of it, time and energy."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np

from twin.algorithms.inference import Inference
from twin.config.options import Options
from twin.engine import Engine
from twin.errors import TwinError
from twin.machine.first import first_weights
from twin.machine.replay import Encoder, Replayed
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
    """A network with given weights on some hardware.

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
        """Of the last stage."""
        return self.stages[-1].error


def plan_inference(options: Options, hardware: str, programming: str | None = None) -> Plan:
    """Plan what `infer` is to run.

    Parameters
    ----------
    options : Options
        Of which workload, chip, device, seed and overrides are read.
    hardware : "digital" or "analog"
    programming : "write-verify", "exact" or None
        None: as the workload says, and write-verify where it says nothing.

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
    if library.workload_kind(options.workload) == "timing-only":
        raise TwinError(f"workload {options.workload}: is only timed and has no weights; name one that trains")
    algorithm, layout = HARDWARE[hardware]
    own = TRAINED.overrides(options) | options.workload_overrides
    request = RunRequest(options.workload, options.chip, layout, algorithm, "replayed", own, options.chip_overrides)
    plan = plan_request(request, library)
    if not plan.trained.init.file:
        raise TwinError(
            f"{options.workload}: init.file: is missing, and inference needs weights; name a file of them, e.g. "
            "--set init.file='\"model.onnx\"', or train with `twin run`"
        )
    method = programming or (None if plan.trained.programming else "write-verify")
    if method is not None and hardware == "analog":
        plan = plan_request(replace(request, workload_overrides={**own, "programming.method": f'"{method}"'}), library)
    check_all([plan])
    return plan


def infer(
    plan: Plan, hardware: str, repeats: int = 1, timed: int = TIMED, progress: Callable[[int], None] = lambda _: None
) -> Inferred:
    """Run the test set through a planned network with its given weights.

    Parameters
    ----------
    plan : Plan
    hardware : str
    repeats : int
        Passes through the test set with noisy reads.
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
        stages = [Stage(PROGRAMMED, *machine.evaluate(0, analog=False))]
        passes = []
        for number in range(repeats):
            passes.append(machine.evaluate(number))
            progress(number + 1)
        stages.append(Stage(READ, *map(float, np.mean(passes, axis=0))))
        stages.insert(0, Stage(EXACT, *_exact(parts)))
    spent, setup_s, setup_J, done = _timed(parts, min(timed, len(parts.data.test_inputs)))
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


def _exact(parts: Parts) -> tuple[float, float]:
    """Return loss and error with the given weights themselves, which the machine has only for that time."""
    machine, main = parts.machine, parts.algorithm.main
    kept = machine.f.copy()
    for layer, record in zip(machine.network.layers, machine.layers, strict=True):
        start = first_weights(layer, parts.workload.init, machine.given, int(machine.seed))
        machine.set_weights(layer.index, main, start / float(record["scale"]))
    found = machine.evaluate(0, analog=False)
    machine.f[:] = kept
    return found


def _timed(parts: Parts, samples: int) -> tuple[Spent, float, float, float]:
    """Return what samples of the test set take, seconds and joules of what comes before, and the share of `_done`."""
    machine, data = parts.machine, parts.data
    machine.data = replace(data, inputs=data.test_inputs, targets=data.test_targets)
    program, in_flight = Inference(parts.program), parts.workload.training.in_flight
    effects = Replayed(machine, program, Encoder(program, in_flight, lambda sample: sample))
    engine = Engine(program, effects, parts.engine.costs, in_flight)
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
