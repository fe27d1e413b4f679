"""Claims of Lee 2022, section 6, as measured differences on all of MNIST: `section6.csv` from the tables beside it.

Every claim is a difference between runs at the same rates. Its interval (95 %) is that of 2,000 repetitions, each of
which takes the pairs of rates (and rows of the map, where a claim is about several) again with replacement and moves
every run by the scatter between two seeds, measured on those runs of `seed-2.csv` that train. That a run trains with
one seed and fails with another is no scatter of this kind: `failures.csv` counts it.
"""

import sys
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pandas as pd
from scipy import stats

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1]))
from papers.lee_2022_map import AF_A, AF_C, AXES, Accuracies, specify, thresholds  # noqa: E402 - reports/ is no package
from papers.robustness import Array  # noqa: E402

FAILED = 0.15
"""Test error after epoch 3 above which a run failed; the slowest that still learns with AF_A > 0 is at 0.140."""
REPEATS, MAPS = 2000, 300  # repetitions of a difference, and of a region, which takes a filtered map each
AF = (0.0, 0.316, 1.0, 3.16, 10.0)
RATES = (0.01, 0.02)
LOGS = np.log(AF[1:])
MEASURES = {"test error, epoch 3": "test_error", "test error, mean of epochs 1 to 3": "late_test_error"}
Units = npt.NDArray[np.float64]
"""Differences of a claim, one a pair of rates or row of the map, in points of error."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim and the difference that decides it.

    Attributes
    ----------
    section, paper : str
        Where the paper says it, and what.
    difference : str
        What is measured.
    units : callable
        From errors in percent, shape (5, 5, 2, 2) over AF_A, AF_C, rate of A, rate of the transfer, to differences of
        shape (n,); the paper asks for a mean above 0.
    """

    section: str
    paper: str
    difference: str
    units: Callable[[Array], Units]


def at(errors: Array, af_a: float, af_c: float) -> Array:
    """Return the errors at a pair of factors, by rates."""
    found: Array = errors[AF.index(af_a), AF.index(af_c)]
    return found


def apart(errors: Array, more: tuple[float, float], less: tuple[float, float]) -> Units:
    """Return by how much the error at one pair of factors is above that at another, by pair of rates."""
    return (at(errors, *more) - at(errors, *less)).ravel()


def beside_the_middle(errors: Array, af_a: float, rows: tuple[float, ...]) -> Units:
    """Return by how much the error at AF_A is above the mean of those at 1 and 3.16, about the paper's 1.78."""
    found = [at(errors, af_a, c) - (at(errors, 1.0, c) + at(errors, 3.16, c)) / 2 for c in rows]
    return np.ravel(found)


def too_large_at(errors: Array, af_c: float) -> Array:
    """Return what AF_A = 10 costs against 3.16 at one AF_C, by rates."""
    return at(errors, 10.0, af_c) - at(errors, 3.16, af_c)


def tilt(errors: Array) -> Units:
    """Return by how much the error's slope over ln AF_A is larger at a rate of A of 0.02 than at 0.01."""
    inner = errors[1:, 1:4]  # without AF_C = 10, where single runs fail
    slopes = np.tensordot(LOGS - LOGS.mean(), inner, 1) / np.sum((LOGS - LOGS.mean()) ** 2)
    return (slopes[:, 1] - slopes[:, 0]).ravel()


def with_the_rates(errors: Array) -> Units:
    """Return how much more (1, 1) is behind (3.16, 1) and (10, 1) at the rates of Fig. 7C than at those of 7B."""
    behind = at(errors, 1.0, 1.0) - (at(errors, 3.16, 1.0) + at(errors, 10.0, 1.0)) / 2
    return np.array([behind[0, 1] - behind[1, 0]])


def range_over_a(errors: Array, af_c: float) -> Array:
    """Return how much the error changes with AF_A > 0 at one AF_C, by rates."""
    row = errors[1:, AF.index(af_c)]
    return row.max(axis=0) - row.min(axis=0)


def ridge(errors: Array) -> Units:
    """Return by how much the error is larger where AF_A AF_C is 1 than where it is 3.16."""
    ones = (at(errors, 1.0, 1.0) + at(errors, 0.316, 3.16) + at(errors, 3.16, 0.316)) / 3
    threes = (at(errors, 0.316, 10.0) + at(errors, 1.0, 3.16) + at(errors, 3.16, 1.0) + at(errors, 10.0, 0.316)) / 4
    return (ones - threes).ravel()


def _at_fixed_c() -> list[Claim]:
    said = "at fixed AF_C the accuracy peaks at AF_A 1.78 and falls to either side"
    found = []
    for side, af_a in (("smaller", 0.316), ("larger", 10.0)):
        text = f"error at AF_A {af_a:g} less that at 1 and 3.16, AF_C"
        found += [
            Claim("6.1", f"{said}: {side}", f"{text} {c:g}", partial(beside_the_middle, af_a=af_a, rows=(c,)))
            for c in AF
        ]
    return found


