"""The shipped sweep of 3 algorithms x 3 layouts x 4 devices x 2 seeds: one table, however it is run."""

import random
import signal
import subprocess
import sys
import time

import pytest
from sweep_kit import nothing, tables

from twin.sweep.dask import DaskCluster
from twin.sweep.local import LocalProcesses
from twin.sweep.run import Settings, run_sweep

SWEEP = "first-sweep"
POINTS, RUNS = 72, 40  # SGD has one of the three layouts, SHD and TTv2 have two
KILLS = 5


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    table, missing = run_sweep(SWEEP, folder, LocalProcesses(2), Settings(), nothing)
    assert (len(table), missing) == (POINTS, 0)
    assert table["status"].value_counts().to_dict() == {"done": RUNS, "refused": POINTS - RUNS}
    return tables(folder)


def assert_same(folder, whole):
    """Hold tables against each other; name those that differ, which are too long to print."""
    found = tables(folder)
    assert [name for name, content in whole.items() if found[name] != content] == []


def finished(folder):
    """Return how many points have a result."""
    return len(list((folder / "results").glob("*.csv")))


@pytest.mark.slow
def test_killed_five_times_and_resumed(whole, tmp_path):
    command = [sys.executable, "-m", "twin", "sweep", SWEEP, "--out", str(tmp_path), "--jobs", "2"]
    moments, reached = random.Random(1), []
    for kill in range(KILLS):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 600
        while finished(tmp_path) < POINTS - RUNS + 6 * (kill + 1):
            assert child.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.5))
        child.kill()  # the parent alone: its processes end by themselves
        assert child.wait() == -signal.SIGKILL
        reached.append(finished(tmp_path))
    assert reached == sorted(set(reached))
    assert reached[-1] < POINTS
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert_same(tmp_path, whole)


@pytest.mark.slow
def test_on_a_dask_cluster(whole, tmp_path):
    run_sweep(SWEEP, tmp_path, DaskCluster("local", 2), Settings(), nothing)
    assert_same(tmp_path, whole)


@pytest.mark.slow
def test_in_four_shards(whole, tmp_path):
    for number in (3, 1, 4, 2):
        _, missing = run_sweep(SWEEP, tmp_path, LocalProcesses(2), Settings(shard=(number, 4)), nothing)
    assert missing == 0
    assert_same(tmp_path, whole)
