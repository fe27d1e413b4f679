"""What calibration cost, before training and whenever it was repeated."""

from collections.abc import Sequence
from typing import Any

from twin.results.result import RunResult
from twin.results.text import fixed, si


def calibration_summary(run: RunResult) -> dict[str, Any]:
    """Give totals for ``summary.json``: how often, pulses and seconds of the busiest array of each, joules."""
    table = run.tables["calibration"]
    phases = table.groupby("number")[["pulses", "busy_s"]].max()
    return {
        "times": len(phases),
        "pulses": int(phases["pulses"].sum()),
        "busy_s": float(phases["busy_s"].sum()),
        "energy_J": float(table["energy_J"].sum()),
    }


def calibration_rows(runs: Sequence[RunResult]) -> list[tuple[str, ...]]:
    """Give run, layer, matrix, times, pulses, time, energy and last residual as texts, of runs that fired pulses.

    Pulses and time are of one array, summed over the calibrations: arrays are calibrated side by side.
    """
    found: list[tuple[str, ...]] = []
    for run in runs:
        table = run.tables["calibration"]
        if int(table["pulses"].sum()) == 0 and table["number"].nunique() < 2:
            continue
        for (layer, matrix), rows in table.groupby(["layer", "matrix"], sort=False):
            last = rows.iloc[-1]
            found.append(
                (
                    run.name,
                    str(layer),
                    str(matrix),
                    str(len(rows)),
                    f"{int(rows['pulses'].sum()):,}",
                    si(float(rows["busy_s"].sum()), "s"),
                    si(float(rows["energy_J"].sum()), "J"),
                    f"{fixed(float(last['residual_mean']))} ± {fixed(float(last['residual_std']))}",
                )
            )
    return found


CALIBRATION = ("run", "layer", "matrix", "times", "pulses a device", "time", "energy", "last residual (weight units)")
"""Headings of `calibration_rows`."""
