"""`twin sweep`, and where points are run as the command line says it."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from twin.cli.completion import completer
from twin.cli.options import JOBS, RUNS, Memory, Scheduler, asking
from twin.config.options import Jobs, Retry
from twin.console import progress, say, wide_console
from twin.errors import TwinError

if TYPE_CHECKING:
    import pandas as pd

    from twin.sweep.executor import Executor

LEAST_MEMORY_B = 2**30
WIDTH = 140


@asking()
def sweep(
    description: Annotated[
        str, typer.Argument(help="A sweep of `twin list`, or a path to a TOML file.", autocompletion=completer("sweep"))
    ],
    out: Annotated[
        Path | None, typer.Option("--out", help="Folder of the results; what it holds is not run again.")
    ] = None,
    jobs: Jobs = JOBS,
    scheduler: Scheduler = "",
    shard: Annotated[str, typer.Option(metavar="I/N", help="Only every N-th point, from the I-th.")] = "1/1",
    memory: Memory = "",
    budget: Annotated[float, typer.Option(min=0.0, help="Start no point after so many minutes; 0: no limit.")] = 0.0,
    max_points: Annotated[int, typer.Option(min=0, help="Start no more points than these; 0: no limit.")] = 0,
    max_failures: Annotated[
        int, typer.Option(min=0, help="Start no point after so many that failed or were killed; 0: no limit.")
    ] = 0,
    retry: Retry = False,
    keep: Annotated[bool, typer.Option("--keep", help="Keep the folder of every run.")] = False,
    parquet: Annotated[bool, typer.Option("--parquet", help="Keep results as Parquet files (extra).")] = False,
) -> None:
    """Run many points over dotted keys, or seek values at each; one row each, whatever happens to it."""
    from twin.descriptions.load import load_sweep
    from twin.machine.compiled import ensure_compiled
    from twin.sweep.measure import Status
    from twin.sweep.run import Settings, run_sweep

    folder = out or RUNS / f"sweep-{load_sweep(description).model.name}"
    settings = Settings(_shard(shard), retry, parquet, keep, budget * 60, max_points, max_failures)
    executor = executor_of(jobs, scheduler, memory)
    try:
        with progress_of("sweep", "points", scheduler) as advance:
            ensure_compiled()
            table, missing = run_sweep(description, folder, executor, settings, advance)
    except KeyboardInterrupt:
        say(f"interrupted; the same command goes on: twin sweep {description} --out {folder}")
        raise
    _print(table)
    for status, count in table["status"].value_counts(sort=False).items():
        if status != Status.DONE:
            rows = table[table["status"] == status]
            say(f"{count} {status}, e.g. {rows['id'].iloc[0]}: {rows['reason'].iloc[0]}")
    if missing:
        say(f"{missing} points have no result yet; the same command goes on")
    say(f"table: {folder / 'table.csv'}; trade-offs with the Pareto front as a figure: twin figures {folder}")
    if (folder / "best.csv").exists():
        say(f"what was found at each point: {folder / 'best.csv'}, every trial: {folder / 'trials.csv'}")


def executor_of(jobs: int, scheduler: str, memory: str) -> "Executor":
    """Return where points are run, as the command line says it."""
    if scheduler:
        from twin.sweep.dask import DaskCluster

        if memory:
            raise TwinError("--memory: is for processes of this machine; set it where the cluster is described")
        return DaskCluster(scheduler, jobs)
    from twin.sweep.local import LocalProcesses

    return LocalProcesses(jobs, memory_of(memory) if memory else 0)


def memory_of(text: str) -> int:
    """Read a size in bytes, e.g. ``"4 GiB"``.

    Raises
    ------
    TwinError
        When it is none, or too little for the libraries alone.
    """
    from pydantic_core import PydanticCustomError

    from twin.config.quantity import BYTES

    try:
        size = round(BYTES.parse(text))
    except PydanticCustomError as error:
        raise TwinError(f"--memory (= {text}): {error.message()}") from error
    if size < LEAST_MEMORY_B:
        raise TwinError(f"--memory (= {text}): must be at least 1 GiB, which the libraries alone may take")
    return size


def _shard(text: str) -> tuple[int, int]:
    """Read ``"2/8"``: the second of eight shards.

    Raises
    ------
    TwinError
        On anything else.
    """
    found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
    if found:
        number, count = int(found[1]), int(found[2])
        if 1 <= number <= count:
            return number, count
    raise TwinError(f"--shard (= {text}): must read I/N with I from 1 to N, e.g. --shard 2/8")


def _print(table: "pd.DataFrame") -> None:
    from rich.table import Table

    from twin.sweep.shown import SHOWN, shown_rows

    headings, rows = shown_rows(table)
    head = Table(*headings, box=None)
    for row in rows:
        head.add_row(*row)
    wide_console(WIDTH).print(head)
    if len(table) > SHOWN:
        say(f"... and {len(table) - SHOWN} more rows")


@contextmanager
def progress_of(what: str, unit: str, scheduler: str = "") -> Iterator[Callable[[float, int], None]]:
    """Show how far all points are."""
    waiting = f"workers of --scheduler {scheduler}, and " if scheduler else ""
    with progress(f"{what}: waiting for {waiting}the first of the {unit}", unit) as report:
        yield partial(report, what)
