"""`run.plot`: the figures of the report as axes of matplotlib, to be changed, joined and saved."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal

from twin.errors import TwinError
from twin.report.figures.endurance import endurance_panels
from twin.report.figures.layers import layer_panels
from twin.report.figures.standard import (
    draw_curves,
    energy_by_component,
    energy_by_operation,
    learning_curves,
    time_by_operation,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from matplotlib.axes import Axes

    from twin.report.figures.svg import Drawing
    from twin.results.result import RunResult


class Plots:
    """The figures of some runs; each method draws one and returns its axes, whose ``.figure`` saves it.

    Parameters
    ----------
    runs : sequence of RunResult
    """

    def __init__(self, runs: Sequence[RunResult]) -> None:
        self._runs = runs

    def learning(self, over: Literal["epoch", "time"] = "epoch", ax: Axes | None = None) -> Axes:
        """Draw test error (%) or loss over epochs, or over simulated time (s, ms ...); into `ax` if there is one.

        Raises
        ------
        TwinError
            Where nothing was trained, or `over` is another word.
        """
        if over not in {"epoch", "time"}:
            raise TwinError(f"over (= {over!r}): must be 'epoch' or 'time'")
        drawn = learning_curves(self._runs) if ax is None else []
        if ax is not None:
            draw_curves(ax, self._runs, over)
            ax.legend()
            return ax
        if not drawn:
            raise TwinError("learning: nothing was trained, so there is no curve")
        return _axes(drawn[over == "time"])[0]

    def time(self) -> Axes:
        """Draw the busy time of all servers by operation, s a sample."""
        return _axes(time_by_operation(self._runs))[0]

    def energy(self, by: Literal["operation", "component"] = "operation") -> Axes:
        """Draw the energy by operation or by component of the chip, J a sample; raises TwinError for another word."""
        if by not in {"operation", "component"}:
            raise TwinError(f"by (= {by!r}): must be 'operation' or 'component'")
        drawing = energy_by_operation if by == "operation" else energy_by_component
        return _axes(drawing(self._runs))[0]

    def layers(self) -> list[Axes]:
        """Draw busy time (s) and energy (J) a sample by layer and operation: two axes a run."""
        return [axes for drawing in layer_panels(self._runs) for axes in _axes(drawing)]

    def endurance(self) -> list[Axes]:
        """Draw which share of devices (%) got at most so many pulses a sample: one of the axes a run that counted them.

        Raises
        ------
        TwinError
            Where no run counted pulses.
        """
        drawn = endurance_panels(self._runs)
        if not drawn:
            raise TwinError("endurance: no pulses were counted; simulate with endurance=True")
        return [_axes(drawing)[0] for drawing in drawn]


def _axes(drawing: Drawing) -> list[Axes]:
    figure = drawing.source
    return [] if isinstance(figure, str) else list(figure.axes)
