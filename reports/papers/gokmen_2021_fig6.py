"""Gokmen 2021, Fig. 6: the weights of a 512 x 512 tile from one-hot reads and from random mat-vecs.

Panels as in the paper: A one-hot reads once, B twenty times, C as many mat-vecs with uniform random inputs;
D, which the paper gives as a law, is the error against the number of mat-vecs.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from papers.gokmen_2021_fig6_draw import draw
from papers.output import COLUMNS, Advance, Claim, Reproduction
from twin.extraction.reader import Reader
from twin.extraction.regression import Regression, quiet_amplitude
from twin.kernels.streams import FINAL, WEIGHTS
from twin.machine.arrays import generator
from twin.machine.machine import Machine
from twin.runs.build import build
from twin.runs.planning import plan_run

Array = npt.NDArray[np.float64]
SOURCE = "Gokmen, Front. Artif. Intell. 4:699148 (2021), Fig. 6"
SIZE, LAYER, MATRIX = 512, 1, "W"
READS = 10_240  # 20 x 512
COUNTS = (1024, 2048, 5120, READS, 20_480)
ONE_HOT, UNIFORM, QUIET, NARROW = "one-hot", "uniform", "uniform below the bound", "uniform, narrow weights"
NARROW_STD = 0.3  # assumption: of weights that fill [-1, 1] less than evenly
PAPER, ALLOWED = 0.002, 0.003
SHOWN = 500  # points of a scatter panel

_LAYER = '{{kind = "dense", outputs = {}, activation = "identity", bias = false}}'
TILE = {
    "network.layers": f"[{', '.join(_LAYER.format(n) for n in (SIZE, SIZE, 1))}]",
    "device": '{preset = "ideal"}',
}


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """One way of reading the tile, after growing numbers of mat-vecs.

    Attributes
    ----------
    inputs : str
    reads, matvecs : int array, shape (n,)
        Mat-vecs asked for, and those performed with bound-management repeats.
    error, standard_error, closed_form : float array, shape (n,)
        Standard deviation of estimate - truth; what the regression says of itself (NaN where it cannot); and the
        law from converter step, noise and drive.
    truth, shown : float array, shape (SHOWN,)
        Of some weights: true and estimated after `READS` mat-vecs (one-hot: see `once`).
    once : float array, shape (SHOWN,)
        Estimated after `SIZE` one-hot reads; empty otherwise.
    amplitude : float
    """

    inputs: str
    reads: npt.NDArray[np.int64]
    matvecs: npt.NDArray[np.int64]
    error: Array
    standard_error: Array
    closed_form: Array
    truth: Array
    shown: Array
    once: Array
    amplitude: float

    def at(self, reads: int) -> float:
        """Return the error after a number of mat-vecs."""
        return float(self.error[self.reads.tolist().index(reads)])

    def cost(self, reads: int) -> int:
        """Return the mat-vecs performed, repeats included, for a number asked for."""
        return int(self.matvecs[self.reads.tolist().index(reads)])


def tile(seed: int, *, narrow: bool = False) -> tuple[Machine, Array]:
    """Build a machine with one full tile (layer 1); return it and the weights put there, (512, 512)."""
    machine = build(
        plan_run("linear", "aimc-512", "two-array", "sgd", "replayed", {**TILE, "training.seed": str(seed)})
    ).machine
    rng = generator(seed, WEIGHTS)
    spread = rng.normal(0, NARROW_STD, (SIZE, SIZE)) if narrow else rng.uniform(-1, 1, (SIZE, SIZE))
    machine.set_weights(LAYER, MATRIX, np.clip(spread, -1, 1))
    return machine, machine.weights(LAYER, MATRIX).astype(np.float64)


def read_tile(inputs: str, seed: int, counts: Sequence[int] = COUNTS) -> Iterator[Curve]:
    """Read the tile in one way; yield the curve so far after each of `counts`."""
    machine, truth = tile(seed, narrow=inputs == NARROW)
    reader = Reader(machine, LAYER, MATRIX)
    amplitude = quiet_amplitude(reader) if inputs == QUIET else 1.0
    regression, before = Regression(reader), reader.matvecs
    rows: list[tuple[float, ...]] = []
    shown = once = np.zeros(0)
    pick = generator(seed, WEIGHTS, 1).choice(truth.size, SHOWN, replace=False)
    done = 0
    for count in counts:
        add = count - done
        if inputs == ONE_HOT:
            regression.add_one_hot(FINAL + done, add)
        else:
            regression.add_random(FINAL + done, add, amplitude)
        done = count
        found = regression.solve()
        gap = found.weights - truth
        own = float(np.sqrt(np.mean(found.standard_error**2)))
        rows.append((count, reader.matvecs - before, float(gap.std()), own, law(regression, inputs)))
        estimate = found.weights.ravel()[pick]
        once = estimate if count == SIZE else once
        shown = estimate if count <= READS else shown
        columns = np.array(rows)
        yield Curve(
            inputs, columns[:, 0].astype(np.int64), columns[:, 1].astype(np.int64), columns[:, 2], columns[:, 3],
            columns[:, 4], truth.ravel()[pick], shown, once, amplitude,
        )  # fmt: skip


def law(regression: Regression, inputs: str) -> float:
    """Return the expected error: sigma / sqrt(sum of x^2 over a line), and the loss to estimating all lines at once.

    sigma is that of the output noise and the converter's rounding; for random inputs E[(X X^T)^-1] is
    (sum of x^2)^-1 n / (n - p - 1) (inverse Wishart), a lower bound where mat-vecs differ in scale.
    """
    moments = regression.moments[0]
    record = regression.reader.machine.matrices[LAYER]
    sigma = np.hypot(record["out_noise"], record["out_step"] / np.sqrt(12))
    drive = np.trace(moments.xx) / SIZE
    left = 1.0 if inputs == ONE_HOT else 1 - (SIZE + 1) / moments.reads
    return float(sigma / np.sqrt(drive * left))


def measure(seed: int, advance: Advance = lambda *_: None) -> dict[str, Curve]:
    """Read the tile in every way; the name of the inputs -> its curve."""
    plans = {ONE_HOT: (SIZE, *COUNTS), UNIFORM: COUNTS, QUIET: COUNTS, NARROW: (READS,)}
    of = sum(map(max, plans.values()))
    found: dict[str, Curve] = {}
    done = 0
    for inputs, counts in plans.items():
        for curve in read_tile(inputs, seed, counts):
            found[inputs] = curve
            advance(done + int(curve.reads[-1]), of)
        done += max(counts)
    return found


def claims(found: dict[str, Curve]) -> tuple[Claim, ...]:
    """Hold the measured errors against what the paper says."""
    one_hot, uniform, quiet, narrow = (found[name] for name in (ONE_HOT, UNIFORM, QUIET, NARROW))
    error, repeated = uniform.at(READS), one_hot.at(READS)
    late = uniform.reads >= READS // 2
    beyond = np.log(uniform.reads[late] - SIZE)
    slope = float(np.polyfit(beyond, np.log(uniform.error[late]), 1)[0])
    gap = max(float(np.nanmax(np.abs(curve.error / curve.standard_error - 1))) for curve in found.values())
    return (
        Claim(
            "10,240 mat-vecs with uniform random inputs estimate the weights to 0.002 (6C)",
            f"standard deviation {error:.4f} (at most {ALLOWED} allowed) with weights uniform in [-1, 1]; "
            f"{narrow.at(READS):.4f} with weights of standard deviation {NARROW_STD}",
            error <= ALLOWED and narrow.at(READS) <= PAPER * 1.1,
        ),
        Claim(
            "one-hot inputs, once each, give a very crude estimate (6A)",
            f"standard deviation {one_hot.at(SIZE):.4f}, {one_hot.at(SIZE) / error:.0f} times that of random inputs",
            one_hot.at(SIZE) > 15 * error,
        ),
        Claim(
            "repeated 20 times they do better, but far worse than random inputs at the same number (6B)",
            f"standard deviation {repeated:.4f}, {repeated / error:.1f} times that of random inputs",
            3 * error < repeated < one_hot.at(SIZE) / 4,
        ),
        Claim(
            "the uncertainty falls as the square root of the number of mat-vecs",
            f"exponent {slope:.3f} of the mat-vecs beyond the 512 that the unknowns take, from {READS // 2} on; every "
            f"error within {gap:.1%} of what the regression says of itself (2 % allowed)",
            abs(slope + 0.5) < 0.03 and gap < 0.02,
        ),
        Claim(
            "(not in the paper) bound management repeats mat-vecs; inputs below the bound need fewer",
            f"{READS:,} mat-vecs became {uniform.cost(READS):,}; with inputs in +-{quiet.amplitude:.2f} "
            f"{quiet.cost(READS):,}, standard deviation {quiet.at(READS):.4f}",
            quiet.cost(READS) < uniform.cost(READS) and quiet.at(READS) <= ALLOWED,
        ),
    )


def reproduce(seed: int, advance: Advance) -> Reproduction:
    """Compute Fig. 6."""
    found = measure(seed, advance)
    return Reproduction(SOURCE, draw(found, READS, PAPER), claims(found), table(found, seed), settings(found))


def table(found: dict[str, Curve], seed: int) -> pd.DataFrame:
    """Return everything drawn; the column G0 is a weight's true value, `sample` the number of mat-vecs."""
    rows: list[tuple[object, ...]] = []
    for name, curve in found.items():
        for k, reads in enumerate(curve.reads):
            common = ("D", name, "ideal")
            rows += [
                (*common, "std of estimate - truth", "weight", np.nan, seed, reads, curve.error[k],
                 curve.standard_error[k], curve.closed_form[k]),
                (*common, "mat-vecs with repeats", "1", np.nan, seed, reads, curve.matvecs[k], np.nan, np.nan),
            ]  # fmt: skip
    one_hot, uniform = found[ONE_HOT], found[UNIFORM]
    for panel, curve, values, reads in (
        ("A", one_hot, one_hot.once, SIZE),
        ("B", one_hot, one_hot.shown, READS),
        ("C", uniform, uniform.shown, READS),
    ):
        rows += [
            (panel, curve.inputs, "ideal", "estimated weight", "weight", true, seed, reads, value, np.nan, true)
            for true, value in zip(curve.truth, values, strict=True)
        ]
    return pd.DataFrame(rows, columns=pd.Index(COLUMNS))


def settings(found: dict[str, Curve]) -> dict[str, str]:
    """Say what decides the numbers."""
    return {
        "tile": f"{SIZE} x {SIZE}, one array of aimc-512: 7-bit inputs, 9-bit outputs, output noise 0.06, bound 12, "
        "noise management abs_max, bound management iterative",
        "weights": "uniform in [-1, 1], the hardest case for the bound: the paper gives the nominal range only; "
        f"narrow: normal, standard deviation {NARROW_STD}, clipped (assumption)",
        "random inputs": "uniform in [-1, 1]; below the bound: uniform in "
        f"+-{found[QUIET].amplitude:.3f}, one random line at +-1 so that noise management leaves the scale alone",
        "regression": "inputs as the array saw them after converters and scaling, mat-vecs weighted by 1 / scale^2",
        "mat-vecs": "as asked for; bound-management repeats are counted apart",
        "law": "sigma / sqrt(sum of x^2 a line x (1 - 513 / n)), sigma^2 = 0.06^2 + step^2 / 12; one-hot "
        "without the bracket; a lower bound where mat-vecs differ in scale",
    }
