"""One run from its folder to its result: epochs, segments, checkpoints, evaluation, diagnostics."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from twin.algorithms.registry import algorithm_names
from twin.chip.channels import channels
from twin.config.load import is_timing_only
from twin.config.origins import COMMAND_LINE
from twin.config.resources import FOLDERS
from twin.data import Dataset
from twin.engine import InvariantError
from twin.engine.critical import bound_line
from twin.engine.sampling import Estimate, Sampler
from twin.errors import TwinError
from twin.extraction.inference import average_model
from twin.extraction.model import FINALS, save_finals, save_model
from twin.kernels.streams import AVERAGE, FINAL, READ
from twin.machine.replay import Replayed
from twin.results.result import NO_EFFECT, RunResult, Source
from twin.results.store import save_run
from twin.runs import checkpoint
from twin.runs.build import Parts, build
from twin.runs.constants import constants, constants_of_run
from twin.runs.diagnostics import collect
from twin.runs.plan import from_folder, read_facts, write_facts
from twin.runs.recording import Recording
from twin.units import PS

Progress = Callable[[int, int], None]
Advance = Callable[[int, int], None]


class CurveRow(NamedTuple):
    """The learning curve after an epoch; errors are fractions, of a regression losses."""

    epoch: float
    samples: float
    time_s: float
    train_loss: float
    test_loss: float
    test_error: float


AfterEpoch = Callable[[CurveRow], None]


def run(folder: Path, progress: Progress, after_epoch: AfterEpoch | None = None) -> RunResult:
    """Run what a folder describes, from its checkpoint if there is one; leave the result there.

    `progress` is called with (samples done, samples in total), `after_epoch` with every new row of the learning curve
    once the state after that epoch is saved; what they raise ends the run there.
    """
    facts = read_facts(folder)
    plan = from_folder(folder)
    if is_timing_only(plan.workload):
        from twin.runs.timed import run_timing_only  # noqa: PLC0415 - a trained run needs none of it

        return run_timing_only(folder, progress)
    total = [0]
    parts = build(plan, lambda sample: progress(sample + 1, total[0]) if sample < READ else None)
    record_data(folder, facts, parts.data)
    training = parts.workload.training
    epoch_size = len(parts.data.inputs)
    total[0] = training.epochs * epoch_size
    initial = [parts.machine.weights(layer.index, parts.algorithm.main) for layer in parts.network.layers]
    identity = str(facts["id"])
    restored = checkpoint.restore(folder, identity, parts)
    recording = Recording(plan, folder, parts.engine, total[0])
    sample, curve, losses = restored or (0, [], [])
    parts.effects.losses = losses
    step = training.checkpoint_every or epoch_size
    advance = with_reads(parts, clockwork(parts))

    def tell() -> None:
        if curve and after_epoch is not None:
            after_epoch(CurveRow(*curve[-1]))

    tell()  # a process that was killed may not have come to it
    while sample < total[0]:
        epoch = sample // epoch_size
        end = min((epoch + 1) * epoch_size, sample - sample % epoch_size % step + step)
        parts.machine.set_rates(decay(parts, epoch))
        advance(sample, end)
        sample = end
        complete = sample == (epoch + 1) * epoch_size
        if complete:
            curve.append(_curve_row(parts, epoch, sample))
            parts.effects.losses.clear()
        recording.save()
        checkpoint.save(folder, identity, parts, sample, curve, parts.effects.losses)
        if complete:
            tell()
    extract(parts, folder)
    save_finals(parts.machine, folder / FINALS)
    result = _result(parts, curve, initial, str(facts["command"]), total[0])
    recording.finish(result.name, result.command)
    save_run(result, folder)
    checkpoint.remove(folder)
    recording.remove()
    return result


def record_data(folder: Path, facts: dict[str, Any], data: Dataset) -> None:
    """Write what the data are into ``run.json`` beside the run's other facts.

    Raises
    ------
    TwinError
        When the run was begun with other data.
    """
    found = dict(data.facts)
    begun = facts.setdefault("data", found)
    changed = [f"{key} is {found.get(key)}, was {value}" for key, value in begun.items() if found.get(key) != value]
    if changed:
        raise TwinError(f"{folder}: the data changed since the run began ({'; '.join(changed)}); start the run again")
    write_facts(folder, facts)


def with_reads(parts: Parts, advance: Advance) -> Advance:
    """Put the reads for averages of the weights between the samples of a run that asks for them."""
    reads, averaging = parts.reads, parts.averaging
    if reads is None or averaging is None:
        return advance

    def read(number: int) -> None:
        parts.engine.run(READ + AVERAGE + number, READ + AVERAGE + number + 1)

    return lambda first, last: averaging.interleave(first, last, advance, read, reads.average.end_period)


def extract(parts: Parts, folder: Path) -> None:
    """Write the models that the workload asks for; their mat-vecs are the last in the ledger."""
    config, reads = parts.workload.extraction, parts.reads
    if config is None or reads is None:
        return
    if parts.averaging is not None:
        save_model(average_model(parts.machine, reads.solve(reads.average)), folder / "average.npz")
    if config.reads:
        parts.engine.run(READ + FINAL, READ + FINAL + config.reads)
        save_model(average_model(parts.machine, reads.solve(reads.final), method="regression"), folder / "model.npz")


def clockwork(parts: Parts) -> Advance:
    """Return what takes a run from one sample to another: the engine alone, or windows and jumps of its clock."""
    engine, effects, timing = parts.engine, parts.effects, parts.workload.timing
    if timing.mode == "exact" or not isinstance(effects, Replayed):  # `check` refuses to sample what is coupled

        def exact(first: int, last: int) -> None:
            parts.calibration.prepare()
            while first < last:
                parts.calibration.repeat(first)
                end = parts.calibration.end(first, last)
                effects.segment(first, end)
                engine.run(first, end)
                first = engine.next_sample

        return exact
    in_flight = parts.workload.training.in_flight
    parts.calibration.prepare()
    return Sampler(engine, effects, in_flight, timing.warmup, timing.measured, timing.period).run


def decay(parts: Parts, epoch: int) -> float:
    """Return the factor of the schedule in an epoch: `decay_factor` for each fraction that is past."""
    training = parts.workload.training
    past = sum(epoch >= round(at * training.epochs) for at in training.decay_at)
    return float(training.decay_factor**past)


def _curve_row(parts: Parts, epoch: int, sample: int) -> CurveRow:
    if parts.retention is not None:
        parts.retention.settle(parts.engine.now_ps)
    losses = np.array(parts.effects.losses)
    # Sorted first, so that the sum does not depend on the order of events.
    train_loss = float(np.sort(losses).mean())
    test_loss, test_error = parts.machine.evaluate(epoch)
    error = test_error if parts.network.loss == "cross-entropy" else test_loss
    return CurveRow(epoch + 1, sample, parts.engine.now_ps * PS, train_loss, test_loss, error)


def _result(
    parts: Parts,
    curve: list[tuple[float, ...]],
    initial: list[npt.NDArray[np.float32]],
    command: str,
    samples: int,
) -> RunResult:
    import pandas as pd  # noqa: PLC0415

    plan, engine = parts.plan, parts.engine
    tables = engine.tables() | {"calibration": parts.calibration.table()}
    tables["channels"] = pd.DataFrame(channels(parts.chip))
    if parts.mapping.tiles:
        tables["floorplan"] = parts.floorplan.table()
    check_bounds(parts)
    diagnostics, warnings = collect(parts, tables, initial)
    warnings += parts.placed.warnings
    estimate = engine.sampling.estimate()
    if estimate.skipped:
        rows = pd.DataFrame(_sampled(estimate), columns=diagnostics.columns)
        diagnostics = pd.concat([diagnostics, rows], ignore_index=True)
    if math.isnan(estimate.half_width_ps):
        warnings.append("timing: one window says nothing about its error; lower timing.period or use --exact")
    loaded = parts.descriptions
    warnings += [f"{key} {NO_EFFECT}" for key in without_effect(parts)]
    frame = pd.DataFrame(curve, columns=list(CurveRow._fields))
    frame[["epoch", "samples"]] = frame[["epoch", "samples"]].astype(int)
    return RunResult(
        name=loaded.name(plan.algorithm),
        algorithm=plan.algorithm,
        layout=loaded.layout.model.name,
        chip=loaded.chip.model.name,
        workload=loaded.workload.model.name,
        device=parts.workload.device.label(parts.algorithm.matrices),
        seed=parts.workload.training.seed,
        samples=samples,
        epochs=parts.workload.training.epochs,
        test_error=float(frame["test_error"].iloc[-1]),
        curve=frame,
        makespan_s=engine.now_ps * PS,
        makespan_interval_s=estimate.half_width_ps * PS,
        energy_J=float(tables["energy"]["energy_J"].sum()),
        area_m2=float(tables["area"]["area_m2"].sum()),
        leakage_W=float(tables["area"]["leakage_W"].sum()),
        tables=tables,
        bound=bound_line(tables["bound"]),
        diagnostics=diagnostics,
        warnings=warnings,
        config=loaded.document(),
        command=command,
        sources=sources(parts),
        regression=parts.network.loss != "cross-entropy",
    )


def _sampled(estimate: Estimate) -> list[tuple[int, str, str, float, str]]:
    timed = 100 * estimate.timed / (estimate.timed + estimate.skipped)
    return [
        (-1, "", "windows of sampled timing", float(estimate.windows), "windows"),
        (-1, "", "samples that were timed", timed, "%"),
    ]


def check_bounds(parts: Parts) -> None:
    """Raise InvariantError where a device has left its bounds."""
    for layer in parts.network.layers:
        for matrix in parts.algorithm.matrices:
            _, beyond = parts.machine.at_bounds(layer.index, matrix)
            if beyond:
                raise InvariantError(f"{beyond} devices of {layer.index}.{matrix} lie beyond their bounds")


def without_effect(parts: Parts) -> list[str]:
    """List what the user set and nothing read.

    A shipped description holds what other runs need too, and a file holds the tables of other algorithms.
    """
    loaded = parts.descriptions
    other = [f"algorithms.{name}." for name in algorithm_names() if name != parts.plan.algorithm]
    origins = loaded.workload.origins
    own = [f"chip.{key}" for key in loaded.chip.without_effect() if _by_user(loaded.chip.origins[key])]
    own += [
        key
        for key in loaded.workload.without_effect()
        if origins[key] == COMMAND_LINE or (_by_user(origins[key]) and not key.startswith(tuple(other)))
    ]
    return own


def _by_user(origin: str) -> bool:
    return not origin.startswith(tuple(FOLDERS.values()))


def sources(parts: Parts) -> list[Source]:
    """List every constant of the chip and of the workload with its status, source and origin."""
    loaded = parts.descriptions
    analog = parts.algorithm.matrices if parts.mapping.tiles else ()
    return constants(loaded.chip) + constants_of_run(loaded.workload, parts.plan.algorithm, analog)
