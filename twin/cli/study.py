"""`twin study`."""

import shlex
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.cli.completion import completer
from twin.cli.options import JOBS, RUNS, Memory, Scheduler, asking
from twin.cli.sweep import executor_of, progress_of
from twin.config.options import Jobs, Retry
from twin.console import say
from twin.errors import TwinError

if TYPE_CHECKING:
    from twin.study.plan import StudyPlan
    from twin.study.run import Store


@asking()
def study(
    description: Annotated[
        str, typer.Argument(help="A study of `twin list`, or a path to a TOML file.", autocompletion=completer("study"))
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of README, tables and figures (default: below runs/).")
    ] = None,
    cache: Annotated[
        Path | None, typer.Option(help="Folder of finished runs, which studies may share (default: cache below OUT).")
    ] = None,
    jobs: Jobs = JOBS,
    scheduler: Scheduler = "",
    memory: Memory = "",
    retry: Retry = False,
) -> None:
    """Make all runs, sweeps, tables and figures that one file names, and a folder to publish."""
    from twin.config.place import Places
    from twin.config.resources import find
    from twin.descriptions.load import load_study
    from twin.machine.compiled import ensure_compiled
    from twin.study.plan import plan_study
    from twin.study.run import Store, run_study
    from twin.study.write import check_folder, write_study

    loaded = load_study(description)
    plan = plan_study(loaded, Places(find("study", description)))
    folder = out or RUNS / f"study-{loaded.model.name}"
    executor = executor_of(jobs, scheduler, memory)
    check_folder(folder, loaded.model.name)
    options = {"--out": out, "--cache": cache}
    given = [word for option, path in options.items() if path for word in (option, str(path))]
    store = Store(cache or folder / "cache", shlex.join(["twin", "study", description, *given]))
    try:
        with progress_of("study", "runs", scheduler) as progress:
            ensure_compiled()
            reproduced = run_study(plan, store, executor, progress, retry=retry)
            failures = write_study(plan, store, reproduced, folder)
    except KeyboardInterrupt:
        say(f"interrupted; the same command goes on: {store.command}")
        raise
    say(f"study: {folder / 'README.md'}")
    failures += _failed(plan, store)
    if failures:
        more = f" (and {len(failures) - 1} more)" if len(failures) > 1 else ""
        raise TwinError(f"{failures[0]}{more}; the rest is made, and --retry runs again what may end otherwise")


def _failed(plan: "StudyPlan", store: "Store") -> list[str]:
    """List the points of sweeps that did not end for good; runs are named by what could not be made of them."""
    from twin.sweep.measure import FINAL

    runs = {point.id for entry in plan.study.runs for point in plan.groups[entry.name].points}
    rows = ((name, row) for name, row in store.rows(plan).items() if name not in runs)
    return [f"{name}: {row['reason']}" for name, row in rows if row and row["status"] not in FINAL]
