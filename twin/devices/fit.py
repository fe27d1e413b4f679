"""A device from measured pulse trains: monotone steps along the range, spreads and noise from the residuals.

Each device has a range of its own, from where its down trains end to where its up trains end; its steps are one
common curve over that range times a scale of its own. The curve is the isotonic regression of the steps' means in
`SECTIONS` bins, joined by a monotone cubic (PCHIP). Weight 0 is the middle of the mean range, whose ends are -1 and 1.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from scipy.interpolate import PchipInterpolator
from scipy.optimize import isotonic_regression

from twin.devices.trains import Array, Trains
from twin.errors import TwinError

SECTIONS = 32  # of the range: a power of two, so that the kernels' table holds the nodes exactly
ROUNDS = 6  # of alternating between the curve and the devices' scales
MIDDLE = 0.85  # share of the range in which lines are fitted
FLOOR = 0.05  # share of the largest mean step below which a step says nothing of multiplicative noise


@dataclass(frozen=True, slots=True, eq=False)
class Curve:
    """Steps of one direction.

    Attributes
    ----------
    nodes : float64 array, shape (SECTIONS + 1,)
        Mean step at equally spaced points of the range, conductance per pulse.
    scale : float64 array, shape (devices,)
        Each device's factor; their mean is 1.
    misfit : float
        Rms of the bins' means about the monotone curve, relative to the mean step: 0 for monotone data.
    explained : float
        Share of the steps' variance that curve and scales explain.
    """

    nodes: Array
    scale: Array
    misfit: float
    explained: float

    def at(self, place: Array) -> Array:
        """Mean step at places of the range, 0 to 1."""
        return np.interp(place, np.linspace(0.0, 1.0, SECTIONS + 1), self.nodes)


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


@dataclass(frozen=True, slots=True, eq=False)
class DeviceFit:
    """A measured device.

    Attributes
    ----------
    low, high : float64 array, shape (devices,)
        Ends of each device's range, conductance.
    up, down : Curve
    up_line, down_line : Line
    dw_min : float
        Mean of the up and the down step at weight 0, weight units.
    dw_min_std : float
        Cycle noise relative to the step (`mult_noise`) or to dw_min, whichever makes the residuals likelier.
    residual : float
        Rms of the single steps about the fit, in units of dw_min.
    """

    low: Array
    high: Array
    up: Curve
    down: Curve
    up_line: Line
    down_line: Line
    dw_min: float
    dw_min_std: float
    mult_noise: bool
    residual: float

    @property
    def span(self) -> float:
        """Mean range, conductance; 2 weight units."""
        return float(self.high.mean() - self.low.mean())

    def parameters(self) -> dict[str, object]:
        """Parameters of the family piecewise-step that this device is."""
        unit = 2.0 / self.span
        both, apart = (self.up.scale + self.down.scale) / 2, (self.up.scale - self.down.scale) / 2
        return {
            "dw_min": _short(self.dw_min),
            "dw_min_dtod": _short(both.std()),
            "dw_min_std": _short(self.dw_min_std),
            "mult_noise": self.mult_noise,
            "up_down": 0.0,
            "up_down_dtod": _short(apart.std()),
            "w_max": 1.0,
            "w_min": -1.0,
            "w_max_dtod": _short(self.high.std() * unit),
            "w_min_dtod": _short(self.low.std() * unit),
            "piecewise_up": [_short(step * unit / self.dw_min) for step in self.up.nodes],
            "piecewise_down": [_short(step * unit / self.dw_min) for step in self.down.nodes],
        }


def fit_device(trains: Trains) -> DeviceFit:
    """Fit a device to trains.

    Raises
    ------
    TwinError
        If a device has no up or no down train, does not change, or moves against its pulses' direction.
    """
    low, high = _range(trains)
    place = np.clip((trains.before - low[trains.device]) / (high - low)[trains.device], 0.0, 1.0)
    step = np.where(trains.up, 1.0, -1.0) * (trains.after - trains.before)
    rising, falling = trains.up, ~trains.up
    for name, chosen in (("up", rising), ("down", falling)):
        if step[chosen].mean() <= 0:
            raise TwinError(f"{name} pulses move the conductance the other way; exchange up and down, or its sign")
    up, down = (_curve(place[one], step[one], trains.device[one]) for one in (rising, falling))
    inside = np.abs(place - 0.5) < MIDDLE / 2  # at its bounds a device also clips its noise, which bends the mean
    up_line, down_line = (
        _line(trains.before[one], step[one], trains.device[one]) for one in (rising & inside, falling & inside)
    )
    unit = 2.0 / float(high.mean() - low.mean())
    middle = np.full(1, 0.5)
    dw_min = unit * float(up.at(middle)[0] + down.at(middle)[0]) / 2
    if not 1e-9 < dw_min < 1:
        raise TwinError(f"the step in the middle of the range is {dw_min:.3g} of half the range: no such device")
    scale = np.where(trains.up, up.scale[trains.device], down.scale[trains.device])
    mean = np.where(trains.up, up.at(place), down.at(place)) * scale * unit
    mult, sigma = _noise(step[inside] * unit, mean[inside], dw_min * scale[inside])
    rms = float(np.sqrt(np.mean((step * unit - mean) ** 2))) / dw_min
    return DeviceFit(low, high, up, down, up_line, down_line, dw_min, sigma, mult, rms)


def _range(trains: Trains) -> tuple[Array, Array]:
    """Ends of the devices' ranges: mean of the last states of their down and up trains."""
    ends: dict[tuple[int, bool], list[float]] = {}
    starts = np.flatnonzero(np.diff(trains.train, prepend=-1))
    for first, stop in zip(starts, [*starts[1:], trains.train.size], strict=True):
        key = int(trains.device[first]), bool(trains.up[first])
        ends.setdefault(key, []).append(float(trains.after[stop - 1]))
    low, high = np.empty(trains.devices), np.empty(trains.devices)
    for device in range(trains.devices):
        for direction, bound in ((True, high), (False, low)):
            if (device, direction) not in ends:
                raise TwinError(
                    f"device {device + 1} of the file has no {'up' if direction else 'down'} train; "
                    "measure both directions of every device"
                )
            bound[device] = np.mean(ends[device, direction])
        if high[device] <= low[device]:
            raise TwinError(
                f"device {device + 1} of the file ends its up trains at {high[device]:.4g} and its down trains at "
                f"{low[device]:.4g}; up must end higher"
            )
    return low, high


