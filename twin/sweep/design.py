"""From axes to values: grid, list, random and Latin-hypercube designs."""

import math
from collections.abc import Sequence
from itertools import product
from typing import Any

import numpy as np
import numpy.typing as npt

from twin.descriptions.sweep import Axis, Scalar, Sweep
from twin.errors import TwinError

MOST_POINTS = 100_000
Values = tuple[Scalar, ...]


def values_of(sweep: Sweep) -> list[Values]:
    """Return the values of every point, one a key of ``sweep.axes``; seeds are not in it.

    Random designs are the same for the same ``design.seed``; the Latin hypercube (McKay, Beckman, Conover 1979; here
    SciPy's) has one point in each of its n slices of every axis.
    """
    axes, design = sweep.axes, sweep.design
    _check_size(sweep)
    match design.kind:
        case "grid":
            return list(product(*(axis.values for axis in axes)))
        case "list":
            return list(zip(*(axis.values for axis in axes), strict=True))
        case "random":
            rng = np.random.Generator(np.random.Philox(design.seed))
            return _scaled(axes, rng.random((design.points, len(axes))))
        case "latin-hypercube":
            from scipy.stats import qmc  # noqa: PLC0415

            rng = np.random.Generator(np.random.Philox(design.seed))
            return _scaled(axes, qmc.LatinHypercube(len(axes), rng=rng).random(design.points))


def _check_size(sweep: Sweep) -> None:
    """Refuse a design that nobody runs, before its points are made."""
    axes, design = sweep.axes, sweep.design
    size = math.prod(len(axis.values) for axis in axes) if design.kind == "grid" else getattr(design, "points", 1)
    points = size * len(sweep.seeds)
    if points > MOST_POINTS:
        raise TwinError(
            f"sweep {sweep.name}: has {points:,} points with all seeds; at most {MOST_POINTS:,} are possible; "
            'take fewer values or seeds, or draw some of them with design = {kind = "latin-hypercube", ...}'
        )


def _scaled(axes: Sequence[Axis], unit: npt.NDArray[Any]) -> list[Values]:
    """Spread draws from [0, 1) over the axes."""
    return [tuple(_at(axis, float(u)) for axis, u in zip(axes, row, strict=True)) for row in unit]


def _at(axis: Axis, u: float) -> Scalar:
    if axis.values:
        return axis.values[min(int(u * len(axis.values)), len(axis.values) - 1)]
    if axis.low is None or axis.high is None:
        raise ValueError(f"{axis.key}: neither values nor a range")
    low, high = (axis.low - 0.5, axis.high + 0.5) if axis.integer else (axis.low, axis.high)
    drawn = math.exp(math.log(low) + u * math.log(high / low)) if axis.scale == "log" else low + u * (high - low)
    return max(int(axis.low), min(round(drawn), int(axis.high))) if axis.integer else drawn
