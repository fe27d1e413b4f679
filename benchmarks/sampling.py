"""Coverage of sampled timing.

Is the exact value inside the stated interval, and how many events does that save? Run ``python
benchmarks/sampling.py [--case NAME] [--seeds N] [--first SEED] [--out FILE]``. For each seed the numerics train once
and leave their trace; the engine times it twice, every sample and in windows. Weights, losses, joules of operations
and bytes are the same in both by construction and checked; time and leakage are estimated.
"""

import argparse
from bisect import bisect_right
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt
import pandas as pd

from twin.chip import ChipCosts
from twin.engine import Engine
from twin.engine.sampler import Sampler
from twin.machine.replay import ZEROS, Performed, perform, setup_counts
from twin.operation import N_COUNTS
from twin.runs.build import Parts, build
from twin.runs.planning import plan_run

CHUNK = 256  # samples that are summed at once
LEAST_FACTOR = 20
SEEDS = 40
LEAST_COVERED = 38


class Case(NamedTuple):
    """What is timed: `samples` from the start of training, a window of them in every `period`."""

    workload: str
    algorithm: str
    layout: str
    samples: int
    period: int

    @property
    def name(self) -> str:
        """The name on the command line."""
        return f"{self.workload}/{self.algorithm}"


CASES = (
    Case("mnist-mlp", "sgd", "two-array", 3900, 499),
    Case("mnist-mlp", "ttv2", "four-array", 3900, 499),
    Case("mnist-lenet", "sgd", "two-array", 1750, 293),
    Case("mnist-lenet", "ttv2", "four-array", 1750, 293),
)


class Trace:
    """Effects of samples 0..n-1, performed once and looked up by as many engines as ask."""

    def __init__(self, parts: Parts, samples: int) -> None:
        self._program = parts.program
        self._encoder = parts.effects.encoder
        self._setup = setup_counts(parts.machine, parts.program)
        self._blocks: list[Performed] = []
        self._firsts: list[int] = []
        first = 0
        while first < samples:
            self._firsts.append(first)
            self._blocks.append(perform(parts.machine, self._encoder, first, samples))
            first = self._blocks[-1].end
        self._lists: dict[int, tuple[list[list[float]], list[int]]] = {}

    def _table(self, sample: int) -> npt.NDArray[np.float64]:
        """Return the counts of a sample's effects, (n_effects, N_COUNTS)."""
        block = bisect_right(self._firsts, sample) - 1
        starts, at = self._blocks[block].starts, sample - self._firsts[block]
        return self._blocks[block].table[starts[at] : starts[at + 1]]

    def setup_counts(self) -> list[list[float]]:
        """Return the pulses of calibration."""
        return self._setup

    def counts(self, sample: int, position: int) -> Sequence[float]:
        """Look one effect up."""
        found = self._lists.get(sample)
        if found is None:
            self._lists.pop(sample - self._encoder.in_flight, None)
            found = self._lists[sample] = self._table(sample).tolist(), self._encoder.template(sample)[1]
        rows, index = found
        return ZEROS if index[position] < 0 else rows[index[position]]

    def segment(self, first: int, last: int) -> None:  # noqa: ARG002 - any sample may come
        """Forget what was looked up."""
        self._lists.clear()

    def skip(self, first: int, last: int) -> Iterator[tuple[int, list[tuple[int, npt.NDArray[np.float64]]]]]:
        """Yield samples first..last-1, grouped by program, as `Replayed.skip` does."""
        for start in range(first, last, CHUNK):
            end = min(start + CHUNK, last)
            members: dict[object, list[int]] = {}
            for sample in range(start, end):
                members.setdefault(self._program.key(sample), []).append(sample)
            yield (
                end,
                [
                    (same[0], np.stack([self._table(k) for k in same]).reshape(len(same), -1, N_COUNTS))
                    for same in members.values()
                ],
            )