def _curve(place: Array, step: Array, device: npt.NDArray[np.int64]) -> Curve:
    """Alternate between the common curve and the devices' scales, least squares both."""
    scale = np.ones(int(device.max()) + 1)
    bins = np.minimum((place * SECTIONS).astype(np.int64), SECTIONS - 1)
    for _ in range(ROUNDS):
        own = scale[device]
        weight = np.bincount(bins, own**2, SECTIONS)
        full = weight > 0
        mean = np.asarray(np.bincount(bins, own * step, SECTIONS)[full] / weight[full], np.float64)
        where = np.asarray(np.bincount(bins, own**2 * place, SECTIONS)[full] / weight[full], np.float64)
        smooth = _monotone(mean, np.asarray(weight[full], np.float64))
        nodes = _nodes(where, smooth)
        fitted = np.interp(place, np.linspace(0.0, 1.0, SECTIONS + 1), nodes)
        square = np.bincount(device, fitted**2)
        scale = np.bincount(device, fitted * step) / np.maximum(square, np.finfo(float).tiny)
        scale = np.maximum(scale / scale.mean(), 0.0)
    misfit = np.sqrt(np.average((mean - smooth) ** 2, weights=weight[full])) / np.average(mean, weights=weight[full])
    rest = step - scale[device] * fitted
    return Curve(nodes, scale, float(misfit), float(1 - rest.var() / step.var()) if step.var() > 0 else 1.0)


def _monotone(mean: Array, weight: Array) -> Array:
    """Isotonic regression, rising or falling, whichever fits better; a step is never negative."""
    fits = [
        np.asarray(isotonic_regression(mean, weights=weight, increasing=rising).x, np.float64)
        for rising in (False, True)
    ]
    best = min(fits, key=lambda fit: float(np.sum(weight * (mean - fit) ** 2)))
    return np.maximum(best, 0.0)


def _nodes(where: Array, mean: Array) -> Array:
    """Monotone cubic through the bins, continued as a line beyond the outermost; constant for one bin."""
    x = np.linspace(0.0, 1.0, SECTIONS + 1)
    if where.size == 1:
        return np.full(x.size, mean[0])
    nodes = np.asarray(PchipInterpolator(where, mean)(np.clip(x, where[0], where[-1])), np.float64)
    for outside, a, b in ((x < where[0], 0, 1), (x > where[-1], -1, -2)):
        slope = (mean[a] - mean[b]) / (where[a] - where[b])
        nodes[outside] = mean[a] + slope * (x[outside] - where[a])
    return np.maximum(nodes, 0.0)


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


def _noise(step: Array, mean: Array, dw_min: Array) -> tuple[bool, float]:
    """Return (multiplicative?, sigma), the likelier of noise relative to the step and to the device's dw_min."""
    heard = (mean > FLOOR * mean.max()) & (dw_min > 0)
    rest = (step - mean)[heard]
    found = []
    for multiplicative, size in ((True, mean[heard]), (False, dw_min[heard])):
        sigma = float(np.sqrt(np.mean((rest / size) ** 2)))
        likelihood = -float(np.mean(np.log(sigma * size))) if sigma > 0 else np.inf  # quadratic terms are equal
        found.append((likelihood, multiplicative, sigma))
    _, multiplicative, sigma = max(found)
    return multiplicative, sigma


def _short(value: float) -> float:
    """Six significant digits, as the file shows."""
    return float(f"{float(value):.6g}")
