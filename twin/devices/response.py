"""How an array of devices answers pulses: what every family draws, and calibration and the kernels read.

A response gives the mean step of either direction as a function of the raw weight, the bounds, and the noise of
a step. The affine response of `twin.devices.family.Affine` has a loop of its own in the kernels; all others share
another (`twin.kernels.array.nonlinear`), where each has its step (`twin.kernels.array.steps`).
"""

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, ClassVar, Self

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]
Columns = tuple[Array, Array, Array, Array]

POINTS = 513
"""Points of a tabulated step over its domain: 512 intervals, so that 2^k sections of a piecewise step are exact."""


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class PulseResponse(ABC):
    """Pulse response of an array of devices, all in units of the raw weight.

    A kind of response says as well: `STEP`, the name of its step in the kernels (`twin.kernels.array.steps.STEPS`);
    `COLUMNS`, which of its arrays the kernels keep for each device, in their order: two for up pulses, two for down
    pulses; `SIZES`, what is zero on a device that no pulse moves.

    Attributes
    ----------
    w_min, w_max : float32 array, shape (rows, columns)
        Bounds to which every pulse clips.
    dw_min : float32 array, shape (rows, columns)
        Size of one step of each device, the unit of additive cycle noise.
    dw_min_mean : float
        Granularity for the rule ``n_pulse = ceil(rate max|delta| max|x| / dw_min_mean)``.
    dw_min_std : float
        Cycle noise per coincidence, with xi ~ N(0, 1):
        ``step (1 + dw_min_std xi)`` if `mult_noise`, else ``step + dw_min dw_min_std xi``.
    mult_noise : bool
    write_noise : float
        Each pulse leaves the weight that is read ``write_noise xi`` beside the one that the next pulse starts from.
    exact : bool
        True where updates are the exact outer product and `dw_min_mean` only counts pulses.
    """

    STEP: ClassVar[str]
    COLUMNS: ClassVar[tuple[str, str, str, str]]
    SIZES: ClassVar[tuple[str, ...]]

    w_min: Array
    w_max: Array
    dw_min: Array
    dw_min_mean: float
    dw_min_std: float
    mult_noise: bool
    write_noise: float = 0.0
    exact: bool = False

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns."""
        rows, columns = self.w_min.shape
        return rows, columns

    @abstractmethod
    def up(self, w: Array) -> Array:
        """Mean step of an up pulse at raw weights `w`, noise and bounds left aside."""

    @abstractmethod
    def down(self, w: Array) -> Array:
        """Mean step of a down pulse at raw weights `w`, positive where the weight falls."""

    @staticmethod
    @abstractmethod
    def moved(columns: Columns, reference: Array) -> Columns:
        """The coefficients for the logical weight ``main - reference``, from those for ``main``."""

    def shifted(self, reference: Array) -> Self:
        """The same devices for the logical weight ``main - reference``: coefficients moved, bounds lowered by it."""
        changes: dict[str, Any] = dict(zip(self.COLUMNS, self.moved(self.columns(), reference), strict=True))
        return replace(self, w_min=self.w_min - reference, w_max=self.w_max - reference, **changes)

    def columns(self) -> Columns:
        """The four coefficients of a device as the kernels keep them."""
        one, two, three, four = (getattr(self, name) for name in self.COLUMNS)
        return one, two, three, four

    def shared(self) -> Array:
        """What the kernels' step reads of all devices alike, for up and for down pulses: shape (2, n); (2, 0): none."""
        return np.zeros((2, 0), np.float32)

    def settings(self) -> Mapping[str, float]:
        """Fields of the matrix (`twin.kernels.records.MATRIX`) that only this kind of response sets."""
        return {}

    @staticmethod
    def hidden(w: Array) -> Array:
        """What a device keeps beside its weight when `w` is put in: the weight that the next pulse starts from."""
        return w

    def stuck(self, where: npt.NDArray[np.bool_], value: Array) -> Self:
        """The same devices, but those in `where` stay at `value` for ever."""
        changes: dict[str, Any] = {name: np.where(where, np.float32(0.0), getattr(self, name)) for name in self.SIZES}
        changes |= {name: np.where(where, value, getattr(self, name)) for name in ("w_min", "w_max")}
        return replace(self, **changes)


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Tabulated(PulseResponse):
    """Steps of one common shape, each device with scales of its own.

    up: ``scale_up T_up(slope w + offset)``, down alike, where T interpolates linearly between `POINTS` values and
    stays constant beyond the first and the last.

    Attributes
    ----------
    scale_up, scale_down : float32 array, shape (rows, columns)
    slope, offset : float32 array, shape (rows, columns)
        From raw weight to position in the table, 0 to POINTS - 1.
    tables : float32 array, shape (2, POINTS)
        Shape of the up step and of the down step.
    """

    STEP = "table"
    COLUMNS = ("scale_up", "slope", "scale_down", "offset")
    SIZES = ("scale_up", "scale_down")

    scale_up: Array
    scale_down: Array
    slope: Array
    offset: Array
    tables: Array

    def up(self, w: Array) -> Array:
        """Mean step of an up pulse (see `PulseResponse.up`)."""
        return self.scale_up * interpolated(self.tables[0], self.slope * w + self.offset)

    def down(self, w: Array) -> Array:
        """Mean step of a down pulse (see `PulseResponse.down`)."""
        return self.scale_down * interpolated(self.tables[1], self.slope * w + self.offset)

    @staticmethod
    def moved(columns: Columns, reference: Array) -> Columns:
        """The place in the table is that of the raw weight (see `PulseResponse.moved`)."""
        up, slope, down, offset = columns
        return up, slope, down, offset + slope * reference

    def shared(self) -> Array:
        """The tables."""
        return self.tables


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Power(PulseResponse):
    """Steps in proportion to a power of the distance to the bound, the exponents drawn device by device.

    up: ``scale_up ((w_max - w) / (w_max - w_min))^gamma_up``,
    down: ``scale_down ((w - w_min) / (w_max - w_min))^gamma_down``.

    Attributes
    ----------
    scale_up, scale_down, gamma_up, gamma_down : float32 array, shape (rows, columns)
    """

    STEP = "power"
    COLUMNS = ("scale_up", "gamma_up", "scale_down", "gamma_down")
    SIZES = ("scale_up", "scale_down")

    scale_up: Array
    scale_down: Array
    gamma_up: Array
    gamma_down: Array

    def up(self, w: Array) -> Array:
        """Mean step of an up pulse (see `PulseResponse.up`)."""
        return self.scale_up * self._share(self.w_max - w) ** self.gamma_up

    def down(self, w: Array) -> Array:
        """Mean step of a down pulse (see `PulseResponse.down`)."""
        return self.scale_down * self._share(w - self.w_min) ** self.gamma_down

    def _share(self, distance: Array) -> Array:
        span = self.w_max - self.w_min
        share = np.zeros_like(span)
        np.divide(np.maximum(distance, np.float32(0.0)), span, out=share, where=span > 0.0)
        return share

    @staticmethod
    def moved(columns: Columns, reference: Array) -> Columns:  # noqa: ARG004 - the interface
        """Nothing: steps depend on the distance to the bounds, which move (see `PulseResponse.moved`)."""
        return columns


