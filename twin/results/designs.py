"""Where the matrices of a mixed design live, and by which rule."""

from collections.abc import Sequence

from twin.results.result import RunResult
from twin.results.text import fixed

DESIGNS = ("run", "layer", "node", "rule", "algorithm", "layout", "device", "out_scaling")
"""Headings of `design_rows`."""


def design_rows(runs: Sequence[RunResult]) -> list[tuple[str, ...]]:
    """Give one row a run and layer, of runs with rules."""
    found: list[tuple[str, ...]] = []
    for run in runs:
        if "designs" not in run.tables:
            continue
        for row in run.tables["designs"].to_dict("records"):
            rule = f"rules.{row['rule']}" if row["rule"] >= 0 else "none"
            words = (str(row[name]) for name in ("algorithm", "layout", "device"))
            scale = fixed(row["out_scaling"]) if "out_scaling" in row else "–"
            found.append((run.name, str(row["layer"]), str(row["node"]), rule, *words, scale))
    return found
