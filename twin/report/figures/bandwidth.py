"""Bandwidth over time: what each stream moved over memory, buffer and host link, against what these could carry."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
import numpy.typing as npt

from twin.report.figures.axes import plain_axis
from twin.report.figures.palette import INKS, STREAMS, colours
from twin.report.figures.svg import INK, Drawing, figure, nothing, styled
from twin.results.result import RunResult, stream_name, streams
from twin.results.text import percent, scale, si
from twin.units import PS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

Floats = npt.NDArray[np.float64]

WIDTH = 5.4
MOST_BINS = 900  # over all panels: a page of many runs must stay small too
PATHS = ("memory", "buffer", "host")
NEAR = 0.25  # of the peak: a channel less used than this is drawn on a scale of its own


class Series(NamedTuple):
    """The rates on one channel.

    Attributes
    ----------
    path : str
    peak_Bps : float
        What the channel could carry; NaN where the run does not say.
    names : list of str
        Streams, H first.
    rates_Bps : ndarray of float64, (n_streams, n_bins)
    """

    path: str
    peak_Bps: float
    names: list[str]
    rates_Bps: Floats

    @property
    def most_Bps(self) -> float:
        """The largest rate of all streams together."""
        return float(self.rates_Bps.sum(axis=0).max())

    @property
    def used(self) -> str:
        """How much of the peak that is, in words."""
        if not math.isfinite(self.peak_Bps):
            return f"at most {si(self.most_Bps, 'B/s')}"
        return f"at most {percent(self.most_Bps / self.peak_Bps)} % of its peak of {si(self.peak_Bps, 'B/s')}"


def bandwidth_panels(runs: Sequence[RunResult]) -> list[Drawing]:
    """Draw bytes a second over simulated time on every channel, stacked by stream, H at the bottom."""
    most = max(24, min(120, MOST_BINS // (2 * len(runs))))
    with styled():
        return [_panel(number, run, *channel_rates(run, most)) for number, run in enumerate(runs)]


def channel_rates(run: RunResult, most: int) -> tuple[Floats, list[Series]]:
    """Return the edges of at most `most` bins (s), and the rates on every channel that carried something.

    The ledger knows when the bytes of a stream moved, and how many of them each path carried in all: a stream has one
    place, so that its share on a path is the same at all times.
    """
    bins = run.tables["bins"]
    bins = bins[bins["t1_ps"] > bins["t0_ps"]]
    columns = sorted(
        (name for name in streams(bins) if bins[name].sum() > 0), key=lambda name: stream_name(name) != "H"
    )
    edges, sums = _merged(bins, columns, most)
    moved = run.tables["traffic"].groupby(["path", "stream"])["bytes"].sum()
    peaks = _peaks(run)
    found = []
    for path in PATHS:
        shares = [float(moved.get((path, stream_name(name)), 0.0)) / float(bins[name].sum()) for name in columns]
        used = [k for k, share in enumerate(shares) if share > 0]
        if used:
            rates = np.array([sums[k] * shares[k] for k in used]) / np.maximum(np.diff(edges), 1e-15)
            names = [stream_name(columns[k]) for k in used]
            found.append(Series(path, peaks.get(path, math.nan), names, rates))
    return edges, found


def _peaks(run: RunResult) -> dict[str, float]:
    if "channels" not in run.tables:  # a run of an earlier version
        return {}
    rows = run.tables["channels"][["path", "peak_Bps"]].itertuples(index=False, name=None)
    return {str(path): float(peak_Bps) for path, peak_Bps in rows}


def _merged(bins: "pd.DataFrame", columns: Sequence[str], most: int) -> tuple[Floats, Floats]:
    """Return edges (s) and bytes by stream of at most `most` bins."""
    if not len(bins) or not columns:
        return np.zeros(1), np.zeros((0, 0))
    starts = np.arange(0, len(bins), -(-len(bins) // most))
    ends = np.append(starts[1:], len(bins)) - 1
    edges = np.append(bins["t0_ps"].to_numpy()[starts], bins["t1_ps"].to_numpy()[ends[-1]]) * PS
    sums = np.array([np.add.reduceat(bins[name].to_numpy(dtype=float), starts) for name in columns])
    if len(starts) > 1 and edges[-1] - edges[-2] < 0.5 * (edges[1] - edges[0]):
        # The run ends early in its last bin: alone, a few bytes there would look like a peak.
        edges, sums = np.delete(edges, -2), np.column_stack([sums[:, :-2], sums[:, -2:].sum(axis=1)])
    return edges, sums


def _panel(number: int, run: RunResult, edges: Floats, found: Sequence[Series]) -> Drawing:
    name, title = f"bandwidth-{number}", f"Bandwidth over time, {run.name}"
    drawn = figure(WIDTH, 0.95 + 1.15 * max(1, len(found)))
    drawn.suptitle(run.name, x=0.02, ha="left", fontsize=10, fontweight="bold")
    if not found:
        nothing(drawn.add_subplot(), "nothing moved")
        return Drawing(name, title, f"{run.name}: nothing moved.", drawn)
    panels = drawn.subplots(len(found), 1, sharex=True, squeeze=False)[:, 0]
    hues = colours((stream for series in found for stream in series.names), STREAMS)
    time, symbol = scale(float(edges[-1]), "s")
    for axes, series in zip(panels, found, strict=True):
        _channel(axes, edges * time, series, hues)
    panels[-1].set_xlabel(f"simulated time ({symbol})")
    handles = {
        label: handle for axes in panels for handle, label in zip(*axes.get_legend_handles_labels(), strict=True)
    }
    drawn.legend(handles.values(), handles, loc="outside lower center", ncols=5, handlelength=1, columnspacing=1.2)
    return Drawing(name, title, f"{run.name}: {'; '.join(_described(edges, series) for series in found)}.", drawn)


def _channel(axes: "Axes", edges: Floats, series: Series, hues: dict[str, str]) -> None:
    near = series.most_Bps > NEAR * series.peak_Bps
    end = max(series.most_Bps, series.peak_Bps if near else 0.0)
    factor, symbol = scale(end, "B/s")
    below = np.zeros(len(edges) - 1)
    for stream, row in zip(series.names, series.rates_Bps, strict=True):
        axes.stairs(
            (below + row) * factor, edges, baseline=below * factor, fill=True,
            color=hues[stream], alpha=1.0 if stream == "H" else 0.75, label=stream,
        )  # fmt: skip
        below = below + row
    if near:
        axes.axhline(series.peak_Bps * factor, color=INK, linestyle=(0, (5, 2)), linewidth=1.1, label="peak")
    axes.set_title(f"{series.path}: {series.used}", loc="left", fontsize=9.5, color=INKS["text"].light)
    axes.set_ylim(0, 1.08 * end * factor)
    axes.set_xlim(float(edges[0]), float(edges[-1]))
    axes.set_ylabel(symbol)
    plain_axis(axes, "x")
    plain_axis(axes, "y")


def _described(edges: Floats, series: Series) -> str:
    widths = np.diff(edges)
    means = (series.rates_Bps * widths).sum(axis=1) / widths.sum()
    parts = ", ".join(f"{name} {si(float(mean), 'B/s')}" for name, mean in zip(series.names, means, strict=True))
    return f"{series.path} carried on average {parts}, {series.used}"
