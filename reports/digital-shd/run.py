"""SHD on a digital processor against SGD and momentum: rates sought on validation data, then curves of two seeds.

python reports/digital-shd/run.py mnist-mlp lstm-wp writes search-NAME.csv and curves-NAME.csv of both beside this file.
A trial that the search has already is not run again. Needs TWIN_DATA_DIR with both data sets.
"""

import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from time import process_time
from typing import NamedTuple

import pandas as pd

from twin.runs.build import Parts, build
from twin.runs.numerics import train
from twin.runs.planning import plan_run

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))
from papers.training import kept  # noqa: E402 - reports/ is no package

Settings = dict[str, float]


class Task(NamedTuple):
    """A network, and which of its training samples are learnt and which decide about rates."""

    workload: str
    samples: int
    validation: int
    tested: int
    epochs: int
    axis: str
    tries: dict[str, list[Settings]]


def rates(*values: float) -> list[Settings]:
    """Return one setting a rate."""
    return [{"rate": value} for value in values]


def velocities(share: float, *values: float) -> list[Settings]:
    """Return one setting a rate, all with the same momentum."""
    return [{"rate": value, "momentum": share} for value in values]


def shd(fast: tuple[float, ...], transfer: tuple[float, ...], slope: float = 1.66) -> list[Settings]:
    """Return one setting a pair of rates."""
    return [{"fast_lr": a, "transfer_lr": c, "slope": slope} for a in fast for c in transfer]


MNIST = Task(
    "mnist-mlp", 10_000, 5_000, 10_000, 3, "row",
    {
        "sgd": rates(0.1, 0.2, 0.3, 0.5),
        "momentum": velocities(0.9, 0.01, 0.02, 0.03, 0.05),
        "digital-shd": shd((0.01, 0.1), (0.1, 1.0)),
    },
)  # fmt: skip
LSTM = Task(
    "lstm-wp", 1_000, 250, 1_000, 3, "column",
    {
        "sgd": rates(0.01, 0.02, 0.04, 0.06, 0.08, 0.1, 0.16, 0.32),
        "momentum": velocities(0.9, 0.0025, 0.005, 0.007, 0.01, 0.02, 0.05, 0.1),
        "digital-shd": shd((0.01, 0.03, 0.1), (0.01, 0.03, 0.1))[1:],
    },
)  # fmt: skip
TASKS = {one.workload: one for one in (MNIST, LSTM)}
SEEDS = (1, 2)
CHIP = {"placement.weights": '"memory"'}  # the buffer has no room for a second matrix


def overrides(task: Task, algorithm: str, s: Settings) -> dict[str, str]:
    """Return what a setting changes in the workload."""
    if algorithm == "sgd":
        return {"algorithms.digital.learning_rate": str(s["rate"])}
    if algorithm == "momentum":
        rule = f'{{ kind = "momentum", learning_rate = {s["rate"]}, momentum = {s["momentum"]} }}'
        return {"algorithms.digital.optimised": "true", "optimiser": rule}
    own = {key: str(value) for key, value in s.items()} | {"transfer_axis": f'"{task.axis}"'}
    return {f"algorithms.digital-shd.{key}": value for key, value in own.items()}


def parts_of(task: Task, algorithm: str, s: Settings, seed: int) -> Parts:
    """Build a network that learns the first samples."""
    name = "digital-shd" if algorithm == "digital-shd" else "digital"
    own = {
        "data.samples": str(task.samples),
        "data.test_samples": str(task.tested),
        "training.epochs": str(task.epochs),
        "training.seed": str(seed),
    }
    own |= overrides(task, algorithm, s)
    return build(plan_run(task.workload, "aimc-512", name, name, "replayed", own, CHIP))


def tried(task: Task, algorithm: str, s: Settings, seed: int, *, test: bool) -> Iterator[dict[str, object]]:
    """Train; yield after each epoch the losses on validation or test data, at the end that on the training data too."""
    parts = parts_of(task, algorithm, s, seed)
    machine, learnt = parts.machine, parts.data
    if not test:
        machine.data = kept(parts, task.samples, task.samples + task.validation)
    began = process_time()
    for epoch in train(parts):
        row: dict[str, object] = {"algorithm": algorithm, "seed": seed, **s, "epoch": epoch.number}
        row |= {"running_loss": epoch.train_loss, "loss": epoch.test_loss, "error": epoch.test_error}
        row["cpu_s"] = process_time() - began
        if test and epoch.number == task.epochs:
            machine.data = replace(learnt, test_inputs=learnt.inputs, test_targets=learnt.targets)
            row["train_loss"], row["train_error"] = machine.evaluate(epoch.number)
        yield row


def best(rows: pd.DataFrame, algorithm: str, task: Task) -> Settings:
    """Return the setting with the smallest last validation loss."""
    own = rows[(rows["algorithm"] == algorithm) & (rows["epoch"] == task.epochs)]
    chosen = own.loc[own["loss"].idxmin()]
    return {key: float(chosen[key]) for key in task.tries[algorithm][0]}


def search(task: Task) -> pd.DataFrame:
    """Try all settings of every algorithm with seed 1: as many of each."""
    path = HERE / f"search-{task.workload}.csv"
    rows = pd.read_csv(path) if path.exists() else pd.DataFrame()
    for algorithm, settings in task.tries.items():
        for s in settings:
            if not len(rows) or not _has(rows, algorithm, s):
                new = pd.DataFrame(tried(task, algorithm, s, 1, test=False))
                rows = pd.concat([rows, new], ignore_index=True)
                rows.to_csv(path, index=False, float_format="%.6g")
    return rows


def _has(rows: pd.DataFrame, algorithm: str, s: Settings) -> bool:
    same = rows["algorithm"] == algorithm
    for key, value in s.items():
        same &= (rows[key] - value).abs() < 1e-9 if key in rows else False
    return bool(same.any())


def compare(task: Task) -> None:
    """Search, then train with the settings found and test."""
    rows = search(task)
    curves = []
    for algorithm in task.tries:
        for seed in SEEDS:
            curves += list(tried(task, algorithm, best(rows, algorithm, task), seed, test=True))
            pd.DataFrame(curves).to_csv(HERE / f"curves-{task.workload}.csv", index=False, float_format="%.6g")


if __name__ == "__main__":
    for name in sys.argv[1:]:
        compare(TASKS[name])
