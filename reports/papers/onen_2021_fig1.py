"""Onen 2021, Fig. 1: SGD on one weight, with a symmetric and with an asymmetric device.

Panels as in the paper: C and F are the weight against training steps, D and G the residual |G_final - G0|
against G0. The reference is at raw weight 0, so the weight G is the raw conductance in units in which the
device's range is [-1, 1].
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import numpy.typing as npt
import pandas as pd

from papers.experiment import ASYMMETRIC, SYMMETRIC, Experiment, Trajectory, run, settings
from papers.onen_2021_draw import draw_sgd
from papers.output import Advance, Claim, Reproduction
from papers.rows import mean_and_error, trajectory_rows
from papers.theory import sgd_fixed_point

SOURCE = "Onen et al., Neural Network Training with Asymmetric Crosspoint Elements (2021), Fig. 1"
DEVICES = {"symmetric": SYMMETRIC, "asymmetric": ASYMMETRIC}
TARGETS = (-0.75, -0.55, -0.35, -0.15, 0.05, 0.25, 0.45, 0.65, 0.85)
FAR = -0.55  # the optimum of panels C and F, "far away from G_symmetry"
RATE, DW_MIN, NOISE, SAMPLES, SEEDS = 0.02, 0.0005, 0.2, 6000, 4
TOLERANCE = 0.005


@dataclass(frozen=True, slots=True)
class Residuals:
    """One device trained to several optima.

    Attributes
    ----------
    device : str
    seeds : int
    targets : float array, shape (n,)
    mean, error : float array, shape (n,)
        Signed residual G_final - G0: mean over seeds, standard error.
    closed_form : float array, shape (n,)
        The residual at which gradient and asymmetry balance.
    symmetry_point : float
    """

    device: str
    seeds: int
    targets: npt.NDArray[np.float64]
    mean: npt.NDArray[np.float64]
    error: npt.NDArray[np.float64]
    closed_form: npt.NDArray[np.float64]
    symmetry_point: float


def experiment(device: str, target: float, *, at_optimum: bool = False) -> Experiment:
    """Describe SGD on a line of slope `target`."""
    return Experiment(
        algorithm="sgd",
        layout="two-array",
        device=DEVICES[device],
        rates={"learning_rate": RATE},
        dw_min=DW_MIN,
        slope=target,
        noise=NOISE,
        samples=SAMPLES,
        calibration="none",
        at_optimum=at_optimum,
        every=25,
    )


def residuals(device: str, seed: int, targets: Sequence[float], seeds: int) -> Iterator[Trajectory]:
    """Run every target with `seeds` seeds of its own, so that all points are independent."""
    for k, target in enumerate(targets):
        for i in range(seeds):
            yield run(experiment(device, target), seed + k * seeds + i)


def summarise(device: str, targets: Sequence[float], runs: Sequence[Trajectory]) -> Residuals:
    """Average the residuals of `residuals` over seeds."""
    measured = np.array([done.late("W") - done.line.optimum for done in runs]).reshape(len(targets), -1)
    expected = np.array([sgd_fixed_point(done.line, done.response) - done.line.optimum for done in runs])
    mean, error = mean_and_error(measured)
    expected = expected.reshape(measured.shape).mean(axis=1)
    return Residuals(
        device, measured.shape[1], np.array(targets), mean, error, expected, runs[0].response.symmetry_point
    )


def measure(
    seed: int, advance: Advance = lambda *_: None, targets: Sequence[float] = TARGETS, seeds: int = SEEDS
) -> dict[str, Residuals]:
    """Run both devices over all targets; the device's name -> its residuals."""
    of = len(DEVICES) * len(targets) * seeds
    found = {}
    for number, device in enumerate(DEVICES):
        runs = []
        for done in residuals(device, seed, targets, seeds):
            runs.append(done)
            advance(number * of // len(DEVICES) + len(runs), of)
        found[device] = summarise(device, targets, runs)
    return found


def claims(found: dict[str, Residuals]) -> tuple[Claim, ...]:
    """Hold the measured residuals against what the paper says."""
    symmetric, asymmetric = found["symmetric"], found["asymmetric"]
    worst = float(np.abs(symmetric.mean).max())
    distance = asymmetric.symmetry_point - asymmetric.targets
    away = np.abs(distance) > 0.05
    share = asymmetric.mean[away] / distance[away]  # 0 at G0, 1 at the symmetry point
    sure = np.abs(asymmetric.mean[away]) > 5 * asymmetric.error[away]
    sides = [asymmetric.mean[distance >= -1e-6][::-1], -asymmetric.mean[distance <= 1e-6]]
    grows = all(far > near for side in sides for near, far in pairwise(side))
    near, far = np.abs(asymmetric.mean)[[np.abs(distance).argmin(), np.abs(distance).argmax()]]
    gap = float(np.abs(asymmetric.mean - asymmetric.closed_form).max())
    return (
        Claim(
            "symmetric device: SGD converges to G0, wherever G0 is (1C, 1D)",
            f"largest |G_final - G0| over {len(symmetric.targets)} optima: {worst:.4f} (at most {TOLERANCE} allowed)",
            worst <= TOLERANCE,
        ),
        Claim(
            "asymmetric device: SGD settles between G0 and the symmetry point (1F)",
            f"at {share.min():.0%} to {share.max():.0%} of the way to the symmetry point "
            f"({asymmetric.symmetry_point:.2f}), each more than 5 standard errors off G0",
            bool(np.all((share > 0) & (share < 1) & sure)),
        ),
        Claim(
            "the residual grows with the distance of G0 from the symmetry point (1G)",
            f"{near:.4f} at the symmetry point to {far:.3f} at a distance of {np.abs(distance).max():.1f}, "
            + ("rising at every step" if grows else "not rising at every step"),
            bool(grows and near <= TOLERANCE),
        ),
        Claim(
            "G settles where the drives of training and of asymmetry balance (Eq. 2)",
            f"largest |G_final - closed form| over {len(distance)} optima: {gap:.4f} (at most {TOLERANCE} allowed)",
            gap <= TOLERANCE,
        ),
    )


def reproduce(seed: int, advance: Advance) -> Reproduction:
    """Compute Fig. 1."""
    found = measure(seed, advance)
    paths = {
        "C": [run(experiment("symmetric", FAR), seed)],
        "F": [run(experiment("asymmetric", FAR, at_optimum=start), seed) for start in (False, True)],
    }
    rows = [*_residual_rows("D", found["symmetric"]), *_residual_rows("G", found["asymmetric"])]
    for panel, runs in paths.items():
        for done, start in zip(runs, ("W from 0", "W from G0"), strict=False):
            device = "symmetric" if panel == "C" else "asymmetric"
            limit = sgd_fixed_point(done.line, done.response)
            rows += trajectory_rows(panel, "sgd", device, start, FAR, seed, done, "W", limit)
    return Reproduction(
        SOURCE,
        draw_sgd(paths, found),
        claims(found),
        pd.DataFrame(rows),
        {
            **settings(experiment("asymmetric", FAR)),
            "optima G0": ", ".join(map(str, TARGETS)),
            "seeds": f"{SEEDS} an optimum and device, from {seed}",
            "G_final": "mean over the second half of the samples",
            "G0": "least-squares slope of the run's own data set",
        },
    )


def _residual_rows(panel: str, found: Residuals) -> Iterator[dict[str, object]]:
    for k, target in enumerate(found.targets):
        yield {
            "panel": panel,
            "algorithm": "sgd",
            "device": found.device,
            "quantity": "G_final - G0",
            "unit": "half range",
            "G0": target,
            "seeds": f"mean of {found.seeds}",
            "sample": SAMPLES,
            "value": found.mean[k],
            "standard_error": found.error[k],
            "closed_form": found.closed_form[k],
        }
