"""A run that is killed twenty times ends with the weights and the ledger of one that was left alone."""

import random
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from modes_kit import contents, quiet

from twin.runs import checkpoint
from twin.runs.folder import prepare
from twin.runs.planning import plan_run
from twin.runs.run import run

KILLS = 20
SCRIPT = "import sys, pathlib; from twin.runs.run import run; run(pathlib.Path(sys.argv[1]), lambda *_: None)"
LSTM = {
    "data.set": '"pydoc-topics"',
    "data.samples": "60",
    "data.test_samples": "20",
    "training.epochs": "20",
    "training.checkpoint_every": "10",
    "timing": '{mode = "sampled", warmup = 1, measured = 2, period = 29}',
}
DIGITS = {"training.epochs": "200", "data.samples": "120", "training.checkpoint_every": "25", "training.in_flight": "3"}
CASES = [("digits-mlp", "three-array", DIGITS), ("lstm-wp", "four-array", LSTM)]


def written(path):
    """Return when a checkpoint was last written; 0 where there is none."""
    try:
        return path.stat().st_mtime_ns
    except FileNotFoundError:
        return 0


@pytest.mark.slow
@pytest.mark.parametrize(("workload", "layout", "own"), CASES)
def test_a_run_killed_twenty_times_ends_in_the_same_files(tmp_path, workload, layout, own):
    plan = plan_run(workload, "aimc-512", layout, "ttv2", workload_overrides=own)
    whole, killed = tmp_path / "whole", tmp_path / "killed"
    for folder in (whole, killed):
        folder.mkdir()
        prepare(plan, folder)
    run(whole, quiet)
    moments = random.Random(1)
    path = killed / checkpoint.NAME
    reached = []
    for _ in range(KILLS):
        before = written(path)
        child = subprocess.Popen([sys.executable, "-c", SCRIPT, killed])
        deadline = time.monotonic() + 1800  # a run that hangs; a busy machine may take minutes to start one
        while written(path) == before and child.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.002)
        time.sleep(moments.uniform(0, 0.05))
        child.kill()
        assert child.wait() == -signal.SIGKILL, "the run ended before it could be killed twenty times; make it longer"
        with np.load(path) as state:
            reached.append(int(state["sample"][0]))
    assert reached == sorted(set(reached))
    run(killed, quiet)
    assert contents(killed) == contents(whole)
