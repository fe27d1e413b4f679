"""When devices wear out, of runs that counted pulses."""

import math
from collections.abc import Sequence
from typing import Any

from twin.results.result import RunResult
from twin.results.text import fixed

ENDURANCE = (
    *("run", "layer", "matrix", "pulses a sample, mean", "99 %", "most", "withstands"),
    *("epochs to the first worn out", "to 1 %"),
)
"""Headings of `endurance_rows`."""


def endurance_rows(runs: Sequence[RunResult]) -> list[tuple[str, ...]]:
    """Give one row a run, layer and matrix."""
    return [
        (run.name, str(row["layer"]), str(row["matrix"]), *(_number(row[name]) for name in _NUMBERS))
        for run in runs
        for row in _records(run)
    ]


_NUMBERS = ("pulses_mean", "pulses_p99", "pulses_most", "endurance", "epochs_to_first", "epochs_to_percent")


def endurance_lines(run: RunResult) -> list[str]:
    """Say of every matrix whose devices have a known endurance when the first of them wears out, the soonest first."""
    known = [row for row in _records(run) if math.isfinite(row["endurance"])]
    return [
        f"{row['matrix']} of layer {row['layer']} wears out after {_number(row['epochs_to_first'])} epochs: its most "
        f"pulsed device gets {_number(row['pulses_most'])} pulses a sample and withstands {_number(row['endurance'])}"
        for row in sorted(known, key=lambda row: float(row["epochs_to_first"]))
    ]


def _records(run: RunResult) -> list[dict[str, Any]]:
    if "endurance" not in run.tables:
        return []
    return [{str(key): value for key, value in row.items()} for row in run.tables["endurance"].to_dict("records")]


def _number(value: float) -> str:
    if not math.isfinite(value):
        return "no end"
    return f"{value:.3g}" if value >= 1e6 or 0 < value < 1e-3 else fixed(value)
