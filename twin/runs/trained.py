"""A run that trains, from its plan to its result."""

import math
from collections.abc import Callable
from pathlib import Path
from typing import final

import numpy as np
import numpy.typing as npt

from twin.chip.channels import channels
from twin.chip.sizes import remarks
from twin.data.dataset import OTHER
from twin.engine import InvariantError
from twin.engine.sampler import Sampler
from twin.engine.sampling import Estimate
from twin.errors import TwinError
from twin.extraction.inference import average_model
from twin.extraction.model import FINALS, save_finals, save_model
from twin.kernels.streams import AVERAGE, FINAL, READ
from twin.machine.replay import Replayed
from twin.results.bound import bound_line
from twin.results.card import add_weights
from twin.results.result import RunResult, Source
from twin.runs import checkpoint
from twin.runs.bound import name_nodes
from twin.runs.build import Parts, build
from twin.runs.constants import constants, constants_of_run
from twin.runs.designs import designs_table
from twin.runs.diagnostics import collect, diverged, endurance_table
from twin.runs.facts import RunFacts
from twin.runs.folder import read_facts, write_facts
from twin.runs.networks import nodes_of
from twin.runs.plan import Plan
from twin.runs.programming import programming_table
from twin.runs.protocol import AfterEpoch, CurveRow, Progress
from twin.runs.pulse_log import PulseLog
from twin.runs.recording import Recording
from twin.runs.state import state_digest
from twin.runs.unused import unused
from twin.units import PS

Advance = Callable[[int, int], None]


