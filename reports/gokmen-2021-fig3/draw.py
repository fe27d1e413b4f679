"""Drawing of Gokmen 2021, Fig. 3: test cross-entropy by epoch."""

import pandas as pd

from twin.report.figures.palette import ALGORITHMS, INKS
from twin.report.figures.svg import figure, render, styled

DASHES = {"1200": "-", "120": (0, (4, 2)), "15": (0, (1, 1.5))}
PAPER = 1.32  # digital after 50 epochs, Gokmen 2021


def draw(curves: pd.DataFrame) -> bytes:
    """Return the figure as SVG: colour by algorithm, dashes by states, the symmetric device dash-dotted."""
    with styled():
        drawn = figure(7.4, 4.6)
        axes = drawn.subplots()
        for (case, seed), curve in curves.groupby(["case", "seed"], sort=False):
            axes.plot(
                curve["number"],
                curve["test_loss"],
                color=_colour(case),
                linestyle=_dash(case),
                marker="o",
                markersize=3,
                linewidth=1.4,
                label=case if seed == 1 else None,
            )
        axes.axhline(PAPER, color=INKS["grey"].light, linewidth=1)
        axes.annotate(
            "paper, digital, 50 epochs", (1, PAPER), (-2, -3), xycoords=("axes fraction", "data"),
            textcoords="offset points", ha="right", va="top", color=INKS["grey"].light, fontsize=9,
        )  # fmt: skip
        axes.set_xlabel("epoch")
        axes.set_ylabel("test cross-entropy / nats a character")
        axes.set_ylim(1.15, 3.6)
        axes.xaxis.get_major_locator().set_params(integer=True)
        drawn.legend(loc="outside lower center", ncols=3)
        return render(drawn).encode()


def _colour(case: str) -> str:
    if "plain" in case:
        return INKS["purple"].light
    return INKS[ALGORITHMS[case.split(maxsplit=1)[0].rstrip(",").lower()]].light


def _dash(case: str) -> object:
    if "symmetric" in case:
        return (0, (6, 2, 1, 2))
    return next((dash for states, dash in DASHES.items() if f"{states} states" in case), "-")