def _pair(section: str, paper: str, more: tuple[float, float], less: tuple[float, float]) -> Claim:
    text = f"error at ({more[0]:g}, {more[1]:g}) less that at ({less[0]:g}, {less[1]:g})"
    return Claim(section, paper, text, partial(apart, more=more, less=less))


ONE = (1.0, 1.0)
CLAIMS = [
    *_at_fixed_c(),
    Claim(
        "6.1", "AF_A = 0 hampers convergence", "error at AF_A 0 less that at 1 and 3.16, all AF_C",
        partial(beside_the_middle, af_a=0.0, rows=AF),
    ),
    Claim(
        "6.1", "too large an AF_A costs more at a larger AF_C",
        "error at AF_A 10 less that at 3.16: at AF_C 3.16 less at 0.316",
        lambda errors: (too_large_at(errors, 3.16) - too_large_at(errors, 0.316)).ravel(),
    ),
    Claim(
        "6.1", "too large an AF_A costs more at a larger AF_C",
        "error at AF_A 10 less that at 3.16: at AF_C 10 less at 0.316",
        lambda errors: (too_large_at(errors, 10.0) - too_large_at(errors, 0.316)).ravel(),
    ),
    Claim(
        "6.2", "the best pair changes with the rates, from AF_A 1 (7B) to 3.16 to 10 (7C), AF_C 1",
        "error at AF_A 1 less that at 3.16 and 10: at the rates of C less at those of B", with_the_rates,
    ),
    Claim(
        "6.2", "the best pair changes with the rates, from AF_A 1 (7B) to 3.16 to 10 (7C), AF_C 1",
        "slope of the error over ln AF_A, a rate of A of 0.02 less 0.01, AF_C 0.316 to 3.16", tilt,
    ),
    _pair("6.2", "both AF = 0 do not suffice", (0.0, 0.0), ONE),
    _pair("6.2", "both AF = 10 do not suffice", (10.0, 10.0), ONE),
    _pair("-", "AF of A alone at 0 (no claim of the paper)", (0.0, 1.0), ONE),
    _pair("-", "AF of C alone at 0 (no claim of the paper)", (1.0, 0.0), ONE),
    *(
        _pair("6.2", "optimal pairs lie near (1, 1): it is ahead of others", other, ONE)
        for other in ((3.16, 1.0), (10.0, 1.0), (1.0, 3.16), (3.16, 3.16), (0.316, 10.0), (3.16, 0.0), (0.316, 1.0))
    ),
    Claim("-", "small map: a ridge at AF_A AF_C = 3", "error on AF_A AF_C = 1 less that on 3.16", ridge),
    Claim(
        "6.3", "AF_C at 1 lifts the requirement on AF_A", "range of the error over AF_A, AF_C 3.16 less AF_C 1",
        lambda errors: (range_over_a(errors, 3.16) - range_over_a(errors, 1.0)).ravel(),
    ),
    Claim(
        "6.3", "AF_C at 1 lifts the requirement on AF_A", "range of the error over AF_A, AF_C 0.316 less AF_C 1",
        lambda errors: (range_over_a(errors, 0.316) - range_over_a(errors, 1.0)).ravel(),
    ),
    _pair("6.3", "a smaller AF_A at AF_C 1 finds a better optimum", (3.16, 1.0), (0.316, 1.0)),
]  # fmt: skip


def errors_of(table: pd.DataFrame, column: str) -> Array:
    """Return errors in percent, shape (5, 5, 2, 2)."""
    errors: Array = 100 * table.sort_values(list(AXES))[column].to_numpy().reshape(5, 5, 2, 2)
    return errors


def scatter(table: pd.DataFrame, again: pd.DataFrame, column: str) -> tuple[float, int]:
    """Return the standard deviation of ln error between seeds, and how many pairs of runs, all that train, it is of."""
    both = again.merge(table, on=list(AXES), suffixes=("_2", "_1"), validate="one_to_one")
    both = both[both[["test_error_1", "test_error_2"]].max(axis=1) <= FAILED]
    logs = np.log(both[f"{column}_2"] / both[f"{column}_1"])
    return float(np.sqrt(np.mean(logs**2) / 2)), len(both)


def moved(errors: Array, deviation: float, pairs: int, rng: np.random.Generator) -> Array:
    """Return the errors of other seeds: each times exp(deviation t), t of as many degrees of freedom as pairs."""
    return np.minimum(errors * np.exp(deviation * rng.standard_t(pairs, errors.shape)), 100.0)


