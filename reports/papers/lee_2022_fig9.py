"""Lee 2022, Fig. 9: how the robust region changes with the threshold."""

import numpy as np
import pandas as pd

from papers.lee_2022_fig8 import COLUMNS, map_rows, method
from papers.lee_2022_line import SOURCE
from papers.lee_2022_map import SWEEP, Specification, collect, specify, thresholds
from papers.lee_2022_map_draw import draw_thresholds
from papers.output import Advance, Claim, Reproduction
from papers.robustness import Map

__all__ = ["SWEEP", "claims", "reproduce"]


def reach(found: Map) -> tuple[float, float]:
    """Return over which range of ln AF the score is at least half its largest, along A and along C through the peak.

    Logarithms, because the factors of a map are spread evenly over decades; ideal devices (AF = 0) are left out.
    """
    i, j = np.unravel_index(int(found.cells.argmax()), found.cells.shape)
    half, lengths = found.cells.max() / 2, []
    for axis, line in ((found.af_a, found.cells[:, j]), (found.af_c, found.cells[i])):
        factors = axis[(line >= half) & (axis > 0)]
        lengths.append(float(np.log(factors[-1] / factors[0])) if factors.size else 0.0)
    return lengths[0], lengths[1]


def claims(lower: Specification, higher: Specification) -> tuple[Claim, ...]:
    """Hold the two maps against what the paper says."""
    low, high = reach(lower.filtered), reach(higher.filtered)
    percent = [f"{100 * one.threshold:.1f} %" for one in (lower, higher)]
    return (
        Claim(
            "a higher threshold lowers the scores",
            f"largest filtered score {lower.region.peak:.2f} at {percent[0]}, {higher.region.peak:.2f} at {percent[1]}",
            lower.region.peak > higher.region.peak,
        ),
        Claim(
            "at the lower threshold the score stands a change of AF_C",
            f"half the peak's score or more over a factor of {np.exp(low[1]):.1f} in AF_C (A: {np.exp(low[0]):.1f})",
            low[1] >= np.log(3),
        ),
        Claim(
            "at the higher threshold the region lies along AF_A, and AF_C must be around 1",
            f"half the peak's score or more over a factor of {np.exp(high[0]):.1f} in AF_A and "
            f"{np.exp(high[1]):.1f} in AF_C; centre ({higher.region.centre[0]:.2f}, {higher.region.centre[1]:.2f})",
            high[0] > high[1] and 0.5 <= higher.region.centre[1] <= 2.0,
        ),
    )


def reproduce(sweep: str, advance: Advance) -> Reproduction:
    """Compute Fig. 9."""
    found = collect(sweep, advance)
    lower, higher = (specify(found, threshold) for threshold in thresholds(found))
    return Reproduction(
        f"{SOURCE}, Fig. 9",
        draw_thresholds(lower, higher, found.scenarios),
        claims(lower, higher),
        pd.DataFrame(map_rows([lower, higher])),
        method(found),
        COLUMNS,
    )
