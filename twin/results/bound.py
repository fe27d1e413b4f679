"""What bound the time: the critical path summed by part of the chip, kind of work and node, and what would help."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import pandas as pd

MATRIX = re.compile(r"\d+\.[A-Z]\w*")  # of a layer; vectors begin with a small letter
PARTS = {
    "tile": "tiles",
    "digital": "digital units",
    "vector": "vector unit",
    "link": "tile links",
    "port": "chip ports",
    "cluster": "links between chips",
    "host": "host link",
}
"""How kinds of server are called; all others have the name of their kind."""

MOST_WORDS = 2


def shares_by(table: pd.DataFrame, column: str, value: str = "share") -> dict[str, float]:
    """Sum shares of the critical path (or what they save) by a column of a run's table of it, largest first.

    Parameters
    ----------
    column : str
        "part", "work" or "node"; a table that lacks it, as that of a roofline, gives nothing.
    value : str
        "share" or "saved".
    """
    if column not in table.columns:
        return {}
    summed = table.groupby(column, sort=False)[value].sum().sort_values(ascending=False, kind="stable")
    return {PARTS.get(str(name), str(name)) if column == "part" else str(name): float(n) for name, n in summed.items()}


def savings(table: pd.DataFrame) -> dict[str, float]:
    """Return by which share of the path the time falls, at most, where one part is twice as fast; largest first.

    An upper bound: operations of the path are shorter, and while they are, others may become the longest chain.
    It holds while servers serve in the order in which they did.
    """
    return {part: share for part, share in shares_by(table, "part", "saved").items() if share > 0}


def bound_line(table: pd.DataFrame) -> str:
    """Say in one line what bound the time, from a run's table of its critical path.

    For example ``"digital units 75 % (attention 72 %), memory 10 % (store 6 %); digital units twice as fast: at most
    -37 %; waits: data 89 %, memory 5 %"``: the parts of the chip with the largest shares, each with the work that took
    most of it, the change that would help most, and what the next operation waited for.
    """
    if table.empty:
        return "nothing took time"
    said = []
    for part, share in [*shares_by(table, "part").items()][:MOST_WORDS]:
        own = shares_by(table[table["part"].map(lambda kind: PARTS.get(kind, kind)) == part], "work")
        work = next(iter(own))
        said.append(f"{part} {_percent(share)} ({work}{'' if len(own) == 1 else ' ' + _percent(own[work])})")
    lines = [", ".join(said)]
    for part, saved in [*savings(table).items()][:1]:
        lines.append(f"{part} twice as fast: at most -{_percent(saved)}")
    waits = table[~table["cause"].isin(["end", "start"])]
    causes = waits.groupby(waits["cause"].map(_cause), sort=False)["share"].sum().nlargest(MOST_WORDS)
    if not causes.empty:
        lines.append("waits: " + ", ".join(f"{cause} {_percent(share)}" for cause, share in causes.items()))
    return "; ".join(lines)


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def _cause(cause: str) -> str:
    """Name matrices and servers; everything else that an operation waits for is data."""
    edge, on, resource = cause.partition(" on ")
    if not on:
        return cause
    return f"{edge} on {resource}" if MATRIX.fullmatch(resource) else "data"
