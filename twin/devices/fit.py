"""A device from measured pulse trains: monotone steps along the range, spreads and noise from the residuals.

Each device has a range of its own, from where its down trains end to where its up trains end; its steps are one
common curve over that range times a scale of its own (`twin.devices.curve`); read noise is told from cycle noise
(`twin.devices.noise`). Weight 0 is the middle of the mean range, whose ends are -1 and 1.
"""

from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from twin.console import Report
from twin.devices.curve import SECTIONS, Curve, Steps, fit_curve
from twin.devices.noise import Interval, Noise, separate, spread_of
from twin.devices.trains import FEWEST, Array, Trains
from twin.errors import TwinError

PASSES = 4  # of alternating between the curve and the noise
DRAWS = 400  # of the bins' means, in the last pass
MIDDLE = 0.85  # share of the range in which noise and lines are fitted: at its bounds a device clips its noise
PRECISE = 10.0  # times the variance of a read that of a step is, where reads say well enough where a device stands
MANY = 100  # steps a level of the curve, from which on fitting the curve takes off no noise to speak of
FLOOR = 0.05  # share of the largest mean step below which a step says nothing of multiplicative noise


@dataclass(frozen=True, slots=True)
class Line:
    """Steps of one direction as a line, ``step = step_0 (1 - g / bound)``: what soft bounds would be.

    Attributes
    ----------
    step_0, bound : float
        Means over the devices: step at conductance 0, and conductance at which it vanishes.
    step_0_dtod, bound_dtod : float
        Their spreads over the devices, relative.
    explained : float
        Share of the steps' variance that the devices' lines explain.
    """

    step_0: float
    bound: float
    step_0_dtod: float
    bound_dtod: float
    explained: float


class Placed(NamedTuple):
    """The measured steps as the fit sees them, conductance, in the pulse's direction.

    Attributes
    ----------
    place, step, mean, scale, cycle : float64 array, shape (steps,)
        Place in the device's range (0 to 1), step, its mean by the fit, the device's factor in it, variance of its
        cycle noise.
    read : float
        Variance of the reads of a state.
    """

    place: Array
    step: Array
    mean: Array
    scale: Array
    cycle: Array
    read: float


@dataclass(frozen=True, slots=True, eq=False)
class DeviceFit:
    """A measured device.

    Attributes
    ----------
    low, high : float64 array, shape (devices,)
        Ends of each device's range, conductance.
    end_error : float
        Standard error of one such end.
    up, down : Curve
    up_line, down_line : Line
    noise : Noise
    steps : Placed
    residual : float
        Rms of the single steps about the fit, in units of dw_min.
    """

    low: Array
    high: Array
    end_error: float
    up: Curve
    down: Curve
    up_line: Line
    down_line: Line
    noise: Noise
    steps: Placed
    residual: float

    @property
    def span(self) -> float:
        """Mean range, conductance; 2 weight units."""
        return float(self.high.mean() - self.low.mean())

    @property
    def dw_min(self) -> float:
        """Mean of the up and the down step at weight 0, weight units."""
        return (self.up.middle.value + self.down.middle.value) / self.span

    def intervals(self) -> dict[str, Interval]:
        """95 % intervals of the fitted parameters, by their names; `read_noise` is in weight units."""
        unit = 2.0 / self.span
        devices = self.low.size
        both, apart = (self.up.scale + self.down.scale) / 2, (self.up.scale - self.down.scale) / 2
        own = float(np.mean(self.up.scale_error**2 + self.down.scale_error**2)) / 4
        # relative variance of dw_min: of the two middle steps, of the range, of the devices that were drawn
        middle = [(c.middle.high - c.middle.low) / 3.92 for c in (self.up, self.down)]
        square = (middle[0] ** 2 + middle[1] ** 2) / (self.up.middle.value + self.down.middle.value) ** 2
        cycle = self.noise.cycle
        if not self.noise.mult_noise:  # its unit is the middle step
            below, above = (float(np.hypot(end / cycle.value - 1, 1.96 * np.sqrt(square))) for end in cycle[1:])
            cycle = Interval(cycle.value, cycle.value * max(1 - below, 0.0), cycle.value * (1 + above))
        square += 2 * self.end_error**2 / devices / self.span**2
        if devices > 1:
            ranges = self.high - self.low
            square += (both.var(ddof=1) + ranges.var(ddof=1) / self.span**2) / devices
        reach = 1.96 * self.dw_min * float(np.sqrt(square))
        return {
            "dw_min": Interval(self.dw_min, self.dw_min - reach, self.dw_min + reach),
            "dw_min_dtod": spread_of(both, own),
            "dw_min_std": cycle,
            "read_noise": self.noise.read.times(unit),
            "up_down_dtod": spread_of(apart, own),
            "w_max_dtod": spread_of(self.high, self.end_error**2).times(unit),
            "w_min_dtod": spread_of(self.low, self.end_error**2).times(unit),
        }

    def spreads(self) -> dict[str, float]:
        """Spreads over devices and cycles, by the names of the families' parameters."""
        found = self.intervals()
        return {name: found[name].value for name in found if name not in {"dw_min", "read_noise"}}

    def tabular(self) -> dict[str, object]:
        """Mean step and bounds as those of the family piecewise-step."""
        unit = 2.0 / self.span
        return {
            "dw_min": self.dw_min,
            "up_down": 0.0,
            "w_max": 1.0,
            "w_min": -1.0,
            "piecewise_up": [short(step * unit / self.dw_min) for step in self.up.nodes],
            "piecewise_down": [short(step * unit / self.dw_min) for step in self.down.nodes],
        }


