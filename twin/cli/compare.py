"""`twin compare`: runs yet to be made, or finished ones."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

import typer

from twin.cli.options import JOBS, RUNS, Card, ToError, asking
from twin.config.options import Options
from twin.console import say, wide_console
from twin.errors import TwinError


@asking(without={"workload"}, jobs=JOBS)
def compare(
    *,
    context: typer.Context,
    names: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[WORKLOAD | FOLDER FOLDER...]",
            help="A workload of `twin list` or a path (default: digits-mlp), or folders of finished runs.",
        ),
    ] = None,
    options: Options,
    unlike: Annotated[
        bool, typer.Option("--unlike", help="Of finished runs: also if data set, network or seed differ.")
    ] = False,
    card: Card = False,
    to_error: ToError = None,
) -> None:
    """Train (or only time) with several algorithms and layouts and compare them; or compare finished runs.

    With a workload: accuracy, time, energy, bandwidth and area of every algorithm and layout. With folders that `twin
    run`, `twin compare` or `twin sweep --keep` left: what differs in their configuration, then in their
    results; and both comparisons at equal area and at equal accuracy.
    """
    if _are_folders(names or []):
        _refuse_options(
            context, {"names", "out", "unlike", "to_error"}, "is for runs yet to be made, and these are finished"
        )
        _compare_finished(names or [], options.out, unlike=unlike, to_error=to_error)
        return
    _refuse_options(context, set(context.params) - {"unlike"}, "is for folders of finished runs, not for a workload")
    from twin.cli.running import run_comparison

    run_comparison(replace(options, workload=names[0]) if names else options, card=card, to_error=to_error)


def _are_folders(names: Sequence[str]) -> bool:
    """Tell folders of finished runs from the workload of a comparison yet to be run.

    Several names are folders; one is, where it is a folder's and no shipped workload's.
    """
    if len(names) != 1:
        return len(names) > 1
    from twin.config.resources import FOLDERS, shipped

    workloads = {name for kind, folder in FOLDERS.items() if folder == FOLDERS["workload"] for name in shipped(kind)}
    return names[0] not in workloads and Path(names[0]).is_dir()


def _compare_finished(names: Sequence[str], out: Path | None, *, unlike: bool, to_error: float | None) -> None:
    """Say what makes the runs of these folders differ, and what they do at equal area and error; write both.

    Raises
    ------
    TwinError
        When a folder holds no finished run, there are fewer than two, their workloads are unlike, or no run can
        reach the error.
    """
    from twin.report.pages.difference_text import print_difference
    from twin.report.pages.difference_write import write_difference
    from twin.report.pages.equal import print_equal
    from twin.results.equal import check_target, trained
    from twin.runs.finished import check_alike, compared, finished
    from twin.runs.folder import command_line, named_folder

    folders = [Path(name) for name in names]
    runs = finished(folders)
    if len(runs) < 2:
        raise TwinError(f"{names[0]}: holds one run; name another to compare it with, e.g. twin compare A B")
    if not unlike:
        check_alike(runs)
    found = compared(runs)
    named = [one.named for one in found]
    if to_error is not None:
        learned = trained(named)
        check_target(to_error, trained=bool(learned), regression=all(run.regression for run in learned))
    digest = hashlib.sha256(json.dumps([run.facts.id for run in runs]).encode()).hexdigest()[:8]
    folder = named_folder(out) if out is not None else RUNS / f"compared-{digest}"
    pages = write_difference(found, folder, command_line(), to_error)
    print_difference(found, wide_console())
    print_equal(named, to_error)
    say(f"report: {pages}")


def _refuse_options(context: typer.Context, allowed: set[str], why: str) -> None:
    """Refuse options given on the command line that the command would not read."""
    for parameter in context.command.params:
        source = context.get_parameter_source(parameter.name or "")
        if parameter.name not in allowed and source is not None and source.name == "COMMANDLINE":
            raise TwinError(f"{parameter.opts[0]}: {why}; leave it out")
