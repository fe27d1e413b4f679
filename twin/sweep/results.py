"""What a sweep leaves: one small file a point, and the table of them all."""

import importlib.util
import io
import math
import tomllib
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from twin.errors import TwinError
from twin.files import write_bytes, write_text
from twin.results.intervals import half_width
from twin.results.pareto import OBJECTIVES, front_of
from twin.results.store import write_csv
from twin.sweep.measure import FINAL, UNITS, Row, Status
from twin.sweep.point import SEED, Point

if TYPE_CHECKING:
    import pandas as pd

MEANS = [name for name, unit in UNITS.items() if unit]
COUNTS = frozenset({SEED, "n", "front", "trial", "trials", "finished"})


class Results:
    """The result files of a sweep's folder.

    Parameters
    ----------
    folder : Path
    parquet : bool
        Keep results as Parquet files (extra ``parquet``) instead of CSV.
    """

    def __init__(self, folder: Path, *, parquet: bool = False) -> None:
        self.folder, self.suffix = folder / "results", ".parquet" if parquet else ".csv"
        if parquet:
            _need_pyarrow()

    def path(self, name: str) -> Path:
        """Return where the result of a point lies."""
        return self.folder / f"{name}{self.suffix}"

    def save(self, point: Point, row: Row) -> None:
        """Write the result of a point; it is whole or absent."""
        import pandas as pd  # noqa: PLC0415

        frame = pd.DataFrame([row], columns=pd.Index(list(UNITS)))
        if self.suffix == ".csv":
            write_csv(frame, self.path(point.id))
        else:
            buffer = io.BytesIO()
            frame.to_parquet(buffer, index=False)
            write_bytes(self.path(point.id), buffer.getvalue())

    def load(self, name: str) -> Row | None:
        """Return the result of a point; None where there is none yet."""
        import pandas as pd  # noqa: PLC0415

        path = self.path(name)
        if not path.exists():
            return None
        try:
            if self.suffix == ".csv":
                frame = pd.read_csv(path, keep_default_na=False, dtype=str)
            else:
                frame = pd.read_parquet(path)
            frame = frame if "data_set" in frame else frame.assign(data_set="")  # a result of an earlier version
            return {key: _number(frame[key][0]) if unit else str(frame[key][0]) for key, unit in UNITS.items()}
        except (OSError, KeyError, ValueError, IndexError) as error:
            raise TwinError(f"{path}: is no result of a sweep ({error}); remove it to run its point again") from error

    def waiting(self, points: Iterable[Point], *, retry: bool) -> list[Point]:
        """Return the points that have no result; with `retry` also those whose end was not final."""
        todo: dict[str, Point] = {}
        for point in points:
            row = self.load(point.id)
            if row is None or (retry and row["status"] not in FINAL):
                todo.setdefault(point.id, point)
        return list(todo.values())

    def count(self, points: Iterable[Point]) -> int:
        """Return how many of the points have a result, without reading them."""
        return sum(self.path(point.id).exists() for point in points)

    def table(self, points: Sequence[Point]) -> "pd.DataFrame":
        """Return id, values of the axes, seed and result of every point that has one, in the order of the design."""
        import pandas as pd  # noqa: PLC0415

        rows = [{"id": point.id} | point.axes | row for point in points if (row := self.load(point.id)) is not None]
        keys = list(points[0].axes) if points else []
        return pd.DataFrame(rows, columns=pd.Index(["id", *keys, *UNITS]))


def _number(value: str | float) -> float:
    """Read a number, of a CSV file from its text."""
    return math.nan if value == "" else float(value)


def _need_pyarrow() -> None:
    if importlib.util.find_spec("pyarrow") is None:
        raise TwinError("--parquet: needs pyarrow; pip install 'analog-twin[parquet]', or leave it out")


def write_tables(table: "pd.DataFrame", keys: Sequence[str], folder: Path, **more: "pd.DataFrame") -> None:
    """Write ``table.csv``, the means over seeds in ``means.csv``, further tables, and the unit of every column."""
    import pandas as pd  # noqa: PLC0415

    tables = {"table": table, "means": means(table, keys), **more}
    for name, frame in tables.items():
        write_csv(frame, folder / f"{name}.csv")
    rows = [(name, str(column), _unit(str(column))) for name, frame in tables.items() for column in frame.columns]
    write_csv(pd.DataFrame(rows, columns=pd.Index(["table", "column", "unit"])), folder / "columns.csv")


def _unit(column: str) -> str:
    stem = column.removesuffix("_mean").removesuffix("_interval").removesuffix("_found")
    return "1" if column in COUNTS else UNITS.get(column, UNITS.get(stem, ""))


def means(table: "pd.DataFrame", keys: Sequence[str]) -> "pd.DataFrame":
    """Return mean and half the 95 % interval over seeds of every number, for runs that were finished.

    ``front`` is 1 for points that no other one beats in energy, time, area and test error together.
    """
    import pandas as pd  # noqa: PLC0415

    done = table[table["status"] == str(Status.DONE)]
    rows = []
    for values, group in done.groupby(list(keys), sort=False):
        row: dict[str, object] = dict(zip(keys, values if isinstance(values, tuple) else (values,), strict=True))
        row["n"] = len(group)
        for name in MEANS:
            row[f"{name}_mean"], row[f"{name}_interval"] = mean_and_interval(group[name].astype(float))
        rows.append(row)
    names = [f"{name}_{what}" for name in MEANS for what in ("mean", "interval")]
    found = pd.DataFrame(rows, columns=pd.Index([*keys, "n", *names]))
    found.insert(len(keys) + 1, "front", front_of(found, [f"{name}_mean" for name in OBJECTIVES]).astype(int))
    return found


def mean_and_interval(values: "pd.Series[float]") -> tuple[float, float]:
    """Return the mean and half its 95 % interval, Student's ``t(n - 1) s / sqrt(n)``; NaN for a single value."""
    if len(values) < 2:
        return float(values.mean()), math.nan
    return float(values.mean()), float(half_width(np.asarray(values, np.float64)))


def describe(folder: Path, text: str) -> None:
    """Keep the sweep's own description beside its results; another sweep may not go on in its folder.

    The same sweep read from another place goes on: its text differs in the comments that name the place.

    Raises
    ------
    TwinError
        When the folder holds another sweep.
    """
    path = folder / "sweep.toml"
    if path.exists() and _values(path.read_text(encoding="utf-8")) != tomllib.loads(text):
        raise TwinError(f"--out (= {folder}): holds another sweep (see sweep.toml there); name another folder")
    write_text(path, text)


def _values(text: str) -> dict[str, Any] | None:
    """Return what a description in a sweep's folder says; None where it is no TOML."""
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError:
        return None