def fit_device(trains: Trains, report: Report | None = None) -> DeviceFit:
    """Fit a device to trains; `report` is told how far it is.

    Raises
    ------
    TwinError
        If a device does not change, or moves against its pulses' direction.
    """
    sign = np.where(trains.up, 1.0, -1.0)
    step = sign * (trains.after - trains.before)
    low, high, end_error = _range(trains)
    for name, chosen in (("up", trains.up), ("down", ~trains.up)):
        if step[chosen].mean() <= 0:
            raise TwinError(f"{name} pulses move the conductance the other way; exchange up and down, or its sign")
    span = float(high.mean() - low.mean())
    located, variance, read = trains.before, np.full(step.size, float(step.var())), 0.0
    for turn in range(PASSES):
        if report is not None:
            report("fitting", turn, PASSES)
        draws = DRAWS if turn == PASSES - 1 else 1
        place = np.clip((located - low[trains.device]) / (high - low)[trains.device], 0.0, 1.0)
        up, down = (
            fit_curve(Steps(place, step, variance, trains.device, ~trains.first).of(one), read, draws)
            for one in (trains.up, ~trains.up)
        )
        scale = np.where(trains.up, up.scale[trains.device], down.scale[trains.device])
        mean = scale * np.where(trains.up, up.at(place), down.at(place))
        middle = scale * (up.middle.value + down.middle.value) / 2
        heard = (np.abs(place - 0.5) < MIDDLE / 2) & (mean > FLOOR * mean.max()) & (scale > 0)
        level = np.where(trains.up, up.level(place), down.level(place) + SECTIONS)
        of_steps = np.stack([sign * (step - mean), place, level])
        noise = _noise(trains, of_steps, heard, (mean, middle), turn == PASSES - 1)
        size = np.maximum(mean, FLOOR * mean.max()) if noise.mult_noise else np.maximum(middle, FLOOR * middle.max())
        read = noise.read.value**2 / trains.repeats.reads
        variance = np.maximum(noise.cycle.value * size, 1e-9 * span) ** 2 + 2 * read
        located = _located(trains, sign * mean, read, variance)
    inside = np.abs(place - 0.5) < MIDDLE / 2
    up_line, down_line = (
        _line(located[one], step[one], trains.device[one]) for one in (trains.up & inside, ~trains.up & inside)
    )
    placed = Placed(place, step, mean, scale, variance - 2 * read, read)
    found = DeviceFit(low, high, end_error, up, down, up_line, down_line, noise, placed, 0.0)
    if not 1e-9 < found.dw_min < 1:
        raise TwinError(f"the step in the middle of the range is {found.dw_min:.3g} of half the range: no such device")
    return replace(found, residual=float(np.sqrt(np.mean((step - mean) ** 2))) * 2 / found.span / found.dw_min)


def _located(trains: Trains, moved: Array, read: float, variance: Array) -> Array:
    """Where each device stands before its step.

    A read that is low by chance makes the next step look large. Unless reads are far more precise than steps, a state
    is therefore taken from the read before it and the mean step in between, which share nothing with this step's noise.
    """
    if read * PRECISE < float(np.mean(variance - 2 * read)):
        return trains.before
    foretold = np.roll(trains.before + moved, 1)
    return np.where(trains.first, trains.before, foretold)


