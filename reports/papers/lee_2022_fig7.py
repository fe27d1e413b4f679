"""Lee 2022, Fig. 7: accuracy over the asymmetry factors of A and C at two pairs of learning rates."""

from collections.abc import Iterator

import numpy as np
import pandas as pd

from papers.lee_2022_line import SOURCE
from papers.lee_2022_map import SWEEP, Accuracies, collect, settings
from papers.lee_2022_map_draw import draw_accuracy
from papers.output import Advance, Claim, Reproduction
from papers.robustness import Array, Map

PANELS = {"B": (0.02, 0.01), "C": (0.01, 0.02)}  # rate of A (SGD), rate of the transfer
COLUMNS = ("panel", "fast_lr", "transfer_lr", "AF_A", "AF_C", "quantity", "unit", "value")

__all__ = ["SWEEP", "claims", "reproduce"]


def leaders(found: Map, within: float) -> list[tuple[float, float]]:
    """Return the pairs of factors (A, C) at which a map is at most so much below its largest value."""
    best = np.argwhere(found.cells >= np.nanmax(found.cells) - within)
    return [(float(found.af_a[i]), float(found.af_c[j])) for i, j in best]


def tilts(found: Accuracies) -> Array:
    """Return the slopes of accuracy over ln AF_A (least squares, AF > 0), shape (n_fast, n_c n_transfer)."""
    accuracy = found.accuracy[found.af_a > 0][:, found.af_c > 0]
    log = np.log(found.af_a[found.af_a > 0])
    slopes: Array = np.tensordot(log - log.mean(), accuracy, 1) / np.sum((log - log.mean()) ** 2)
    by_rate: Array = np.moveaxis(slopes, 1, 0).reshape(found.fast_lr.size, -1)
    return by_rate


def marginal(found: Map) -> tuple[Array, float]:
    """Return the mean over AF of C by AF of A, ideal devices left out, and the factor at which it is largest."""
    inside = found.af_a > 0
    mean: Array = np.nanmean(found.cells[inside][:, found.af_c > 0], axis=1)
    return mean, float(found.af_a[inside][int(mean.argmax())])


def claims(found: Accuracies) -> tuple[Claim, ...]:
    """Hold the maps against what the paper says."""
    maps = {panel: found.at(*rates) for panel, rates in PANELS.items()}
    chosen = {panel: leaders(one, found.error_at(*PANELS[panel])) for panel, one in maps.items()}
    tilt = tilts(found)
    fall = tilt[0] - tilt[-1]  # paired: the same AF_C and transfer rate
    error = fall.std(ddof=1) / np.sqrt(fall.size)
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
            ("the best (AF_A, AF_C) of one seed: " if found.seeds == 1 else "at most a standard error below the best: ")
            + "; ".join(f"{panel}: {', '.join(f'({a:g}, {c:g})' for a, c in pairs)}" for panel, pairs in chosen.items())
            + "; none in both asked for",
            not set(chosen["B"]) & set(chosen["C"]),
        ),
        Claim(
            "a smaller rate of A asks for a larger AF_A",
            "accuracy rises with ln AF_A, averaged over AF_C and transfer rates, by "
            + "; ".join(
                f"{100 * own.mean():.2f} points at rate {rate:g}" for rate, own in zip(found.fast_lr, tilt, strict=True)
            )
            + f"; from first to last it falls by {100 * fall.mean():.2f} +- {100 * error:.2f}, by two "
            "standard errors asked for",
            bool(fall.mean() > 2 * error),
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
