"""Several finished runs at hand: in a notebook, as a frame, as a report."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, final, overload

from twin.api.plots import Plots
from twin.api.result import RunResult
from twin.errors import TwinError
from twin.report.pages.notebook import runs_html
from twin.report.write import write_report
from twin.results.derived import derive_all
from twin.results.equal import equal_tables
from twin.results.totals import UNITS, totals

if TYPE_CHECKING:
    import pandas as pd

    from twin.results import result


@final
class Comparison(Sequence[RunResult]):
    """Finished runs in order; the first is the baseline.

    A run is found by position or by name: ``runs[0]``, ``runs["ttv2 four-array"]``. In a notebook the whole shows as
    the table that ``twin compare`` prints, with units in its headings.

    Parameters
    ----------
    runs : sequence of RunResult
        With different names.
    command : str
        What regenerates them, for the report.

    Raises
    ------
    TwinError
        When there is none, or two have one name.
    """

    def __init__(self, runs: Sequence[result.RunResult], command: str = "") -> None:
        derive_all(runs)
        self._runs = tuple(RunResult.showing(runs))
        self.command = command or runs[0].command

    @overload
    def __getitem__(self, key: int | str) -> RunResult: ...
    @overload
    def __getitem__(self, key: slice) -> Comparison: ...
    def __getitem__(self, key: int | str | slice) -> RunResult | Comparison:
        if isinstance(key, slice):
            return Comparison(self._runs[key], self.command)
        if isinstance(key, int):
            return self._runs[key]
        found = next((run for run in self._runs if run.name == key), None)
        if found is None:
            raise TwinError(f"run (= {key!r}): is not here; there are {', '.join(run.name for run in self._runs)}")
        return found

    def __len__(self) -> int:
        return len(self._runs)

    @property
    def table(self) -> pd.DataFrame:
        """One row a run, indexed by its name; losses, test_error as a fraction, times in s, energies in J, and so on.

        What each column is measured in stands in `units`.
        """
        import pandas as pd  # noqa: PLC0415

        index = pd.Index([run.name for run in self._runs], name="run")
        return pd.DataFrame([totals(run) for run in self._runs], index=index, columns=pd.Index(list(UNITS)))

    @property
    def units(self) -> dict[str, str]:
        """Unit of every column of `table`, such as s, J, m2, B, 1/s; "1" for plain numbers, "" for texts."""
        return dict(UNITS)

    @property
    def curves(self) -> pd.DataFrame:
        """All learning curves, with epoch, samples, time_s (simulated s), losses, test_error (fraction), run."""
        import pandas as pd  # noqa: PLC0415

        return pd.concat([run.curve.assign(run=run.name) for run in self._runs], ignore_index=True)

    def at_equal_area(self) -> pd.DataFrame:
        """Every run with the silicon of the largest: as many copies as fit; units are in the names of the columns.

        Copies work on different samples and exchange no weights: this holds for inference and for independent
        trainings; ``tile_sets_samples_per_s`` is an upper bound (docs/compare.md).
        """
        return equal_tables(self._runs)["equal_area"].set_index("run")

    def at_equal_accuracy(self, to_error: float | None = None) -> pd.DataFrame:
        """Time (s) and energy (J) of every trained run until a test error; NaN where a run did not reach it.

        Parameters
        ----------
        to_error : float
            Test error as a fraction, of a regression the test loss (default: the least that all trained runs reached).
            It is reached at the end of the first epoch that is no worse.

        Raises
        ------
        TwinError
            When no run was trained.
        """
        found = equal_tables(self._runs, to_error).get("equal_accuracy")
        if found is None:
            raise TwinError("at_equal_accuracy: no run has a test error; compare trained runs")
        return found.set_index("run")

    def report(self, folder: str | Path, to_error: float | None = None) -> Path:
        """Write report.html, report.md, summary.json, tidy tables (each with a column of units) and figures.

        Parameters
        ----------
        folder : str or Path
            Made where it is missing.
        to_error : float
            As in `at_equal_accuracy`.

        Returns
        -------
        Path
            ``report.html``, one offline file.

        Raises
        ------
        TwinError
            When a file cannot be written.
        """
        return write_report(self._runs, Path(folder), self.command, to_error)

    @property
    def plot(self) -> Plots:
        """The figures of the report as axes of matplotlib, their units at the axes: ``runs.plot.learning()``."""
        return Plots(self._runs)

    def _repr_html_(self) -> str:
        return runs_html(self._runs)
