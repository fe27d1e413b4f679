"""Drawings of Lee 2022, Fig. 7 to 9: maps over the asymmetry factors of A and C."""

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np

from papers.lee_2022_map import Specification
from papers.robustness import Array, Map, Region
from twin.report.figures.palette import INKS
from twin.report.figures.svg import INK, Drawing, figure, heading, styled
from twin.results.intervals import INTERVALS, ends
from twin.results.totals import LATE

if TYPE_CHECKING:
    from matplotlib.axes import Axes

SHOWN = 4.0  # largest factor on the axes of filtered maps
DARK = 0.6  # of the colour scale, above which numbers are white
BEHIND, ABOVE = 15.0, 1.0
"""How far below the best accuracy (points) and above the least loss (nat) colours reach; what failed is as pale as
that, so that it does not take the whole scale."""


def draw_accuracy(loss: Map, maps: Mapping[str, Map], rates: Mapping[str, tuple[float, float]]) -> Drawing:
    """Draw Fig. 7: training loss, and test accuracy in percent at two pairs of rates."""
    with styled():
        drawn = figure(10.2, 3.7)
        axes = drawn.subplots(1, 3)
        least = float(np.nanmin(loss.cells))
        _cells(axes[0], loss, "{:.2f}", "Blues_r", (least, min(least + ABOVE, float(np.nanmax(loss.cells)))))
        axes[0].set_title("training loss (nat)")
        for one, (panel, found) in zip(axes[1:], maps.items(), strict=True):
            percent = 100 * found.cells
            best = float(np.nanmax(percent))
            limits = (max(best - BEHIND, float(np.nanmin(percent))), best)
            _cells(one, Map(found.af_a, found.af_c, percent), "{:.1f}", "Blues", limits)
            fast, transfer = rates[panel]
            one.set_title(f"test accuracy (%)\nrate of A {fast:g}, transfer {transfer:g}")
        for letter, one in zip("ABC", axes, strict=True):
            heading(one, letter)
        return Drawing(
            "lee-2022-fig7",
            "Lee 2022, Fig. 7: accuracy over the asymmetry factors of A and C",
            "Heat maps: training loss, and test accuracy at two pairs of learning rates.",
            drawn,
        )


def draw_scores(found: Specification, scenarios: int) -> Drawing:
    """Draw Fig. 8: scores, interpolated, filtered with the best region."""
    with styled():
        drawn = figure(10.2, 3.7)
        axes = drawn.subplots(1, 3)
        _cells(axes[0], found.score, "{:.0f}", "Greens", (0, scenarios))
        axes[0].set_title(f"score at {100 * found.threshold:.1f} %")
        for one, field, title in ((axes[1], found.fine, "interpolated"), (axes[2], found.filtered, "filtered")):
            _field(one, field, scenarios)
            one.set_title(title)
        _region(axes[2], found.filtered, found.region)
        for letter, one in zip("ABC", axes, strict=True):
            heading(one, letter)
        return Drawing(
            "lee-2022-fig8",
            "Lee 2022, Fig. 8: robustness score and best region",
            "Number of pairs of learning rates that reach the threshold, over the asymmetry factors of A and C.",
            drawn,
        )


def draw_thresholds(lower: Specification, higher: Specification, scenarios: int) -> Drawing:
    """Draw Fig. 9: filtered scores at two thresholds."""
    with styled():
        drawn = figure(7.4, 3.7)
        for letter, axes, one in zip("AB", drawn.subplots(1, 2), (lower, higher), strict=True):
            _field(axes, one.filtered, scenarios)
            _region(axes, one.filtered, one.region)
            axes.set_title(f"threshold {100 * one.threshold:.1f} %")
            heading(axes, letter)
        return Drawing(
            "lee-2022-fig9",
            "Lee 2022, Fig. 9: robustness score at two thresholds",
            "Filtered robustness scores over the asymmetry factors of A and C, with the region about each peak.",
            drawn,
        )


