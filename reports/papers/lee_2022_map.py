"""Lee 2022, Fig. 7 to 9: accuracy over the asymmetry factors of A and C and the rates, from a sweep.

The sweep is a description like any other (`workloads/lee-2022-map.toml`); what it lacks is run on two processes, in
the folder in which `twin sweep` leaves it, so both commands go on where either was interrupted.
"""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from papers.output import Advance
from papers.robustness import (
    Array,
    Map,
    Region,
    behind_the_best,
    best_region,
    interpolated,
    jackknife,
    nearest,
    robustness_score,
    smoothed,
)
from twin.descriptions.load import load_sweep
from twin.descriptions.sweep import Sweep
from twin.errors import TwinError
from twin.results.totals import LATE
from twin.sweep.run import Settings, run_sweep

if TYPE_CHECKING:
    import pandas as pd

SWEEP = "lee-2022-map"
AF_A, AF_C = (f"device.matrices.{name}.asymmetry_factor" for name in "AC")
FAST, TRANSFER = "algorithm.fast_lr", "algorithm.transfer_lr"
AXES = (AF_A, AF_C, FAST, TRANSFER)
JOBS, FOLDER = 2, Path("runs")  # as `twin sweep`
STEP, SIGMA, WITHIN = 0.05, 0.3, 0.05
"""Spacing of the interpolated map and width of the filter, in asymmetry factors, and how far below its peak a region
reaches at least: the paper names the level 8.95 of 9, not the filter's width (assumption)."""


@dataclass(frozen=True, slots=True, eq=False)
class Accuracies:
    """Results of a sweep on a full grid.

    Attributes
    ----------
    sweep : str
        Its name.
    af_a, af_c, fast_lr, transfer_lr : float array
        Values of the axes, ascending.
    by_seed : float array, shape (n_a, n_c, n_fast, n_transfer, n_seeds)
        1 less the mean test error of the last three epochs, or less that of the last where there are no more than
        three; NaN of a run that did not come to its end.
    train_loss : float array, shape (n_a, n_c, n_fast, n_transfer)
        Mean over seeds, in the last epoch.
    epochs : int
        Of a run.
    """

    sweep: str
    af_a: Array
    af_c: Array
    fast_lr: Array
    transfer_lr: Array
    by_seed: Array
    train_loss: Array
    epochs: int

    @property
    def seeds(self) -> int:
        """Number of seeds."""
        return int(self.by_seed.shape[-1])

    @property
    def accuracy(self) -> Array:
        """Mean over seeds, shape (n_a, n_c, n_fast, n_transfer); NaN where no seed came to its end."""
        return _over_seeds(self.by_seed)

    def without(self, seed: int) -> "Accuracies":
        """Return the same without its `seed`-th seed, counted from 0."""
        return replace(self, by_seed=np.delete(self.by_seed, seed, axis=-1))

    def at(self, fast_lr: float, transfer_lr: float) -> Map:
        """Return the accuracy at one pair of rates."""
        i, j = (int(np.argmin(np.abs(axis - rate))) for axis, rate in self._rates(fast_lr, transfer_lr))
        return Map(self.af_a, self.af_c, self.accuracy[:, :, i, j])

    def error_at(self, fast_lr: float, transfer_lr: float) -> float:
        """Return the standard error of an accuracy at one pair of rates, from the seeds; 0 of a single seed."""
        parts = [self.without(k).at(fast_lr, transfer_lr).cells for k in range(self.seeds) if self.seeds > 1]
        return jackknife(np.array(parts)) if parts else 0.0

    def loss_at(self, fast_lr: float, transfer_lr: float) -> Map:
        """Return the training loss of the last epoch at one pair of rates."""
        i, j = (int(np.argmin(np.abs(axis - rate))) for axis, rate in self._rates(fast_lr, transfer_lr))
        return Map(self.af_a, self.af_c, self.train_loss[:, :, i, j])

    def _rates(self, fast_lr: float, transfer_lr: float) -> tuple[tuple[Array, float], tuple[Array, float]]:
        return (self.fast_lr, fast_lr), (self.transfer_lr, transfer_lr)

    def behind(self) -> tuple[Array, Array]:
        """Return how far each pair of factors lies behind the best over rates and seeds, and its standard error."""
        return behind_the_best(self.by_seed.reshape(*self.by_seed.shape[:2], -1))

    @property
    def scenarios(self) -> int:
        """Number of pairs of rates."""
        return self.fast_lr.size * self.transfer_lr.size

    def score(self, threshold: float) -> Map:
        """Return the robustness score: how many pairs of rates pass the threshold."""
        return Map(self.af_a, self.af_c, robustness_score(self._flat, threshold))

    def best(self) -> Map:
        """Return the best accuracy over the rates, NaN where no run ended."""
        return Map(self.af_a, self.af_c, np.max(np.nan_to_num(self._flat, nan=-np.inf), axis=-1))

    @property
    def _flat(self) -> Array:
        return self.accuracy.reshape(*self.accuracy.shape[:2], -1)


