"""Lee 2022, Fig. 4: SGD learns slope and intercept of a line on devices of growing asymmetry factor."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise

import numpy as np
import pandas as pd

from papers.asymmetry import Array, sgd_rest
from papers.lee_2022_line import SOURCE, Case, Steps, run, settings
from papers.lee_2022_line_draw import draw_sgd
from papers.output import Advance, Claim, Reproduction

FACTORS = (0.0, 1.0, 2.0, 4.0)
SAMPLES, SEEDS, TOLERANCE = 2000, 6, 0.01
COLUMNS = ("AF", "seed", "sample", "quantity", "unit", "value", "optimum", "closed_form")
Runs = Mapping[float, Sequence[Steps]]


def measure(
    seed: int, advance: Advance = lambda *_: None, factors: Sequence[float] = FACTORS, seeds: int = SEEDS
) -> dict[float, list[Steps]]:
    """Run every factor with the same seeds; factor -> its runs."""
    found: dict[float, list[Steps]] = {af: [] for af in factors}
    for af, runs in found.items():
        for i in range(seeds):
            runs.append(run(Case("sgd", (af,)), seed + i, SAMPLES))
            advance(sum(map(len, found.values())), len(factors) * seeds)
    return found


def residuals(runs: Sequence[Steps]) -> Array:
    """Return the mean weights of the second half less the optimum, shape (runs, 2)."""
    return np.array([one.late - one.plane.optimum for one in runs])


def claims(found: Runs) -> tuple[Claim, ...]:
    """Hold the measured ends against what the paper says, and against the closed form."""
    mean = {af: residuals(runs).mean(axis=0) for af, runs in found.items()}
    size = {af: float(np.hypot(*value)) for af, value in mean.items()}
    asymmetric = [af for af in found if af > 0]
    first, last = asymmetric[0], asymmetric[-1]
    rest = np.mean([sgd_rest(one.plane) - one.plane.optimum for one in found[first]], axis=0)
    gaps = {af: float(np.abs(mean[af] - rest).max()) for af in asymmetric}
    sure = {
        af: size[af] / float(np.hypot(*residuals(runs).std(axis=0, ddof=1)) / np.sqrt(len(runs)))
        for af, runs in found.items()
        if af > 0
    }
    rises = all(size[one] < size[other] for one, other in pairwise(asymmetric))
    listed = ", ".join(f"{size[af]:.4f} (AF {af:g})" for af in asymmetric)
    return (
        Claim(
            "ideal device: SGD reaches the closed-form solution",
            f"mean distance {size[0.0]:.4f} (0.005 allowed)",
            size[0.0] <= 0.005,
        ),
        Claim(
            "with update asymmetry the weights are stuck at sub-optima",
            f"distance {listed}; at least {min(sure.values()):.0f} standard errors",
            min(sure.values()) > 5,
        ),
        Claim(
            "they stop where the mean update vanishes",
            f"closed form ({rest[0]:.4f}, {rest[1]:.4f}) off the optimum for every AF; measured within "
            f"{max(gaps.values()):.4f} of it ({TOLERANCE} allowed)",
            max(gaps.values()) <= TOLERANCE,
        ),
        Claim(
            "the larger AF, the further from the optimum",
            f"{listed}: {'rises at every step' if rises else 'does not rise at every step'}, but by "
            f"{100 * (size[last] / size[first] - 1):.0f} % only: AF scales both directions alike, and what grows "
            "with it are the fluctuations",
            rises,
        ),
    )


def _rows(found: Runs) -> Iterator[dict[str, object]]:
    for af, runs in found.items():
        for number, one in enumerate(runs):
            rest = sgd_rest(one.plane) if af > 0 else one.plane.optimum
            every = 10 if number == 0 else len(one.main) - 1
            for sample in range(0, len(one.main), every):
                for j, name in enumerate(("slope", "intercept")):
                    yield {
                        "AF": af,
                        "seed": number,
                        "sample": sample,
                        "quantity": name,
                        "unit": "half range",
                        "value": one.main[sample, j],
                        "optimum": one.plane.optimum[j],
                        "closed_form": rest[j],
                    }


def reproduce(seed: int, advance: Advance) -> Reproduction:
    """Compute Fig. 4."""
    found = measure(seed, advance)
    seeds = f"{SEEDS} a factor, from {seed}, the same for all; drawn: the first; column seed counts from 0"
    return Reproduction(
        f"{SOURCE}, Fig. 4",
        draw_sgd(found),
        claims(found),
        pd.DataFrame(_rows(found)),
        settings(SAMPLES, seeds),
        COLUMNS,
    )
