"""What is said to a person while a command runs, on the standard error stream: lines, and how far it is."""

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from threading import Event, Thread
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

Report = Callable[[str, float, float], None]
"""Takes the name of what goes on, how much of it is done, and how much there is."""

WIDE = 180
FIRST_S, EVERY_S, LATER_S = 1.5, 10.0, 60.0


def say(text: str) -> None:
    """Tell the user something that is not the result."""
    print(text, file=sys.stderr, flush=True)  # noqa: T201 - this is what prints


def wide_console(width: int = WIDE) -> "Console":
    """Return a console that does not squeeze tables into 80 columns where nobody looks at a terminal."""
    from rich.console import Console  # noqa: PLC0415 - slow to import, and `twin --help` needs none

    console = Console()
    return console if console.is_terminal else Console(width=width)


@contextmanager
def progress(what: str, unit: str) -> Iterator[Report]:
    """Show a bar for everything that reports, or where there is no terminal a line.

    One comes every ten seconds, after a minute one a minute.

    Parameters
    ----------
    what : str
        Is shown until the first report.
    unit : str
        Of what is counted, e.g. ``"samples"``.
    """
    if sys.stderr.isatty():
        with _bars(what, unit) as report:
            yield report
        return
    with lines(what, unit) as report:
        yield report


@contextmanager
def lines(what: str, unit: str) -> Iterator[Report]:
    """As `progress`, always with lines: for what may go on while a bar is shown."""
    written = _Lines(what, unit)
    try:
        yield written.report
    finally:
        written.end()


@contextmanager
def _bars(what: str, unit: str) -> Iterator[Report]:
    from rich.console import Console  # noqa: PLC0415
    from rich.progress import (  # noqa: PLC0415
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TaskID,
        TextColumn,
        TimeElapsedColumn,
        TimeRemainingColumn,
    )

    text = TextColumn("{task.description}")
    columns = (text, BarColumn(), MofNCompleteColumn(), TextColumn(unit), TimeElapsedColumn(), TimeRemainingColumn())
    with Progress(*columns, console=Console(stderr=True)) as bars:
        waiting = bars.add_task(what, total=None)
        tasks: dict[str, TaskID] = {}

        def report(name: str, done: float, total: float) -> None:
            bars.update(waiting, visible=False)
            if name not in tasks:
                tasks[name] = bars.add_task(name, total=total)
            bars.update(tasks[name], completed=done, total=total)

        yield report


class _Lines:
    """Says at intervals how far everything is, also while nothing reports."""

    def __init__(self, what: str, unit: str) -> None:
        self._what, self._unit, self._begin = what, unit, time.monotonic()
        self._latest: tuple[str, float, float] | None = None
        self._reported: dict[str, tuple[float, float]] = {}
        self._ended = Event()
        self._thread = Thread(target=self._run, daemon=True)
        self._thread.start()

    def report(self, name: str, done: float, total: float) -> None:
        self._reported[name] = done, total
        self._latest = name, done, total

    def end(self) -> None:
        self._ended.set()
        self._thread.join()

    def _run(self) -> None:
        wait = FIRST_S
        while not self._ended.wait(wait):
            say(self._line())
            wait = EVERY_S if time.monotonic() - self._begin < LATER_S else LATER_S

    def _line(self) -> str:
        elapsed_s = time.monotonic() - self._begin
        if self._latest is None:
            return f"{self._what} ({elapsed_s:.0f} s)"
        name, done, total = self._latest
        all_done, whole = (sum(values) for values in zip(*self._reported.values(), strict=True))
        left = f", about {duration(elapsed_s * (whole - all_done) / all_done)} left" if 0 < all_done < whole else ""
        return f"{name}: {done:,.0f} of {total:,.0f} {self._unit}{left}"


def duration(seconds: float) -> str:
    """Write a time as people read it: 42 s, 3 min, 2.5 h."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.0f} min" if seconds < 6000 else f"{seconds / 3600:.1f} h"
