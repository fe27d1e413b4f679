"""Lee 2022, Fig. 7: accuracy over the asymmetry factors of A and C at two pairs of learning rates."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from twin.reproduce.lee_2022_line import SOURCE
from twin.reproduce.lee_2022_map import SWEEP, Accuracies, collect, settings
from twin.reproduce.lee_2022_map_draw import draw_accuracy
from twin.reproduce.output import Advance, Claim, Reproduction
from twin.reproduce.robustness import Array, Map

PANELS = {"B": (0.02, 0.01), "C": (0.01, 0.02)}  # rate of A (SGD), rate of the transfer
COLUMNS = ("panel", "fast_lr", "transfer_lr", "AF_A", "AF_C", "quantity", "unit", "value")

__all__ = ["SWEEP", "claims", "reproduce"]


def peak(found: Map) -> tuple[float, float]:
    """Return the factors (A, C) at which a map is largest."""
    i, j = np.unravel_index(int(np.nanargmax(found.cells)), found.cells.shape)
    return float(found.af_a[i]), float(found.af_c[j])


def marginal(found: Map) -> tuple[Array, float]:
    """Return the mean over AF of C by AF of A, ideal devices left out, and the factor at which it is largest."""
    inside = found.af_a > 0
    mean: Array = np.nanmean(found.cells[inside][:, found.af_c > 0], axis=1)
    return mean, float(found.af_a[inside][int(mean.argmax())])


def claims(found: Accuracies) -> tuple[Claim, ...]:
    """Hold the maps against what the paper says."""
    maps = {panel: found.at(*rates) for panel, rates in PANELS.items()}
    peaks = {panel: peak(one) for panel, one in maps.items()}
    top = {panel: marginal(one)[1] for panel, one in maps.items()}
    ends = {panel: (one.cells[0, 0], one.cells[-1, -1], np.nanmax(one.cells)) for panel, one in maps.items()}
    low, high = found.af_a[found.af_a > 0][0], found.af_a[-1]
    listed = "; ".join(
        f"{panel}: {100 * a:.1f} % at AF {found.af_a[0]:g}, {100 * b:.1f} % at AF {high:g}, best {100 * c:.1f} %"
        for panel, (a, b, c) in ends.items()
    )
    return (
        Claim(
            "AF = 0 and AF = 10 of both arrays are worse than the best pair (7B, 7C; Fig. 2, 8)",
            listed,
            all(best - max(first, last) > 0.01 for first, last, best in ends.values()),
        ),
        Claim(
            "at fixed AF_C accuracy peaks at an AF_A within the range and falls to either side",
            f"mean over AF_C largest at AF_A {top['B']:g} (B) and {top['C']:g} (C); the paper names 1.78",
            all(low < factor < high for factor in top.values()),
        ),
        Claim(
            "the best pairs change with the rates: (1 to 1.78, 1 to 1.78) in B, AF_A 3.16 to 10 at AF_C 1 in C",
            "best pair (AF_A, AF_C) " + "; ".join(f"{panel}: {a:g}, {c:g}" for panel, (a, c) in peaks.items()),
            peaks["B"] != peaks["C"],
        ),
        Claim(
            "a smaller rate of A asks for a larger AF_A",
            f"best AF_A {peaks['B'][0]:g} at rate {PANELS['B'][0]:g}, {peaks['C'][0]:g} at rate {PANELS['C'][0]:g}",
            peaks["C"][0] > peaks["B"][0],
        ),
    )


def _rows(found: Accuracies) -> Iterator[dict[str, object]]:
    shown = {"A": ("training loss", "nat", found.loss_at(*PANELS["B"]), PANELS["B"])}
    shown |= {panel: ("test accuracy", "1", found.at(*rates), rates) for panel, rates in PANELS.items()}
    for panel, (quantity, unit, one, rates) in shown.items():
        for i, af_a in enumerate(one.af_a):
            for j, af_c in enumerate(one.af_c):
                yield {
                    "panel": panel,
                    "fast_lr": rates[0],
                    "transfer_lr": rates[1],
                    "AF_A": af_a,
                    "AF_C": af_c,
                    "quantity": quantity,
                    "unit": unit,
                    "value": one.cells[i, j],
                }


def reproduce(sweep: str, advance: Advance) -> Reproduction:
    """Compute Fig. 7."""
    found = collect(sweep, advance)
    maps = {panel: found.at(*rates) for panel, rates in PANELS.items()}
    return Reproduction(
        f"{SOURCE}, Fig. 7",
        draw_accuracy(found.loss_at(*PANELS["B"]), maps, PANELS),
        claims(found),
        pd.DataFrame(_rows(found)),
        settings(found) | {"panel A": "training loss at the rates of B; the paper has training accuracy there"},
        COLUMNS,
    )
