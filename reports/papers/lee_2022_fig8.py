"""Lee 2022, Fig. 8: robustness score over the asymmetry factors, interpolated and filtered, and its best region."""

from collections.abc import Iterator, Sequence

import numpy as np
import pandas as pd

from papers.lee_2022_line import SOURCE
from papers.lee_2022_map import (
    SIGMA,
    STEP,
    SWEEP,
    WITHIN,
    Accuracies,
    Specification,
    collect,
    settings,
    specify,
    thresholds,
)
from papers.lee_2022_map_draw import draw_scores
from papers.output import Advance, Claim, Reproduction
from papers.robustness import Array

COLUMNS = ("threshold", "AF_A", "AF_C", "quantity", "unit", "value")
AROUND, PAPER = (0.5, 2.0), (1.2, 1.0)

__all__ = ["COLUMNS", "SWEEP", "claims", "map_rows", "method", "reproduce"]


def claims(found: Accuracies, lower: Specification) -> tuple[Claim, ...]:
    """Hold the score map against what the paper says."""
    values, best = lower.score.cells, found.best().cells
    edges = {"AF 0": values[0, 0], f"AF {found.af_a[-1]:g}": values[-1, -1]}
    region, paper, of = lower.region, lower.at(*PAPER), found.scenarios
    depth = region.peak - region.level
    return (
        Claim(
            "accuracies do not suffice where AF of both arrays is too small (0) or too large (10)",
            ", ".join(f"{name}: {score:.0f} of {of} pairs of rates pass" for name, score in edges.items())
            + f" {100 * lower.threshold:.1f} %; best accuracy there {100 * best[0, 0]:.1f} and "
            f"{100 * best[-1, -1]:.1f} %",
            max(edges.values()) <= of / 3,
        ),
        Claim(
            "the robust region lies around AF_A = 1.2, AF_C = 1.0, with a score of nearly all nine",
            f"score {region.peak:.2f} of {of}; all that is at most {depth:.2f} lower reaches from "
            f"({region.low[0]:.2f}, {region.low[1]:.2f}) to ({region.high[0]:.2f}, {region.high[1]:.2f}), centre AF_A "
            f"{region.centre[0]:.2f}, AF_C {region.centre[1]:.2f}; {AROUND[0]:g} to {AROUND[1]:g} asked for",
            all(AROUND[0] <= centre <= AROUND[1] for centre in region.centre),
        ),
        Claim(
            f"(AF_A, AF_C) = ({PAPER[0]:g}, {PAPER[1]:g}) belongs to it",
            f"score {paper:.2f} there, {region.peak - paper:.2f} below the peak; at most {depth:.2f} asked for ("
            + ("one seed has no standard error)" if found.seeds == 1 else f"standard error of {found.seeds} seeds)"),
            region.peak - paper <= depth,
        ),
        _near_one(found, values),
    )


def _near_one(found: Accuracies, score: Array) -> Claim:
    """Ask whether the pairs of factors that no other beats by more than a standard error surround (1, 1)."""
    behind, error = found.behind()
    pairs = [(float(found.af_a[i]), float(found.af_c[j])) for i, j in np.argwhere(behind <= error)]
    one = tuple(float(axis[np.abs(axis - 1).argmin()]) for axis in (found.af_a, found.af_c))
    ends = {(float(found.af_a[k]), float(found.af_c[k])) for k in (0, -1)}
    logs = np.log([pair for pair in pairs if min(pair) > 0] or [(np.nan, np.nan)])
    middle = np.exp(logs.mean(axis=0))
    return Claim(
        "optimal pairs of factors lie near AF_A = AF_C = 1 (Sec. 6.2)",
        "mean accuracy over the rates at most a standard error (some "
        f"{100 * np.median(error):.2f} points) below the best: "
        f"{', '.join(f'({a:g}, {c:g})' for a, c in pairs)}; geometric mean of those above 0 ({middle[0]:.2f}, "
        f"{middle[1]:.2f}); "
        f"({one[0]:g}, {one[1]:g}) among them, both ends not, {AROUND[0]:g} to {AROUND[1]:g} asked for; the largest "
        f"score is that of {np.sum(score == score.max())} pairs",
        one in pairs and not ends & set(pairs) and all(AROUND[0] <= factor <= AROUND[1] for factor in middle),
    )


def _accuracy_rows(found: Accuracies) -> Iterator[dict[str, object]]:
    """Yield the mean accuracy over rates and seeds by pair of factors, and how far it lies behind the best."""
    behind, error = found.behind()
    mean = found.accuracy.mean(axis=(2, 3))
    for quantity, cells in (("mean accuracy", mean), ("behind the best", behind), ("its standard error", error)):
        for i, af_a in enumerate(found.af_a):
            for j, af_c in enumerate(found.af_c):
                yield {"AF_A": af_a, "AF_C": af_c, "quantity": quantity, "unit": "1", "value": cells[i, j]}


def map_rows(specifications: Sequence[Specification]) -> Iterator[dict[str, object]]:
    """Yield scores at the points of the sweep, and the filtered map at steps of 0.25."""
    for one in specifications:
        for quantity, found, every in (("score", one.score, 1), ("filtered score", one.filtered, round(0.25 / STEP))):
            for i in range(0, found.af_a.size, every):
                for j in range(0, found.af_c.size, every):
                    yield {
                        "threshold": one.threshold,
                        "AF_A": found.af_a[i],
                        "AF_C": found.af_c[j],
                        "quantity": quantity,
                        "unit": "pairs of rates",
                        "value": found.cells[i, j],
                    }


def method(found: Accuracies) -> dict[str, str]:
    """Say how scores become regions, for the reader."""
    return {
        **settings(found),
        "threshold": "2 points (lower) and 1 point (higher) below what a tenth of all runs exceeds (assumption); the "
        "paper's 97.0 and 97.5 % belong to its own network, trained to its end on all of MNIST",
        "score": "number of pairs of rates whose accuracy exceeds the threshold (Def. 6.1)",
        "interpolation": f"bilinear, to steps of {STEP} in AF",
        "filter": f"Gaussian, sigma {SIGMA} in AF (assumption), weight 1",
        "region": f"connected, below the peak of the filtered map by at most its standard error, {WITHIN} at least",
        "standard error": "of a filtered score: jackknife over the seeds, pooled over the points of the sweep",
    }


def reproduce(sweep: str, advance: Advance) -> Reproduction:
    """Compute Fig. 8."""
    found = collect(sweep, advance)
    lower = specify(found, thresholds(found)[0])
    return Reproduction(
        f"{SOURCE}, Fig. 8",
        draw_scores(lower, found.scenarios),
        claims(found, lower),
        pd.DataFrame([*map_rows([lower]), *_accuracy_rows(found)]),
        method(found),
        COLUMNS,
    )