def interval(claim: Claim, errors: Array, deviation: float, pairs: int) -> tuple[float, float]:
    """Return the ends of a claim's interval."""
    rng, means = np.random.default_rng(1), np.empty(REPEATS)
    for k in range(REPEATS):
        units = claim.units(moved(errors, deviation, pairs, rng))
        means[k] = rng.choice(units, units.size).mean()
    low, high = np.quantile(means, (0.025, 0.975))
    return float(low), float(high)


def verdict(low: float, high: float) -> str:
    """Return what an interval says of a claim that asks for more than 0."""
    if low > 0:
        return "holds"
    return "does not hold" if high < 0 else "open"


def of_seed_2(claim: Claim, again: pd.DataFrame, column: str) -> float:
    """Return the difference among runs of seed 2 alone, at the rates that it has; NaN where it lacks a pair."""
    errors = np.full((5, 5, 2, 2), np.nan)
    axes = (AF, AF, RATES, RATES)
    for row in again.itertuples(index=False):
        at_row = dict(zip(again.columns, row, strict=True))
        place = tuple(axis.index(at_row[key]) for axis, key in zip(axes, AXES, strict=True))
        errors[place] = 100 * at_row[column]
    units = claim.units(errors)
    known = units[~np.isnan(units)]
    return float(known.mean()) if known.size else float("nan")


def rows(table: pd.DataFrame, again: pd.DataFrame) -> list[dict[str, object]]:
    """Return every claim by both measures."""
    found = []
    for measure, column in MEASURES.items():
        errors, (deviation, pairs) = errors_of(table, column), scatter(table, again, column)
        for claim in CLAIMS:
            units, (low, high) = claim.units(errors), interval(claim, errors, deviation, pairs)
            row = {"measure": measure, "section": claim.section, "paper": claim.paper, "difference": claim.difference}
            row |= {"points": units.mean(), "low": low, "high": high, "n": units.size}
            row |= {"verdict": verdict(low, high) if claim.section != "-" else ""}
            found.append(row | {"points of seed 2": of_seed_2(claim, again, column)})
    return found


def failures(*tables: pd.DataFrame) -> list[dict[str, object]]:
    """Return how many runs with AF_A > 0 failed, by seed and AF_C; the interval is that of independent runs."""
    runs, found = pd.concat(tables), []
    for (seed, af_c), own in runs[runs[AF_A] > 0].groupby(["seed", AF_C]):
        failed = int((own["test_error"] > FAILED).sum())
        low, high = stats.binomtest(failed, len(own)).proportion_ci()
        found.append({"seed": seed, "AF_C": af_c, "runs": len(own), "failed": failed, "low": low, "high": high})
    return found


def regions(table: pd.DataFrame, again: pd.DataFrame) -> list[dict[str, object]]:
    """Return where the filtered score (Fig. 8 and 9) has its region, with the interval of repeated maps."""
    errors, (deviation, pairs) = errors_of(table, "test_error"), scatter(table, again, "test_error")
    rng, axis, rates = np.random.default_rng(1), np.array(AF), np.array(RATES)

    def mapped(own: Array) -> Accuracies:
        return Accuracies("", axis, axis, rates, rates, 1 - own[..., None] / 100, own, 3)

    levels = thresholds(mapped(errors))
    maps = [errors]
    for _ in range(MAPS):
        flat = moved(errors, deviation, pairs, rng).reshape(5, 5, 4)
        maps.append(flat[..., rng.integers(4, size=4)].reshape(5, 5, 2, 2))
    found = []
    for name, level in zip(("lower", "higher"), levels, strict=True):
        specified = [specify(mapped(own), level) for own in maps]
        values = {
            "AF_A of the region's centre": [one.region.centre[0] for one in specified],
            "AF_C of the region's centre": [one.region.centre[1] for one in specified],
            "peak of the score less the score at (1.2, 1)": [one.region.peak - one.at(1.2, 1.0) for one in specified],
        }
        for quantity, (own, *others) in values.items():
            low, high = np.quantile(others, (0.025, 0.975))
            found.append({"threshold": f"{name}, {100 * level:.1f} %", "quantity": quantity, "value": own})
            found[-1] |= {"low": float(low), "high": float(high)}
    return found


def main() -> None:
    table, again = (pd.read_csv(HERE / name) for name in ("table.csv", "seed-2.csv"))
    for column in MEASURES.values():
        deviation, pairs = scatter(table, again, column)
        print(f"{column}: another seed moves a run by {100 * deviation:.1f} % of its error ({pairs} pairs that train)")
    parts = {
        "section6.csv": rows(table, again),
        "regions.csv": regions(table, again),
        "failures.csv": failures(table, again),
    }
    for name, found in parts.items():
        frame = pd.DataFrame(found)
        frame.to_csv(HERE / name, index=False, float_format="%.3f", lineterminator="\n")
        print(frame.to_string())


if __name__ == "__main__":
    main()
