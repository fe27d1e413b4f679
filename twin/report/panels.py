"""Small multiples: one panel a run, on common axes."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

import numpy as np

from twin.report.palette import INKS, STREAMS, colours
from twin.report.result import RunResult, stream_name, streams
from twin.report.svg import INK, Drawing, figure, render, styled
from twin.report.text import common_end, percent, scale, si

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

PANEL = 3.9
MAX_BINS = 960  # over all panels: a page of many runs must stay small too
MAX_TILES = 12


def bandwidth_panels(runs: Sequence[RunResult]) -> list[Drawing]:
    """Draw bytes a second over simulated time, stacked by stream, H at the bottom."""
    rates = [_rates(run.tables["bins"], max(40, min(160, MAX_BINS // len(runs)))) for run in runs]
    peaks = [float(rate.sum(axis=0).max()) for _, _, rate in rates if rate.size]
    peak = common_end(peaks) if peaks else 0.0
    with styled():
        return [_bandwidth(number, run, rate, peak) for number, (run, rate) in enumerate(zip(runs, rates, strict=True))]


def utilisation_panels(runs: Sequence[RunResult]) -> list[Drawing]:
    """Draw how busy each tile was, and the busiest server of every other kind."""
    with styled():
        return [_utilisation(number, run) for number, run in enumerate(runs)]


def _rates(bins: "pd.DataFrame", most: int) -> tuple[list[str], np.ndarray, np.ndarray]:
    """Give the streams, the edges of the bins (s) and the rates (B/s; stream x bin)."""
    bins = bins[bins["t1_ps"] > bins["t0_ps"]]
    columns = sorted(streams(bins), key=lambda name: stream_name(name) != "H")
    columns = [name for name in columns if bins[name].sum() > 0]
    if not len(bins) or not columns:
        return [], np.zeros(1), np.zeros((0, 0))
    starts = np.arange(0, len(bins), -(-len(bins) // most))
    ends = np.append(starts[1:], len(bins)) - 1
    edges = np.append(bins["t0_ps"].to_numpy()[starts], bins["t1_ps"].to_numpy()[ends[-1]]) * 1e-12
    sums = np.array([np.add.reduceat(bins[name].to_numpy(dtype=float), starts) for name in columns])
    if len(starts) > 1 and edges[-1] - edges[-2] < 0.5 * (edges[1] - edges[0]):
        # The run ends early in its last bin: alone, a few bytes there would look like a peak.
        edges, sums = np.delete(edges, -2), np.column_stack([sums[:, :-2], sums[:, -2:].sum(axis=1)])
    return [stream_name(name) for name in columns], edges, sums / np.maximum(np.diff(edges), 1e-15)


def _bandwidth(number: int, run: RunResult, series: tuple[list[str], np.ndarray, np.ndarray], peak: float) -> Drawing:
    names, edges, rates = series
    drawn = figure(PANEL, 2.5)
    axes = drawn.add_subplot()
    own = bool(rates.size) and float(rates.sum(axis=0).max()) > peak
    peak = float(rates.sum(axis=0).max()) if own else peak
    axes.set_title(f"{run.name} (own scale)" if own else run.name, loc="left", fontweight="bold")
    name, title = f"bandwidth-{number}", f"Bandwidth over time, {run.name}"
    if not names:
        _nothing(axes, "nothing moved")
        return Drawing(name, title, f"{run.name}: nothing moved.", render(drawn))
    time, symbol = scale(float(edges[-1]), "s")
    rate, rate_symbol = scale(peak, "B/s")
    hues = colours(names, STREAMS)
    below = np.zeros(len(edges) - 1)
    for stream, row in zip(names, rates, strict=True):
        axes.stairs(
            (below + row) * rate, edges * time, baseline=below * rate, fill=True,
            color=hues[stream], alpha=1.0 if stream == "H" else 0.75, label=stream,
        )  # fmt: skip
        below = below + row
    top = int(below.argmax())
    middle = float(edges[top : top + 2].mean()) * time
    right = middle > 0.5 * (edges[0] + edges[-1]) * time
    axes.annotate(
        f"peak {si(float(below[top]), 'B/s')}", (middle, float(below[top]) * rate),
        xytext=(0, 3), textcoords="offset points", ha="right" if right else "left", fontsize=9.5, color=INK,
    )  # fmt: skip
    axes.set_ylim(0, 1.18 * peak * rate)
    axes.set_xlim(float(edges[0]) * time, float(edges[-1]) * time)
    axes.set_xlabel(f"simulated time ({symbol})")
    axes.set_ylabel(rate_symbol)
    drawn.legend(loc="outside lower center", ncols=3, handlelength=1, columnspacing=1.2)
    return Drawing(name, title, _rates_described(run, names, edges, rates), render(drawn))


def _rates_described(run: RunResult, names: list[str], edges: np.ndarray, rates: np.ndarray) -> str:
    widths = np.diff(edges)
    means = (rates * widths).sum(axis=1) / widths.sum()
    parts = ", ".join(f"{name} {si(float(mean), 'B/s')}" for name, mean in zip(names, means, strict=True))
    return f"{run.name}: mean {parts}; peak {si(float(rates.sum(axis=0).max()), 'B/s')} in all."


def _utilisation(number: int, run: RunResult) -> Drawing:
    servers = run.tables["servers"]
    tiles = servers[servers["kind"] == "tile"].sort_values("utilisation", ascending=False, kind="stable")
    others = servers[servers["kind"] != "tile"].sort_values("utilisation", ascending=False, kind="stable")
    others = others.drop_duplicates("kind")
    labels = [str(name) for name in tiles["server"][:MAX_TILES]] + [f"{name}*" for name in others["server"]]
    values = [float(v) for v in [*tiles["utilisation"][:MAX_TILES], *others["utilisation"]]]
    hues = ["blue"] * min(len(tiles), MAX_TILES) + ["grey"] * len(others)
    drawn = figure(PANEL, 0.85 + 0.24 * max(1, len(values)))
    axes = drawn.add_subplot()
    axes.set_title(run.name, loc="left", fontweight="bold")
    title = f"Utilisation, {run.name}"
    if not values:
        _nothing(axes, "no servers")
        return Drawing(f"utilisation-{number}", title, f"{run.name}: no servers.", render(drawn))
    axes.barh(labels, [100 * v for v in values], 0.7, color=[INKS[hue].light for hue in hues])
    for position, value in enumerate(values):
        axes.annotate(f" {percent(value)}", (100 * value, position), va="center", fontsize=9, color=INK)
    axes.invert_yaxis()
    axes.set_xlim(0, 115)
    axes.set_xticks([0, 25, 50, 75, 100])
    axes.grid(visible=False, axis="y")
    axes.set_xlabel("busy (% of the simulated time)")
    left = len(tiles) - MAX_TILES
    described = ", ".join(f"{name} {percent(value)} %" for name, value in zip(labels, values, strict=True))
    more = f"; {left} tiles that were less busy are not shown" if left > 0 else ""
    return Drawing(f"utilisation-{number}", title, f"{run.name}: {described}{more}.", render(drawn))


def _nothing(axes: "Axes", text: str) -> None:
    axes.set_axis_off()
    axes.text(0.5, 0.5, text, ha="center", va="center", transform=axes.transAxes)
