"""A run as a directory of CSV and JSON, and back. No pickle: a directory from a stranger is data."""

import csv
import io
import json
import math
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from pydantic import BaseModel, ValidationError

from twin.errors import TwinError
from twin.files import read_limited, remove, write_text
from twin.results.result import LEDGER, OPTIONAL, SCHEMA, RunResult, Source, unit
from twin.results.summary import run_summary, to_json
from twin.results.tables import TABLES

if TYPE_CHECKING:
    import pandas as pd

Checked = TypeVar("Checked", bound=BaseModel)
MOST_JSON = 2**26
MOST_TABLE = 2**30

COLUMNS = "columns.csv"
"""Unit and type of every column of every table of the directory."""

PARSERS: dict[str, Callable[[str], object]] = {
    "int64": int,
    "float64": lambda text: float(text or "nan"),
    "bool": lambda text: text == "True",
}
KINDS = {"i": "int64", "u": "int64", "f": "float64", "b": "bool"}


def save_run(run: RunResult, folder: Path) -> None:
    """Write a run to `folder`; ``summary.json`` comes last and marks the directory as whole.

    Raises
    ------
    TwinError
        When a file cannot be written; it names the path.
    """
    import pandas as pd  # noqa: PLC0415

    remove(folder / "summary.json")
    frames = run.frames() | {"sources": pd.DataFrame(run.sources, columns=pd.Index(Source._fields))}
    columns = []
    for name, frame in frames.items():
        write_csv(frame, folder / f"{name}.csv")
        for column in frame.columns:
            label = "" if name == "sources" else unit(name, str(column))
            dtype = KINDS.get(frame[column].dtype.kind, "str")
            columns.append((name, column, label, dtype))
    index = pd.DataFrame(columns, columns=pd.Index(["table", "column", "unit", "type"]))
    write_csv(index, folder / COLUMNS)
    write_text(folder / "config.toml", run.config)
    write_text(folder / "summary.json", to_json(run_summary(run, run)))


def load_run(folder: Path) -> RunResult:
    """Read a directory written by `save_run`; every number comes back with the same bits.

    Raises
    ------
    TwinError
        When the directory is not a finished run of this schema.
    """
    return run_of(folder, read_summary(folder))


def read_summary(folder: Path) -> dict[str, Any]:
    """Read the ``summary.json`` of a run.

    Raises
    ------
    TwinError
        When there is none of this schema.
    """
    summary = read_json(folder / "summary.json")
    if summary.get("schema") != SCHEMA or summary.get("kind") != "run":
        found = f"kind {summary.get('kind')!r}, schema {summary.get('schema')!r}"
        raise TwinError(f"{folder / 'summary.json'}: {found} is no run of schema {SCHEMA}; run it again")
    return summary


def run_of(folder: Path, summary: dict[str, Any]) -> RunResult:
    """Put a run together from its summary and the tables of its directory.

    Raises
    ------
    TwinError
        When a table is missing, damaged or cut short.
    """
    types = _types(folder)
    try:
        frames = {name: _read(folder, name, columns) for name, columns in types.items()}
        return _rebuild(summary, frames, (folder / "config.toml").read_text(encoding="utf-8"))
    except (OSError, KeyError, ValueError, TypeError) as error:
        raise TwinError(f"{folder}: not a whole run ({error}); run it again") from error


def read_json(path: Path) -> dict[str, Any]:
    """Read a JSON object.

    Raises
    ------
    TwinError
        When there is none.
    """
    raw = read_limited(path, MOST_JSON)
    try:
        loaded = json.loads(raw.decode("utf-8"))
    except RecursionError as error:
        raise TwinError(f"{path}: is nested too deeply; run it again") from error
    except ValueError as error:
        raise TwinError(f"{path}: is not JSON ({error}); run it again") from error
    if not isinstance(loaded, dict):
        raise TwinError(f"{path}: holds no JSON object; run it again")
    return loaded


def read_checked(model: type[Checked], path: Path, fix: str) -> Checked:
    """Read a JSON object that a model describes; `fix` is what to do where it is none.

    Raises
    ------
    TwinError
        Naming the file, the key and the rule.
    """
    loaded = read_json(path)
    try:
        return model.model_validate(loaded)
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        at = ".".join(map(str, first["loc"])) or "the object"
        raise TwinError(f"{path}: {at}: {first['msg'].lower()}; {fix}") from error
    except RecursionError as error:
        raise TwinError(f"{path}: is nested too deeply; {fix}") from error


def write_csv(frame: "pd.DataFrame", path: Path) -> None:
    """Write a table, floats with all their digits."""
    text = io.StringIO()
    frame.to_csv(text, index=False, lineterminator="\n")
    write_text(path, text.getvalue())


