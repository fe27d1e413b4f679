"""Two processes against one on a sweep, and where the time of each goes.

Run ``python benchmarks/sweep.py [--sweep NAME] [--rounds N]`` on a machine that does nothing else: seconds of the wall
are compared, in turn, each time in a new folder. At best the ratio is 1/2; what keeps it above is what one process does
alone: it starts, makes the list of points, writes the tables. The processor time of all processes together says whether
two are in each other's way.
"""

import argparse
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from twin.descriptions.load import load_sweep
from twin.machine.compiled import ensure_compiled
from twin.sweep.point import points_of

START = "import twin.cli.sweep, twin.sweep.run, twin.sweep.local"
WORKER = "import twin.sweep.local, twin.sweep.measure, twin.runs.build, sklearn.datasets, pandas"


@dataclass(frozen=True)
class Took:
    """Seconds of the wall and of the processor."""

    wall_s: float
    processor_s: float


def timed(command: list[str]) -> Took:
    """Run a command to its end."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    start = time.perf_counter()
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    wall_s = time.perf_counter() - start
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return Took(wall_s, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime)


def swept(sweep: str, jobs: int) -> Took:
    """Run a sweep in a new folder."""
    with tempfile.TemporaryDirectory() as folder:
        out = Path(folder) / "out"
        command = [sys.executable, "-m", "twin", "sweep", sweep, "--out", str(out), "--jobs", str(jobs)]
        return timed(command)


def main() -> None:
    """Time both in turn and print them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--sweep", default="first-sweep")
    parser.add_argument("--rounds", type=int, default=1)
    arguments = parser.parse_args()
    ensure_compiled()
    parent, worker = (timed([sys.executable, "-c", text]) for text in (START, WORKER))
    start = time.perf_counter()
    points = points_of(load_sweep(arguments.sweep).model)
    listed_s = time.perf_counter() - start
    runs = sum(not point.refused for point in points)
    print(f"{arguments.sweep}: {len(points)} points, {runs} of them runs")
    print(f"alone: start {parent.wall_s:.1f} s, list of points {listed_s:.1f} s")
    print(f"each process: start {worker.wall_s:.1f} s")
    ratios = []
    for _ in range(arguments.rounds):
        one, two = (swept(arguments.sweep, jobs) for jobs in (1, 2))
        ratios.append(two.wall_s / one.wall_s)
        for jobs, took in ((1, one), (2, two)):
            print(
                f"--jobs {jobs}: {took.wall_s:.1f} s, {took.processor_s:.1f} s of processor, "
                f"{took.processor_s / runs:.2f} s a run"
            )
        print(f"ratio: {ratios[-1]:.3f}")
    print(f"median ratio of {arguments.rounds}: {float(np.median(ratios)):.3f} (at most 0.6 is wanted)")


if __name__ == "__main__":
    main()
