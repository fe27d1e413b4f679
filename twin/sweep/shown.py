"""The first rows of a sweep's table as texts, for the terminal and for notebooks."""

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

SHOWN = 20
NUMBERS = {
    "test_error": ("test error", "%", 100),
    "makespan_s": ("time", "s", 1),
    "energy_J": ("energy", "J", 1),
    "area_m2": ("area", "mm^2", 1e6),
}
"""Heading, unit and factor of the columns that are shown behind the axes and the status."""


def shown_rows(table: "pd.DataFrame") -> tuple[list[str], list[list[str]]]:
    """Return the headings, unit in the second line, and the texts of at most `SHOWN` rows; nothing where NaN."""
    keys = [str(name) for name in table.columns[1 : table.columns.get_loc("status")]]
    rows = []
    for _, row in table.head(SHOWN).iterrows():
        numbers = ["" if math.isnan(row[key]) else f"{row[key] * factor:.4g}" for key, (*_, factor) in NUMBERS.items()]
        rows.append([*(str(row[key]) for key in keys), str(row["status"]), *numbers])
    return [*keys, "status", *(f"{name}\n{unit}" for name, unit, _ in NUMBERS.values())], rows
