"""Drawing of Gokmen 2021, Fig. 6."""

from typing import TYPE_CHECKING

from twin.report.figures.axes import LOGARITHMIC, log_axis
from twin.report.figures.palette import INKS
from twin.report.figures.svg import INK, Drawing, figure, styled

if TYPE_CHECKING:
    from collections.abc import Mapping

    from matplotlib.axes import Axes

    from papers.gokmen_2021_fig6 import Array, Curve

STYLES = {
    "one-hot": ("o", INKS["orange"].light),
    "uniform": ("s", INKS["blue"].light),
    "uniform below the bound": ("^", INKS["green"].light),
    "uniform, narrow weights": ("D", INKS["purple"].light),
}


def draw(found: "Mapping[str, Curve]", reads: int, paper: float) -> Drawing:
    """Draw three scatters of estimate against truth, and the error against the number of mat-vecs."""
    one_hot, uniform = found["one-hot"], found["uniform"]
    with styled():
        drawn = figure(7.4, 6.6)
        first, second, third, fourth = drawn.subplots(2, 2).ravel()
        _scatter(first, one_hot, one_hot.once, f"A  one-hot, {int(one_hot.reads[0]):,} mat-vecs")
        _scatter(second, one_hot, one_hot.shown, f"B  one-hot, {reads:,} mat-vecs")
        _scatter(third, uniform, uniform.shown, f"C  uniform random, {reads:,} mat-vecs")
        _errors(fourth, found, reads, paper)
        drawn.legend(*fourth.get_legend_handles_labels(), loc="outside lower center", ncols=3)
        return Drawing(
            "gokmen-2021-fig6",
            "Gokmen 2021, Fig. 6: weight extraction from a noisy tile",
            "Random inputs with linear regression estimate the weights several times better than one-hot reads.",
            drawn,
        )


def _scatter(axes: "Axes", curve: "Curve", estimated: "Array", title: str) -> None:
    axes.plot([-1, 1], [-1, 1], color=INK, linewidth=0.7)
    axes.plot(curve.truth, estimated, ".", color=STYLES[curve.inputs][1], markersize=2)
    axes.set(title=title, xlabel="true weight", ylabel="extracted weight", xlim=(-1.2, 1.2), ylim=(-1.2, 1.2))


def _errors(axes: "Axes", found: "Mapping[str, Curve]", reads: int, paper: float) -> None:
    for name, curve in found.items():
        marker, colour = STYLES[name]
        axes.plot(curve.reads, curve.closed_form, color=colour, linewidth=0.9)
        axes.plot(curve.reads, curve.error, marker, color=colour, markersize=5, label=name)
    axes.plot([reads], [paper], "x", color=INK, markersize=7, markeredgewidth=1.6, label="the paper")
    axes.plot([], [], color=INK, linewidth=0.9, label="law")
    every = [number for curve in found.values() for number in curve.reads]
    log_axis(axes, "x", every, at=[512, 2048, 10_240])
    log_axis(axes, "y", [paper, *(error for curve in found.values() for error in curve.error)])
    axes.set(title="D  error of the estimate", xlabel=f"mat-vecs, {LOGARITHMIC}")
    axes.set_ylabel(f"standard deviation, {LOGARITHMIC}")
