"""The totals of a run as one flat row: the columns of a sweep's table and of a comparison's."""

from twin.report.derived import PATHS, derive
from twin.report.result import RunResult

Value = str | int | float
UNITS: dict[str, str] = {
    "epochs": "1",
    "train_loss": "1",
    "test_loss": "1",
    "test_error": "1",
    "best_test_error": "1",
    "makespan_s": "s",
    "makespan_interval_s": "s",
    "samples_per_s": "1/s",
    "energy_J": "J",
    "energy_J_per_sample": "J",
    "area_m2": "m2",
    **{f"{path}_{what}_B_per_sample": "B" for path in PATHS for what in ("H", "other")},
    "bound": "",
}
"""Columns of a row with their units ("1": a number, "": a text)."""


def totals(run: RunResult) -> dict[str, Value]:
    """Return the columns of `UNITS`; NaN for what is not known. Errors are fractions, of a regression losses."""
    last = run.curve.iloc[-1]
    derived = derive(run, run)
    traffic = {f"{path}_{what}_B_per_sample": size for (path, what), size in derived.bytes_per_sample.items()}
    return {
        "epochs": float(last["epoch"]),
        "train_loss": float(last["train_loss"]),
        "test_loss": float(last["test_loss"]),
        "test_error": float(last["test_error"]),
        "best_test_error": float(run.curve["test_error"].min()),
        "makespan_s": run.makespan_s,
        "makespan_interval_s": run.makespan_interval_s,
        "samples_per_s": derived.samples_per_s,
        "energy_J": run.energy_J,
        "energy_J_per_sample": derived.energy_J_per_sample,
        "area_m2": run.area_m2,
        **traffic,
        "bound": run.bound,
    }
