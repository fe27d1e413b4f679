"""The first samples of every run as a Gantt chart: which server did what, and when."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from twin.report.figures.axes import plain_axis
from twin.report.figures.palette import GROUPS, INKS, colours, group
from twin.report.figures.svg import Drawing, boxes, figure, heading, styled
from twin.results.result import RunResult
from twin.results.text import percent, scale, si
from twin.units import PS

if TYPE_CHECKING:
    import pandas as pd
    from matplotlib.axes import Axes

PARTS = ("tile", "digital", "vector", "registers", "buffer", "memory", "port", "host")
"""Kinds of servers that have a lane, from top to bottom; links have none."""

MOST_SERVICES = 420
MOST_SAMPLES = 5
MOST_LANES = 24
LATER = "later samples"
LONGEST = 18


class Window(NamedTuple):
    """What one chart shows.

    Attributes
    ----------
    samples : int
        How many samples are shown from their start to their end.
    rows : DataFrame
        Services that start before the window ends: of these samples, and of later ones beside them.
    lanes : list of str
        Servers.
    hidden : int
        Servers that were less busy and have no lane.
    start_ps, end_ps : int
    whole : bool
        Whether the last of the samples is there to its end.
    """

    samples: int
    rows: "pd.DataFrame"
    lanes: list[str]
    hidden: int
    start_ps: int
    end_ps: int
    whole: bool


def schedule_panels(runs: Sequence[RunResult]) -> list[Drawing]:
    """Draw the first samples of every run that kept its first services."""
    with styled():
        return [
            _panel(number, run, window)
            for number, run in enumerate(runs)
            if (window := opening_window(run)) is not None
        ]


def opening_window(run: RunResult) -> Window | None:
    """Choose as many of the first samples as can be read in one chart; None where there is nothing to show."""
    rows = run.tables.get("schedule")
    if rows is None:
        return None
    rows = rows[rows["part"].isin(PARTS) & (rows["sample"] >= 0)]
    if not len(rows):
        return None
    counts = rows["sample"].value_counts().reindex(range(MOST_SAMPLES), fill_value=0)
    samples = max(1, int(((counts > 0) & (counts.cumsum() <= MOST_SERVICES)).cumprod().sum()))
    own = rows[rows["sample"] < samples].sort_values("start_ps", kind="stable")
    whole = len(own) <= MOST_SERVICES
    own = own[:MOST_SERVICES]
    start_ps, end_ps = int(own["start_ps"].min()), int(own["end_ps"].max())
    shown = rows.loc[own.index.union(rows.index[(rows["sample"] >= samples) & (rows["start_ps"] < end_ps)])]
    busy = (shown["end_ps"].clip(upper=end_ps) - shown["start_ps"]).groupby(shown["server"]).sum()
    parts = dict(zip(shown["server"], shown["part"], strict=True))
    kept = busy.nlargest(MOST_LANES, keep="first").index
    lanes = sorted(kept, key=lambda name: (PARTS.index(parts[name]), name))
    shown = shown[shown["server"].isin(lanes)]
    return Window(samples, shown, lanes, len(busy) - len(lanes), start_ps, end_ps, whole)


def _panel(number: int, run: RunResult, window: Window) -> Drawing:
    factor, symbol = scale((window.end_ps - window.start_ps) * PS, "s")
    drawn = figure(6.2, 1.1 + 0.19 * (len(window.lanes) + window.samples))
    axes = drawn.add_subplot()
    heading(axes, run.name)
    _samples(axes, window, factor)
    rows = window.rows
    later = rows["sample"] >= window.samples
    what = rows["kind"].map(group).where(~later, LATER)
    hues = colours(dict.fromkeys(what), GROUPS) | {LATER: INKS["grid"].light}
    order = [name for name in (LATER, *GROUPS) if name in set(what)]
    for name in order + sorted(set(what) - set(order)):
        own = rows[what == name]
        left = (own["start_ps"] - window.start_ps).to_numpy() * PS * factor
        right = (own["end_ps"].clip(upper=window.end_ps) - window.start_ps).to_numpy() * PS * factor
        lane = np.array([window.lanes.index(server) + window.samples for server in own["server"]])
        boxes(axes, left, lane - 0.4, right - left, np.full(len(own), 0.8), facecolor=hues[name], label=name)
    axes.set_yticks(range(window.samples + len(window.lanes)), [*_names(window), *map(_short, window.lanes)])
    axes.set_ylim(window.samples + len(window.lanes) - 0.4, -0.6)
    axes.set_xlim(0, (window.end_ps - window.start_ps) * PS * factor)
    axes.grid(visible=False, axis="y")
    axes.set_xlabel(f"simulated time ({symbol})")
    plain_axis(axes, "x")
    drawn.legend(loc="outside lower center", ncols=4, handlelength=1, columnspacing=1.2)
    return Drawing(f"schedule-{number}", f"First samples, {run.name}", _described(run, window), drawn)


def _names(window: Window) -> list[str]:
    return [f"sample {sample}" for sample in range(window.samples)]


def _short(name: str) -> str:
    return name if len(name) <= LONGEST else f"{name[: LONGEST - 1]}…"


def _samples(axes: "Axes", window: Window, factor: float) -> None:
    """Draw from when until when each sample was under way."""
    own = window.rows.groupby("sample")
    starts, ends = own["start_ps"].min(), own["end_ps"].max().clip(upper=window.end_ps)
    samples = [sample for sample in range(window.samples) if sample in starts.index]
    left = np.array([starts[sample] - window.start_ps for sample in samples]) * PS * factor
    right = np.array([ends[sample] - window.start_ps for sample in samples]) * PS * factor
    boxes(axes, left, np.array(samples) - 0.15, right - left, np.full(len(samples), 0.3), facecolor=INKS["text"].light)


def _described(run: RunResult, window: Window) -> str:
    length = window.end_ps - window.start_ps
    rows = window.rows
    busy = (rows["end_ps"].clip(upper=window.end_ps) - rows["start_ps"]).groupby(rows["server"]).sum() / max(length, 1)
    most = ", ".join(f"{name} {percent(float(share))} %" for name, share in busy.nlargest(3).items())
    samples = f"the first {window.samples} samples" if window.samples > 1 else "the first sample"
    part = "" if window.whole else f", up to the first {MOST_SERVICES} services,"
    hidden = f"; {window.hidden} servers that were less busy have no lane" if window.hidden else ""
    return f"{run.name}: {samples}{part} took {si(length * PS, 's')}; busiest servers meanwhile: {most}{hidden}."
