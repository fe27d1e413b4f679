"""Drawings of Onen 2021, Fig. 1 and 2."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from papers.experiment import Trajectory
from papers.theory import Array, sgd_fixed_point
from twin.report.figures.axes import LOGARITHMIC, log_axis, plain_number
from twin.report.figures.palette import ALGORITHMS, INKS
from twin.report.figures.svg import INK, Drawing, figure, heading, styled
from twin.results.intervals import INTERVALS, ends

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from papers.onen_2021_fig1 import Residuals

SGD, SHD, OTHER = INKS[ALGORITHMS["sgd"]].light, INKS[ALGORITHMS["shd"]].light, INKS["purple"].light
FAINT = INKS["grey"].light
DASHED: dict[str, Any] = {"color": INK, "linestyle": (0, (4, 2)), "linewidth": 1.1}
FLOOR = 1e-5  # of the semilog panels


def draw_sgd(paths: Mapping[str, Sequence[Trajectory]], found: Mapping[str, "Residuals"]) -> Drawing:
    """Draw Fig. 1 C, D, F and G."""
    with styled():
        drawn = figure(7.4, 5.7)
        axes = dict(zip("CDFG", drawn.subplots(2, 2).ravel(), strict=True))
        for panel, device in zip("CF", found, strict=True):
            _sgd_paths(axes[panel], paths[panel], symmetry=found[device].symmetry_point, device=device)
        for panel, device in zip("DG", found, strict=True):
            _residuals(axes[panel], found[device])
        for panel, axis in axes.items():
            heading(axis, panel)
        drawn.legend(*axes["G"].get_legend_handles_labels(), loc="outside lower center", ncols=3)
        return Drawing(
            "onen-2021-fig1",
            "Onen 2021, Fig. 1: SGD with a symmetric and an asymmetric device",
            "With a symmetric device SGD reaches G0; with an asymmetric one it stops between G0 and the "
            "symmetry point.",
            drawn,
        )


def _sgd_paths(axes: "Axes", runs: Sequence[Trajectory], *, symmetry: float, device: str) -> None:
    optimum = runs[0].line.optimum
    axes.axhline(optimum, color=FAINT, linewidth=1.2)
    labels = [(optimum, "G₀", FAINT)]
    for done in runs:
        axes.plot(done.samples, done.weights["W"], color=SGD, linewidth=1.4)
    if device == "asymmetric":
        balance = sgd_fixed_point(runs[0].line, runs[0].response)
        axes.axhline(symmetry, color=FAINT, linewidth=1.2)
        axes.axhline(balance, **DASHED)
        labels += [(symmetry, "symmetry point", FAINT), (balance, "closed form", INK)]
    for level, text, colour in labels:
        axes.annotate(
            text, (1, level), (-2, 3), xycoords=("axes fraction", "data"), textcoords="offset points",
            ha="right", va="bottom", color=colour, fontsize=9,
        )  # fmt: skip
    axes.set(
        title=f"{device} device",
        xlabel="training samples",
        ylabel="G (half range)",
        ylim=(-0.68, 0.4),
        xlim=(0, runs[0].samples[-1]),
    )


def _residuals(axes: "Axes", found: "Residuals") -> None:
    fine = np.linspace(found.targets.min(), found.targets.max(), 801)
    size = np.maximum(np.abs(found.mean), FLOOR)
    if np.any(np.abs(found.closed_form) > FLOOR):
        # the closed form keeps its sign on either side of its zero, so it is interpolated signed
        expected = np.interp(fine, found.targets, found.closed_form)
        axes.plot(fine, np.maximum(np.abs(expected), FLOOR), label="closed form", **DASHED)
        axes.axvline(found.symmetry_point, color=FAINT, linewidth=1.2)
        axes.annotate(
            "symmetry point", (found.symmetry_point, 1), (-3, -3), xycoords=("data", "axes fraction"),
            textcoords="offset points", ha="right", va="top", color=FAINT, fontsize=9,
        )  # fmt: skip
    axes.plot(found.targets, size, "o", color=SGD, markersize=5, label=f"mean of {found.seeds} seeds", clip_on=False)
    axes.plot(
        fine,
        np.interp(fine, found.targets, found.error),
        color=SGD,
        linewidth=0.8,
        label="its standard error",
    )
    log_axis(axes, "y", (FLOOR, 1.0))
    ticks = axes.get_yticks()
    axes.set_yticks(ticks, [f"≤ {plain_number(tick)}" if tick == FLOOR else plain_number(tick) for tick in ticks])
    axes.set(title=f"{found.device} device", xlabel="G₀ (half range)", ylabel=f"|G final − G₀|, {LOGARITHMIC}")


def draw_shd(
    orbit: tuple[Trajectory, Array, Array],
    spiral: tuple[Trajectory, Array, Array],
    starts: Mapping[str, Sequence[Trajectory]],
    levels: Mapping[str, float],
    turn: int,
    interval: str,
) -> Drawing:
    """Draw Fig. 2 E and F, C against time, and training started at the optimum.

    `orbit` and `spiral` are a run with the closed forms of its A and C; `starts` are the runs from the
    optimum and `levels` their closed forms, by label, as distances from the optimum; `turn` is the number of
    recordings in one turn of the orbit; `interval` is what the bands about the means are.
    """
    with styled():
        drawn = figure(7.4, 6.2)
        first, second, third, fourth = drawn.subplots(2, 2).ravel()
        for axes, (done, a, c), device in ((first, orbit, "symmetric"), (second, spiral, "asymmetric")):
            shown = slice(turn + 1) if device == "symmetric" else slice(None)
            _phase(axes, done, a[shown], c[shown], device)
        for (done, _, c), colour, label in ((orbit, FAINT, "symmetric"), (spiral, SHD, "asymmetric")):
            third.plot(done.samples, done.weights["C"], color=colour, linewidth=1.3, label=label)
            third.plot(done.samples, c, **(DASHED | {"linewidth": 0.8}))
        third.axhline(spiral[0].line.optimum, color=FAINT, linewidth=0.8)
        third.set(title="SHD from C = 0, against closed forms", xlabel="training samples", ylabel="C (half range)")
        third.set(xlim=(0, spiral[0].samples[-1]), ylim=(-0.95, 0.35))
        third.legend(loc="upper left", ncols=2)
        _starts(fourth, starts, levels, interval)
        for axes in (third, fourth):
            axes.locator_params(axis="x", nbins=4)
        for axes, letter in ((first, "E"), (second, "F")):
            heading(axes, letter)
        return Drawing(
            "onen-2021-fig2",
            "Onen 2021, Fig. 2: SHD with symmetric and asymmetric devices",
            "With symmetric devices A and C orbit the optimum; with asymmetric ones they spiral into it. "
            "Started at the optimum, SGD drifts towards the symmetry point and SHD stays.",
            drawn,
        )


def _phase(axes: "Axes", done: Trajectory, a: Array, c: Array, device: str) -> None:
    axes.plot(done.weights["C"], done.weights["A"], color=SHD, linewidth=1.0)
    axes.plot(c, a, **DASHED)
    axes.plot(done.line.optimum, 0.0, "+", color=INK, markersize=9)
    axes.plot(0.0, 0.0, "o", color=SHD, markersize=5)
    axes.annotate("start", (0, 0), (6, 5), textcoords="offset points", fontsize=9, color=FAINT)
    axes.axvline(done.line.optimum, color=FAINT, linewidth=0.8)
    axes.annotate(
        "C₀", (done.line.optimum, 1), (4, -3), xycoords=("data", "axes fraction"), textcoords="offset points",
        va="top", fontsize=9, color=FAINT,
    )  # fmt: skip
    axes.set(title=f"SHD, {device} devices", xlabel="C (half range)", ylabel="A (half range)")
    axes.set(xlim=(-0.95, 0.25), ylim=(-0.25, 0.25))


def _starts(
    axes: "Axes", starts: Mapping[str, Sequence[Trajectory]], levels: Mapping[str, float], interval: str
) -> None:
    for (label, runs), colour in zip(starts.items(), (SGD, SHD, OTHER), strict=True):
        main = next(iter(runs[0].weights))
        moved = np.array([done.weights[main] - done.line.optimum for done in runs])
        axes.fill_between(runs[0].samples, *ends(moved, interval), color=colour, alpha=0.25, linewidth=0)
        axes.plot(runs[0].samples, moved.mean(axis=0), color=colour, linewidth=1.3, label=f"{label}, {len(runs)} seeds")
        axes.axhline(levels[label], **DASHED)
    axes.set(title="started at the optimum", xlabel="training samples")
    axes.set(xlim=(0, runs[0].samples[-1]), ylim=(-0.03, 0.14), ylabel="C or W less optimum (half range)")
    axes.legend(loc="upper left", title=f"mean; band: {INTERVALS[interval]}", title_fontsize=9, alignment="left")