def _noise(
    trains: Trains, steps: Array, heard: npt.NDArray[np.bool_], sizes: tuple[Array, Array], restricted: bool
) -> Noise:
    """Noise of the steps within the middle of the range; all steps where there are hardly any.

    Parameters
    ----------
    trains : Trains
    steps : float64 array, shape (3, steps)
        Residual, signed as conductance; place in the range; level of the curve.
    heard : bool array, shape (steps,)
    sizes : (float64 array, float64 array), shape (steps,) each
        Each step's mean, and its device's middle step.
    restricted : bool
        Whether to count what the curve follows, which takes longer.
    """
    if np.count_nonzero(heard) < FEWEST:
        heard = np.ones_like(heard)
    where = np.flatnonzero(heard)
    first = trains.begins(where)
    mean, middle = (np.maximum(size[where], 1e-6 * float(size.max())) for size in sizes)
    rest, place, level = steps[:, where]
    if trains.devices > 1:  # a device's own deviation from the common curve is no noise
        rest = _without_lines(rest, place, 2 * trains.device[where] + trains.up[where])
    found, index = np.unique(level, return_inverse=True)
    fitted = np.zeros((where.size, found.size if restricted and where.size < MANY * found.size else 0))
    if fitted.size:
        fitted[np.arange(where.size), index] = np.where(trains.up[where], 1.0, -1.0)
    return separate(rest, first, (mean, middle), trains.repeats, fitted)


def _without_lines(rest: Array, place: Array, group: npt.NDArray[np.int64]) -> Array:
    """Take off each group the line through its own residuals; what is left keeps its variance, two degrees less."""
    size = np.bincount(group)[group]

    def mean(values: Array) -> Array:
        return np.asarray((np.bincount(group, values) / np.maximum(np.bincount(group), 1))[group], np.float64)

    x, y = place - mean(place), rest - mean(rest)
    slope = mean(x * y) / np.maximum(mean(x * x), np.finfo(float).tiny)
    return np.asarray((y - slope * x) * np.sqrt(size / np.maximum(size - 2, 1)), np.float64)


def _range(trains: Trains) -> tuple[Array, Array, float]:
    """Ends of the devices' ranges, the means of the last states of their down and up trains, and their error."""
    ends: dict[tuple[int, bool], list[float]] = {}
    for last in [*(np.flatnonzero(trains.first)[1:] - 1), trains.train.size - 1]:
        ends.setdefault((int(trains.device[last]), bool(trains.up[last])), []).append(float(trains.after[last]))
    low, high = np.empty(trains.devices), np.empty(trains.devices)
    for device in range(trains.devices):
        for direction, bound in ((True, high), (False, low)):
            bound[device] = np.mean(ends[device, direction])
        if high[device] <= low[device]:
            raise TwinError(
                f"device {device + 1} of the file ends its up trains at {high[device]:.4g} and its down trains at "
                f"{low[device]:.4g}; up must end higher"
            )
    several = [np.array(values) for values in ends.values() if len(values) > 1]
    freedom = sum(values.size - 1 for values in several)
    square = sum(float(np.sum((values - values.mean()) ** 2)) for values in several) / max(freedom, 1)
    return low, high, float(np.sqrt(square / np.mean([len(values) for values in ends.values()])))


def _line(before: Array, step: Array, device: npt.NDArray[np.int64]) -> Line:
    """Fit a line to each device, weighted by the inverse square of the step that a first fit gives."""
    found, rest = [], 0.0
    for k in np.unique(device):
        g, dg = before[device == k], step[device == k]
        if np.unique(g).size < 2:
            continue
        slope, offset = np.polyfit(g, dg, 1)
        size = np.maximum(offset + slope * g, FLOOR * np.abs(offset + slope * g).max())
        slope, offset = np.polyfit(g, dg, 1, w=1 / size)
        rest += float(np.sum((dg - offset - slope * g) ** 2))
        found.append((offset, -offset / slope if slope else np.inf))
    if not found:
        return Line(np.nan, np.nan, np.nan, np.nan, 0.0)
    step_0, bound = np.array(found).T
    explained = 1 - rest / max(step.size * float(step.var()), np.finfo(float).tiny)
    with np.errstate(invalid="ignore"):
        spreads = [float(column.std() / abs(column.mean())) for column in (step_0, bound)]
    return Line(float(step_0.mean()), float(bound.mean()), spreads[0], spreads[1], explained)


def short(value: float) -> float:
    """Six significant digits, as the file shows."""
    return float(f"{float(value):.6g}")
