"""One point run to its end, whatever that is: a row of the table."""

import math
import shutil
from enum import StrEnum
from pathlib import Path

from twin.descriptions.sweep import Scalar, Stop
from twin.errors import DivergedError, TwinError
from twin.results.result import RunResult
from twin.results.store import load_run
from twin.results.totals import totals
from twin.runs.folder import is_finished, prepare
from twin.runs.library import Library
from twin.runs.planning import plan_request
from twin.runs.protocol import CurveRow
from twin.runs.run import run
from twin.sweep.columns import RESULT
from twin.sweep.point import Point

Row = dict[str, Scalar]
UNITS: dict[str, str] = {column.name: column.unit for column in RESULT}
"""Columns of a row behind the id and the values of the axes, with their units ("1": a number, "": a name)."""


class Status(StrEnum):
    """How a point ended; the first four are final, the others may end otherwise when tried again."""

    DONE = "done"
    REFUSED = "refused"  # the description is not one of a possible run
    STOPPED = "stopped"  # given up by the sweep's own rule
    DIVERGED = "diverged"  # the loss is not a finite number any more
    FAILED = "failed"  # what the run said is the reason, e.g. a full disk
    MEMORY = "out of memory"
    KILLED = "killed"  # the process ended without a word


FINAL = frozenset({Status.DONE, Status.REFUSED, Status.STOPPED, Status.DIVERGED})


class GivenUpError(Exception):
    """A run is not worth going on with."""

    def __init__(self, status: Status, reason: str, row: CurveRow) -> None:
        super().__init__(status, reason, row)
        self.status, self.reason, self.row = status, reason, row


def measure(point: Point, folder: Path, stop: Stop | None, *, keep: bool) -> Row:
    """Run a point in ``folder / point.id``, from its checkpoint if there is one.

    Parameters
    ----------
    point : Point
    folder : Path
    stop : Stop or None
        When to give the point up.
    keep : bool
        Leave the folder of a finished run.

    Returns
    -------
    dict
        The columns of `UNITS`; NaN for what is not known. Whatever goes wrong is in ``status`` and ``reason``.
    """
    if point.refused:
        return ended(Status.REFUSED, point.refused)
    path = folder / point.id
    try:
        row = _finished(_run(point, path, stop))
    except GivenUpError as error:
        row = ended(error.status, error.reason) | _learned(error.row)
    except MemoryError:
        return out_of_memory()
    except DivergedError as error:
        return ended(Status.DIVERGED, str(error))
    except TwinError as error:
        return ended(Status.FAILED, str(error))
    except Exception as error:  # noqa: BLE001 - a bug in one point must not take the others down
        return ended(Status.FAILED, f"{type(error).__name__}: {error}")
    if not keep:
        shutil.rmtree(path, ignore_errors=True)
    return row


def _run(point: Point, path: Path, stop: Stop | None) -> RunResult:
    if is_finished(path):
        return load_run(path)
    plan = None
    if not (path / "run.json").exists():
        path.mkdir(parents=True, exist_ok=True)
        plan = plan_request(point.request, Library())
        prepare(plan, path)

    def after_epoch(row: CurveRow) -> None:
        if not math.isfinite(row.train_loss):
            raise GivenUpError(Status.DIVERGED, f"training loss is {row.train_loss} after epoch {row.epoch:.0f}", row)
        if stop is not None and row.epoch >= stop.after_epoch and row.test_error > stop.error_above:
            reason = f"test error {row.test_error:.4g} after epoch {row.epoch:.0f} is above {stop.error_above:g}"
            raise GivenUpError(Status.STOPPED, reason, row)

    return run(path, lambda *_: None, after_epoch, plan)


def ended(status: Status, reason: str) -> Row:
    """Return the row of a point without a result."""
    row: Row = {name: math.nan if unit else "" for name, unit in UNITS.items()}
    return row | {"status": str(status), "reason": " ".join(reason.split())}


def out_of_memory() -> Row:
    """Return the row of a point whose process could get no more memory."""
    return ended(Status.MEMORY, "the process may not have more memory; enlarge --memory or use fewer --jobs")


def _learned(row: CurveRow) -> Row:
    return {
        "epochs": row.epoch,
        "train_loss": row.train_loss,
        "test_loss": row.test_loss,
        "test_error": row.test_error,
        "makespan_s": row.time_s,
    }


def _finished(result: RunResult) -> Row:
    last = CurveRow(*result.curve[list(CurveRow._fields)].iloc[-1].astype(float))
    if not math.isfinite(last.train_loss):
        return ended(Status.DIVERGED, f"training loss is {last.train_loss} at the end") | _learned(last)
    return ended(Status.DONE, "") | totals(result)
