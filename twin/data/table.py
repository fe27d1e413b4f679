"""Rows of the user's own in a CSV or Parquet file: columns of features, and the label or labels."""

import importlib.util
import io
import warnings
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from twin.config.checks import first_repeated
from twin.config.resources import suggestion
from twin.data import folder
from twin.data.checked import Samples
from twin.data.dataset import Dataset
from twin.data.samples import dataset, listed
from twin.errors import TwinError
from twin.files import check_suffix, read_limited

if TYPE_CHECKING:
    import pandas as pd

    from twin.config.data import Data

SEPARATORS = {".csv": ",", ".tsv": "\t"}
PARQUET = ".parquet"
MOST_BYTES = 2**31
MOST_VALUES = 2**30


def read(config: "Data") -> Dataset:
    """Return the rows of ``data.file``, and those of ``data.test_file`` for the test where it is given.

    Classes are numbered in the order of their sorted names, numbers by size.

    Raises
    ------
    TwinError
        Where a file cannot be read, lacks a column or a value, or holds what cannot be learnt.
    """
    frames, places = [], []
    for key, name in (("file", config.file), ("test_file", config.test_file)):
        if name:
            places.append(f"data.{key} (= {name!r})")
            frames.append(_frame(key, name))
            _check_columns(places[-1], frames[-1], config)
    kept = [name for name in frames[0].columns if name not in {*config.label, *config.ignore}]
    if not kept:
        raise TwinError(f"{places[0]}: has no column beside data.label and data.ignore; there must be a feature")
    for place, frame in zip(places[1:], frames[1:], strict=True):
        absent = [name for name in kept if name not in frame]
        if absent:
            raise TwinError(f"{place}: has no column {absent[0]!r}, which {places[0]} has; prepare both alike")
    inputs = [_numbers(place, frame, kept) for place, frame in zip(places, frames, strict=True)]
    notes: dict[str, str | int] = {}
    if config.targets == "values":
        targets = [_numbers(place, frame, config.label) for place, frame in zip(places, frames, strict=True)]
    else:
        targets, names = _classes(places, frames, config.label[0])
        notes = {"classes": listed(names)}
    labels = f"column {config.label[0]!r}" if len(config.label) == 1 else "columns of labels"
    parts = [Samples(place, x, f"{place}: {labels}", y) for place, x, y in zip(places, inputs, targets, strict=True)]
    return dataset(config, Path(config.file).name, parts, notes)


def _frame(key: str, name: str) -> "pd.DataFrame":
    """Read a table; only an empty field is a missing value, so that "NA" may be the name of a class."""
    import pandas as pd  # noqa: PLC0415 - half a second, which other data need not pay

    place = f"data.{key} (= {name!r})"
    path = folder.own(place, name)
    check_suffix(f"data.{key}", Path(name), *SEPARATORS, PARQUET)
    try:
        if path.suffix.lower() == PARQUET:
            return _parquet(place, path)
        content = io.BytesIO(read_limited(path, MOST_BYTES))
        separator = SEPARATORS[path.suffix.lower()]
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # rows longer than the header
            return pd.read_csv(
                content,
                sep=separator,
                encoding="utf-8-sig",
                keep_default_na=False,
                na_values=[""],
                index_col=False,
                low_memory=False,
            )
    except (OSError, ValueError, MemoryError, OverflowError, pd.errors.ParserWarning) as error:
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TwinError(f"{place}: cannot be read as a table ({reason}); write it again, CSV in UTF-8") from error


def _parquet(place: str, path: Path) -> "pd.DataFrame":
    if importlib.util.find_spec("pyarrow") is None:
        raise TwinError(f"{place}: needs pyarrow; pip install 'analog-twin[parquet]', or write the table as CSV")
    import pyarrow.parquet as pq  # noqa: PLC0415 - an extra

    with pq.ParquetFile(path) as table:
        claimed = table.metadata.num_rows * table.metadata.num_columns
        if claimed > MOST_VALUES:
            raise TwinError(f"{place}: claims {claimed:,} values; at most {MOST_VALUES:,} are read; use a part of it")
        frame: pd.DataFrame = table.read().to_pandas()
    return frame


def _check_columns(place: str, frame: "pd.DataFrame", config: "Data") -> None:
    known = [str(name) for name in frame.columns]
    again = first_repeated(known)
    if again is not None:
        raise TwinError(f"{place}: has two columns {again[1]!r}; give each a name of its own")
    for key in ("label", "ignore"):
        for name in getattr(config, key):
            if name not in known:
                shown = ", ".join(known[:8])
                near = suggestion(name, known)
                raise TwinError(f"data.{key} (= {name!r}): {place} has no such column{near}; it begins with {shown}")
    if not len(frame):
        raise TwinError(f"{place}: has no rows below its header; write it again")


def _numbers(place: str, frame: "pd.DataFrame", names: Sequence[str]) -> npt.NDArray[np.float64]:
    """Return columns as (rows, columns); each value must be a finite number."""
    import pandas as pd  # noqa: PLC0415

    columns = []
    for name in names:
        raw = frame[name]
        counted = raw if pd.api.types.is_numeric_dtype(raw) else pd.to_numeric(raw.astype(str), errors="coerce")
        values = counted.to_numpy(np.float64, na_value=np.nan)
        bad = np.flatnonzero(~np.isfinite(values))
        if bad.size:
            value = "" if pd.isna(raw.iloc[bad[0]]) else raw.iloc[bad[0]]
            raise TwinError(
                f"{place}: column {name!r}, row {bad[0] + 1} (= {value!r}): must be a finite number; fill it in, drop "
                "the row, or name the column in data.ignore"
            )
        columns.append(values)
    return np.stack(columns, axis=1)


def _classes(
    places: Sequence[str], frames: "Sequence[pd.DataFrame]", name: str
) -> tuple[list[npt.NDArray[Any]], list[str]]:
    """Return each row's class by number, and the classes' names."""
    import pandas as pd  # noqa: PLC0415

    for place, frame in zip(places, frames, strict=True):
        absent = np.flatnonzero(frame[name].isna())
        if absent.size:
            raise TwinError(
                f"{place}: column {name!r}, row {absent[0] + 1} (= ''): must name a class; fill it in or drop the row"
            )
    columns = [frame[name] for frame in frames]
    if all(pd.api.types.is_numeric_dtype(column) for column in columns):
        wrong = np.flatnonzero(columns[0] != np.floor(columns[0].astype(float)))
        if wrong.size:
            raise TwinError(
                f"{places[0]}: column {name!r}, row {wrong[0] + 1} (= {columns[0].iloc[wrong[0]]}): must be a class, a "
                'whole number or a name; use data.targets = "values" for values to fit'
            )
    else:
        columns = [column.astype(str) for column in columns]
    known = np.unique(columns[0].to_numpy())
    found = []
    for place, column in zip(places, columns, strict=True):
        values = column.to_numpy()
        at = np.minimum(np.searchsorted(known, values), len(known) - 1)
        strange = np.flatnonzero(known[at] != values)
        if strange.size:
            raise TwinError(
                f"{place}: column {name!r}, row {strange[0] + 1} (= {values[strange[0]]!r}): must be a class of the "
                f"training rows, e.g. {known[0]!r}; correct it or add such rows"
            )
        found.append(at)
    return found, [str(value) for value in known]
