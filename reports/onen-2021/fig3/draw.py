"""Drawing of Onen 2021, Fig. 3: cross-entropy by epoch, SGD on the left (A), SHD on the right (B).

python reports/onen-2021/fig3/draw.py reads curves.csv and writes figure.svg beside this file.
"""

from pathlib import Path

import pandas as pd
from onen_2021_fig3 import ARRAYS, SLOPES

from twin.files import write_bytes
from twin.report.figures.palette import INKS
from twin.report.figures.svg import figure, render, styled

HERE = Path(__file__).parent
TOP = 3.6
COLOURS = ("black", *(INKS[name].light for name in ("blue", "teal", "amber", "orange", "wine")))
PAPER = 1.33  # 32-bit floating point, as Onen 2021 states


def draw(curves: pd.DataFrame) -> bytes:
    """Return the figure as SVG: black is the symmetric device and blue the least asymmetric one, as in the paper."""
    with styled():
        drawn = figure(7.4, 4.0)
        panels = drawn.subplots(1, 2, sharey=True)
        for axes, (name, layout), letter in zip(panels, ARRAYS.items(), "AB", strict=True):
            for slope, colour in zip(SLOPES, COLOURS, strict=True):
                own = curves[(curves[["algorithm", "layout", "seed"]] == [name, layout, 1]).all(axis=1)]
                curve = own[own["slope"] == slope]
                label = f"slope {slope:g}" if slope else "symmetric"
                axes.plot(curve["epoch"], curve["test_loss"], color=colour, marker="o", markersize=3, label=label)
                if (curve["test_loss"] > TOP).any():
                    worst = f"{label}: up to {curve['test_loss'].max():.1f}, off the scale"
                    axes.annotate(worst, (0.03, 0.95), xycoords="axes fraction", va="top", color=colour, fontsize=8)
            axes.axhline(PAPER, color=INKS["grey"].light, linewidth=1)
            axes.set_title(f"{letter}  {name.upper()}", loc="left")
            axes.set_xlabel("epoch")
            axes.set_ylim(1.2, TOP)
            axes.xaxis.get_major_locator().set_params(integer=True)
        panels[0].set_ylabel("test cross-entropy / nats a character")
        panels[1].annotate("paper, 32-bit digital", (3, PAPER), ha="right", va="bottom", fontsize=8)
        drawn.legend(*panels[0].get_legend_handles_labels(), loc="outside lower center", ncols=6)
        return render(drawn).encode()


if __name__ == "__main__":
    write_bytes(HERE / "figure.svg", draw(pd.read_csv(HERE / "curves.csv")))
