"""`twin verify-sampling`: the same runs with every sample timed and with windows only, side by side."""

import math
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from twin.cli.options import JOBS, RUNS, asking
from twin.config.options import Options
from twin.console import progress, wide_console
from twin.errors import TwinError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from rich.table import Table

    from twin.results.result import RunResult

WIDTH = 120


@asking(
    without={"mode", "sampled", "endurance", "trace", "events", "pulses", "baselines", "batch"},
    algorithms=("sgd", "ttv2"),
    jobs=JOBS,
)
def verify_sampling(options: Options) -> None:
    """Run with every sample timed and with windows only; print both times and whether they agree."""
    from twin.machine.compiled import ensure_compiled
    from twin.runs.comparison import plans_of
    from twin.runs.folder import named_folder, new_folder
    from twin.runs.kinds import TRAINED
    from twin.runs.library import Library
    from twin.runs.planning import check_all, kind_named
    from twin.runs.pool import gather, prepare_all, run_all

    library = Library()
    if kind_named(options.workload, library) is not TRAINED:
        raise TwinError(
            f"verify-sampling: the workload {options.workload} is only timed, never sampled; name one that is trained"
        )
    timed = {mode: plans_of(replace(options, sampled=mode == "sampled"), library) for mode in ("exact", "sampled")}
    check_all([*timed["exact"], *timed["sampled"]])
    stem = f"verify-sampling-{Path(options.workload).stem}"
    folder = named_folder(options.out) if options.out is not None else new_folder(RUNS, stem)
    exact, sampled = (prepare_all(timed[mode], folder / mode) for mode in ("exact", "sampled"))
    with progress("preparing", "samples") as report:
        ensure_compiled()
        failures = run_all([*exact, *sampled], options.jobs, report)
    if failures:
        raise TwinError(f"{failures[0][0]}: {failures[0][1]}")
    pairs = list(zip(*(gather([run.folder for run in runs]) for runs in (exact, sampled)), strict=True))
    wide_console(WIDTH).print(comparison(pairs))
    print(f"runs: {folder}")  # noqa: T201 - this is the command line


def comparison(pairs: "Sequence[tuple[RunResult, RunResult]]") -> "Table":
    """Lay exact and sampled runs side by side.

    Raises
    ------
    TwinError
        When what does not depend on the timing differs.
    """
    from rich.table import Table

    from twin.results.text import percent, si

    table = Table("run", title="exact and sampled timing", title_justify="left")
    for heading in ("time, exact", "sampled", "difference %", "± % (95 %)", "inside", "energy, exact", "sampled"):
        table.add_column(heading, justify="right")
    for exact, sampled in pairs:
        _check(exact, sampled)
        difference_s = sampled.makespan_s - exact.makespan_s
        whole_s, half_s = exact.makespan_s or 1.0, sampled.makespan_interval_s
        table.add_row(
            exact.name,
            si(exact.makespan_s, "s"),
            si(sampled.makespan_s, "s"),
            f"{100 * difference_s / whole_s:+.3f}",
            percent(half_s / whole_s),
            "unknown" if math.isnan(half_s) else "yes" if abs(difference_s) <= half_s else "no",
            si(exact.energy_J, "J"),
            si(sampled.energy_J, "J"),
        )
    return table


def _check(exact: "RunResult", sampled: "RunResult") -> None:
    learned = ["train_loss", "test_error"]
    if not exact.curve[learned].equals(sampled.curve[learned]):
        raise TwinError(f"run {exact.name}: sampled timing changed what training learns; this is a bug in twin")
    if not exact.tables["traffic"].equals(sampled.tables["traffic"]):
        raise TwinError(f"run {exact.name}: sampled timing changed the bytes moved; this is a bug in twin")
