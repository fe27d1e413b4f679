"""One weight learns the slope of a line: a run of the machine that records the weight as it goes."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from papers.theory import Line, Response
from twin.devices.family import Affine
from twin.errors import TwinError
from twin.machine.arrays import draw_devices
from twin.machine.calibration import shift
from twin.operation import N_COUNTS
from twin.runs.build import build
from twin.runs.planning import plan_run

Array = npt.NDArray[np.float64]

CHIP = {"tile.io.inp_res": "0", "tile.io.out_res": "0", "tile.io.out_noise": "0.0"}
"""Converters and read noise off: the paper's figures are about devices alone."""

ONE_WEIGHT = {"network.layers.0.bias": "false", "data.intercept": "0.0"}
MOST_PULSES = 100  # more than any update here asks for, so that none is clipped

SGD = {
    "algorithms.sgd.update.desired_bl": str(MOST_PULSES),
}
SHD = {
    "algorithms.shd.auto_scale": "false",
    "algorithms.shd.transfer_every": "1",
    "algorithms.shd.gamma": "0.0",
    "algorithms.shd.threshold": "0.0",
    "algorithms.shd.transfer_vectors": '"one-hot"',
    "algorithms.shd.update.desired_bl": str(MOST_PULSES),
    "algorithms.shd.transfer_update.desired_bl": str(MOST_PULSES),
}
ALIKE = dict.fromkeys(("dw_min_dtod", "w_max_dtod", "w_min_dtod", "up_down_dtod"), "0.0")
RANGE = {"w_max": "1.0", "w_min": "-1.0"}
SYMMETRIC = {"preset": '"symmetric-1200"', **RANGE, **ALIKE}
"""Constant steps between hard bounds."""

UP_DOWN = 0.4
ASYMMETRIC = {
    "preset": '"symmetric-1200"',
    "family": '"soft-bounds"',
    "up_down": str(UP_DOWN),
    **RANGE,
    **ALIKE,
}
"""Steps fall linearly towards either bound and are equal at raw weight UP_DOWN / (2 - UP_DOWN) = 0.25."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """One run of one weight.

    Attributes
    ----------
    algorithm, layout : str
    device : mapping
        Fields of the workload's table ``device``, as TOML text.
    rates : mapping
        Fields of the algorithm's table, as numbers.
    dw_min : float
        Step of the device at raw weight 0.
    slope, noise : float
        The line: y = slope x + N(0, noise^2), x uniform in [-1, 1].
    samples : int
        Training steps.
    calibration : str
        "exact": the reference is at the symmetry point; "none": at raw weight 0.
    at_optimum : bool
        The network's weight starts at the data set's optimum instead of 0.
    every : int
        Samples between two recordings.
    """

    algorithm: str
    layout: str
    device: Mapping[str, str]
    rates: Mapping[str, float]
    dw_min: float
    slope: float
    noise: float
    samples: int
    calibration: str
    at_optimum: bool = False
    every: int = 50

    def overrides(self, seed: int) -> dict[str, str]:
        """Return what is changed in the workload ``linear``."""
        return {
            **ONE_WEIGHT,
            "data.slope": str(self.slope),
            "data.noise": str(self.noise),
            "training.seed": str(seed),
            "calibration.method": f'"{self.calibration}"',
            "device.dw_min": str(self.dw_min),
            **{f"device.{key}": text for key, text in self.device.items()},
            **(SGD if self.algorithm == "sgd" else SHD),
            **{f"algorithms.{self.algorithm}.{key}": str(value) for key, value in self.rates.items()},
        }


@dataclass(frozen=True, slots=True)
class Trajectory:
    """What a run recorded.

    Attributes
    ----------
    samples : int array, shape (n,)
        Training steps done at each recording, from 0.
    weights : dict of float array, shape (n,)
        Logical weight, by matrix.
    line : Line
        The data set.
    response : Response
        Mean steps of the device, in logical weight.
    """

    samples: npt.NDArray[np.int64]
    weights: dict[str, Array]
    line: Line
    response: Response

    def late(self, matrix: str) -> float:
        """Return the mean weight over the second half of the run."""
        weights = self.weights[matrix]
        return float(weights[len(weights) // 2 :].mean())


def run(experiment: Experiment, seed: int) -> Trajectory:
    """Train one weight on the machine, as a replayed run does, in blocks of `every` samples."""
    plan = plan_run(
        "linear",
        "aimc-512",
        experiment.layout,
        experiment.algorithm,
        "replayed",
        experiment.overrides(seed),
        CHIP,
    )
    parts = build(plan)
    machine, names = parts.machine, parts.algorithm.matrices
    machine.set_rates(1.0)
    x, y = parts.data.inputs[:, 0].astype(np.float64), parts.data.targets[:, 0].astype(np.float64)
    line = Line(x, y)
    if experiment.at_optimum:
        machine.set_weights(0, names[0], [[line.optimum]])
    program, starts = parts.effects.encoder.encode(0, experiment.samples)
    counts = np.zeros((program.size, N_COUNTS))
    marks = range(0, experiment.samples + 1, experiment.every)
    weights = {name: np.empty(len(marks)) for name in names}
    for k, mark in enumerate(marks):
        if k:
            block = slice(starts[mark - experiment.every], starts[mark])
            machine.execute(program[block], counts[block])
        for name in names:
            weights[name][k] = machine.weights(0, name)[0, 0]
    main = names[0]
    raw = draw_devices(parts.designs[0].devices[main], seed, 0, main, 0, parts.mapping.parts(0, main)[0])
    if not isinstance(raw, Affine):
        raise TwinError(f"device {parts.workload.device.preset}: its step is not affine, so there is no closed form")
    response = Response.of(shift(raw, machine.calibrated[0, main, 0].reference))
    return Trajectory(np.array(marks), weights, line, response)


def settings(experiment: Experiment) -> dict[str, str]:
    """Say what decides the numbers of an experiment, for its reader."""
    rates = ", ".join(f"{key} = {value}" for key, value in experiment.rates.items())
    return {
        "data": f"y = G0 x + N(0, {experiment.noise}^2), x uniform in [-1, 1]; 500 examples, reshuffled every epoch",
        "network": "one weight, no bias, identity, squared error, batch 1",
        "rates (constant)": rates,
        "samples": str(experiment.samples),
        "symmetric device": f"constant step {experiment.dw_min} between hard bounds -1 and 1",
        "asymmetric device": f"soft bounds: +{experiment.dw_min} (1 - G) up, "
        f"-{experiment.dw_min} x {1 - UP_DOWN} (1 + G) down; symmetry point {UP_DOWN / (2 - UP_DOWN):.2f}",
        "spread, cycle noise": "none from device to device; 30 % of the step, multiplicative, a pulse",
        "reference": "at raw weight 0" if experiment.calibration == "none" else "at the symmetry point",
        "pulses": f"stochastic, update management, at most {MOST_PULSES} an update (never reached)",
        "converters, read noise": "off (tile.io.inp_res = out_res = 0, out_noise = 0)",
    }
