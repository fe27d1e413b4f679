"""Lee 2022, Fig. 8: robustness score over the asymmetry factors, interpolated and filtered, and its best region."""

from collections.abc import Iterator, Sequence

import pandas as pd

from twin.reproduce.lee_2022_line import SOURCE
from twin.reproduce.lee_2022_map import (
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
from twin.reproduce.lee_2022_map_draw import draw_scores
from twin.reproduce.output import Advance, Claim, Reproduction

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
            f"score {paper:.2f} there, {region.peak - paper:.2f} below the peak; standard error of a score "
            f"{lower.standard_error:.2f} ({found.seeds} seeds); at most {depth:.2f} asked for",
            region.peak - paper <= depth,
        ),
    )


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
        "paper's 97.0 and 97.5 % belong to all of MNIST",
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
        pd.DataFrame(map_rows([lower])),
        method(found),
        COLUMNS,
    )
