"""What commands that run something have in common: a folder, progress, how to go on, the table at the end."""

import hashlib
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from twin.cli.options import RUNS
from twin.config.options import Options
from twin.console import progress, say
from twin.results.result import COVERAGE
from twin.runs.comparison import begin, begun, check_error, complete, error_of, plan_comparison, unfinished_error
from twin.runs.exports import EXPORTS
from twin.runs.folder import command_line, named_folder, new_folder
from twin.runs.plan import COMPARISON, Plan
from twin.runs.pool import Prepared

if TYPE_CHECKING:
    from twin.results.result import RunResult


WORN = 2
"""Matrices of which it is said when they wear out, the soonest first; the report has all."""


def run_comparison(options: Options, *, card: bool = False, to_error: float | None = None) -> None:
    """Plan, run and report a comparison, with baselines beside it."""
    plans, described = plan_comparison(options)
    if to_error is not None:
        check_error(to_error, plans[0])
    folder = _folder(options, plans)
    with resumable(folder):
        finish(folder, begin(folder, plans, described, command_line(), to_error), options.jobs, card=card)


def _folder(options: Options, plans: Sequence[Plan]) -> Path:
    """Create the folder of a comparison."""
    if options.out is not None:
        return named_folder(options.out)
    digest = hashlib.sha256("".join(plan.id for plan in plans).encode()).hexdigest()[:8]
    return new_folder(RUNS, f"{Path(options.workload).stem}-{digest}")


@contextmanager
def resumable(folder: Path) -> Iterator[None]:
    """Say on Ctrl-C how to go on, whenever it comes: before the first sample, in training or during the report."""
    try:
        yield
    except KeyboardInterrupt:
        if (folder / COMPARISON).exists():
            say(f"interrupted; continue with: twin resume {folder}")
        raise


def finish(folder: Path, runs: Sequence[Prepared], jobs: int, *, card: bool = False) -> None:
    """Run what is unfinished, write the report of what is finished, print the table, and the card if asked for."""
    from twin.report.pages.equal import print_equal
    from twin.report.pages.plausible import print_card
    from twin.report.pages.table import print_table
    from twin.report.write import write_report
    from twin.results.card import doubts
    from twin.results.derived import interval, summed
    from twin.results.endurance import endurance_lines

    with progress("preparing", "samples") as report:
        results, failures = complete(folder, runs, jobs, report)
    if results:
        command, _ = begun(folder)
        to_error = error_of(folder)
        write_report(results, folder, command, to_error)
        print_table(results)
        print_equal(results, to_error)
        if card:
            print_card(results)
        for result in results:
            if interval(result):
                say(f"{result.name}: time {interval(result)}")
            for line in (*_coverage(result), *endurance_lines(result)[:WORN]):
                say(f"{result.name}: {line}")
            for warning in (*summed(result.warnings), *doubts(result)):
                say(f"warning: {result.name}: {warning}")
        _say_exports([run.folder for run in runs])
        say(f"report: {folder / 'report.html'}")
    if failures:
        raise unfinished_error(folder, failures)


def _say_exports(folders: Sequence[Path]) -> None:
    for path in (folder / name for folder in folders for name in EXPORTS):
        if path.exists():
            say(f"written: {path}")


def _coverage(result: "RunResult") -> list[str]:
    """Say how far a weight of each layer can move in the run, where transfers limit that."""
    table = result.diagnostics
    rows = table[table["what"] == COVERAGE]
    bounds = [f"layer {layer} {value:.3g}" for layer, value in zip(rows["layer"], rows["value"], strict=True)]
    return [f"{COVERAGE} (weight units): {', '.join(bounds)}"] if bounds else []
