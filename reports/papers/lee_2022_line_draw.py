"""Drawings of Lee 2022, Fig. 3 to 6."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np

from papers.asymmetry import Array, Plane, sgd_rest
from papers.lee_2022_line import Steps
from twin.report.figures.palette import INKS
from twin.report.figures.svg import INK, Drawing, figure, heading, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

COLOURS = [INKS[name].light for name in ("blue", "orange", "green", "purple")]
FAINT = INKS["grey"].light
Pair = tuple[float, float]


def draw_schedulers(found: Mapping[str, Array], forms: Mapping[str, Array]) -> Drawing:
    """Draw Fig. 3A: closed forms as lines, what the machine showed as points."""
    with styled():
        drawn = figure(5.6, 3.4)
        axes = drawn.subplots()
        for (name, form), colour in zip(forms.items(), COLOURS, strict=True):
            steps = np.arange(1, len(form) + 1)
            axes.plot(steps, form, color=colour, linewidth=1.2, label=name)
            if name in found:
                axes.plot(steps, found[name], "o", color=colour, markersize=5, label=f"{name}, measured", clip_on=False)
        axes.set(xlabel="step k", ylabel=f"t(k) / t({len(form)})", ylim=(-0.05, 1.1))
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        return Drawing(
            "lee-2022-fig3",
            "Lee 2022, Fig. 3: gradient schedulers",
            "SGD counts the last gradient alone, momentum decays, Tiki-Taka with ideal devices counts all alike.",
            drawn,
        )


def draw_sgd(found: Mapping[float, Sequence[Steps]]) -> Drawing:
    """Draw Fig. 4B: paths of SGD in the plane of slope and intercept."""
    with styled():
        drawn = figure(5.6, 4.2)
        axes = drawn.subplots()
        plane = next(iter(found.values()))[0].plane
        _loss(axes, plane)
        for (af, runs), colour in zip(found.items(), COLOURS, strict=False):
            path = runs[0].main
            axes.plot(*path.T, color=colour, linewidth=0.8, label="ideal" if af == 0 else f"AF {af:g}")
            axes.plot(*runs[0].late, "o", color=colour, markersize=5)
        axes.plot(*sgd_rest(plane), "x", color=INK, markersize=8, label="closed form, AF > 0")
        _target(axes, plane)
        axes.legend(loc="center left", bbox_to_anchor=(1.0, 0.5))
        return Drawing(
            "lee-2022-fig4",
            "Lee 2022, Fig. 4: SGD on a line",
            "With an ideal device SGD reaches the least-squares solution; with asymmetric ones it stops beside it.",
            drawn,
        )


def draw_tiki_taka(
    over_a: Sequence[tuple[Pair, Sequence[Steps]]], over_c: Sequence[tuple[Pair, Sequence[Steps]]]
) -> Drawing:
    """Draw Fig. 5: paths of C, with AF of A varied (A) and AF of C varied (B)."""
    with styled():
        drawn = figure(8.4, 4.2)
        for axes, letter, cases in zip(drawn.subplots(1, 2, sharey=True), "AB", (over_a, over_c), strict=True):
            plane = cases[0][1][0].plane
            _loss(axes, plane)
            for (pair, runs), colour in zip(cases, COLOURS, strict=False):
                axes.plot(*runs[0].main.T, color=colour, linewidth=0.8, label=_pair(pair))
            _target(axes, plane)
            heading(axes, letter)
            axes.legend(loc="lower right")
        return Drawing(
            "lee-2022-fig5",
            "Lee 2022, Fig. 5: Tiki-Taka on a line",
            "Paths of slope and intercept to the least-squares solution; without asymmetry of A they swing widely.",
            drawn,
        )


def draw_scheduler_paths(
    smooth: Mapping[Pair, tuple[Array, Array]], over_a: Sequence[Pair], over_c: Sequence[Pair]
) -> Drawing:
    """Draw Fig. 6: t(k) above, A below; AF of A varied on the left (A), AF of C on the right (B)."""
    with styled():
        drawn = figure(8.4, 5.4)
        panels = drawn.subplots(2, 2, sharex=True)
        for column, letter, pairs in ((0, "A", over_a), (1, "B", over_c)):
            for pair, colour in zip(pairs, COLOURS, strict=False):
                for row, values in enumerate(smooth[pair]):
                    panels[row, column].plot(
                        np.arange(1, len(values) + 1), values, color=colour, linewidth=1.3, label=_pair(pair)
                    )
            heading(panels[0, column], letter)
            panels[0, column].set(ylabel="t(k)")
            panels[1, column].set(ylabel="A, intercept (half range)", xlabel="training samples")
            panels[1, column].axhline(0, color=FAINT, linewidth=0.8)
            panels[0, column].legend(loc="upper right")
        return Drawing(
            "lee-2022-fig6",
            "Lee 2022, Fig. 6: gradient scheduler and A along the paths of Fig. 5",
            "The scheduler jumps where the gradient changes its sign, the more the larger the asymmetry factor of A.",
            drawn,
        )


def _pair(pair: Pair) -> str:
    return f"AF A {pair[0]:g}, C {pair[1]:g}"


def _loss(axes: "Axes", plane: Plane) -> None:
    """Draw lines of equal loss, evenly spaced in the logarithm."""
    slope, intercept = np.meshgrid(np.linspace(-0.1, 0.9, 101), np.linspace(-0.1, 0.9, 101))
    loss = plane.loss(np.stack([slope, intercept], axis=-1).reshape(-1, 2)).reshape(slope.shape)
    axes.contour(slope, intercept, np.log10(loss), 10, colors=FAINT, linewidths=0.5, linestyles="solid")
    axes.set(xlabel="slope (half range)", ylabel="intercept (half range)", xlim=(-0.1, 0.9), ylim=(-0.1, 0.9))
    axes.grid(visible=False)


def _target(axes: "Axes", plane: Plane) -> None:
    axes.plot(*plane.optimum, "+", color=INK, markersize=11, markeredgewidth=1.6, label="target")
