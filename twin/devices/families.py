"""Which families describe a measured device, and the simplest that does so within the noise.

Each family's mean step is fitted to the steps within the middle of the range, weighted by the noise that was found with
the free curve (`twin.devices.fit`), neighbours' read noise included, and at once to whole trains
(`twin.devices.walks`), which say what steps add up to, and what they are beyond the middle, where hard bounds clip
steps and noise. The criterion is Schwarz's (Ann. Statist. 6:461, 1978), ``BIC = chi^2 + k ln n`` of k parameters and n
steps, and the same of the n independent readings of walks, added: both see the same noise, so a parameter pays for
both. Of the families within 2 of the lowest, a difference "not worth more than a bare mention" (Kass & Raftery, J. Am.
Stat. Assoc. 90:773, 1995), the one with fewest parameters is taken.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy.optimize import least_squares

from twin.devices.fit import MIDDLE, DeviceFit, short
from twin.devices.noise import Whitening
from twin.devices.trains import Array, Trains
from twin.devices.walks import Course, Shape, interpolated

BARE = 2.0  # difference of BIC that says nothing
PRECISE = 1e-5  # of chi^2, where a fit ends: a hundredth of what decides
ROUNDS = 20  # of a fit to walks: one that has an optimum is there in ten
MOST = 20_000  # steps that are fitted, whole trains of them
CORNERS = 5  # nodes of the short piecewise step


@dataclass(frozen=True, slots=True)
class Candidate:
    """A family as fitted.

    Attributes
    ----------
    name : str
        ``piecewise-step`` with 5 nodes, or with all (`tabular`).
    family : str
        Its name in the registry.
    parameters : int
    chi2 : float
        Mean square of the steps' innovations about the fit, in units of their noise: 1 where it fits.
    bic : float
    fields : mapping
        The family's parameters that say its mean step and bounds.
    mean : float64 array, shape (2, nodes)
        Mean up and down step at the nodes of `DeviceFit`, conductance.
    """

    name: str
    family: str
    parameters: int
    chi2: float
    bic: float
    fields: Mapping[str, object]
    mean: Array


@dataclass(frozen=True, slots=True)
class _Model:
    """A family's shape, where its parameters start and end, the fields they make, and the weight that clips it."""

    name: str
    family: str
    shape: Shape
    start: tuple[float, ...]
    least: tuple[float, ...]
    most: tuple[float, ...]
    fields: Callable[[Array, Array], dict[str, object]]
    bound: float = 1.0


def _constant(p: Array, w: Array) -> Array:
    return np.full(w.size, p[0])


def _soft(p: Array, w: Array) -> Array:
    return np.asarray(np.maximum(p[0] * (1 - w / p[1]), 0.0), np.float64)


def _linear(p: Array, w: Array) -> Array:
    return np.asarray(np.maximum(p[0] * (1 - p[1] * w), 0.0), np.float64)


def _power(p: Array, w: Array) -> Array:
    return np.asarray(p[0] * np.power(np.maximum((p[2] - w) / 2, 0.0), p[1]), np.float64)


def _exponential(p: Array, w: Array) -> Array:
    return np.asarray(np.maximum(p[0] * (1 - p[1] * np.exp(p[2] * w)), 0.0), np.float64)


def _unequal(up: float, down: float) -> tuple[float, float]:
    """Return the larger of two sizes and the imbalance that makes the other of it (see `PulsedFamily.steps`)."""
    return (up, 1 - down / up) if up >= down else (down, up / down - 1)


def _steps(up: Array, down: Array) -> dict[str, object]:
    dw_min, up_down = _unequal(float(up[0]), float(down[0]))
    return {"dw_min": dw_min, "up_down": up_down, "w_max": 1.0, "w_min": -1.0}


def _soft_fields(up: Array, down: Array) -> dict[str, object]:
    return _steps(up, down) | {"w_max": float(up[1]), "w_min": -float(down[1])}


def _linear_fields(up: Array, down: Array) -> dict[str, object]:
    slopes = {"gamma_up": float(up[1]), "gamma_down": float(down[1]), "gamma_up_dtod": 0.0, "gamma_down_dtod": 0.0}
    return _steps(up, down) | slopes


