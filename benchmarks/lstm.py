"""Microseconds a character of LSTM2-64 on War and Peace, against three passes of mat-vec over its weights.

python benchmarks/lstm.py [--rounds N] [--sampled] prints, for the digital baseline, SGD and TTv2, the least and the
median of the numerics' processor time a character over rounds taken in turn, the time of three float32 mat-vec passes
over all 76,307 weights measured in the same rounds, and their ratio; with --sampled also what sampled timing adds over
four of its periods. Needs TWIN_DATA_DIR.
"""

import argparse
import time
from dataclasses import dataclass, field
from statistics import median

import numba
import numpy as np
import numpy.typing as npt

from twin.engine.sampler import Sampler
from twin.kernels.jit import kernel
from twin.kernels.simd.rows import accumulate_rows
from twin.machine.replay import Replayed, run_block
from twin.operation import Counts
from twin.runs.build import Parts, build
from twin.runs.planning import plan_run

SEQUENCES, STEPS = 24, 100
Array = npt.NDArray[np.float32]
Records = npt.NDArray[np.void]
Pass = tuple[Array, int, Array, npt.NDArray[np.int32], Array]
SHAPES = ((148, 256), (129, 256), (65, 83))
CASES = {
    "digital": ("digital", "digital", {}, 48),
    "SGD, symmetric": ("sgd", "two-array", {"device": '{preset = "symmetric-1200"}'}, 480),
    "TTv2, 120 states": ("ttv2", "four-array", {}, 2400),
    "TTv2, dense": (
        "ttv2",
        "four-array",
        {
            "device": '{preset = "gokmen-1200"}',
            "algorithms.ttv2.fast_lr": "0.195",
            "algorithms.ttv2.transfer_lr": "2.0",
        },
        480,
    ),
}


@dataclass
class Case:
    """A network that has trained for some sequences, and its times."""

    parts: Parts
    sample: int
    times: list[float] = field(default_factory=list)
    coincidences: list[float] = field(default_factory=list)

    def advance(self, sequences: int) -> None:
        """Train on without the clock; note microseconds and coincidences a character."""
        program, _ = self.parts.effects.encoder.encode(self.sample, self.sample + sequences)
        start = time.process_time()
        counts = run_block(self.parts.machine, program)
        self.times.append(1e6 * (time.process_time() - start) / sequences / STEPS)
        self.coincidences.append(float(counts[:, Counts.COINCIDENCES].sum()) / sequences / STEPS)
        self.sample += sequences


def prepare(name: str) -> Case:
    """Build a case and train it until its number of coincidences is typical."""
    algorithm, layout, own, warm = CASES[name]
    case = Case(build(plan_run("lstm-wp", "aimc-512", layout, algorithm, workload_overrides=own)), 0)
    case.parts.machine.set_rates(1.0)
    while case.sample < warm:
        case.advance(SEQUENCES)
    case.times.clear()
    case.coincidences.clear()
    return case


@kernel
def repeat_passes(first: Pass, second: Pass, third: Pass, times: int) -> None:
    """Multiply the vectors of three matrices with them, `times` times in turn; calls from Python cost 1 us each."""
    for _ in range(times):
        for w, n_out, x, index, y in (first, second, third):
            accumulate_rows(w, n_out, x, index, y)


def three_passes() -> float:
    """Return microseconds of three mat-vec passes over all weights, with our kernel."""
    rng = np.random.default_rng(1)
    passes = []
    for n_in, n_out in SHAPES:
        w, x = rng.random(n_in * n_out, np.float32), rng.random(n_in, np.float32)
        passes.append((w, n_out, x, np.zeros(4 * n_in + 64, np.int32), np.zeros(n_out, np.float32)))
    repeat_passes(*passes, 1)
    start = time.process_time()
    repeat_passes(*passes, 600)
    return 1e6 * (time.process_time() - start) / 200


@numba.njit(fastmath={"contract"})
def fused(x: float, times: int) -> float:
    """Multiply and add `times` times, each waiting for the one before: 4 cycles each on Intel's cores."""
    for _ in range(times):
        x = x * 0.5 + 1.0
    return x


def core_ghz() -> float:
    """Return the core's clock in GHz as a chain of 10^7 dependent multiply-adds shows it."""
    fused(1.0, 1)
    start = time.process_time()
    fused(1.0, 10_000_000)
    return 4e-2 / (time.process_time() - start)


def sampled(name: str, periods: int = 4) -> tuple[float, float]:
    """Return microseconds a character of some periods of sampled timing, all in all and of their numerics alone.

    Both of the same run: two runs one after the other would differ by what the machine does meanwhile.
    """
    algorithm, layout, own, _ = CASES[name]
    parts = build(plan_run("lstm-wp", "aimc-512", layout, algorithm, workload_overrides=own))
    parts.machine.set_rates(1.0)
    effects, timing, execute = parts.effects, parts.workload.timing, parts.machine.execute
    if not isinstance(effects, Replayed):
        raise TypeError("sampled timing needs replayed effects")
    numerics, sequences = 0.0, periods * timing.period

    def timed(program: Records, counts: npt.NDArray[np.float64]) -> None:
        nonlocal numerics
        begin = time.process_time()
        execute(program, counts)
        numerics += time.process_time() - begin

    parts.machine.execute = timed  # type: ignore[method-assign]
    start = time.process_time()
    Sampler(parts.engine, effects, 1, timing.warmup, timing.measured, timing.period).run(0, sequences)
    whole = time.process_time() - start
    return 1e6 * whole / sequences / STEPS, 1e6 * numerics / sequences / STEPS


def main() -> None:
    """Measure in turn and print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--sampled", action="store_true", help="also time a run with sampled timing")
    options = parser.parse_args()
    cases = {name: prepare(name) for name in CASES}
    bounds, clocks = [], []
    for _ in range(options.rounds):
        clocks.append(core_ghz())
        bounds.append(three_passes())
        for case in cases.values():
            case.advance(SEQUENCES)
    print(f"clock of the core, if a fused multiply-add takes 4 cycles: {median(clocks):.2f} GHz")
    print(f"three mat-vec passes over 76,307 weights: least {min(bounds):.1f} us, median {median(bounds):.1f} us")
    print("| case | coincidences a character | least / us | median / us | x three passes |")
    print("|---|--:|--:|--:|--:|")
    for name, case in cases.items():
        least, middle = min(case.times), median(case.times)
        ratio = median(one / bound for one, bound in zip(case.times, bounds, strict=True))
        row = f"{np.mean(case.coincidences):.0f} | {least:.1f} | {middle:.1f} | {ratio:.2f}"
        print(f"| {name} | {row} |")
    if options.sampled:
        for name in ("digital", "TTv2, 120 states"):
            whole, numerics = sampled(name)
            ratio = f"{numerics:.1f} of them numerics: {whole / numerics:.3f}"
            print(f"sampled timing, {name}: {whole:.1f} us a character, {ratio}")


if __name__ == "__main__":
    main()