@dataclass(frozen=True, slots=True)
class Refresh:
    """When and how a pair of one-sided devices is reset and programmed anew.

    Attributes
    ----------
    every : int
        Updates between two checks; 0: never.
    upper, lower : float
        Conductances beyond which the larger and the smaller half must lie for a pair to be refreshed.
    bl : int
        Most pulses that programming the difference may take.
    reset, reset_std : float
        Conductance that a reset leaves, and its spread.
    """

    every: int
    upper: float
    lower: float
    bl: int
    reset: float
    reset_std: float


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Pair(PulseResponse):
    """Two devices that pulses can only raise, read as a difference: ``w = g_plus - g_minus``.

    An up pulse raises g_plus by ``scale_plus T(slope_plus g_plus)``, a down pulse g_minus alike; both lie between 0
    and their own maximum (`w_max`, -`w_min`). The second device is the reference, so there is no other.

    Attributes
    ----------
    scale_plus, scale_minus, slope_plus, slope_minus : float32 array, shape (rows, columns)
    tables : float32 array, shape (2, POINTS)
        Shape of the step from conductance 0 to the maximum, twice.
    noise_slope, noise_add : float
        Cycle noise beyond that in proportion to the step: per unit of conductance, and constant.
    refresh : Refresh
    """

    STEP = "pair"
    COLUMNS = ("scale_plus", "slope_plus", "scale_minus", "slope_minus")
    SIZES = ("scale_plus", "scale_minus")

    scale_plus: Array
    scale_minus: Array
    slope_plus: Array
    slope_minus: Array
    tables: Array
    noise_slope: float
    noise_add: float
    refresh: Refresh

    def up(self, w: Array) -> Array:
        """Mean step of an up pulse on a freshly programmed pair, one half of which is at 0."""
        return self.scale_plus * interpolated(self.tables[0], self.slope_plus * np.maximum(w, np.float32(0.0)))

    def down(self, w: Array) -> Array:
        """Mean step of a down pulse on a freshly programmed pair, one half of which is at 0."""
        return self.scale_minus * interpolated(self.tables[1], self.slope_minus * np.maximum(-w, np.float32(0.0)))

    @staticmethod
    def moved(columns: Columns, reference: Array) -> Columns:
        """The same: a pair has no reference beside its own halves, so `reference` must be 0."""
        if np.any(reference):
            raise ValueError("a one-sided pair is its own reference and cannot be shifted")
        return columns

    def shared(self) -> Array:
        """The tables."""
        return self.tables

    def settings(self) -> Mapping[str, float]:
        """Cycle noise beyond that in proportion to the step, and the refresh."""
        refresh = self.refresh
        return {
            "noise_add": self.noise_add / float(self.dw_min.flat[0]),
            "noise_slope": self.noise_slope,
            "refresh_every": refresh.every,
            "refresh_bl": refresh.bl,
            "refresh_upper": refresh.upper,
            "refresh_lower": refresh.lower,
            "reset": refresh.reset,
            "reset_std": refresh.reset_std,
        }

    @staticmethod
    def hidden(w: Array) -> Array:
        """The minus half of a pair whose other half is at 0 where its weight is negative."""
        return np.maximum(-w, np.float32(0.0))


def interpolated(table: Array, position: Array) -> Array:
    """Interpolate a table linearly at positions in units of its spacing, constant beyond its ends."""
    at = np.clip(position, np.float32(0.0), np.float32(table.size - 1))
    first = np.minimum(at.astype(np.int64), table.size - 2)
    low: Array = table[first]
    found: Array = low + (at - first.astype(np.float32)) * (table[first + 1] - low)
    return found