def _power_fields(up: Array, down: Array) -> dict[str, object]:
    gamma, imbalance = _unequal(float(up[1]), float(down[1]))
    half = (up[2] + down[2]) / 2  # the family's step is that at the far bound
    steps = _steps(up * half ** up[1], down * half ** down[1]) | {"w_max": float(up[2]), "w_min": -float(down[2])}
    return steps | {"pow_gamma": gamma, "pow_up_down": imbalance, "pow_gamma_dtod": 0.0}


def _exponential_fields(up: Array, down: Array) -> dict[str, object]:
    shape = {"A_up": up[1], "gamma_up": up[2], "A_down": down[1], "gamma_down": down[2]}
    return _steps(up, down) | {name: float(value) for name, value in shape.items()} | {"a": 1.0, "b": 0.0}


def _piecewise_fields(up: Array, down: Array) -> dict[str, object]:
    middle = float(up[up.size // 2] + down[down.size // 2]) / 2 or float(np.mean([up, down]))
    return {
        "dw_min": middle,
        "up_down": 0.0,
        "w_max": 1.0,
        "w_min": -1.0,
        "piecewise_up": [short(x / middle) for x in up],
        "piecewise_down": [short(x / middle) for x in down[::-1]],
    }


# steps in units of the middle step; ordered so that of equals the earlier is taken
_FLAT, _LEAST, _MOST = (1.0,) * CORNERS, (0.0,) * CORNERS, (1e3,) * CORNERS
MODELS = (
    _Model("constant-step", "constant-step", _constant, (1.0,), (1e-3,), (1e3,), _steps),
    _Model("soft-bounds", "soft-bounds", _soft, (1.0, 1.1), (1e-3, 0.5), (1e3, 50.0), _soft_fields, np.inf),
    _Model("linear-step", "linear-step", _linear, (1.0, 0.5), (1e-3, 0.0), (1e3, 1.0), _linear_fields),
    _Model(
        name="power-step",
        family="power-step",
        shape=_power,
        start=(2.0, 1.2, 1.1),
        least=(1e-3, 1e-2, 0.9),
        most=(1e3, 20.0, 10.0),
        fields=_power_fields,
        bound=np.inf,
    ),
    _Model(
        name="exponential-step",
        family="exponential-step",
        shape=_exponential,
        start=(1.2, 0.2, 1.5),
        least=(1e-3, -1e3, -10.0),
        most=(1e3, 1e3, 10.0),
        fields=_exponential_fields,
    ),
    _Model("piecewise-step", "piecewise-step", interpolated, _FLAT, _LEAST, _MOST, _piecewise_fields),
)


@dataclass(frozen=True, slots=True, eq=False)
class _Data:
    """Steps of a range, in weight units and in the pulse's direction; weights mirrored for down pulses."""

    step: Array
    weight: Array
    scale: Array
    tabular: Array
    whitening: Whitening
    up: npt.NDArray[np.bool_]

    def mean(self, shape: Shape, up: Array, down: Array) -> Array:
        """Mean steps of a shape with these parameters for up and down pulses."""
        return np.asarray(self.scale * np.where(self.up, shape(up, self.weight), shape(down, self.weight)), np.float64)

    def rest(self, mean: Array) -> Array:
        """Innovations about a mean step, in units of their noise."""
        sign = np.where(self.up, 1.0, -1.0)
        return self.whitening.new(sign * (self.step - mean))


def compare(trains: Trains, fitted: DeviceFit) -> list[Candidate]:
    """Fit all families; the free curve of `fitted` is the last, named ``tabular``."""
    every = max(-(-trains.train.size // MOST), 1)
    kept = np.flatnonzero(trains.train // 2 % every == 0)
    data, course = _data(trains, fitted, kept), Course.of(trains, fitted, kept)
    found = [_candidate(model, data, course, fitted) for model in MODELS]
    levels = int(fitted.up.levels.max() + fitted.down.levels.max()) + 2
    chi2 = float(np.sum(data.rest(data.tabular) ** 2))
    bic = chi2 + course.free + levels * _price(data, course)
    mean = np.stack([fitted.up.nodes, fitted.down.nodes])
    fields = fitted.tabular()
    return [*found, Candidate("tabular", "piecewise-step", levels, chi2 / data.step.size, bic, fields, mean)]


def simplest(candidates: list[Candidate]) -> Candidate:
    """Return the one with fewest parameters of those within `BARE` of the lowest BIC."""
    least = min(one.bic for one in candidates)
    return min((one for one in candidates if one.bic <= least + BARE), key=lambda one: one.parameters)


def parameters(fitted: DeviceFit, chosen: Candidate) -> dict[str, object]:
    """Parameters of the chosen family: its own, and the spreads and the noise of the fit."""
    fields = dict(chosen.fields)
    spreads = fitted.spreads()
    dw_min, w_max, w_min = (float(str(fields[name])) for name in ("dw_min", "w_max", "w_min"))
    spreads["w_max_dtod"] /= w_max
    spreads["w_min_dtod"] /= -w_min
    if not fitted.noise.mult_noise:  # in units of dw_min, which is not every family's middle step
        spreads["dw_min_std"] *= fitted.dw_min / dw_min
    numbers = {name: short(value) if isinstance(value, float) else value for name, value in fields.items()}
    return numbers | {name: short(value) for name, value in spreads.items()} | {"mult_noise": fitted.noise.mult_noise}


def _data(trains: Trains, fitted: DeviceFit, kept: npt.NDArray[np.int64]) -> _Data:
    kept = kept[np.abs(fitted.steps.place[kept] - 0.5) < MIDDLE / 2]
    unit = 2.0 / fitted.span
    steps = fitted.steps
    up = trains.up[kept]
    return _Data(
        step=steps.step[kept] * unit,
        weight=np.where(up, 1.0, -1.0) * (2 * steps.place[kept] - 1),
        scale=steps.scale[kept],
        tabular=steps.mean[kept] * unit,
        whitening=Whitening.of(trains.begins(kept), steps.cycle[kept] * unit**2, steps.read * unit**2),
        up=up,
    )


def _candidate(model: _Model, data: _Data, course: Course, fitted: DeviceFit) -> Candidate:
    """Fit both directions of a family at once, as they share the reads: to the steps, then to walks as well."""
    count = len(model.start)
    scales = np.array([fitted.dw_min if _is_step(model, k) else 1.0 for k in range(count)])

    def ways(p: Array) -> tuple[Array, Array]:
        up, down = p.reshape(2, count) * scales
        return up, down

    def steps(p: Array) -> Array:
        return data.rest(data.mean(model.shape, *ways(p)))

    @lru_cache(maxsize=4 * count)  # a derivative changes one direction and asks for the other as it was
    def walked(up: bool, own: tuple[float, ...]) -> Array:
        return course.rest(course.up if up else course.down, model.shape, np.array(own), model.bound)

    def both(p: Array) -> Array:
        up, down = (tuple(map(float, own)) for own in ways(p))
        return np.concatenate([steps(p), walked(True, up), walked(False, down)])

    def least(rest: Callable[[Array], Array], start: Sequence[float] | Array, most: int | None = None) -> Any:
        bounds = (model.least * 2, model.most * 2)
        return least_squares(rest, start, bounds=bounds, x_scale="jac", ftol=PRECISE, xtol=PRECISE, max_nfev=most)

    found = least(both, least(steps, model.start * 2).x, ROUNDS)
    up, down = ways(found.x)
    chi2 = float(np.sum(found.fun[: data.step.size] ** 2)) / data.step.size
    bic = 2 * float(found.cost) + 2 * count * _price(data, course)
    nodes = np.linspace(-1.0, 1.0, fitted.up.nodes.size)
    mean = np.stack([model.shape(up, nodes), model.shape(down, nodes)[::-1]]) * fitted.span / 2
    return Candidate(model.name, model.family, 2 * count, chi2, bic, model.fields(up, down), mean)


def _price(data: _Data, course: Course) -> float:
    """What BIC adds for a parameter."""
    return float(np.log(data.step.size) + np.log(max(course.readings, 1.0)))


def _is_step(model: _Model, k: int) -> bool:
    return k == 0 or model.shape is interpolated
