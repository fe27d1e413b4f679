"""Statistics of a trained network, read from the tables of its run."""

import csv
import json
import tomllib
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from twin.errors import TwinError

SHAPE = ("input lines", "output lines")
"""How the diagnostics of a run call the shape of each layer."""

NO_UPDATES = {"pulses": 0.0, "fired": 0.0, "coincidences": 0.0}
KINDS = ("forward", "backward", "update", "read_out", "transfer")


class Row(NamedTuple):
    """One row of operations.csv with the shape of its layer and into how many arrays each axis is split."""

    layer: str
    values: dict[str, float]
    n_in: float
    n_out: float
    in_chunks: float
    out_chunks: float


def measured(folder: str) -> dict[str, float]:
    """Return the values of `twin.descriptions.statistics.Statistics`, as means over the layers of a run.

    Raises
    ------
    TwinError
        Where the folder lacks tables or columns, or the run has no mat-vecs on arrays.
    """
    try:
        rows = _rows(Path(folder))
        found = _mat_vecs("forward", rows["forward"]) | _mat_vecs("backward", rows["backward"] or rows["forward"])
        if rows["transfer"] and not rows["read_out"]:  # of whole matrices, which the network's updates leave alone
            return found | NO_UPDATES | _writes(rows["transfer"], by_row=_axis(Path(folder)) == "row")
        return found | _pulses(rows["update"]) | _transfers(rows["transfer"], rows["read_out"])
    except (KeyError, ValueError, ZeroDivisionError) as error:
        reason = "no mat-vec or update on an array" if isinstance(error, ZeroDivisionError) else f"lacks {error}"
        raise TwinError(f"{folder}: {reason}; name the folder of one analog run of this version") from error


def _rows(folder: Path) -> defaultdict[str, list[Row]]:
    shapes: defaultdict[str, dict[str, float]] = defaultdict(dict)
    for row in _table(folder / "diagnostics.csv"):
        if row["what"] in SHAPE:
            shapes[row["layer"]][row["what"]] = float(row["value"])
    operations = [row for row in _table(folder / "operations.csv") if row["kind"] in KINDS and row["count"] != "0"]
    main = {row["layer"]: row["matrix"] for row in reversed(operations) if row["kind"] == "forward"}
    chunks: dict[str, tuple[float, float]] = {}
    found: defaultdict[str, list[Row]] = defaultdict(list)
    for row in operations:
        values = {key: float(text) for key, text in row.items() if key not in {"kind", "layer", "matrix"}}
        n_in, n_out = (shapes[row["layer"]][name] for name in SHAPE)
        if row["kind"] == "forward" and row["matrix"] == main[row["layer"]]:
            in_chunks = values["converted"] / (values["mvms"] * n_out)
            chunks[row["layer"]] = in_chunks, values["part_mvms"] / values["mvms"] / in_chunks
        if row["kind"] in {"forward", "backward"} and row["matrix"] != main[row["layer"]]:
            continue  # the share gamma of A, whose operations are not uses of their own
        found[row["kind"]].append(Row(row["layer"], values, n_in, n_out, *chunks[row["layer"]]))
    return found


def _table(path: Path) -> list[dict[str, str]]:
    try:
        with path.open(encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))
    except (OSError, UnicodeDecodeError, csv.Error) as error:
        raise TwinError(f"{path}: cannot be read ({error}); name the folder of one run, below runs/") from error


def _total(rows: list[Row], column: str) -> float:
    return sum(row.values[column] for row in rows)


def _mat_vecs(kind: str, rows: list[Row]) -> dict[str, float]:
    mvms = _total(rows, "mvms")
    driven = sum(
        row.values["mvms"] * (row.n_in * row.out_chunks if kind == "forward" else row.n_out * row.in_chunks)
        for row in rows
    )
    devices = sum(row.values["mvms"] * row.n_in * row.n_out for row in rows)
    return {
        f"{kind}_mvms": max(1.0, mvms / _total(rows, "uses")),
        f"{kind}_driven": min(1.0, _total(rows, "driven") / driven),
        f"{kind}_conduction": _total(rows, "conduction") / devices,
    }


def _pulses(rows: list[Row]) -> dict[str, float]:
    lines = sum(row.values["pulses"] * (row.n_in * row.out_chunks + row.n_out * row.in_chunks) for row in rows)
    devices = sum(row.values["pulses"] * row.n_in * row.n_out for row in rows)
    return {
        "pulses": _total(rows, "pulses") / _total(rows, "uses"),
        "fired": min(1.0, _total(rows, "fired") / lines),
        "coincidences": min(1.0, _total(rows, "coincidences") / devices),
    }


def _transfers(rows: list[Row], reads: list[Row]) -> dict[str, float]:
    """Pulse slots a transfer, and steps over the elements of the lines; a read-out converts one line."""
    lengths = {row.layer: row.values["converted"] / row.values["count"] for row in reads}
    rows = [row for row in rows if row.layer in lengths]
    elements = sum(row.values["pulses"] * lengths[row.layer] for row in rows)
    return {
        "transfer_pulses": _total(rows, "pulses") / _total(rows, "count") if rows else 0.0,
        "transfer_coincidences": min(1.0, _total(rows, "coincidences") / elements) if elements else 0.0,
    }


def _writes(rows: list[Row], *, by_row: bool) -> dict[str, float]:
    """Pulse slots a line of the array with the most lines, and steps over the elements of all lines."""
    lines = [row.n_out / row.out_chunks if by_row else row.n_in / row.in_chunks for row in rows]
    slots = [row.values["pulses"] / taken for row, taken in zip(rows, lines, strict=True)]
    elements = sum(a_line * row.n_in * row.n_out for row, a_line in zip(rows, slots, strict=True))
    asked = sum(row.values["count"] * taken for row, taken in zip(rows, lines, strict=True))
    return {
        "transfer_pulses": _total(rows, "pulses") / asked,
        "transfer_coincidences": min(1.0, _total(rows, "coincidences") / elements) if elements else 0.0,
    }


def _axis(folder: Path) -> str:
    """Return whether a run writes rows or columns."""
    try:
        workload = tomllib.loads((folder / "workload.toml").read_text(encoding="utf-8"))
        algorithm = json.loads((folder / "run.json").read_text(encoding="utf-8"))["plan"]["algorithm"]
    except (OSError, ValueError) as error:
        raise TwinError(f"{folder}: cannot be read ({error}); name the folder of one run, below runs/") from error
    return str(workload["algorithms"][algorithm]["transfer_axis"])
