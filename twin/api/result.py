"""A finished run at hand: its numbers, its matrices, and the pages and figures that show it."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self, final

from twin.api.plots import Plots
from twin.errors import TwinError
from twin.report.pages.notebook import runs_html
from twin.report.write import write_report
from twin.results import result

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from twin.runs.build import Parts
    from twin.runs.pool import Prepared
    from twin.runs.state import State

_PARTS = "_parts"
"""Attribute of a run that was made or loaded here: what builds its parts again."""


@final
class RunResult(result.RunResult):
    """A finished run with all attributes of `twin.results.result.RunResult`: times in s, energies in J, areas in m².

    In a notebook it shows as the table that ``twin run`` prints.
    """

    @classmethod
    def showing(cls, runs: Sequence[result.RunResult]) -> list[Self]:
        """Give the same runs, each able to show itself."""
        return [run if isinstance(run, cls) else cls(**vars(run)) for run in runs]

    def report(self, folder: str | Path) -> Path:
        """Write report.html, tables with units and the rest, as `twin.Comparison.report`, for this run alone."""
        return write_report([self], Path(folder), self.command)

    @property
    def plot(self) -> Plots:
        """The figures of the report as axes of matplotlib, their units at the axes: ``run.plot.learning()``."""
        return Plots([self])

    @property
    def state(self) -> State:
        """Matrices by node at the end of training: ``run.state["dense-0"]["A"]``, in weights of devices (no unit).

        A, C and W are logical weights, (outputs, inputs); H counts in units of its threshold; ``"A.reference"`` holds
        raw weights of the reference array, unless it was calibrated again in training.

        Raises
        ------
        TwinError
            Where nothing was trained, or the folder of the run is gone.
        """
        from twin.runs.state import state_of  # noqa: PLC0415

        parts = parts_of(self)
        return state_of(parts.machine, references=not parts.workload.calibration.repeats)

    def _repr_html_(self) -> str:
        return runs_html([self])


def parts_of(run: RunResult) -> Parts:
    """Build network, arrays and chip of a run again as they were at the end; raises as `RunResult.state`."""
    build: Callable[[], Parts] | None = vars(run).get(_PARTS)
    if build is None:
        raise TwinError(f"{run.name}: has no matrices: nothing was trained, or it was not loaded from its folder")
    return build()


def keep_folder(run: RunResult, folder: Path) -> None:
    """Note the folder of a run, from which its matrices can be had."""
    from twin.runs.finals import finished_parts  # noqa: PLC0415

    object.__setattr__(run, _PARTS, lambda: finished_parts(folder))


def keep_matrices(run: RunResult, prepared: Prepared) -> None:
    """Read the matrices of a run whose folder will go."""
    from twin.arrays import read_arrays  # noqa: PLC0415
    from twin.extraction.model import FINALS, enter_finals  # noqa: PLC0415
    from twin.runs.build import build  # noqa: PLC0415

    if not (prepared.folder / FINALS).exists():
        return
    arrays, plan = read_arrays(prepared.folder / FINALS), prepared.plan

    def parts() -> Parts:
        found = build(plan)
        enter_finals(found.machine, arrays, run.name)
        return found

    object.__setattr__(run, _PARTS, parts)
