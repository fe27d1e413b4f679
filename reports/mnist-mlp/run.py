"""Test error of every algorithm on MNIST, seeds 1 to 3, and what a sample costs: about 20 minutes on two cores.

python reports/mnist-mlp/run.py writes errors.csv, curves.csv and costs.csv beside this file. The errors are
trained without the clock, to the same bits as `twin compare mnist-mlp` (tests/properties/test_modes.py: the engine
changes no weight), in a quarter of the time. The costs are those of one epoch of the real thing.
"""

import subprocess
import sys
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from tempfile import TemporaryDirectory

import pandas as pd

from twin.report.derived import derive
from twin.report.write import load_report
from twin.simulation import numerics
from twin.simulation.build import build
from twin.simulation.plan import RunPlan

HERE = Path(__file__).parent
SEEDS = (1, 2, 3)
CASES = (
    ("digital", "digital", "gokmen-60"),
    ("sgd", "two-array", "gokmen-60"),
    ("sgd", "two-array", "symmetric-1200"),
    ("shd", "four-array", "gokmen-60"),
    ("shd", "three-array", "gokmen-60"),
    ("ttv2", "four-array", "gokmen-60"),
    ("ttv2", "three-array", "gokmen-60"),
)
Case = tuple[str, str, str, int]


def train(case: Case) -> list[tuple[str, str, str, int, int, float]]:
    """Train one case; return (algorithm, layout, device, seed, epoch, test error in percent) of every epoch."""
    algorithm, layout, device, seed = case
    overrides = {"training.seed": str(seed), "device": f'{{preset = "{device}"}}'}
    parts = build(RunPlan("mnist-mlp", "aimc-512", layout, algorithm, "replayed", overrides, {}))
    rows = [(*case, epoch.number, 100 * epoch.test_error) for epoch in numerics.train(parts)]
    print(*case, f"{rows[-1][-1]:.2f} %", flush=True)
    return rows


def costs(folder: Path) -> pd.DataFrame:
    """Run one epoch of the comparison with the engine; return what a sample costs."""
    twin = [sys.executable, "-m", "twin", "compare", "mnist-mlp", "--epochs", "1", "--out", str(folder)]
    subprocess.run(twin, check=True)
    rows = []
    for run in load_report(folder)[0]:
        d = derive(run, run)
        h, other = (d.bytes_per_sample["memory", which] for which in ("H", "other"))
        rows.append((run.name, d.samples_per_s, d.energy_J_per_sample, h, other, 1e6 * run.area_m2, run.bound))
    names = ["samples_per_s", "energy_J_per_sample", "memory_H_B_per_sample", "memory_other_B_per_sample", "area_mm2"]
    return pd.DataFrame(rows, columns=["run", *names, "bound"])


def main() -> None:
    """Run everything, write the tables, print the errors."""
    cases = [(*case, seed) for seed in SEEDS for case in CASES]
    with ProcessPoolExecutor(2) as pool:
        rows = [row for rows in pool.map(train, cases) for row in rows]
    curves = pd.DataFrame(rows, columns=["algorithm", "layout", "device", "seed", "epoch", "test_error_percent"])
    curves.to_csv(HERE / "curves.csv", index=False, float_format="%.2f")
    final = curves[curves["epoch"] == curves["epoch"].max()]
    wide = final.pivot_table(index=["algorithm", "layout", "device"], columns="seed", values="test_error_percent")
    wide = wide.assign(mean=wide.mean(axis=1))
    wide.to_csv(HERE / "errors.csv", float_format="%.2f")
    print(wide.round(2).to_string())
    with TemporaryDirectory() as folder:
        costs(Path(folder) / "costs").to_csv(HERE / "costs.csv", index=False, float_format="%.4g")


if __name__ == "__main__":
    main()
