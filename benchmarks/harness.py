"""What the benchmarks share: the runs they time, the clock they time with, and the bound they compare to.

Times are CPU times of the calling thread, so what else runs on the machine counts only through shared caches,
memory and cores. What is to be compared is timed in turn, round by round, and ratios are taken within a round.
"""

import importlib.util
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numba
import numpy as np
import numpy.typing as npt
from threadpoolctl import threadpool_limits

from twin.config.options import Mode
from twin.data import Dataset, load
from twin.descriptions.load import load_workload
from twin.errors import TwinError
from twin.operation import N_COUNTS, Counts
from twin.runs import build as building
from twin.runs.build import Parts
from twin.runs.planning import plan_run

WORKLOAD = "mnist-mlp"
CHIP = "aimc-512"
LAYOUTS = {"digital": "digital", "sgd": "two-array", "shd": "four-array", "ttv2": "four-array"}
BLOCK = 256  # samples a round
SHAPES = [(785, 256), (257, 128), (129, 10)]  # input lines (with the bias line) x outputs
Array = npt.NDArray[np.float32]


@dataclass
class Times:
    """CPU seconds of one thing, one entry a round."""

    rounds: list[float] = field(default_factory=list)

    def measure(self, call: Callable[[], object], repeats: int = 1) -> None:
        """Add a round: the time of one of `repeats` calls."""
        start = time.thread_time()
        for _ in range(repeats):
            call()
        self.rounds.append((time.thread_time() - start) / repeats)

    def least(self, unit: float) -> float:
        """Return the smallest time in units of `unit` seconds."""
        return min(self.rounds) / unit

    def median(self, unit: float) -> float:
        """Return the median time in units of `unit` seconds."""
        return float(np.median(self.rounds)) / unit

    def ratio(self, other: "Times") -> float:
        """Return the median over the rounds of this time / the other's in the same round."""
        return float(np.median(np.array(self.rounds) / np.array(other.rounds)))


@cache
def data() -> tuple[Dataset, str]:
    """Return MNIST or, where it is not to be had, random data as sparse, and which it is."""
    try:
        return load(load_workload(WORKLOAD, {}).model.data, seed=1), "MNIST"
    except TwinError:
        rng = np.random.default_rng(1)
        lit = rng.random((4096, 784)) < 0.19  # the fraction of MNIST's pixels that are not 0
        inputs = np.where(lit, rng.random((4096, 784)), 0).astype(np.float32)
        labels = rng.integers(10, size=(4096, 1)).astype(np.float32)
        made = Dataset(inputs, labels, inputs[:256], labels[:256], (28, 28, 1), 10, facts={"name": "random"})
        return made, "random data with MNIST's 19 % of lit pixels"


def build(algorithm: str, mode: Mode = "replayed", **overrides: str) -> Parts:
    """Build a run of `WORKLOAD` on `CHIP`; double underscores in the names of overrides stand for dots."""
    read, building.load = building.load, lambda *_: data()[0]
    try:
        changes = {key.replace("__", "."): value for key, value in overrides.items()}
        plan = plan_run(WORKLOAD, CHIP, LAYOUTS[algorithm], algorithm, mode, changes)
        parts = building.build(plan)
    finally:
        building.load = read
    parts.machine.set_rates(1.0)
    return parts


class Numerics:
    """Training without an engine: programs encoded ahead, a block of samples a kernel call."""

    def __init__(self, algorithm: str) -> None:
        self.parts = build(algorithm)
        self.sample = 0
        self.rates = self.parts.machine.layers["lr"].copy()

    def set_rate(self, factor: float) -> None:
        """Multiply the learning rate of the workload file."""
        self.parts.machine.layers["lr"] = self.rates * factor

    def block(self, times: Times, encoding: Times | None = None) -> float:
        """Train on one block; add its time per sample; return coincidences per sample."""
        first, self.sample = self.sample, self.sample + BLOCK
        start = time.thread_time()
        program, _ = self.parts.effects.encoder.encode(first, first + BLOCK)
        if encoding is not None:
            encoding.rounds.append((time.thread_time() - start) / BLOCK)
        counts = np.zeros((program.size, N_COUNTS))
        start = time.thread_time()
        self.parts.machine.execute(program, counts)
        times.rounds.append((time.thread_time() - start) / BLOCK)
        return float(counts[:, Counts.COINCIDENCES].sum()) / BLOCK


class Whole:
    """Training through the event engine."""

    def __init__(self, algorithm: str, mode: Mode) -> None:
        self.parts = build(algorithm, mode)
        self.sample = 0

    def block(self, times: Times) -> None:
        """Train on one block; add its time per sample."""
        first, self.sample = self.sample, self.sample + BLOCK
        start = time.thread_time()
        self.parts.effects.segment(first, self.sample)
        self.parts.engine.run(first, self.sample)
        times.rounds.append((time.thread_time() - start) / BLOCK)


def has_aihwkit() -> bool:
    """Return whether aihwkit is installed; say so where it is not."""
    found = importlib.util.find_spec("aihwkit") is not None
    if not found:
        print("aihwkit is not installed: nothing to compare with")
    return found


def set_rate(optimizer: Any, rate: float) -> None:
    """Set the learning rate of an optimizer of torch or aihwkit."""
    for group in optimizer.param_groups:
        group["lr"] = rate


@numba.njit(fastmath=True, error_model="numpy")
def gemv(w: Array, x: Array, y: Array) -> None:
    """Fill y with W x for W (n_out, n_in), in one compiled loop."""
    for i in range(y.size):
        row = w[i]
        total = np.float32(0)
        for j in range(row.size):
            total += row[j] * x[j]
        y[i] = total


class Bound:
    """Three passes of float32 mat-vec over all weights: what forward, backward and update must read at least."""

    def __init__(self) -> None:
        threadpool_limits(1)  # BLAS: one core, like everything else here
        rng = np.random.default_rng(1)
        self.layers = [
            (rng.random((n, k), np.float32), rng.random(k, np.float32), np.zeros(n, np.float32)) for k, n in SHAPES
        ]
        self.compiled()

    def compiled(self) -> None:
        """Three passes in compiled Numba loops."""
        for _ in range(3):
            for w, x, y in self.layers:
                gemv(w, x, y)

    def blas(self) -> None:
        """Three passes in NumPy's BLAS."""
        for _ in range(3):
            for w, x, y in self.layers:
                np.dot(w, x, out=y)
