"""Lee 2022, linear regression: slope and intercept of a line learnt on devices of given asymmetry factors."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from papers.asymmetry import Array, Plane
from papers.experiment import CHIP, SHD
from twin.operation import N_COUNTS
from twin.runs.build import build
from twin.runs.plan import Plan
from twin.runs.planning import plan_run

SOURCE = "Lee et al., Front. Neurosci. 15:767953 (2022)"
SLOPE, INTERCEPT, NOISE = 0.5, 0.5, 0.05
DW_MIN, MOST_PULSES = 0.001, 400
FAST_LR, TRANSFER_LR, SGD_LR = 0.05, 0.005, 0.05
EXAMPLES = 500
DEVICE = {
    "preset": '"lee-af1"',
    "dw_min": str(DW_MIN),
    **dict.fromkeys(("dw_min_dtod", "w_max_dtod", "w_min_dtod", "up_down_dtod"), "0.0"),
}
"""The paper's range and step; no spread from device to device, 30 % noise of a step."""


@dataclass(frozen=True, slots=True)
class Case:
    """What is trained: SGD on W of one asymmetry factor, or Tiki-Taka with those of A and C."""

    algorithm: str
    af: tuple[float, ...]

    @property
    def matrices(self) -> str:
        """The matrices of `af`, in order."""
        return "W" if self.algorithm == "sgd" else "AC"

    @property
    def label(self) -> str:
        """For tables, e.g. ``"AF_A 2, AF_C 4"``."""
        return ", ".join(f"AF_{name} {af:g}" for name, af in zip(self.matrices, self.af, strict=True))

    def plan(self, seed: int) -> Plan:
        """Return the run."""
        values = {
            "training.seed": str(seed),
            "data.samples": str(EXAMPLES),
            **{f"device.{key}": text for key, text in DEVICE.items()},
            **{
                f"device.matrices.{name}.asymmetry_factor": str(af)
                for name, af in zip(self.matrices, self.af, strict=True)
            },
        }
        if self.algorithm == "sgd":
            values |= {"algorithms.sgd.learning_rate": str(SGD_LR)}
            values |= {"algorithms.sgd.update.desired_bl": str(MOST_PULSES)}
        else:
            values |= SHD | {"algorithms.shd.fast_lr": str(FAST_LR), "algorithms.shd.transfer_lr": str(TRANSFER_LR)}
            values |= {f"algorithms.shd.{key}.desired_bl": str(MOST_PULSES) for key in ("update", "transfer_update")}
        layout = "two-array" if self.algorithm == "sgd" else "four-array"
        return plan_run("linear", "aimc-512", layout, self.algorithm, "replayed", values, CHIP)


@dataclass(frozen=True, slots=True, eq=False)
class Steps:
    """One run, recorded at every sample.

    Attributes
    ----------
    case : Case
    plane : Plane
        Its data set.
    weights : dict of float array, shape (samples + 1, 2)
        By matrix, before the first and after every sample: slope and intercept.
    gradient : float array, shape (samples, 2)
        Of the loss of each sample, at the weights before it.
    """

    case: Case
    plane: Plane
    weights: dict[str, Array]
    gradient: Array

    @property
    def main(self) -> Array:
        """Weights that the network uses."""
        return self.weights["W" if self.case.algorithm == "sgd" else "C"]

    @property
    def late(self) -> Array:
        """Mean weights over the second half of the run, shape (2,)."""
        return np.asarray(self.main[len(self.main) // 2 :].mean(axis=0))


def run(case: Case, seed: int, samples: int) -> Steps:
    """Train on the machine as a replayed run does, one sample at a time."""
    parts = build(case.plan(seed))
    machine, data = parts.machine, parts.data
    machine.set_rates(1.0)
    x = np.column_stack([data.inputs[:, 0], np.ones(len(data.inputs))]).astype(np.float64)
    y = data.targets[:, 0].astype(np.float64)
    encoder = parts.effects.encoder
    program, starts = encoder.encode(0, samples)
    counts = np.zeros((program.size, N_COUNTS))
    weights = {name: np.zeros((samples + 1, 2)) for name in parts.algorithm.matrices}
    for k in range(samples):
        block = slice(starts[k], starts[k + 1])
        machine.execute(program[block], counts[block])
        for name, values in weights.items():
            values[k + 1] = machine.weights(0, name)[0]
    rows = [encoder.rows(sample) for sample in range(samples)]
    before = weights[parts.algorithm.main][:-1]
    gradient = -x[rows] * (y[rows] - np.sum(before * x[rows], axis=1))[:, None]
    return Steps(case, Plane(x, y), weights, gradient)


def mean_path(runs: Sequence[Steps], matrix: str) -> Array:
    """Return the mean over runs of a matrix's weights, each less its own optimum where that is C or W."""
    less = [one.weights[matrix] - (0 if matrix == "A" else one.plane.optimum) for one in runs]
    return np.asarray(np.mean(less, axis=0))


def settings(samples: int, seeds: str) -> dict[str, str]:
    """Say what decides the numbers, for the reader."""
    return {
        "data": f"y = {SLOPE} x + {INTERCEPT} + N(0, {NOISE}^2), x uniform in [-1, 1] (assumption); {EXAMPLES} "
        "examples, reshuffled every epoch",
        "network": "two weights (slope, intercept) from 0, identity, squared error, batch 1",
        "device": f"asymmetry-factor, range -1 to 1, step {DW_MIN} x AF at weight 0 (Lee 2022, Sec. 6.1); "
        "no spread, 30 % multiplicative noise a pulse (assumption)",
        "rates (constant, assumption)": f"SGD {SGD_LR}; Tiki-Taka: A {FAST_LR}, transfer {TRANSFER_LR}",
        "Tiki-Taka": "gamma 0, all of A transferred every sample (ns = 1, u = 1 as in the paper's Fig. 3), threshold 0",
        "pulses": f"stochastic, update management, at most {MOST_PULSES} an update (never reached)",
        "converters, read noise": "off",
        "samples": str(samples),
        "seeds": seeds,
    }
