"""Throughput and test error against samples in flight: mnist-mlp on aimc-512, coupled.

With MNIST under TWIN_DATA_DIR: ``python reports/overlap/study.py``, about ten minutes on one core. Runs whose row is in
``table.csv`` are not run again, so an interrupted study goes on; remove the file to start anew.
"""

import csv
import tempfile
from pathlib import Path
from typing import NamedTuple

from twin.report.derived import derive
from twin.report.overlap import forward_reads
from twin.simulation.plan import RunPlan, prepare
from twin.simulation.run import run

HERE = Path(__file__).parent
TABLE, TEXT = HERE / "table.csv", HERE / "table.md"
SAMPLES, EPOCHS = 10_000, 3
IN_FLIGHT = (1, 2, 4, 8)


class Case(NamedTuple):
    """One line of the table."""

    algorithm: str
    layout: str  # four-array where the algorithm has two matrices; it holds no W for SGD
    device: str
    consistency: str
    staleness: int

    @property
    def name(self) -> str:
        """Consistency with its bound."""
        return f"{self.consistency}({self.staleness})" if self.consistency == "bounded" else self.consistency


CASES = (
    Case("sgd", "two-array", "gokmen-60", "strict", 0),
    Case("sgd", "two-array", "gokmen-60", "bounded", 1),
    Case("sgd", "two-array", "gokmen-60", "bounded", 7),
    Case("shd", "four-array", "gokmen-60", "strict", 0),
    Case("ttv2", "four-array", "gokmen-60", "strict", 0),
    Case("sgd", "two-array", "symmetric-1200", "strict", 0),
    Case("sgd", "two-array", "symmetric-1200", "bounded", 1),
    Case("sgd", "two-array", "symmetric-1200", "bounded", 7),
)
COLUMNS = (
    "algorithm",
    "layout",
    "device",
    "consistency",
    "in_flight",
    "samples",
    "samples_per_s",
    "test_error_percent",
    "mean_staleness_samples",
    "most_staleness_samples",
    "bound",
)


def measured(case: Case, in_flight: int) -> tuple[object, ...]:
    """Run one case and return its row."""
    own = {
        "training.in_flight": str(in_flight),
        "training.consistency": f'"{case.consistency}"',
        "training.staleness": str(case.staleness),
        "training.epochs": str(EPOCHS),
        "data.samples": str(SAMPLES),
        "device": f'{{preset = "{case.device}"}}',
    }
    with tempfile.TemporaryDirectory() as folder:
        prepare(RunPlan("mnist-mlp", "aimc-512", case.layout, case.algorithm, "coupled", own), Path(folder))
        result = run(Path(folder), lambda _done, _total: None)
    reads = forward_reads(result)
    mean = sum(samples * n for samples, n in reads.items()) / sum(reads.values())
    rate, error = derive(result, result).samples_per_s, 100 * result.test_error
    key = (case.algorithm, case.layout, case.device, case.name, in_flight)
    return (*key, result.samples, round(rate), f"{error:.2f}", f"{mean:.3f}", max(map(abs, reads)), result.bound)


def rows() -> list[dict[str, str]]:
    """Return the rows that are there."""
    if not TABLE.exists():
        return []
    with TABLE.open(newline="") as file:
        return list(csv.DictReader(file))


def by_key() -> dict[tuple[str, str, str, int], dict[str, str]]:
    """Return the rows by algorithm, device, consistency and samples in flight."""
    return {(row["algorithm"], row["device"], row["consistency"], int(row["in_flight"])): row for row in rows()}


def draw() -> str:
    """Return the table as Markdown: samples/s and test error against samples in flight."""
    found = by_key()
    lines = [
        "| algorithm | device | consistency | " + " | ".join(f"{k} in flight" for k in IN_FLIGHT) + " |",
        "|---|---|---|" + "---:|" * len(IN_FLIGHT),
    ]
    for case in CASES:
        cells = []
        for k in IN_FLIGHT:
            row = found[case.algorithm, case.device, case.name, k]
            text = f"{float(row['samples_per_s']) / 1e6:.3f} M/s, {row['test_error_percent']} %"
            cells.append(text + (f", {row['mean_staleness_samples']} old" if case.consistency != "strict" else ""))
        lines.append(f"| {case.algorithm} ({case.layout}) | {case.device} | {case.name} | " + " | ".join(cells) + " |")
    return "\n".join(lines) + "\n"


def main() -> None:
    """Run what is missing, one row at a time, and write the table."""
    there = by_key()
    for in_flight in IN_FLIGHT:
        for case in CASES:
            if (case.algorithm, case.device, case.name, in_flight) in there:
                continue
            row = measured(case, in_flight)
            new = not TABLE.exists()
            with TABLE.open("a", newline="") as file:
                writer = csv.writer(file, lineterminator="\n")
                writer.writerows([COLUMNS, row] if new else [row])
    TEXT.write_text(draw())


if __name__ == "__main__":
    main()
