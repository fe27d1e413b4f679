"""Onen 2021, Fig. 2 E and F: SHD on one weight, with symmetric and asymmetric devices; and the lucky guess.

Panels E and F are A against C. Panel "start" is the paper's text: training started at the optimum, under SGD,
under SHD, and under SHD with A's reference off A's symmetry point.
"""

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from papers.experiment import ASYMMETRIC, SYMMETRIC, Experiment, Trajectory, run, settings
from papers.onen_2021_draw import draw_shd
from papers.output import Advance, Claim, Reproduction
from papers.rows import mean_and_error, trajectory_rows
from papers.theory import (
    Array,
    Oscillator,
    sgd_fixed_point,
    shd_continuum,
    shd_fixed_point_of_c,
)

SOURCE = "Onen et al., Neural Network Training with Asymmetric Crosspoint Elements (2021), Fig. 2"
TARGET = -0.4  # the orbit reaches from 0 to -0.8: clear of the bounds, which would take energy out
RATE_A, RATE_C, RATE_SGD, DW_MIN, NOISE, SAMPLES, SEEDS = 0.005, 0.01, 0.01, 0.0005, 0.1, 12_000, 6
MORE = 3
INTERVAL = "standard-error"


def _shd(device: Mapping[str, str], calibration: str = "exact", *, at_optimum: bool = False) -> Experiment:
    return Experiment(
        algorithm="shd",
        layout="four-array",
        device=device,
        rates={"fast_lr": RATE_A, "transfer_lr": RATE_C},
        dw_min=DW_MIN,
        slope=TARGET,
        noise=NOISE,
        samples=SAMPLES,
        calibration=calibration,
        at_optimum=at_optimum,
    )


OFF = "shd, A_ref off"
EXPERIMENTS = {
    "orbit": _shd(SYMMETRIC),
    "spiral": _shd(ASYMMETRIC),
    "sgd": Experiment(
        algorithm="sgd",
        layout="two-array",
        device=ASYMMETRIC,
        rates={"learning_rate": RATE_SGD},
        dw_min=DW_MIN,
        slope=TARGET,
        noise=NOISE,
        samples=SAMPLES,
        calibration="exact",
        at_optimum=True,
    ),
    "shd": _shd(ASYMMETRIC, at_optimum=True),
    OFF: _shd(ASYMMETRIC, "none", at_optimum=True),
}
Runs = dict[str, list[Trajectory]]


@dataclass(frozen=True, slots=True)
class Path:
    """SHD's path over all seeds, against its closed forms.

    Attributes
    ----------
    a, c : float array, shape (seeds, n)
        A, and C less the optimum of the run's data set.
    radius : float array, shape (seeds, n)
        Distance from (A = 0, C = C0), with A in units of the ellipse's axis ratio.
    frequency, axis_ratio : float array, shape (seeds,)
        Measured over closed form.
    """

    a: Array
    c: Array
    radius: Array
    frequency: Array
    axis_ratio: Array

    @classmethod
    def of(cls, runs: Sequence[Trajectory]) -> "Path":
        """Measure every run."""
        radius, frequency, ratio = [], [], []
        for done in runs:
            a, c = done.weights["A"], done.weights["C"]
            ideal = oscillator(done)
            r, phase = ideal.polar(a, c, done.line.optimum)
            radius.append(r)
            frequency.append(np.polyfit(done.samples, phase, 1)[0] / ideal.frequency)
            deviation = np.sqrt(np.mean(a**2) / np.mean((c - done.line.optimum) ** 2))
            ratio.append(deviation / ideal.axis_ratio)
        return cls(
            np.array([done.weights["A"] for done in runs]),
            np.array([done.weights["C"] - done.line.optimum for done in runs]),
            np.array(radius),
            np.array(frequency),
            np.array(ratio),
        )


def oscillator(done: Trajectory) -> Oscillator:
    """Return the lossless oscillator of a run's data set."""
    return Oscillator(RATE_A * done.response.up_a, RATE_C * done.response.up_a, done.line.curvature)


def measure(seed: int, advance: Advance = lambda *_: None, seeds: int = SEEDS) -> Runs:
    """Run every experiment `seeds` times, SHD from the optimum `MORE` times as often.

    The latter shows nothing but slow oscillations of random phase, which take more runs to average out.
    """
    plan = [(name, seed + i) for name in EXPERIMENTS for i in range(seeds * (MORE if name == "shd" else 1))]
    found: Runs = {name: [] for name in EXPERIMENTS}
    for done, (name, one) in enumerate(plan, 1):
        found[name].append(run(EXPERIMENTS[name], one))
        advance(done, len(plan))
    return found


def claims(found: Runs) -> tuple[Claim, ...]:
    """Hold the measured paths against what the paper says."""
    return (*_orbit_claims(found["orbit"]), *_spiral_claims(found["spiral"]), *_start_claims(found))


