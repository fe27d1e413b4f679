"""A finished run at hand: its numbers, and the pages that show them."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Self, final

from twin.report.pages.notebook import runs_html
from twin.report.write import write_report
from twin.results import result

if TYPE_CHECKING:
    from collections.abc import Sequence


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

    def _repr_html_(self) -> str:
        return runs_html([self])