@dataclass(frozen=True, slots=True, eq=False)
class Specification:
    """From a score map to the region of devices to aim for.

    Attributes
    ----------
    threshold : float
    score, fine, filtered : Map
        Scores at the points of the sweep, interpolated, filtered.
    standard_error : float
        Of a filtered score, from the scatter of the seeds; NaN of a single seed.
    region : Region
        Where the filtered score is at most a standard error below its peak (`WITHIN` if that is more).
    """

    threshold: float
    score: Map
    fine: Map
    filtered: Map
    standard_error: float
    region: Region

    def at(self, af_a: float, af_c: float) -> float:
        """Return the filtered score at a pair of factors."""
        return nearest(self.filtered, np.array([af_a]), np.array([af_c])).item()


def specify(found: Accuracies, threshold: float) -> Specification:
    """Count, interpolate, filter, and take the region about the peak."""

    def filtered(own: Accuracies) -> Map:
        return smoothed(interpolated(own.score(threshold), STEP), SIGMA)

    parts = [nearest(filtered(found.without(k)), found.af_a, found.af_c) for k in range(found.seeds) if found.seeds > 1]
    error = jackknife(np.array(parts)) if parts else float("nan")
    score, whole = found.score(threshold), filtered(found)
    region = best_region(whole, np.fmax(WITHIN, error))
    return Specification(threshold, score, interpolated(score, STEP), whole, error, region)


def thresholds(found: Accuracies) -> tuple[float, float]:
    """Return a lower and a higher threshold: 2 points and 1 point below what a tenth of all runs exceeds.

    Assumption: the paper's, 97.0 and 97.5 %, belong to its own network and to all of MNIST.
    """
    good = float(np.nanquantile(found.accuracy, 0.9))
    return round(good - 0.02, 3), round(good - 0.01, 3)


def collect(name: str, advance: Advance) -> Accuracies:
    """Run what a sweep lacks and return its accuracies.

    Parameters
    ----------
    name : str
        A sweep's name or path; its axes are those of `AXES`, as a grid.
    advance : callable
        Called with (points that have a result, points).

    Raises
    ------
    TwinError
        Where the sweep has other axes or another design, or points without a result.
    """
    from twin.machine.compiled import ensure_compiled  # noqa: PLC0415
    from twin.sweep.local import LocalProcesses  # noqa: PLC0415

    loaded = load_sweep(name)
    check(loaded.model, loaded.label)
    ensure_compiled()
    folder = FOLDER / f"sweep-{loaded.model.name}"
    table, missing = run_sweep(name, folder, LocalProcesses(JOBS), Settings(), advance)
    if missing:
        raise TwinError(f"{folder}: {missing} points have no result; complete it with twin sweep {name}")
    return accuracies(table, loaded.model)


def check(sweep: Sweep, label: str) -> None:
    """Raise TwinError unless a sweep is a grid over `AXES`, each with two values or more."""
    if sweep.design.kind != "grid":
        raise TwinError(f'{label}: design.kind (= {sweep.design.kind}): a robustness map needs a "grid"')
    if sweep.search is not None:
        raise TwinError(f"{label}: search: a robustness map counts pairs of rates; make them axes")
    keys = {axis.key: axis for axis in sweep.axes}
    for key in AXES:
        if key not in keys or len(keys[key].values) < (2 if key in (AF_A, AF_C) else 1):
            raise TwinError(f"{label}: axes: a robustness map needs an axis {key} with two values or more")
    for key in keys:
        if key not in AXES:
            raise TwinError(f"{label}: axes (= {key}): a robustness map has the axes {', '.join(AXES)} and no other")


def accuracies(table: "pd.DataFrame", sweep: Sweep) -> Accuracies:
    """Arrange the table of a sweep over `AXES` as arrays.

    The mean of the last three epochs is the paper's measure. Of runs that have no more than three it would be the mean
    of the whole learning curve: there the last epoch counts.
    """
    af_a, af_c, fast_lr, transfer_lr = (np.sort(table[key].astype(float).unique()) for key in AXES)
    shape = (af_a.size, af_c.size, fast_lr.size, transfer_lr.size, table["seed"].nunique())
    epochs = int(table["epochs"].astype(float).max())
    names = ("late_test_error" if epochs > LATE else "test_error", "train_loss")
    ordered = table.astype(dict.fromkeys((*AXES, *names), float)).sort_values([*AXES, "seed"])
    error, loss = (ordered[name].to_numpy().reshape(shape) for name in names)
    return Accuracies(sweep.name, af_a, af_c, fast_lr, transfer_lr, 1 - error, _over_seeds(loss), epochs)


def _over_seeds(values: Array) -> Array:
    """Return the mean over the last axis of what is not NaN, NaN where nothing is."""
    known = np.sum(~np.isnan(values), axis=-1)
    return np.where(known > 0, np.nansum(values, axis=-1) / np.maximum(known, 1), np.nan)


def settings(found: Accuracies) -> dict[str, str]:
    """Say what decides the numbers, for the reader."""

    def listed(values: Array) -> str:
        return ", ".join(f"{value:g}" for value in values)

    late = "mean test accuracy of the last three epochs"
    counted = late if found.epochs > LATE else f"test accuracy after the last of {found.epochs} epochs"
    return {
        "sweep": f"{found.sweep}: {found.accuracy.size} points x {found.seeds} seeds; its workload is in `twin show "
        f"{found.sweep}`",
        "AF of A": listed(found.af_a),
        "AF of C": listed(found.af_c),
        "rate of A (fast_lr)": listed(found.fast_lr),
        "rate of the transfer (transfer_lr)": listed(found.transfer_lr),
        "accuracy": f"{counted}, on the noisy arrays",
    }