def _orbit_claims(runs: Sequence[Trajectory]) -> tuple[Claim, ...]:
    orbit = Path.of(runs)
    kept = _last_turn(orbit, runs[0])
    turns = runs[0].samples[-1] * oscillator(runs[0]).frequency / (2 * np.pi)
    frequency, ratio = float(orbit.frequency.mean()), float(orbit.axis_ratio.mean())
    return (
        Claim(
            "symmetric devices: A and C oscillate without loss (2E)",
            f"radius of the last turn / of the start: {kept:.3f} after {turns:.1f} turns (0.75 to 1.25 allowed)",
            0.75 <= kept <= 1.25,
        ),
        Claim(
            "the path is the ellipse of a harmonic oscillator (2C, 2D)",
            f"angular frequency / sqrt(eta_A eta_C <x^2>): {frequency:.4f} (2 % allowed); "
            f"axis ratio / sqrt(eta_A <x^2> / eta_C): {ratio:.4f} (5 % allowed)",
            abs(frequency - 1) <= 0.02 and abs(ratio - 1) <= 0.05,
        ),
    )


def _spiral_claims(runs: Sequence[Trajectory]) -> tuple[Claim, ...]:
    spiral = Path.of(runs)
    late = spiral.a.shape[1] // 2
    kept = _last_turn(spiral, runs[0])
    swing = float(np.abs(spiral.a).max(axis=1).mean())
    a, a_error = mean_and_error(spiral.a[:, late:].mean(axis=1))
    c, c_error = mean_and_error(spiral.c[:, late:].mean(axis=1))
    gap_a, gap_c = continuum_gap(runs)
    return (
        Claim(
            "asymmetric devices: the oscillation decays (2F)",
            f"radius of the last turn / of the start: {kept:.3f} (0.25 allowed)",
            kept <= 0.25,
        ),
        Claim(
            "asymmetric devices: A converges to 0 and C to C0",
            f"second half: A = {a:.4f} ± {a_error:.4f} (a tenth of its largest swing, {swing:.3f}, allowed; "
            f"{asymmetry_of_c(spiral.a[:, late:], runs):.4f} from C's own asymmetry), "
            f"C - C0 = {c:.4f} ± {c_error:.4f} (0.02 allowed)",
            bool(abs(a) <= 0.1 * swing and abs(c) <= 0.02),
        ),
        Claim(
            "the path obeys Eq. 3 and 4",
            f"mean path less integrated equations, root mean square: A {gap_a:.4f}, C {gap_c:.4f} (0.02 allowed)",
            max(gap_a, gap_c) <= 0.02,
        ),
    )


def recordings_a_turn(done: Trajectory) -> int:
    """Return how many recordings make one turn of the lossless oscillator."""
    interval = int(done.samples[1] - done.samples[0])
    return round(2 * math.pi / oscillator(done).frequency / interval)


def _last_turn(path: Path, done: Trajectory) -> float:
    """Return the mean radius of the last turn over that of the start."""
    turn = recordings_a_turn(done)
    return float(path.radius[:, -turn:].mean() / path.radius[:, 0].mean())


def asymmetry_of_c(a: Array, runs: Sequence[Trajectory]) -> float:
    """Return the mean of A that keeps C still at C0 against C's own asymmetry, given the fluctuations of A.

    Eq. 4 with affine steps and the reference at the symmetry point, where up_a = down_a:
    0 = up_a <A> - C0 (up_b <max(A, 0)> + down_b <max(-A, 0)>).
    """
    steps = runs[0].response
    pull = steps.up_b * np.maximum(a, 0).mean() + steps.down_b * np.maximum(-a, 0).mean()
    return float(np.mean([done.line.optimum for done in runs]) * pull / steps.up_a)


def continuum_gap(runs: Sequence[Trajectory]) -> tuple[float, float]:
    """Return how far A and C, averaged over seeds, run from Eq. 3 and 4 on the same data sets: rms."""
    ends = [continuum(done) for done in runs]
    a = np.mean([done.weights["A"] - end[0] for done, end in zip(runs, ends, strict=True)], axis=0)
    c = np.mean([done.weights["C"] - end[1] for done, end in zip(runs, ends, strict=True)], axis=0)
    return float(np.sqrt(np.mean(a**2))), float(np.sqrt(np.mean(c**2)))


def continuum(done: Trajectory) -> tuple[Array, Array]:
    """Integrate Eq. 3 and 4 for a run's data set and device."""
    return shd_continuum(done.line, done.response, RATE_A, RATE_C, done.samples.astype(np.float64))


def drift(runs: Sequence[Trajectory], matrix: str) -> tuple[float, float]:
    """Return mean and standard error of the late weight less the optimum it started at."""
    mean, error = mean_and_error(np.array([done.late(matrix) - done.line.optimum for done in runs]))
    return float(mean), float(error)


