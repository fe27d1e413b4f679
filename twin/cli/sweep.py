"""What `twin sweep` does, between the command line and the rooms."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from twin.cli.commands import RUNS
from twin.console import progress, say, wide_console
from twin.descriptions.load import load_sweep
from twin.errors import TwinError
from twin.sweep.measure import Status
from twin.sweep.run import Settings, run_sweep
from twin.sweep.shown import SHOWN, shown_rows

if TYPE_CHECKING:
    import pandas as pd

    from twin.sweep.executor import Executor

LEAST_MEMORY_B = 2**30
WIDTH = 140


def sweep_command(
    description: str, out: Path | None, jobs: int, scheduler: str, memory: str, settings: Settings
) -> None:
    """Run what a sweep lacks, write its tables, print the first rows.

    Raises
    ------
    TwinError
        As `run_sweep`.
    """
    from twin.machine.compiled import ensure_compiled  # noqa: PLC0415

    folder = out or RUNS / f"sweep-{load_sweep(description).model.name}"
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
    say(f"table: {folder / 'table.csv'}")
    if (folder / "best.csv").exists():
        say(f"what was found at each point: {folder / 'best.csv'}, every trial: {folder / 'trials.csv'}")


def executor_of(jobs: int, scheduler: str, memory: str) -> "Executor":
    """Return where points are run, as the command line says it."""
    if scheduler:
        from twin.sweep.dask import DaskCluster  # noqa: PLC0415

        if memory:
            raise TwinError("--memory: is for processes of this machine; set it where the cluster is described")
        return DaskCluster(scheduler, jobs)
    from twin.sweep.local import LocalProcesses  # noqa: PLC0415

    return LocalProcesses(jobs, memory_of(memory) if memory else 0)


def memory_of(text: str) -> int:
    """Read a size in bytes, e.g. ``"4 GiB"``.

    Raises
    ------
    TwinError
        When it is none, or too little for the libraries alone.
    """
    from pydantic_core import PydanticCustomError  # noqa: PLC0415

    from twin.config.quantity import BYTES  # noqa: PLC0415

    try:
        size = round(BYTES.parse(text))
    except PydanticCustomError as error:
        raise TwinError(f"--memory (= {text}): {error.message()}") from error
    if size < LEAST_MEMORY_B:
        raise TwinError(f"--memory (= {text}): must be at least 1 GiB, which the libraries alone may take")
    return size


def shard_of(text: str) -> tuple[int, int]:
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
    from rich.table import Table  # noqa: PLC0415

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
