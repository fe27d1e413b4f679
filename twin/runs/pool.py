"""Several runs, each in its folder, on one or more processes."""

import multiprocessing
import os
import queue
import signal
import sys
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from functools import partial
from multiprocessing import resource_tracker
from pathlib import Path
from threading import Thread
from typing import TYPE_CHECKING, NamedTuple

from twin.console import Report
from twin.errors import TwinError
from twin.files import slug
from twin.runs.folder import prepare
from twin.runs.plan import Plan
from twin.runs.protocol import CurveRow

if TYPE_CHECKING:
    from multiprocessing.queues import Queue

    from twin.results.result import RunResult

    Messages = Queue[tuple[str, int, int]]

AfterEpochOf = Callable[[str, CurveRow], object]
POLL_S = 0.1
OF_THE_TERMINAL = [getattr(signal, name) for name in ("SIGINT", "SIGHUP") if hasattr(signal, name)]
"""Signals that a terminal sends to the whole group."""


class Prepared(NamedTuple):
    """A run whose descriptions stand in its folder."""

    folder: Path
    plan: Plan


def prepare_all(plans: Sequence[Plan], folder: Path, command: str = "") -> list[Prepared]:
    """Write each run's descriptions into its own folder below `folder`; `command` as in `prepare`."""
    runs = []
    for plan in plans:
        path = folder / "runs" / slug(plan.name)
        path.mkdir(parents=True)
        prepare(plan, path, command)
        runs.append(Prepared(path, plan))
    return runs


def check_jobs(jobs: int) -> None:
    """Raise TwinError where worker processes are wanted and cannot be started."""
    if jobs > 1 and not os.access(sys.executable, os.X_OK):
        raise TwinError(f"--jobs (= {jobs}): this user may not execute {sys.executable}; use --jobs 1")


def run_all(
    runs: Sequence[Prepared], jobs: int, report: Report, after_epoch: AfterEpochOf | None = None
) -> list[tuple[Path, TwinError]]:
    """Run on up to `jobs` processes; return the folders of those that a user's mistake or a full disk ended, and why.

    Results do not depend on `jobs`. `after_epoch` is told the name of a run and the new row of its learning curve, in
    this process: with it there is one job. One failing run does not stop the others.
    """
    if jobs > 1 and len(runs) > 1:
        return _run_in_workers(runs, jobs, report)
    from twin.runs.run import run  # noqa: PLC0415

    failures: list[tuple[Path, TwinError]] = []
    for folder, plan in runs:
        try:
            told = None if after_epoch is None else partial(after_epoch, plan.name)
            run(folder, partial(report, folder.name), told, plan)
        except TwinError as error:
            failures.append((folder, error))
    return failures


def _run_in_workers(runs: Sequence[Prepared], jobs: int, report: Report) -> list[tuple[Path, TwinError]]:
    try:
        with _pool(min(jobs, len(runs))) as (pool, messages):
            with deaf_children():
                futures = {pool.submit(_run_in_worker, one): one.folder for one in runs}
            for name, done, total in _messages(messages, list(futures)):
                report(name, done, total)
    except OSError as error:
        raise TwinError(
            f"--jobs (= {jobs}): {sys.executable} cannot be started ({error.strerror or error}); use --jobs 1"
        ) from error
    failures: list[tuple[Path, TwinError]] = []
    for future, folder in futures.items():
        reason = future.exception()
        if isinstance(reason, BrokenProcessPool):
            reason = TwinError("its process was ended from outside, perhaps for want of memory")
        if isinstance(reason, TwinError):
            failures.append((folder, reason))
        elif reason is not None:
            raise reason
    return failures


@contextmanager
def _pool(workers: int) -> Iterator[tuple[ProcessPoolExecutor, "Messages"]]:
    context = multiprocessing.get_context("spawn")
    with deaf_children():
        messages: Messages = context.Queue()
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(messages,))
    try:
        yield pool, messages
    except BaseException:
        for process in list((pool._processes or {}).values()):  # noqa: SLF001 - there is no public way to stop workers
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


@contextmanager
def deaf_children() -> Iterator[None]:
    """Start processes that leave Ctrl-C and the end of the terminal to this one from their first instruction on.

    They inherit what is blocked here, until `obey_parent` ignores it; what is pressed meanwhile is heard afterwards.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, OF_THE_TERMINAL)
    try:
        resource_tracker.ensure_running()  # one of them; where it starts, it unblocks SIGINT here
        signal.pthread_sigmask(signal.SIG_BLOCK, OF_THE_TERMINAL)
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _messages(messages: "Messages", futures: list[Future[None]]) -> Iterator[tuple[str, int, int]]:
    while not all(future.done() for future in futures):
        try:
            yield messages.get(timeout=POLL_S)
        except queue.Empty:
            continue
    while not messages.empty():
        yield messages.get()


_outbox: "Messages | None" = None


def _start_worker(messages: "Messages") -> None:
    global _outbox  # noqa: PLW0603 - a pool's initialiser has no other way to hand something to its tasks
    _outbox = messages
    obey_parent()


def obey_parent() -> None:
    """Leave signals to the parent of this worker process, and end when it does: whoever goes on meets no other."""
    for number in OF_THE_TERMINAL:
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    parent = multiprocessing.parent_process()
    if parent is not None:
        parent.join()
        os._exit(1)


def _run_in_worker(prepared: Prepared) -> None:
    from twin.runs.run import run  # noqa: PLC0415

    name = prepared.folder.name
    every = [0]

    def progress(done: int, total: int) -> None:
        if _outbox is not None and (done >= every[0] or done == total):
            _outbox.put((name, done, total))
            every[0] = done + max(1, total // 200)

    run(prepared.folder, progress, plan=prepared.plan)


def gather(folders: Sequence[Path]) -> "list[RunResult]":
    """Load the results of finished runs."""
    from twin.results.store import load_run  # noqa: PLC0415

    return [load_run(folder) for folder in folders]