def start_levels(found: Runs) -> dict[str, float]:
    """Return where each run from the optimum should settle, less the optimum: closed forms."""
    balances = {"sgd": sgd_fixed_point, "shd": shd_fixed_point_of_c, OFF: shd_fixed_point_of_c}
    return {
        name: float(np.mean([level(r.line, r.response) - r.line.optimum for r in found[name]]))
        for name, level in balances.items()
    }


def _fluctuation(runs: Sequence[Trajectory]) -> float:
    """Return the standard deviation of C about the optimum in the second half of the runs."""
    late = [done.weights["C"][len(done.samples) // 2 :] - done.line.optimum for done in runs]
    return float(np.std(late))


def _start_claims(found: Runs) -> tuple[Claim, ...]:
    sgd, sgd_error = drift(found["sgd"], "W")
    shd, shd_error = drift(found["shd"], "C")
    off, off_error = drift(found[OFF], "C")
    levels = start_levels(found)
    balance, level = levels["sgd"], levels[OFF]
    to_symmetry = found["sgd"][0].response.symmetry_point - TARGET
    return (
        Claim(
            "started at the optimum, SGD drifts towards the symmetry point",
            f"by {sgd:.4f} ± {sgd_error:.4f} of {to_symmetry:.2f}; closed form {balance:.4f} (0.01 allowed)",
            sgd * to_symmetry > 0 and abs(sgd) > 5 * sgd_error and abs(sgd - balance) <= 0.01,
        ),
        Claim(
            "started at the optimum (A = 0, C = C0), SHD stays",
            f"C moves by {shd:.4f} ± {shd_error:.4f} (0.01, and a fifth of SGD's drift, allowed); "
            f"it fluctuates by {_fluctuation(found['shd']):.3f}",
            abs(shd) <= min(0.01, abs(sgd) / 5),
        ),
        Claim(
            "A_ref must be set to A_main,symmetry",
            f"with A_ref {found[OFF][0].response.symmetry_point:.2f} below it, C leaves C0 by {off:.4f} ± "
            f"{off_error:.4f}; "
            f"closed form {level:.4f} (0.01 allowed)",
            abs(off) > 5 * off_error and abs(off - level) <= 0.01,
        ),
    )


def reproduce(seed: int, advance: Advance, interval: str = INTERVAL) -> Reproduction:
    """Compute Fig. 2; its last panel draws an interval."""
    found = measure(seed, advance)
    orbit, spiral = found["orbit"][0], found["spiral"][0]
    ideal = oscillator(orbit)
    angle = ideal.frequency * orbit.samples
    ellipse = orbit.line.optimum * ideal.axis_ratio * np.sin(angle), orbit.line.optimum * (1 - np.cos(angle))
    forms = {"E": (orbit, *ellipse), "F": (spiral, *continuum(spiral))}
    rows: list[dict[str, object]] = []
    for (panel, (done, a, c)), device in zip(forms.items(), ("symmetric", "asymmetric"), strict=True):
        for matrix, expected in (("A", a), ("C", c)):
            rows += trajectory_rows(panel, "shd", device, matrix, TARGET, seed, done, matrix, expected)
    levels = start_levels(found)
    for name, level in levels.items():
        rows += _start_rows(name, found[name], level)
    labels = {"sgd": "SGD", "shd": "SHD", OFF: "SHD, reference of A off"}
    return Reproduction(
        SOURCE,
        draw_shd(
            forms["E"],
            forms["F"],
            {label: found[name] for name, label in labels.items()},
            {label: levels[name] for name, label in labels.items()},
            recordings_a_turn(orbit),
            interval,
        ),
        claims(found),
        pd.DataFrame(rows),
        {
            **settings(EXPERIMENTS["spiral"]),
            "SHD": "gamma 0, transfer every sample, one-hot, threshold 0, four arrays",
            "SGD from the optimum": f"learning_rate = {RATE_SGD}, two arrays, reference as for SHD",
            "C0": str(TARGET),
            "seeds": f"{SEEDS} an experiment ({MORE * SEEDS} for SHD from the optimum), from {seed}; "
            "E and F show the first",
        },
    )


def _start_rows(name: str, runs: Sequence[Trajectory], level: float) -> Iterator[dict[str, object]]:
    main = next(iter(runs[0].weights))
    moved = np.array([done.weights[main] - done.line.optimum for done in runs])
    for sample, value, error in zip(runs[0].samples, *mean_and_error(moved.T), strict=True):
        yield {
            "panel": "start",
            "algorithm": name.partition(",")[0],
            "device": "asymmetric" + (", A_ref off" if name == OFF else ""),
            "quantity": f"{main} less optimum",
            "unit": "half range",
            "G0": TARGET,
            "seeds": f"mean of {len(runs)}",
            "sample": sample,
            "value": value,
            "standard_error": error,
            "closed_form": level,
        }
