"""Do the benchmarks run, from the command line, and print their tables? What they print is not judged."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

FOLDER = Path(__file__).parents[2] / "benchmarks"
MNIST, NOVEL = "mnist", "war-and-peace.txt"
CASES = {
    "kernels.py": (None, "auto x bound"),
    "engine.py": (None, "ttv2"),
    "numerics.py": (None, "ns a coincidence"),
    "lenet.py": (MNIST, "ttv2"),
    "lstm.py": (NOVEL, "TTv2, dense"),
}


@pytest.mark.slow
@pytest.mark.parametrize("script", CASES)
def test_one_round_of_a_benchmark(script):
    needed, printed = CASES[script]
    data = os.environ.get("TWIN_DATA_DIR")
    if needed and not (data and Path(data, needed).exists()):
        pytest.skip(f"no {needed} under TWIN_DATA_DIR")
    command = [sys.executable, str(FOLDER / script), "--rounds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd=FOLDER.parent)
    assert done.returncode == 0, done.stderr
    assert printed in done.stdout