def _cells(axes: "Axes", found: Map, form: str, colours: str, limits: tuple[float, float]) -> None:
    """Draw a map by its points, a number in each; A to the right, C upwards; colours end at the limits."""
    low, high = limits
    axes.imshow(found.cells.T, origin="lower", cmap=colours, vmin=low, vmax=high, aspect="auto")
    dark_is_low = colours.endswith("_r")
    for i in range(found.af_a.size):
        for j in range(found.af_c.size):
            value = found.cells[i, j]
            share = (value - low) / (high - low) if high > low else 0.0
            white = share < 1 - DARK if dark_is_low else share > DARK
            text = form.format(value)
            axes.text(i, j, text, ha="center", va="center", fontsize=7.5, color="#ffffff" if white else INK)
    axes.set_xticks(range(found.af_a.size), [f"{af:g}" for af in found.af_a])
    axes.set_yticks(range(found.af_c.size), [f"{af:g}" for af in found.af_c])
    _name(axes)


def _field(axes: "Axes", found: Map, scenarios: int) -> None:
    """Draw a fine map as filled contours, one a pair of rates."""
    levels = np.linspace(0, scenarios, scenarios + 1)
    levels[-1] += 1e-6  # a full score with a rounding error is not beyond the scale
    a, c = (axis <= SHOWN for axis in (found.af_a, found.af_c))
    axes.contourf(found.af_a[a], found.af_c[c], found.cells[a][:, c].T, levels, cmap="Greens", extend="both")
    axes.set(xlim=(0, SHOWN), ylim=(0, SHOWN))
    _name(axes)


def _region(axes: "Axes", found: Map, region: Region) -> None:
    mask = region.mask.astype(float).T
    axes.contour(found.af_a, found.af_c, mask, [0.5], colors=INK, linewidths=1.2)
    axes.plot(*region.centre, "+", color=INK, markersize=9)


def _name(axes: "Axes") -> None:
    axes.set(xlabel="AF of A", ylabel="AF of C")
    axes.grid(visible=False)


def draw_curves(found: Mapping[str, Mapping[str, Array]], baseline: str, interval: str) -> Drawing:
    """Draw Fig. 2: training loss and test error by epoch, with an interval over the runs of each case.

    Of the baseline it is the level of its last three epochs.
    """
    names = ("grey", "orange", "purple", "green", "wine")
    with styled():
        drawn = figure(8.4, 3.8)
        axes = drawn.subplots(1, 2)
        for one, key, factor, label, most in (
            (axes[0], "train_loss", 1.0, "training loss (nat)", math.inf),
            (axes[1], "test_error", 100.0, "test error (%)", 100.0),
        ):
            for (case, own), name in zip(found.items(), names, strict=True):
                colour, runs = INKS[name].light, factor * own[key]
                if case == baseline:
                    one.axhline(runs[:, -LATE:].mean(), color=colour, linewidth=1.3, linestyle=(0, (4, 2)), label=case)
                    continue
                epochs, band = np.arange(1, runs.shape[1] + 1), ends(runs, interval, 0.0, most)
                one.fill_between(epochs, *band, color=colour, alpha=0.15, linewidth=0)
                one.plot(epochs, runs.mean(axis=0), color=colour, linewidth=1.4, label=f"{case}, {len(runs)} runs")
            one.set(xlabel="epoch", ylabel=label)
            one.set_ylim(bottom=0)
        for letter, one in zip("AB", axes, strict=True):
            heading(one, letter)
        drawn.legend(
            *axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=2, title_fontsize=9,
            title=f"mean of the runs; band: {INTERVALS[interval]}",
        )  # fmt: skip
        return Drawing(
            "lee-2022-fig2",
            "Lee 2022, Fig. 2: learning curves of SGD and Tiki-Taka by asymmetry factor",
            "Training loss and test error by epoch for SGD and for Tiki-Taka with three pairs of asymmetry factors.",
            drawn,
        )
