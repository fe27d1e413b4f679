"""Stacked bars, one a run or a layer."""

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from twin.report.figures.axes import plain_axis
from twin.report.figures.palette import INKS, PAGE, colours
from twin.report.figures.svg import INK, Drawing, boxes, figure, styled
from twin.results.text import common_end, fixed, scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes

WIDE = 5.4


def bars(
    name: str,
    title: str,
    shares: Mapping[str, Mapping[str, float]],
    unit: str,
    hues: dict[str, str],
) -> Drawing:
    """Draw one stacked bar a run: seconds or joules a sample by name, in `hues`."""
    factor, symbol = scale(max((sum(entries.values()) for entries in shares.values()), default=0.0), unit)
    scaled = {run: {key: value * factor for key, value in entries.items()} for run, entries in shares.items()}
    return stacked(name, title, scaled, symbol, hues, per=" per sample")


def stacked(
    name: str, title: str, shares: Mapping[str, Mapping[str, float]], unit: str, hues: dict[str, str], per: str = ""
) -> Drawing:
    """Draw one stacked bar a run: amounts by name, in `hues`, over an axis in `unit`."""
    present = {key for entries in shares.values() for key in entries}
    keys = [key for key in hues if key in present] + sorted(present - set(hues))
    described = "; ".join(_described(run, entries, unit, per) for run, entries in shares.items())
    with styled():
        drawn = figure(WIDE, 1.15 + 0.36 * len(shares) + 0.22 * math.ceil(len(keys) / 3))
        axes = drawn.add_subplot()
        sums = [sum(entries.values()) for entries in shares.values()]
        end = common_end(sums)
        stack(axes, shares, keys, colours(keys, hues), factor=1.0, end=end)
        _label(axes, sums, end)
        axes.set_xlabel(f"{unit}{per}")
        plain_axis(axes, "x")
        handles, labels = axes.get_legend_handles_labels()
        drawn.legend(handles, labels, loc="outside lower center", ncols=3, handlelength=1, columnspacing=1.2)
        return Drawing(name, title, described, drawn)


def stack(
    axes: "Axes",
    shares: Mapping[str, Mapping[str, float]],
    keys: Sequence[str],
    hues: Mapping[str, str],
    *,
    factor: float,
    end: float,
) -> None:
    """Stack the shares of every name, in the order of `keys`; a bar longer than `end` is cut there."""
    positions = list(range(len(shares)))
    left = [0.0] * len(shares)
    for key in keys:
        widths = [
            min(entries.get(key, 0.0) * factor, end - start)
            for entries, start in zip(shares.values(), left, strict=True)
        ]
        boxes(
            axes, np.array(left), np.array(positions) - 0.34, np.array(widths), np.full(len(positions), 0.68),
            facecolor=hues[key], label=key.replace("_", " "), edgecolor=INKS[PAGE].light, linewidth=0.6,
        )  # fmt: skip
        left = [start + width for start, width in zip(left, widths, strict=True)]
    axes.set_yticks(positions, list(shares))
    axes.set_ylim(len(positions) - 0.45, -0.55)
    axes.grid(visible=False, axis="y")


def _label(axes: "Axes", totals: Sequence[float], end: float) -> None:
    for position, total in enumerate(totals):
        text = f" {fixed(total)}" + (", cut" if total > end else "")
        axes.annotate(text, (min(total, end), position), va="center", fontsize=9.5, color=INK)
    axes.set_xlim(0, 1.2 * end or 1.0)


def _described(run: str, entries: Mapping[str, float], unit: str, per: str) -> str:
    largest = sorted(entries.items(), key=lambda entry: -entry[1])[:3]
    parts = ", ".join(f"{key} {fixed(value)} {unit}" for key, value in largest)
    return f"{run}: {fixed(sum(entries.values()))} {unit}{per}, most of it {parts}" if parts else run