def _types(folder: Path) -> dict[str, dict[str, str]]:
    path = folder / COLUMNS
    index = _texts(path)
    missing = {"table", "column", "type"} - set(index.columns)
    if missing:
        raise TwinError(f"{path}: lacks the column {min(missing)}; run it again")
    types: dict[str, dict[str, str]] = {}
    for table, column, dtype in zip(index["table"], index["column"], index["type"], strict=True):
        if (table not in TABLES and table != "sources") or not column or dtype not in {*PARSERS, "str"}:
            raise TwinError(f"{path}: {table}.{column} (= {dtype}): is no column of a run; run it again")
        types.setdefault(table, {})[column] = dtype
    return types


def _texts(path: Path) -> "pd.DataFrame":
    """Read a CSV whose rows are all of one length, every cell as it stands."""
    import pandas as pd  # noqa: PLC0415

    raw = read_limited(path, MOST_TABLE)
    try:
        rows = list(csv.reader(io.StringIO(raw.decode("utf-8"), newline="")))
    except (ValueError, csv.Error) as error:
        raise TwinError(f"{path}: is no table ({error}); run it again") from error
    if not rows:
        raise TwinError(f"{path}: is empty; run it again")
    head, *body = rows
    for number, row in enumerate(body, 2):
        if len(row) != len(head):
            raise TwinError(f"{path}:{number}: has {len(row)} cells below {len(head)} headings; run it again")
    return pd.DataFrame(body, columns=pd.Index(head), dtype=str)


def _read(folder: Path, name: str, types: Mapping[str, str]) -> "pd.DataFrame":
    import numpy as np  # noqa: PLC0415

    path = folder / f"{Path(name).name}.csv"
    frame = _texts(path)
    if name == "floorplan" and frame.empty:
        raise TwinError(f"{path}: has no rows; run it again")
    if name == "nodes":
        _check_nodes(path, frame)
    for column, dtype in types.items():
        if column not in frame:
            raise TwinError(f"{path}: lacks the column {column}; run it again")
        if dtype not in PARSERS:
            _check_text(folder, name, column, dtype, frame)
            continue
        try:
            frame[column] = np.array([PARSERS[dtype](text) for text in frame[column]], dtype=dtype)
        except (ValueError, OverflowError) as error:
            raise TwinError(f"{path}: {column}: {error}; run it again") from error
    return frame[list(types)]


def _check_nodes(path: Path, frame: "pd.DataFrame") -> None:
    """Refuse a graph with nodes that take what does not stand before them."""
    if not {"node", "inputs"} <= set(frame.columns):
        return  # what is missing is said where all columns are read
    made = {"input"}
    for number, (node, inputs) in enumerate(zip(frame["node"], frame["inputs"], strict=True), 2):
        unknown = set(inputs.split()) - made
        if unknown or not inputs.split() or node in made:
            raise TwinError(
                f"{path}:{number}: {node!r} takes {inputs!r}: must be new and take nodes above; run it again"
            )
        made.add(node)


def _check_text(folder: Path, name: str, column: str, dtype: str, frame: "pd.DataFrame") -> None:
    """Refuse a column of the ledger that holds numbers and is declared as texts."""
    known = TABLES[name].column(column) if name in LEDGER else None
    if known is not None and known.dtype in PARSERS and not known.nullable and len(frame):
        raise TwinError(f"{folder / COLUMNS}: {name}.{column} (= {dtype}): must be {known.dtype}; run it again")


def _rebuild(summary: dict[str, Any], frames: dict[str, "pd.DataFrame"], config: str) -> RunResult:
    run, totals = summary["run"], summary
    regression = "test_loss" in totals["accuracy"]
    return RunResult(
        name=run["name"],
        algorithm=run["algorithm"],
        layout=run["layout"],
        chip=run["chip"],
        workload=run["workload"],
        device=run["device"],
        seed=run["seed"],
        samples=run["samples"],
        epochs=run["epochs"],
        command=run["command"],
        test_error=_number(totals["accuracy"]["test_loss" if regression else "test_error_fraction"]),
        regression=regression,
        makespan_s=_number(totals["time"]["makespan_s"]),
        makespan_interval_s=_number(totals["time"].get("makespan_interval_95_s", 0.0)),
        energy_J=_number(totals["energy"]["total_J"]),
        area_m2=_number(totals["area"]["total_m2"]),
        leakage_W=_number(totals["area"]["leakage_W"]),
        chips=totals["area"].get("chips", 1),
        data=run.get("data", ""),
        bound=totals["bound"]["line"],
        warnings=list(totals["warnings"]),
        curve=frames["curve"],
        diagnostics=frames["diagnostics"],
        tables={name: frames[name] for name in (*LEDGER, *OPTIONAL) if name in LEDGER or name in frames},
        sources=[Source(*map(str, row)) for row in frames["sources"].itertuples(index=False)],
        config=config,
    )


def _number(value: float | None) -> float:
    return math.nan if value is None else float(value)
