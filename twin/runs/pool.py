"""Several runs, each in its folder, on one or more processes."""

import multiprocessing
import queue
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing.managers import SyncManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from twin.errors import TwinError
from twin.files import slug
from twin.runs.plan import Plan, prepare

if TYPE_CHECKING:
    from twin.results.result import RunResult

Report = Callable[[str, int, int], None]
POLL_S = 0.1


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


def is_finished(folder: Path) -> bool:
    """Return whether the run of a folder has a result."""
    return (folder / "summary.json").exists()


def run_all(runs: Sequence[Prepared], jobs: int, report: Report) -> list[tuple[Path, TwinError]]:
    """Run on up to `jobs` processes; return the folders of those that a user's mistake or a full disk ended, and why.

    Results do not depend on `jobs`. One failing run does not stop the others.
    """
    failures: list[tuple[Path, TwinError]] = []
    if jobs == 1 or len(runs) <= 1:
        from twin.runs.run import run  # noqa: PLC0415

        for folder, plan in runs:
            try:
                run(folder, partial(report, folder.name), plan=plan)
            except TwinError as error:
                failures.append((folder, error))
        return failures
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, _pool(min(jobs, len(runs)), context, manager) as (pool, messages):
        futures = {pool.submit(_run_in_worker, one): one.folder for one in runs}
        for name, done, total in _messages(messages, list(futures)):
            report(name, done, total)
        for future, folder in futures.items():
            reason = future.exception()
            if isinstance(reason, TwinError):
                failures.append((folder, reason))
            elif reason is not None:
                raise reason
    return failures


@contextmanager
def _pool(
    workers: int, context: Any, manager: SyncManager
) -> Iterator[tuple[ProcessPoolExecutor, "queue.Queue[tuple[str, int, int]]"]]:
    messages: queue.Queue[tuple[str, int, int]] = manager.Queue()
    pool = ProcessPoolExecutor(workers, mp_context=context, initializer=_start_worker, initargs=(messages,))
    try:
        yield pool, messages
    except BaseException:
        for process in list(pool._processes.values()):  # noqa: SLF001 - there is no public way to stop workers
            process.terminate()
        pool.shutdown(wait=False, cancel_futures=True)
        raise
    pool.shutdown()


def _messages(
    messages: "queue.Queue[tuple[str, int, int]]", futures: list[Future[None]]
) -> Iterator[tuple[str, int, int]]:
    while not all(future.done() for future in futures):
        try:
            yield messages.get(timeout=POLL_S)
        except queue.Empty:
            continue
    while not messages.empty():
        yield messages.get()


_outbox: "queue.Queue[tuple[str, int, int]] | None" = None


def _start_worker(messages: "queue.Queue[tuple[str, int, int]]") -> None:
    global _outbox  # noqa: PLW0603 - a pool's initialiser has no other way to hand something to its tasks
    _outbox = messages
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the parent decides what Ctrl-C means


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
