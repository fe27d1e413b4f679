"""`twin.run_sweep`: many points over dotted keys from Python, their results as frames."""

from __future__ import annotations

import re
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pandas as pd

from twin.api.arguments import in_words_of_python
from twin.api.progress import shown
from twin.descriptions.resolved import toml_text
from twin.errors import TwinError
from twin.machine.compiled import ensure_compiled
from twin.report.pages.notebook import table_html
from twin.sweep.local import LocalProcesses, ThisProcess
from twin.sweep.run import Settings
from twin.sweep.run import run_sweep as run_points
from twin.sweep.shown import SHOWN, shown_rows

if TYPE_CHECKING:
    from twin.sweep.executor import Executor

GIVEN = "description"


@dataclass(frozen=True, eq=False, slots=True)
class SweepResult:
    """The results of a sweep so far.

    Attributes
    ----------
    table : DataFrame
        One row a point: id, the axes, seed, how it ended (``status``, ``reason``), and its totals.
    means : DataFrame
        One row for each set of values: mean and half the 95 % interval over seeds of the points that are done.
    best : DataFrame
        Of a search one row for each point of the design: the values found, their objective when they were found
        (``OBJECTIVE_found``), its mean and half its 95 % interval over the seeds of the sweep; empty without a search.
    trials : DataFrame
        Of a search one row for each run of a trial, with the columns of `table`; empty without a search.
    units : dict
        Unit of every column of these tables (s, J, m2, B, 1/s; "1" for plain numbers, "" for texts).
    missing : int
        Points that have no result yet.
    """

    table: pd.DataFrame
    means: pd.DataFrame
    best: pd.DataFrame
    trials: pd.DataFrame
    units: dict[str, str]
    missing: int

    def _repr_html_(self) -> str:
        headings, rows = shown_rows(self.table)
        counts = self.table["status"].value_counts(sort=False).items()
        notes = [f"{count} {status}" for status, count in counts]
        notes += [f"first {SHOWN} rows"] if len(self.table) > SHOWN else []
        notes += [f"{self.missing} have no result yet"] if self.missing else []
        keys = headings.index("status") + 1
        return table_html(headings, rows, range(keys), f"{len(self.table)} points: {', '.join(notes)}")


def run_sweep(
    description: str | Path | Mapping[str, Any],
    *,
    out: str | Path | None = None,
    jobs: int = 1,
    retry: bool = False,
    budget_s: float = 0.0,
    progress: bool = True,
) -> SweepResult:
    """Run a workload at many points, as the command ``twin sweep`` does; whatever happens to a point, it has a row.

    Parameters
    ----------
    description : str, Path or mapping
        A name of ``twin.available("sweeps")``, a TOML file, or what such a file holds: ``{"workload": "digits-mlp",
        "seeds": [1, 2], "axes": [{"key": "device.dw_min", "values": [0.01, 0.1]}]}``. Quantities are text with a unit.
        With ``"search"`` values are sought at each point (extra ``search``).
    out : str or Path
        A folder for the results. What it holds is not run again, so the same call goes on after an interruption.
        Without it nothing stays behind.
    jobs : int
        Processes; results do not depend on it. In a script more than one needs ``if __name__ == "__main__":``.
    retry : bool
        Run again what failed or was killed.
    budget_s : float
        Start no more points after so many seconds on the clock of the wall; 0: no limit.
    progress : bool
        Show how far it is, on a terminal or in a notebook.

    Returns
    -------
    SweepResult
        Tables of all points in the order of the design, with their units (s, J, m², B).

    Raises
    ------
    TwinError
        When the description is wrong, no point can be run, or results cannot be written.
    """
    with in_words_of_python(), ExitStack() as stack:
        if jobs < 1:
            raise TwinError(f"jobs (= {jobs}): must be at least 1")
        temporary = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="twin-")))
        folder = temporary / "sweep" if out is None else Path(out)
        executor: Executor = ThisProcess() if jobs == 1 else LocalProcesses(jobs)
        settings = Settings(retry=retry, budget_s=budget_s)
        named = _named(description, temporary)
        try:
            with shown("sweep", on=progress) as report:
                ensure_compiled()
                table, missing = run_points(
                    named, folder, executor, settings, lambda done, total: report("points", done, total)
                )
        except TwinError as error:
            raise TwinError(re.sub(rf"{re.escape(str(temporary))}\S*\.toml(:\d+)?", GIVEN, str(error))) from None
        columns = pd.read_csv(folder / "columns.csv", keep_default_na=False)
        means, best, trials = (_read(folder, name, columns) for name in ("means", "best", "trials"))
    units = {str(name): str(unit) for name, unit in zip(columns["column"], columns["unit"], strict=True)}
    return SweepResult(table, means, best, trials, units, missing)


def _read(folder: Path, name: str, columns: pd.DataFrame) -> pd.DataFrame:
    """Read a table that the sweep has written; empty where it writes none of this name."""
    if name not in set(columns["table"]):
        return pd.DataFrame()
    numbers = columns["column"][(columns["table"] == name) & (columns["unit"] != "")]
    return pd.read_csv(folder / f"{name}.csv", keep_default_na=False, na_values={key: [""] for key in numbers})


def _named(description: str | Path | Mapping[str, Any], folder: Path) -> str:
    """Return the name or path of a description; one that is given as a mapping is written into `folder` first."""
    if not isinstance(description, Mapping):
        return str(description)
    content = {"schema": 1, "kind": "sweep", "name": "sweep", "description": "given in Python"} | dict(description)
    path = folder / f"{GIVEN}.toml"
    try:
        text = "\n".join(f"{toml_text(str(key))} = {toml_text(value)}" for key, value in content.items())
    except TwinError as error:
        raise TwinError(f"{GIVEN}: {error}") from None
    path.write_text(text, encoding="utf-8")
    return str(path)
