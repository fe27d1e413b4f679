"""Drawings of Gokmen 2021, Fig. 3 to 5, from the curves that run.py leaves.

python reports/gokmen-2021/draw.py reads curves-*.csv and writes fig3.svg, fig4.svg and fig5.svg beside this file, each
once there is a curve for it.
Marks without a line are values that the paper states in its text; nothing is read off its plots.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
from gokmen_2021 import TRIALS

from twin.files import write_bytes
from twin.report.figures.palette import ALGORITHMS, INKS
from twin.report.figures.svg import figure, render, styled

if TYPE_CHECKING:
    from matplotlib.axes import Axes

HERE = Path(__file__).parent
LOSS = "test cross-entropy / nats a character"
DIGITAL = (1.315, 1.332)  # the paper's floating-point network, epoch 50
STATED = {50: 1.633}  # its Model I, hysteretic; 1.570 at epoch 200 is off the axis
DASHED = (0, (6, 2, 1, 2))
LONG = (0.01, 0.06, 0.1)  # steps of the long runs of Fig. 4; the point at 0.001 is Fig. 3's
NAMES = {"sgd": "SGD", "shd": "SHD (Tiki-Taka)", "ttv2": "TTv2"}


def ink(algorithm: str) -> str:
    """Return an algorithm's colour, as in every figure of the twin."""
    return INKS[ALGORITHMS[algorithm]].light


def curves(name: str) -> pd.DataFrame:
    """Return what run.py has trained of a list; nothing where it has not begun."""
    path = HERE / f"curves-{name}.csv"
    columns = ["case", "seed", "epoch", "test_loss", "final_test_loss"]
    return pd.read_csv(path) if path.exists() else pd.DataFrame(columns=columns)


def plot(axes: "Axes", found: pd.DataFrame, styles: dict[str, tuple[str, object, str]]) -> None:
    """Plot curves by case: colour, dashes, label; seeds after the first are thinner and without a label."""
    for (case, seed), own in found.groupby(["case", "seed"], sort=False):
        if case in styles:
            colour, dashes, label = styles[case]
            first = seed == found.loc[found["case"] == case, "seed"].min()
            axes.plot(
                own["epoch"],
                own["test_loss"],
                color=colour,
                linestyle=dashes,
                linewidth=1.5 if first else 0.8,
                label=label if first else None,
            )


def by_epoch(axes: "Axes") -> None:
    """Label axes of a learning curve and mark what the paper's digital network reaches."""
    axes.axhspan(*DIGITAL, color=INKS["grey"].light, alpha=0.4, linewidth=0, label="paper: digital, epoch 50")
    axes.set_xlabel("epoch")
    axes.set_ylabel(LOSS)
    axes.set_xlim(0, 51)


def fig3(axes: "Axes") -> None:
    """Draw SGD on both devices, SHD and TTv2 on 1200 states, by epoch."""
    styles = {
        "SGD, 1200 states": (ink("sgd"), "-", "SGD"),
        "SHD, 1200 states": (ink("shd"), "-", "SHD (Tiki-Taka)"),
        "TTv2, 1200 states": (ink("ttv2"), "-", "TTv2"),
        "SGD, symmetric, 1200 states": (ink("sgd"), DASHED, "SGD, symmetric devices"),
        "digital": (ink("digital"), "-", "digital"),
    }
    plot(axes, curves("fig3"), styles)
    by_epoch(axes)


def best(found: pd.DataFrame, algorithm: str, dw_min: float) -> float:
    """Return the test loss of the setting with the smallest validation loss; NaN before all three are run."""
    last = found[found["final_test_loss"].notna() & found["case"].str.startswith(f"{algorithm} at {dw_min:g} with ")]
    if len(last) < len(TRIALS[algorithm][dw_min]):
        return float("nan")
    return float(last.loc[last["test_loss"].idxmin(), "final_test_loss"])


def after(last: "pd.Series[float]", algorithm: str) -> dict[float, float]:
    """Return an algorithm's losses by step of the devices, of the last losses of the long runs by case."""
    name = NAMES[algorithm].split()[0]
    cases = {0.001: f"{name}, 1200 states"} | {step: f"{name} at {step:g}" for step in LONG}
    return {step: float(last[case]) for step, case in cases.items() if case in last}


def fig4(axes: "Axes") -> None:
    """Draw the loss after training against the step of the devices, at both budgets."""
    found, steps = curves("fig4"), list(TRIALS["ttv2"])
    runs = pd.concat([curves("fig3"), curves("fig4-long")])
    last = runs[runs["seed"] == 1].groupby("case")["test_loss"].last()
    for algorithm, label in NAMES.items():
        long = after(last, algorithm)
        axes.plot([*long], [*long.values()], color=ink(algorithm), marker="o", label=f"{label}, long")
        losses = [best(found, algorithm, dw_min) for dw_min in steps]
        axes.plot(steps, losses, color=ink(algorithm), linestyle=DASHED, marker="o", mfc="none", label="short")
    axes.set_xscale("log")
    ticks = sorted({*steps, 0.001, *LONG})
    axes.set_xticks(ticks, [f"{step:g}" for step in ticks])
    axes.minorticks_off()
    axes.set_xlabel("mean step of a device, dw_min")
    axes.set_ylabel(LOSS)


def fig5(axes: "Axes") -> None:
    """Draw TTv2 on 15 states with both resets, by epoch."""
    styles = {
        "Model I": (ink("ttv2"), "-", "TTv2, hysteretic"),
        "TTv2 plain, 15 states": (ink("ttv2"), DASHED, "TTv2"),
    }
    for name in ("table1", "fig5"):
        plot(axes, curves(name), styles)
    axes.plot([*STATED], [*STATED.values()], "k*", label="paper: hysteretic")
    by_epoch(axes)


def main(drawings: Iterable[Callable[["Axes"], None]] = (fig3, fig4, fig5)) -> None:
    """Write every figure."""
    for drawing in drawings:
        with styled():
            drawn = figure(6.4, 4.4)
            axes = drawn.subplots()
            drawing(axes)
            if not any(np.isfinite(line.get_ydata()).sum() > 1 for line in axes.lines):
                continue
            drawn.legend(loc="outside lower center", ncols=3)
            write_bytes(HERE / f"{drawing.__name__}.svg", render(drawn).encode())


if __name__ == "__main__":
    main()
