"""Several runs: planned, run on one or more processes, gathered into one report."""

import multiprocessing
import queue
import signal
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from contextlib import contextmanager
from functools import partial
from multiprocessing.managers import SyncManager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from twin.errors import TwinError
from twin.files import slug
from twin.runs.plan import Descriptions, RunPlan, prepare

if TYPE_CHECKING:
    from twin.results.result import RunResult

Report = Callable[[str, int, int], None]
POLL_S = 0.1


def plan_runs(
    workload: str,
    chip: str,
    algorithms: Sequence[str],
    layouts: Sequence[str],
    **common: Any,
) -> list[RunPlan]:
    """Return one plan per algorithm and layout that fits it.

    Without layouts each algorithm runs on its default ones; a layout that an algorithm cannot use is skipped,
    unless that leaves the algorithm without any.
    """
    from twin.algorithms.registry import algorithm_class  # noqa: PLC0415
    from twin.config import load_layout  # noqa: PLC0415

    if not algorithms:
        raise TwinError("--algorithms: names none; give e.g. --algorithms sgd,ttv2")
    for layout in layouts:
        load_layout(layout)  # also where no algorithm would look at it
    plans = []
    for name in dict.fromkeys(algorithms):
        algorithm = algorithm_class(name)
        chosen = list(dict.fromkeys(layouts)) or list(algorithm.default_layouts)
        if name == "digital":
            chosen = list(algorithm.default_layouts)
        fits = [layout for layout in chosen if algorithm.fits(load_layout(layout).model)]
        if not fits:
            needs = ", ".join(algorithm.default_layouts)
            raise TwinError(f"--layouts (= {','.join(chosen)}): none fits the algorithm {name}; add one of {needs}")
        plans += [RunPlan(workload, chip, layout, name, **common) for layout in fits]
    return plans


def check_all(plans: Sequence[RunPlan]) -> None:
    """Find what is wrong with runs of one workload before anything is written; their data are loaded once.

    Raises
    ------
    TwinError
        As `twin.runs.build.check`, or `build_timing_only` for a network that is timed only.
    """
    found = [Descriptions.of(plan) for plan in plans]  # a slip of the pen is found before the kernels are imported
    if found and found[0].workload.model.kind == "timing-only":
        from twin.runs.timed import build_timing_only  # noqa: PLC0415

        for plan in plans:
            build_timing_only(plan)
        return
    from twin.runs.build import check  # noqa: PLC0415

    data = None
    for plan in plans:
        data = check(plan, data).data


def prepare_all(plans: Sequence[RunPlan], folder: Path, command: str = "") -> list[Path]:
    """Write each run's descriptions into its own folder below `folder`; `command` as in `prepare`."""
    folders = []
    for plan in plans:
        path = folder / "runs" / slug(Descriptions.of(plan).name(plan.algorithm))
        path.mkdir(parents=True)
        prepare(plan, path, command)
        folders.append(path)
    return folders


def unfinished(folders: Sequence[Path]) -> list[Path]:
    """Return the folders whose runs have no result yet."""
    return [folder for folder in folders if not (folder / "summary.json").exists()]


def run_all(folders: Sequence[Path], jobs: int, report: Report) -> list[tuple[Path, TwinError]]:
    """Run folders on up to `jobs` processes; return those that a user's mistake or a full disk ended.

    Results do not depend on `jobs`. One failing run does not stop the others.
    """
    failures: list[tuple[Path, TwinError]] = []
    if jobs == 1 or len(folders) <= 1:
        from twin.runs.trained import run  # noqa: PLC0415

        for folder in folders:
            try:
                run(folder, partial(report, folder.name))
            except TwinError as error:
                failures.append((folder, error))
        return failures
    context = multiprocessing.get_context("spawn")
    with context.Manager() as manager, _pool(min(jobs, len(folders)), context, manager) as (pool, messages):
        futures = {pool.submit(_run_in_worker, str(folder)): folder for folder in folders}
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


def _run_in_worker(folder: str) -> None:
    from twin.runs.trained import run  # noqa: PLC0415

    path = Path(folder)
    every = [0]

    def progress(done: int, total: int) -> None:
        if _outbox is not None and (done >= every[0] or done == total):
            _outbox.put((path.name, done, total))
            every[0] = done + max(1, total // 200)

    run(path, progress)


def gather(folders: Sequence[Path]) -> "list[RunResult]":
    """Load the results of finished runs."""
    from twin.results.store import load_run  # noqa: PLC0415

    return [load_run(folder) for folder in folders]
