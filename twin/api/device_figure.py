"""The figure of a fitted device: trains, steps with the fits, residuals and spreads."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from twin.devices.curve import SECTIONS
from twin.report.figures.palette import ALGORITHMS, INKS, TEXT
from twin.report.figures.svg import figure, render_as, styled
from twin.results.text import scale

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import Axis
    from matplotlib.figure import Figure

    from twin.api.devices import FittedDevice
    from twin.devices.families import Candidate
    from twin.devices.fit import DeviceFit
    from twin.devices.trains import Array, Trains

UP, DOWN = INKS[ALGORITHMS["ttv2"]].light, INKS[ALGORITHMS["sgd"]].light
SHOWN = 2000  # steps drawn of each direction


def draw(found: FittedDevice, suffix: str) -> bytes:
    """Draw trains, steps with the fits, residuals and spreads; return the file, of one of `FORMATS`."""
    with styled():
        return render_as(drawn(found), suffix)


def drawn(found: FittedDevice) -> Figure:
    """Draw the figure; to be called within `styled`."""
    trains, fitted, chosen, unit = found.trains, found.fitted, found.chosen, found.reading.unit
    page = figure(7.4, 6.2)
    (left, right), (below, last) = page.subplots(2, 2)
    _trains(left, trains, unit)
    _steps(right, trains, fitted, chosen)
    _quantity(right.xaxis, "current" if unit == "A" else "conductance", unit, trains.after)
    _quantity(right.yaxis, "step", unit, trains.after - trains.before)
    _residuals(below, trains, fitted, chosen)
    _spread(last, trains, fitted)
    return page


def _quantity(axis: Axis, name: str, unit: str, values: Array) -> None:
    """Label an axis with a quantity and its unit, with the prefix of its largest value."""
    factor, prefixed = scale(float(np.abs(values).max()), unit) if unit else (1.0, "")
    axis.set_label_text(f"{name} ({prefixed or 'unit of the file'})")
    if factor != 1:
        axis.set_major_formatter(lambda value, _: f"{value * factor:.6g}".replace("-", "\u2212"))


def _trains(axes: Axes, trains: Trains, unit: str) -> None:
    """Conductance along the first trains of either direction."""
    devices: set[int] = set()
    for up, colour, label in ((True, UP, "up"), (False, DOWN, "down")):
        for k, train in enumerate(np.unique(trains.train[trains.up == up])[:8]):
            values = trains.after[trains.train == train]
            devices |= set(trains.device[trains.train == train].tolist())
            axes.plot(values, color=colour, linewidth=0.8, label=label if k == 0 else None)
    axes.set_xlabel("pulse")
    _quantity(axes.yaxis, "current" if unit == "A" else "conductance", unit, trains.after)
    axes.legend(title=f"{len(devices)} of {trains.devices} devices" if len(devices) < trains.devices else None)


def _steps(axes: Axes, trains: Trains, fitted: DeviceFit, chosen: Candidate) -> None:
    """Single steps over the conductance; over the mean range the free curve, dashed, and the chosen family."""
    x = fitted.low.mean() + fitted.span * np.linspace(0.0, 1.0, SECTIONS + 1)
    for up, colour, curve, mean in ((True, UP, fitted.up, chosen.mean[0]), (False, DOWN, fitted.down, -chosen.mean[1])):
        shown = np.flatnonzero(trains.up == up)
        shown = shown[:: max(1, shown.size // SHOWN)]
        change = trains.after[shown] - trains.before[shown]
        axes.plot(trains.before[shown], change, ".", color=colour, markersize=1.5, alpha=0.25)
        axes.plot(x, curve.nodes if up else -curve.nodes, "--", color=colour, linewidth=0.8)
        axes.plot(x, mean, color=colour)


def _residuals(axes: Axes, trains: Trains, fitted: DeviceFit, chosen: Candidate) -> None:
    """Mean residuals about the chosen family along the range, in units of a single step's noise, with 2 errors."""
    steps = fitted.steps
    noise = np.sqrt(steps.cycle + 2 * steps.read)
    nodes = np.linspace(0.0, 1.0, SECTIONS + 1)
    for up, colour, mean, label in ((True, UP, chosen.mean[0], "up"), (False, DOWN, chosen.mean[1], "down")):
        own = trains.up == up
        rest = (steps.step - steps.scale * np.interp(steps.place, nodes, mean))[own] / noise[own]
        bins = np.minimum((steps.place[own] * SECTIONS).astype(int), SECTIONS - 1)
        count = np.bincount(bins, minlength=SECTIONS)
        full = count > 1
        shown = np.bincount(bins, rest, SECTIONS)[full] / count[full]
        axes.errorbar(
            (np.arange(SECTIONS)[full] + 0.5) / SECTIONS, shown, 2 / np.sqrt(count[full]), fmt=".", color=colour,
            linewidth=0.8, label=label,
        )  # fmt: skip
    axes.axhline(0.0, color=INKS[TEXT].light, linewidth=0.8)
    axes.set_xlabel("place in the range")
    axes.set_ylabel(f"residual of {chosen.name} / noise")


def _spread(axes: Axes, trains: Trains, fitted: DeviceFit) -> None:
    """Size of each train's steps relative to the common curve: by device, its cycles one above the other."""
    steps = fitted.steps
    common = np.bincount(trains.train, steps.mean / np.maximum(steps.scale, 1e-9))
    size = np.bincount(trains.train, steps.step) / np.maximum(common, np.finfo(float).tiny)
    for up, colour, shift in ((True, UP, -0.1), (False, DOWN, 0.1)):
        chosen = np.flatnonzero(trains.first & (trains.up == up))
        axes.plot(trains.device[chosen] + 1 + shift, size[trains.train[chosen]], ".", color=colour, markersize=4)
    axes.locator_params(axis="x", integer=True)
    axes.set_xlim(0.5, trains.devices + 0.5)
    axes.set_xlabel("device" if trains.devices > 1 else "one device")
    axes.set_ylabel("steps of a train / common curve")
