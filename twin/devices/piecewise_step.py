"""Piecewise step: the step is given at nodes along the range; the form of every measured device."""

from typing import Annotated, Self

import numpy as np
import numpy.typing as npt
from pydantic import Field, model_validator

from twin.config.checks import refusal
from twin.devices.family import BoundedFamily, Draws, Steps
from twin.devices.response import POINTS, Array, Tabulated

Nodes = Annotated[
    tuple[Annotated[float, Field(ge=0.0, le=1e6)], ...], Field(strict=False, min_length=2, max_length=POINTS)
]


class PiecewiseStep(BoundedFamily):
    """Steps relative to the device's own, interpolated linearly between nodes from `w_min` to `w_max`.

    aihwkit's ``PiecewiseStepDevice``; the nodes are equally spaced over each device's own range. With 2^k sections
    (k at most 9) the kernels' table holds the nodes exactly; otherwise corners are rounded off over 1/512 of the
    range.
    """

    piecewise_up: Nodes
    """Up step at the nodes, from `w_min` to `w_max`, in units of the device's own step."""
    piecewise_down: Nodes
    """Down step at as many nodes, from `w_min` to `w_max`, in units of the device's own step."""

    @model_validator(mode="after")
    def _same_nodes(self) -> Self:
        up, down = (vars(self)[name] for name in ("piecewise_up", "piecewise_down"))
        if len(up) != len(down):
            raise refusal(("piecewise_down",), f"must have as many nodes as piecewise_up ({len(up)})")
        if not any(up) or not any(down):
            raise refusal(("piecewise_up",), "must not be all zero, nor piecewise_down")
        return self

    def coefficients(self, draws: Draws, steps: Steps) -> Tabulated:
        """Position in the table: from the own lower bound to the upper."""
        w_min, w_max = self.bounds(draws)
        slope = np.float32(POINTS - 1) / (w_max - w_min)
        return Tabulated(
            scale_up=steps.up,
            scale_down=steps.down,
            slope=slope,
            offset=-slope * w_min,
            tables=np.stack([_table(self.piecewise_up), _table(self.piecewise_down)]),
            **self.common(steps, (w_min, w_max), self.granularity),
        )

    @property
    def granularity(self) -> float:
        """Mean of the nominal up and down step at zero weight, or of the whole range where both vanish."""
        at = -self.w_min / (self.w_max - self.w_min)
        up = (1.0 + min(self.up_down, 0.0)) * _at(self.piecewise_up, at)
        down = (1.0 - max(self.up_down, 0.0)) * _at(self.piecewise_down, at)
        return self.dw_min * ((up + down) / 2 or float(np.mean([*self.piecewise_up, *self.piecewise_down])))


def _table(nodes: tuple[float, ...]) -> Array:
    x = np.linspace(0.0, 1.0, POINTS)
    return np.interp(x, _places(nodes), nodes).astype(np.float32)


def _at(nodes: tuple[float, ...], place: float) -> float:
    return float(np.interp(place, _places(nodes), nodes))


def _places(nodes: tuple[float, ...]) -> npt.NDArray[np.float64]:
    return np.linspace(0.0, 1.0, len(nodes))