def timings(case: Case, seed: int, **overrides: str) -> dict[str, float]:
    """Train once, time twice; return both and the stated half-widths.

    Raises
    ------
    AssertionError
        When something differs that sampling must not touch.
    """
    own = {"training.seed": str(seed)} | {key.replace("__", "."): value for key, value in overrides.items()}
    parts = build(plan_run(case.workload, "aimc-512", case.layout, case.algorithm, "replayed", own, {}))
    parts.machine.set_rates(1.0)
    trace, in_flight = Trace(parts, case.samples), parts.workload.training.in_flight
    exact, sampled = (Engine(parts.program, trace, ChipCosts(parts.chip, parts.mapping), in_flight) for _ in range(2))
    exact.run(0, case.samples)
    timing = parts.workload.timing
    Sampler(sampled, trace, in_flight, timing.warmup, timing.measured, case.period).run(0, case.samples)
    np.testing.assert_array_equal(sampled.ledger.n, exact.ledger.n)
    np.testing.assert_array_equal(sampled.ledger.delivered(), exact.ledger.delivered())
    np.testing.assert_allclose(sampled.ledger.energy_J(), exact.ledger.energy_J(), rtol=1e-12)
    estimate, leakage_W = sampled.sampling.estimate(), exact.costs.leakage_W()
    joules = [float(one.tables()["energy"]["energy_J"].sum()) for one in (exact, sampled)]
    return {
        "windows": estimate.windows,
        "exact_s": exact.now_ps * 1e-12,
        "sampled_s": sampled.now_ps * 1e-12,
        "half_width_s": estimate.half_width_ps * 1e-12,
        "exact_J": joules[0],
        "sampled_J": joules[1],
        "half_width_J": leakage_W * estimate.half_width_ps * 1e-12,
        "exact_operations": exact.index,
        "sampled_operations": sampled.index,
    }


def summarise(rows: pd.DataFrame) -> pd.DataFrame:
    """Return one line a case: coverage, events saved, error and half-width in percent of the exact value."""
    error_s, error_J = rows["sampled_s"] - rows["exact_s"], rows["sampled_J"] - rows["exact_J"]
    rows = rows.assign(
        time_inside=error_s.abs() <= rows["half_width_s"],
        energy_inside=error_J.abs() <= rows["half_width_J"] + 1e-9 * rows["exact_J"],
        factor=rows["exact_operations"] / rows["sampled_operations"],
        error=100 * error_s / rows["exact_s"],
        half_width=100 * rows["half_width_s"] / rows["exact_s"],
        energy_half_width=100 * rows["half_width_J"] / rows["exact_J"],
    )
    return rows.groupby(["workload", "algorithm"], sort=False).agg(
        seeds=("seed", "count"),
        samples=("samples", "first"),
        period=("period", "first"),
        windows=("windows", "first"),
        time_inside=("time_inside", "sum"),
        energy_inside=("energy_inside", "sum"),
        fewer_events=("factor", "min"),
        mean_error_percent=("error", "mean"),
        largest_error_percent=("error", lambda column: column.abs().max()),
        half_width_percent=("half_width", "median"),
        energy_half_width_percent=("energy_half_width", "median"),
    )


def main() -> None:
    """Run the cases; print a line a seed and the summary; write the lines where asked."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=SEEDS, help="how many")
    parser.add_argument("--first", type=int, default=1, help="the first of them")
    parser.add_argument("--case", choices=[case.name for case in CASES], action="append")
    parser.add_argument("--out", type=Path, help="CSV file; lines of other cases in it are kept")
    chosen = parser.parse_args()
    rows = []
    for case in CASES:
        if chosen.case and case.name not in chosen.case:
            continue
        for seed in range(chosen.first, chosen.first + chosen.seeds):
            rows.append(case._asdict() | {"seed": seed} | timings(case, seed))
            print(
                " ".join(f"{value:.6g}" if isinstance(value, float) else str(value) for value in rows[-1].values()),
                flush=True,
            )
    table = pd.DataFrame(rows)
    print(summarise(table).T.to_string())
    if chosen.out is not None:
        if chosen.out.exists():
            old = pd.read_csv(chosen.out)
            done = set(zip(table["workload"], table["algorithm"], strict=True))
            table = pd.concat(
                [old[[key not in done for key in zip(old["workload"], old["algorithm"], strict=True)]], table]
            )
        table.to_csv(chosen.out, index=False, float_format="%.9g")


if __name__ == "__main__":
    main()