@final
class TrainedRun:
    """A run that trains: epochs, segments between checkpoints, evaluation, diagnostics.

    Parameters
    ----------
    plan : Plan
    folder : Path
        Its own, with its checkpoint if there is one.
    progress, after_epoch : callable
        As in `twin.runs.run.run`.
    """

    def __init__(self, plan: Plan, folder: Path, progress: Progress, after_epoch: AfterEpoch | None) -> None:
        self._folder, self._after_epoch = folder, after_epoch
        self.total = 0
        facts = read_facts(folder)
        self.parts = build(plan, lambda step: progress(self._samples(step), self.total) if step < READ else None)
        record_data(folder, facts, self.parts)
        parts = self.parts
        self.total = parts.workload.training.epochs * len(parts.data.inputs)
        machine = parts.machine
        self._initial = [machine.weights(layer.index, machine.main(layer.index)) for layer in parts.network.layers]
        self._identity = facts.id
        restored = checkpoint.restore(folder, self._identity, parts)
        steps = parts.workload.training.epochs * parts.program.batches.steps
        self._recording = Recording(plan.request, folder, parts.engine, steps)
        self._sample, self._curve, parts.effects.losses = restored or (0, [], [])
        self._pulses = PulseLog(plan.request, folder, machine, self._samples(self._sample - 1) if self._sample else 0)

    def advance(self) -> None:
        """Train through all samples that are left; the state is saved after every epoch and in between as asked."""
        parts, training = self.parts, self.parts.workload.training
        epoch_size = parts.program.batches.steps
        step = -(-training.checkpoint_every // training.batch) or epoch_size
        advance = with_reads(parts, clockwork(parts))
        self._tell()  # a process that was killed may not have come to it
        while self._sample < epoch_size * training.epochs:
            epoch = self._sample // epoch_size
            end = min((epoch + 1) * epoch_size, self._sample - self._sample % epoch_size % step + step)
            parts.machine.set_rates(training.factor(epoch, training.epochs))
            advance(self._sample, end)
            self._sample = end
            complete = end == (epoch + 1) * epoch_size
            if complete:
                self._curve.append(_curve_row(parts, epoch, self._samples(end - 1)))
                parts.effects.losses.clear()
            self._recording.rows.save()
            self._pulses.rows.save()
            checkpoint.save(self._folder, self._identity, parts, end, self._curve, parts.effects.losses)
            if complete:
                self._tell()

    def result(self, command: str) -> RunResult:
        """Read the models out, write what was asked for beside the result, and return it."""
        extract(self.parts, self._folder)
        save_finals(self.parts.machine, self._folder / FINALS)
        result = _result(self.parts, self._curve, self._initial, command, self.total)
        self._recording.finish(result.name, result.command)
        self._pulses.finish()
        return result

    def close(self) -> None:
        """Remove checkpoint and parts of recordings."""
        checkpoint.remove(self._folder)
        self._recording.rows.remove()
        self._pulses.rows.remove()

    def _samples(self, step: int) -> int:
        """Return how many samples are learnt after a step."""
        return self.parts.program.batches.samples(step).stop

    def _tell(self) -> None:
        if self._curve and self._after_epoch is not None:
            self._after_epoch(CurveRow(*self._curve[-1]))


def record_data(folder: Path, facts: RunFacts, parts: Parts) -> None:
    """Write what the data and given weights are into ``run.json`` beside the run's other facts.

    Raises
    ------
    TwinError
        When the run was begun with other data.
    """
    found = dict(parts.data.facts)
    if parts.machine.given is not None:
        found["initial weights sha256"] = parts.machine.given.sha256
    if parts.workload.init.state:
        found["initial state sha256"] = state_digest(parts.workload.init.state)
    begun = found if facts.data is None else facts.data
    changed = [f"{key} is {found.get(key)}, was {value}" for key, value in begun.items() if found.get(key) != value]
    if changed:
        raise TwinError(f"{folder}: the data changed since the run began ({'; '.join(changed)}); start the run again")
    write_facts(folder, facts.model_copy(update={"data": begun}))


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
    parts.calibration.prepare()
    return Sampler(engine, effects, engine.slots, timing.warmup, timing.measured, timing.period).run


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

    engine = parts.engine
    tables = engine.tables() | {"calibration": parts.calibration.table()}
    add_weights(tables["operations"], parts.network.shapes)
    name_nodes(tables["bound"], parts.network)
    tables["channels"] = pd.DataFrame(channels(parts.chip))
    nodes = nodes_of(parts.workload, parts.data)
    if nodes is not None:
        tables["nodes"] = nodes
    if parts.workload.rules:
        tables["designs"] = designs_table(parts.workload, parts.network, parts.designs, parts.machine.layers["scale"])
    if parts.machine.programmed:
        tables["programming"] = programming_table(parts.machine, parts.program.programming, parts.engine.costs)
    worn = endurance_table(parts)
    if worn is not None:
        tables["endurance"] = worn
    if parts.mapping.tiles:
        tables["floorplan"] = parts.floorplan.table()
    check_bounds(parts)
    diagnostics, warnings = collect(parts, tables, initial)
    warnings += [*parts.placed.warnings, *remarks(parts.plan.chip)]
    estimate = engine.sampling.estimate()
    if estimate.skipped:
        rows = pd.DataFrame(_sampled(estimate), columns=diagnostics.columns)
        diagnostics = pd.concat([diagnostics, rows], ignore_index=True)
    if math.isnan(estimate.half_width_ps):
        warnings.append("timing: one window says nothing about its error; lower timing.period or use --exact")
    plan = parts.plan
    warnings += unused(plan)
    data = str(parts.data.facts["name"])
    if OTHER in data:
        warnings.append(f"data: {data} is not what is published under this name; compare it with no result on that")
    frame = pd.DataFrame(curve, columns=list(CurveRow._fields))
    frame[["epoch", "samples"]] = frame[["epoch", "samples"]].astype(int)
    warnings = [*diverged(frame), *warnings]
    return RunResult(
        name=plan.name,
        algorithm=plan.algorithm,
        layout=plan.layout.model.name,
        chip=plan.chip.model.name,
        workload=plan.workload.model.name,
        device=parts.workload.device.label(parts.algorithm.matrices) if parts.mapping.tiles else "",
        data=data,
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
        config=plan.document(),
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
        for matrix in parts.designs[layer.index].algorithm.matrices:
            _, beyond = parts.machine.at_bounds(layer.index, matrix)
            if beyond:
                raise InvariantError(f"{beyond} devices of {layer.index}.{matrix} lie beyond their bounds")


def sources(parts: Parts) -> list[Source]:
    """List every constant of the chip and of the workload with its status, source and origin."""
    plan = parts.plan
    analog = parts.algorithm.matrices if parts.mapping.tiles else ()
    return constants(plan.chip) + constants_of_run(plan.workload, plan.algorithm, analog)
