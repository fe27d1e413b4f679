"""What a mean step foretells of whole trains: walks of mean steps, beside the reads.

A family that is a little wrong everywhere, by less than the noise of any one step, is wrong by the sum of it along a
train. Steps taken one by one say little of such a sum; walks say it. The deviations of a train's reads from a walk are
sums of its noise, so neighbours tell the same; a walk counts as many independent readings as it has times of
correlation (Sokal, in Functional Integration, Springer 1997, section 3: summed to the first negative value).
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cache

import numpy as np
import numpy.typing as npt

from twin.devices.fit import DeviceFit
from twin.devices.trains import Array, Trains

LONGEST = 100  # pulses of a walk; longer trains are walks from several of their reads
Shape = Callable[[Array, Array], Array]
"""Mean step of an up pulse from its parameters and the weight, -1 to 1; that of a down pulse is its mirror image."""


@dataclass(frozen=True, slots=True, eq=False)
class Walks:
    """Walks of one direction, the longest first; weights of down trains are mirrored.

    Attributes
    ----------
    start, scale, stretch : float64 array, shape (walks,)
        Weight at the first read; the device's factor of the mean step; mean range over the device's own.
    reads : float64 array, shape (pulses, walks)
        Weights after each pulse; whatever beyond a walk's end.
    active : int64 array, shape (pulses,)
        How many walks have that pulse.
    """

    start: Array
    scale: Array
    stretch: Array
    reads: Array
    active: npt.NDArray[np.int64]

    @classmethod
    def of(cls, trains: Trains, fitted: DeviceFit, kept: npt.NDArray[np.int64], *, up: bool) -> "Walks":
        """Cut the kept steps of one direction into walks."""
        chosen = kept[trains.up[kept] == up]
        begins = trains.begins(chosen)
        since = np.arange(chosen.size) - np.maximum.accumulate(np.where(begins, np.arange(chosen.size), 0))
        first = np.flatnonzero(since % LONGEST == 0)
        size = np.diff(np.append(first, chosen.size))
        order = np.argsort(-size, kind="stable")
        first, size = first[order], size[order]
        width = fitted.high - fitted.low
        device = trains.device[chosen]
        sign = 1.0 if up else -1.0
        before, after = (
            sign * (2 * (g[chosen] - fitted.low[device]) / width[device] - 1) for g in (trains.before, trains.after)
        )
        pulse = np.arange(size[0])[:, None]
        reads = after[np.minimum(first + pulse, chosen.size - 1)]
        scale = fitted.steps.scale[chosen][first]
        return cls(before[first], scale, fitted.span / width[device[first]], reads, np.sum(pulse < size, axis=1))

    def misses(self, shape: Shape, p: Array, bound: float = 1.0) -> list[Array]:
        """Return how far the walks of a shape are from the reads, weight units, one array a pulse."""
        now, found = self.start, []
        factor, ends = self.scale * self.stretch, np.maximum(self.start, bound)
        for pulse, count in enumerate(self.active):
            now = now[:count]
            now = np.minimum(now + factor[:count] * shape(p, np.minimum(now, bound)), ends[:count])
            found.append((now - self.reads[pulse, :count]) / self.stretch[:count])
        return found


@dataclass(frozen=True, slots=True, eq=False)
class Course:
    """The walks of both directions, and what one of their misses is worth.

    Attributes
    ----------
    up, down : Walks
    deviation : float
        Of a miss, weight units, times the square root of the misses' time of correlation.
    readings : float
        How many independent ones the misses are worth.
    free : float
        Chi^2 of the free curve.
    """

    up: Walks
    down: Walks
    deviation: float
    readings: float
    free: float

    @classmethod
    def of(cls, trains: Trains, fitted: DeviceFit, kept: npt.NDArray[np.int64]) -> "Course":
        """Cut the kept steps into walks; the free curve says how far reads are from any."""
        ways = Walks.of(trains, fitted, kept, up=True), Walks.of(trains, fitted, kept, up=False)
        unit = 2.0 / fitted.span
        nodes = fitted.up.nodes * unit, fitted.down.nodes[::-1] * unit  # each from its far bound on
        misses = [way.misses(interpolated, own) for way, own in zip(ways, nodes, strict=True)]
        together = np.concatenate([one for found in misses for one in found])
        square, time = float(np.mean(together**2)), correlation_time(misses)
        variance = max(square, fitted.steps.read * unit**2 + 1e-12)
        readings = together.size / time
        return cls(*ways, float(np.sqrt(variance * time)), readings, readings * square / variance)

    def rest(self, way: Walks, shape: Shape, p: Array, bound: float = 1.0) -> Array:
        """Return the misses of a shape that is clipped at a bound, weighted to be added to those of the steps."""
        return np.concatenate(way.misses(shape, p, bound)) / self.deviation


def interpolated(p: Array, w: Array) -> Array:
    """Mean step from values at equally spaced weights."""
    return np.asarray(np.interp(w, _grid(p.size), p), np.float64)


@cache
def _grid(size: int) -> Array:
    return np.linspace(-1.0, 1.0, size)


def correlation_time(misses: list[list[Array]]) -> float:
    """Return the integrated time of correlation of misses along a walk, pulses."""
    longest = max(len(found) for found in misses)

    def product(lag: int) -> float:
        pairs = [(a[: b.size], b) for found in misses for a, b in zip(found, found[lag:], strict=False)]
        return float(np.mean(np.concatenate([a * b for a, b in pairs]))) if pairs else 0.0

    own, time = product(0), 1.0
    for lag in range(1, longest):
        share = product(lag) / own if own > 0 else 0.0
        if share <= 0:
            break
        time += 2 * share
    return time
