"""Microseconds of one pulsed update of all arrays of the LSTM on War and Peace, by number of coincidences and path.

Run ``python benchmarks/kernels.py [--rounds N]``. The arrays are 152 x 256 (one of 87 symbols, 64 hidden units, bias:
66 input lines are not 0), 129 x 256 and 65 x 87, the devices of 120 states with soft bounds; inputs and errors are
drawn anew for each of 64 patterns, as branch prediction learns a single one. Both paths and the bound, three passes
of float32 mat-vec over as many weights, are timed in turn within a round; docs/performance.md has figures.
"""

import argparse
from dataclasses import dataclass

import numpy as np
from harness import Array, Times, gemv
from threadpoolctl import threadpool_limits

from twin.kernels.array.dense import dense_from, scratch
from twin.kernels.array.matvec import max_magnitude
from twin.kernels.array.pulsed import pulse_plan, pulsed_update
from twin.kernels.jit import kernel
from twin.kernels.records import CELL, LIMITS, MATRIX
from twin.kernels.rng import stream_key
from twin.kernels.streams import CYCLE, UPDATE_COLUMNS, UPDATE_ROWS

F32 = np.float32
US, NS = 1e-6, 1e-9
SHAPES = [(152, 256, 87, 0.4), (129, 256, 0, 0.5), (65, 87, 0, 0.1)]  # lines, symbols, share of the coincidences
TARGETS = (500, 1500, 5000, 10_000, 20_000, 40_000)
PATTERNS, UPDATES = 64, 128  # updates a round
DW_MIN, BOUND, SIGMA = 0.01, 0.6, 0.3
PATHS = {"slot by slot": np.inf, "dense": 1e-9, "auto": dense_from(-1 / SIGMA, 120, SIGMA)}


@kernel
def updates(w, cell, limits, xs, ds, lr, matrices, work, real, first, n):  # noqa: ANN001, ANN201 - compiled
    """Perform n updates; return their coincidences and pulse slots."""
    m, found, slots = matrices[0], 0, 0
    for k in range(first, first + n):
        x, d = xs[k % xs.shape[0]], ds[k % ds.shape[0]]
        tops = max_magnitude(x), max_magnitude(d)
        plan = pulse_plan(lr, tops[0], tops[1], m.dw_min, m.desired_bl, m.update_management, m.update_bl_management)
        keys = stream_key(1, 0, UPDATE_ROWS, k), stream_key(1, 0, UPDATE_COLUMNS, k), stream_key(1, 0, CYCLE, k)
        array = w, cell, limits, w[:0], x.size, d.size
        _, more = pulsed_update(*array, x, d, plan[0], plan[1], plan[2], m, keys, work, real)
        found += more
        slots += plan[0]
    return found, slots


@dataclass
class Layer:
    """One array with patterns of inputs and errors like an LSTM's: errors have long tails."""

    n_in: int
    n_out: int
    symbols: int
    share: float

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.n_in)
        n = self.n_in * self.n_out
        self.start = rng.uniform(-0.1, 0.1, n).astype(F32)
        self.w = self.start.copy()
        steps = DW_MIN * np.maximum(1 + 0.3 * rng.standard_normal((n, 2)), 0.01)
        self.cell = np.stack([steps, steps / BOUND], axis=-1).astype(F32).ravel()
        self.limits = np.tile(np.array([-BOUND, BOUND, DW_MIN, 0][:LIMITS], F32), n)
        self.matrices = np.zeros(1, MATRIX)
        for name in ("update_management", "update_bl_management"):
            self.matrices[name] = 1
        self.matrices["dw_min"], self.matrices["noise_mult"] = DW_MIN, SIGMA
        self.matrices["desired_bl"], self.matrices["clip_below"] = 31, -1 / SIGMA
        self.xs = np.zeros((PATTERNS, self.n_in), F32)
        hidden = self.n_in - 1 - self.symbols
        self.xs[:, self.symbols : -1] = np.tanh(0.5 * rng.standard_normal((PATTERNS, hidden)))
        self.xs[:, -1] = 1
        if self.symbols:
            self.xs[np.arange(PATTERNS), rng.integers(self.symbols, size=PATTERNS)] = 1
        tails = np.exp(0.7 * rng.standard_normal((PATTERNS, self.n_out)))
        self.ds = (0.01 * rng.standard_normal((PATTERNS, self.n_out)) * tails).astype(F32)
        self.unit = float((np.abs(self.xs).sum(axis=1) * np.abs(self.ds).sum(axis=1)).mean()) / DW_MIN
        words, reals = scratch(self.n_in, self.n_out)
        self.scratch = np.zeros(words, np.int32), np.zeros(reals, F32)
        assert self.cell.size == n * CELL

    def perform(self, target: int, first: int, dense: float) -> tuple[int, int]:
        """Perform `UPDATES` updates at the rate that fires this array's share of `target` coincidences."""
        self.w[:] = self.start
        self.matrices["dense_from"] = dense
        lr = F32(target * self.share / self.unit)
        flat = self.w, self.cell, self.limits, self.xs, self.ds
        found, slots = updates(*flat, lr, self.matrices, *self.scratch, first, UPDATES)
        return int(found), int(slots)


