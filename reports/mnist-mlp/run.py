"""Test error, time, energy and traffic of every algorithm on MNIST, seeds 1 to 3: about an hour on two cores.

python reports/mnist-mlp/run.py [FOLDER] writes errors.csv, costs.csv and curves.csv beside this file from the
runs below FOLDER (default runs/mnist-study); runs that are already there are not repeated, interrupted ones resume.
"""

import subprocess
import sys
from pathlib import Path

import pandas as pd

from twin.report.derived import derive
from twin.report.result import RunResult
from twin.report.write import load_report

HERE = Path(__file__).parent
SEEDS = (1, 2, 3)
DEVICES = {"gokmen-60": "digital,sgd,shd,ttv2", "symmetric-1200": "sgd"}


def run(folder: Path, device: str, algorithms: str, seed: int) -> list[RunResult]:
    """Run one comparison unless its report is there; return its results."""
    out = folder / f"{device}-seed-{seed}"
    twin = [sys.executable, "-m", "twin"]
    if (out / "comparison.json").exists() and not (out / "report.html").exists():
        subprocess.run([*twin, "resume", str(out)], check=True)
    elif not out.exists():
        command = ["compare", "mnist-mlp", "--chip", "aimc-512", "--device", device, "--algorithms", algorithms]
        subprocess.run([*twin, *command, "--seed", str(seed), "--out", str(out)], check=True)
    return load_report(out)[0]


def main() -> None:
    """Run everything, write the tables, print the errors."""
    folder = Path(sys.argv[1] if len(sys.argv) > 1 else "runs/mnist-study")
    results = [
        (device, result)
        for seed in SEEDS
        for device, algorithms in DEVICES.items()
        for result in run(folder, device, algorithms, seed)
    ]
    rows = [(r.name, device, r.seed, 100 * r.test_error) for device, r in results]
    errors = pd.DataFrame(rows, columns=["run", "device", "seed", "test_error_percent"])
    errors.to_csv(HERE / "errors.csv", index=False, float_format="%.2f")
    costs = [
        (r.name, device, d.samples_per_s, d.energy_J_per_sample, 1e6 * r.area_m2, d.tile_utilisation_mean, r.bound)
        for device, r in results
        if r.seed == SEEDS[0]
        for d in [derive(r, r)]
    ]
    columns = ["run", "device", "samples_per_s", "energy_J_per_sample", "area_mm2", "tile_utilisation", "bound"]
    pd.DataFrame(costs, columns=columns).to_csv(HERE / "costs.csv", index=False, float_format="%.4g")
    curves = pd.concat([r.curve.assign(run=r.name, device=device, seed=r.seed) for device, r in results])
    curves.to_csv(HERE / "curves.csv", index=False, float_format="%.5g")
    wide = errors.pivot_table(index=["device", "run"], columns="seed", values="test_error_percent")
    print(wide.assign(mean=wide.mean(axis=1)).round(2).to_string())


if __name__ == "__main__":
    main()
