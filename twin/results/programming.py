"""What bringing weights into arrays by pulses took and left."""

from collections.abc import Sequence

from twin.results.result import RunResult
from twin.results.text import fixed, percent, si

PROGRAMMING = ("run", "layer", "matrix", "rounds", "pulses a device", "time", "energy", "done (%)", "residual")
"""Headings of `programming_rows`; residuals are root mean squares in device weight."""


def programming_rows(runs: Sequence[RunResult]) -> list[tuple[str, ...]]:
    """Give one row a run and matrix; rounds and time are those of the longest of its arrays."""
    found: list[tuple[str, ...]] = []
    for run in runs:
        if "programming" not in run.tables:
            continue
        for (layer, matrix), rows in run.tables["programming"].groupby(["layer", "matrix"], sort=False):
            share = rows["devices"] / rows["devices"].sum()
            square = (share * (rows["residual_mean"] ** 2 + rows["residual_std"] ** 2)).sum()
            found.append(
                (
                    run.name,
                    str(layer),
                    str(matrix),
                    str(rows["rounds"].max()),
                    fixed(float(rows["pulses"].sum() / rows["devices"].sum())),
                    si(float(rows["busy_s"].max()), "s"),
                    si(float(rows["energy_J"].sum()), "J"),
                    percent(float((share * rows["done"]).sum())),
                    fixed(float(square**0.5)),
                )
            )
    return found
