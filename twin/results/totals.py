"""The totals of a run as one flat row: the columns of a sweep's table and of a comparison's."""

from twin.results.columns import name, real
from twin.results.derived import PATHS, derive, energy_parts
from twin.results.result import RunResult

Value = str | int | float
LATE = 3  # epochs at the end of which `late_test_error` is the mean
TOTALS = (
    real("epochs", "1", "epochs done"),
    real("train_loss", "1", "mean loss of the last epoch's training samples"),
    real("test_loss", "1", "mean loss of the test set"),
    real("test_error", "1", "fraction of the test set that is classified wrongly; of a regression the test loss"),
    real("best_test_error", "1", "the least test error after any epoch"),
    real("late_test_error", "1", "the mean test error of the last three epochs"),
    real("makespan_s", "s", "simulated time"),
    real("makespan_interval_s", "s", "half its 95 % interval where timing was sampled"),
    real("samples_per_s", "1/s", "training samples a simulated second"),
    real("energy_J", "J", "energy, leakage included"),
    real("dynamic_J", "J", "energy of operations"),
    real("idle_J", "J", "energy of parts that are awake: idle periphery, clocks, controllers"),
    real("static_J", "J", "leakage"),
    real("energy_J_per_sample", "J", "energy a sample"),
    real("area_m2", "m2", "silicon"),
    real("samples_per_s_per_mm2", "1/s/mm2", "training samples a simulated second and mm2 of silicon"),
    real("samples_per_J", "1/J", "training samples a joule, leakage included"),
    *(
        real(f"{path}_{what}_B_per_sample", "B", f"bytes a sample over {path}, of {words}")
        for path in PATHS
        for what, words in (("H", "the matrix H"), ("other", "everything else"))
    ),
    name("bound", "what bound the time"),
    name("data_set", "the data set; of other content than is published under its name with a hash"),
)
"""The columns of a row."""

UNITS: dict[str, str] = {column.name: column.unit for column in TOTALS}
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
        "late_test_error": float(run.curve["test_error"].iloc[-LATE:].mean()),
        "makespan_s": run.makespan_s,
        "makespan_interval_s": run.makespan_interval_s,
        "samples_per_s": derived.samples_per_s,
        "energy_J": run.energy_J,
        **energy_parts(run)._asdict(),
        "energy_J_per_sample": derived.energy_J_per_sample,
        "area_m2": run.area_m2,
        "samples_per_s_per_mm2": derived.samples_per_s_per_mm2,
        "samples_per_J": derived.samples_per_J,
        **traffic,
        "bound": run.bound,
        "data_set": run.data,
    }