def passes(layers: list[tuple[Array, Array, Array]], compiled: bool) -> None:
    """Multiply by all weights three times."""
    for _ in range(3):
        for w, x, y in layers:
            if compiled:
                gemv(w, x, y)
            else:
                np.dot(w, x, out=y)


def main() -> None:
    """Print a row for each number of coincidences."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=15)
    rounds = parser.parse_args().rounds
    threadpool_limits(1)
    layers, rng = [Layer(*shape) for shape in SHAPES], np.random.default_rng(1)
    dense = [(rng.random((n, k), F32), rng.random(k, F32), np.zeros(n, F32)) for k, n, *_ in SHAPES]
    bounds = {"compiled": Times(), "BLAS": Times()}
    times = {(target, path): Times() for target in TARGETS for path in PATHS}
    counts: dict[int, list[tuple[int, int]]] = {target: [] for target in TARGETS}
    for k in range(rounds + 1):
        if k == 1:  # the first round compiles
            for one in (*bounds.values(), *times.values()):
                one.rounds.clear()
        bounds["compiled"].measure(lambda: passes(dense, compiled=True), 50)
        bounds["BLAS"].measure(lambda: passes(dense, compiled=False), 50)
        for (target, path), clock in times.items():
            run = [(layer, target, k * UPDATES, PATHS[path]) for layer in layers]
            found: list[tuple[int, int]] = []
            clock.measure(lambda run=run, found=found: found.extend(a.perform(*rest) for a, *rest in run))
            clock.rounds[-1] /= UPDATES
            counts[target].append((sum(n for n, _ in found) // UPDATES, sum(s for _, s in found) // UPDATES))
    print(f"{rounds} rounds of {UPDATES} updates of all arrays; CPU time of one thread in us, least / median\n")
    for name, bound in bounds.items():
        print(f"three GEMV passes over {sum(k * n for k, n, *_ in SHAPES):,} weights, {name}: "
              f"{bound.least(US):.1f} / {bound.median(US):.1f}")  # fmt: skip
    faster = min(bounds.values(), key=lambda one: one.median(1))
    print("\ncoincidences  slots" + "".join(f"{path:>19}" for path in PATHS) + "  auto / slot by slot  auto x bound")
    for target in TARGETS:
        mean = np.mean(counts[target], axis=0)
        cells = [f"{times[target, path].least(US):8.1f} / {times[target, path].median(US):8.1f}" for path in PATHS]
        auto, exact = times[target, "auto"], times[target, "slot by slot"]
        print(
            f"{mean[0]:12,.0f} {mean[1]:6.1f}"
            + "".join(cells)
            + f"{auto.ratio(exact):21.2f} {auto.ratio(faster):13.2f}"
        )


if __name__ == "__main__":
    main()
