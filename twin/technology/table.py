"""Tables as data: reading them, and finding a value between their points."""

import csv
import tomllib
from bisect import bisect_right
from collections.abc import Sequence
from functools import cache
from importlib.resources import files
from typing import Any

from twin.errors import TwinError

NM = 1e-9


@cache
def toml_table(name: str) -> dict[str, Any]:
    """Read ``tables/NAME.toml``."""
    return tomllib.loads(files("twin.technology").joinpath("tables", f"{name}.toml").read_text(encoding="utf-8"))


@cache
def csv_rows(name: str) -> tuple[dict[str, str], ...]:
    """Read ``tables/NAME.csv``, whose first line is a comment."""
    text = files("twin.technology").joinpath("tables", f"{name}.csv").read_text(encoding="utf-8")
    return tuple(csv.DictReader(text.splitlines()[1:]))


def within(what: str, value: float, low: float, high: float, unit: str = "") -> None:
    """Refuse a value outside of a table.

    Raises
    ------
    TwinError
        Naming `what`, the value and the range.
    """
    if not low * (1 - 1e-9) <= value <= high * (1 + 1e-9):
        rule = f"must be from {low:g} to {high:g}{unit}, where the table has data"
        raise TwinError(f"{what} (= {value:g}{unit}): {rule}")


def between(points: Sequence[float], value: float) -> tuple[int, int, float]:
    """Return the points below and above `value`, by index in a rising list, and how far between them it lies."""
    above = min(max(bisect_right(points, value), 1), len(points) - 1)
    low, high = points[above - 1], points[above]
    return above - 1, above, min(max((value - low) / (high - low), 0.0), 1.0)
