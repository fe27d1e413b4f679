"""Calibration as a phase of a run: before training, and again by the workload's policy; what each one cost."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, final

import numpy as np

from twin.machine.replay import setup_counts
from twin.machine.retention import Found
from twin.units import PS

if TYPE_CHECKING:
    from collections.abc import Mapping

    import numpy.typing as npt
    import pandas as pd

    from twin.algorithms.program import Program
    from twin.chip import ChipCosts
    from twin.config.calibration import Calibration as CalibrationConfig
    from twin.engine import Engine
    from twin.engine.protocols import Costs
    from twin.machine.machine import Machine
    from twin.machine.retention import Key, Retention
    from twin.operation import Operation

COLUMNS = (
    "number",
    "samples",
    "time_s",
    "layer",
    "matrix",
    "pulses",
    "busy_s",
    "energy_J",
    "before_mean",
    "before_std",
    "residual_mean",
    "residual_std",
)


@final
class CalibrationPhases:
    """Keeps account of calibrations and repeats them when they are due.

    Parameters
    ----------
    config : CalibrationConfig
    machine, program, costs, engine
        Of the run.
    retention : Retention or None
        Where references can be put anew; without it nothing is repeated.

    Attributes
    ----------
    done : int
        Calibrations after the one before training.
    """

    def __init__(
        self,
        config: CalibrationConfig,
        machine: Machine,
        program: Program,
        costs: ChipCosts,
        engine: Engine,
        retention: Retention | None,
    ) -> None:
        self._config, self._machine, self._program, self._costs = config, machine, program, costs
        self._engine, self._retention = engine, retention
        self._matrices = list(dict.fromkeys(name for one in machine.designs for name in one.layout.matrices))
        self.done = 0
        self._last_ps = 0
        self._rows: list[tuple[float, ...]] = []

    def prepare(self) -> None:
        """Calibrate before training, unless that is done."""
        if self._engine.setup_done:
            return
        self._engine.prepare()
        self._last_ps = self._engine.setup_ps
        if self._retention is not None:
            self._retention.begin(self._last_ps)
        if self._config.method != "none":
            before = (float("nan"), float("nan"))
            self._enter(0, 0, {key: Found(one, *before) for key, one in self._machine.calibrated.items()})

    def watch(self, sample: int) -> None:  # noqa: ARG002 - it is the clock that matters
        """Let no further sample in when a calibration is due by the clock."""
        if self._due_ps():
            self._engine.close()

    def end(self, first: int, last: int) -> int:
        """Return before which sample from `first` on the next calibration is due, at most `last`."""
        every = self._config.every if self._retention is not None else 0
        return min(last, first - first % every + every) if every else last

    def repeat(self, sample: int) -> None:
        """Calibrate again, before `sample`, if that is due; the engine is drained."""
        every, retention = self._config.every, self._retention
        if retention is None or not ((every and sample and sample % every == 0) or self._due_ps()):
            return
        self.done += 1
        begin_ps = self._engine.now_ps
        found = retention.recalibrate(self.done, begin_ps)
        calibrations = {key: one.calibration for key, one in found.items()}
        self._engine.set_up(setup_counts(self._machine, self._program, calibrations), again=True)
        self._last_ps = self._engine.now_ps
        retention.begin(self._last_ps)
        self._enter(sample, begin_ps, found)

    def table(self) -> pd.DataFrame:
        """Return one row per calibration, layer and matrix at whose symmetry point a reference was put.

        `before` is how far the reference was off, `residual` how far it is after, over the devices (raw weights).
        """
        import pandas as pd  # noqa: PLC0415

        frame = pd.DataFrame(self.state()["rows"], columns=list(COLUMNS))
        frame["matrix"] = pd.Series([self._matrices[int(number)] for number in frame["matrix"]], dtype=str)
        whole = ["number", "samples", "layer", "pulses"]
        frame[whole] = frame[whole].astype(int)
        return frame

    def state(self) -> dict[str, npt.NDArray[Any]]:
        """Return what a checkpoint keeps."""
        rows = np.array(self._rows, np.float64).reshape(-1, len(COLUMNS))
        return {"done": np.array([self.done, self._last_ps], np.int64), "rows": rows}

    def restore(self, state: Mapping[str, npt.NDArray[Any]]) -> None:
        """Take what `state` returned."""
        self.done, self._last_ps = state["done"].tolist()
        self._rows = [tuple(row) for row in state["rows"].reshape(-1, len(COLUMNS)).tolist()]

    def _due_ps(self) -> bool:
        interval_s = self._config.interval
        return interval_s > 0 and (self._engine.now_ps - self._last_ps) * PS >= interval_s

    def _enter(self, sample: int, begin_ps: int, found: Mapping[Key, Found]) -> None:
        for layer, matrix in sorted({key[:2] for key in found}):
            parts = {key: one for key, one in found.items() if key[:2] == (layer, matrix)}
            pulses, busy_s, energy_J = self._cost(layer, matrix, parts)
            sizes = [one.calibration.reference.size for one in parts.values()]
            before = pooled([(one.before_mean, one.before_std) for one in parts.values()], sizes)
            calibrations = [one.calibration for one in parts.values()]
            residual = pooled([(one.residual_mean, one.residual_std) for one in calibrations], sizes)
            where = layer, self._matrices.index(matrix)
            row = (self.done, sample, begin_ps * PS, *where, pulses, busy_s, energy_J, *before, *residual)
            self._rows.append(tuple(map(float, row)))

    def _cost(self, layer: int, matrix: str, found: Mapping[Key, Found]) -> tuple[float, float, float]:
        """Return pulses in a row, seconds and joules, as the ledger has them."""
        operations = list(self._program.setup(again=True))
        rows = setup_counts(self._machine, self._program, {key: one.calibration for key, one in found.items()})
        for operation, counts in zip(operations, rows, strict=True):
            if (operation.layer, operation.matrix) == (layer, matrix):
                return demanded(self._costs, operation, np.array(counts))
        return 0.0, 0.0, 0.0


def demanded(costs: Costs, operation: Operation, counts: npt.NDArray[np.float64]) -> tuple[float, float, float]:
    """Return the count that sets an operation's time, its seconds and its joules."""
    demand = costs.demand(operation)
    pulses = int(counts[demand.column])
    busy_ps = max(fixed_ps + per_count_ps * pulses for _, fixed_ps, per_count_ps in demand.occupancy)
    energy = demand.energy_J.sum(axis=0)
    return pulses, busy_ps * PS, float(energy[0] + energy[1:] @ counts)


def pooled(moments: list[tuple[float, float]], sizes: list[int]) -> tuple[float, float]:
    """Return mean and deviation of groups taken together, from those of each and their sizes."""
    mean, std = np.array(moments).T
    whole = float(np.average(mean, weights=sizes))
    square = float(np.average(std**2 + mean**2, weights=sizes))
    return whole, float(np.sqrt(np.maximum(square - whole**2, 0.0)))
