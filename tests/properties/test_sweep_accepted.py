"""The shipped sweep of 3 algorithms x 3 layouts x 4 devices x 2 seeds, and a search: one table, however run."""

import random
import signal
import subprocess
import sys
import time

import pytest
from sweep_kit import FOUND, TUNED, nothing, tables, written

from twin.sweep.dask import DaskCluster
from twin.sweep.local import LocalProcesses, ThisProcess
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
    found = tables(folder, whole)
    assert [name for name, content in whole.items() if found[name] != content] == []


def finished(folder):
    """Return how many points have a result."""
    return len(list((folder / "results").glob("*.csv")))


def kill_and_resume(description, folder, steps):
    """Run a sweep on two processes; kill it when so many points have a result, or one more than last; let it finish."""
    command = [sys.executable, "-m", "twin", "sweep", description, "--out", str(folder), "--jobs", "2"]
    moments, reached = random.Random(1), []
    for step in steps:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        deadline = time.monotonic() + 600
        wanted = max([step, *(points + 1 for points in reached)])
        while finished(folder) < wanted:
            assert child.poll() is None, "the sweep ended before it could be killed; make it longer"
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(moments.uniform(0, 0.5))
        child.kill()  # the parent alone: its processes end by themselves
        assert child.wait() == -signal.SIGKILL
        reached.append(finished(folder))
    assert reached == sorted(set(reached))
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    assert finished(folder) > reached[-1]


@pytest.mark.slow
def test_killed_five_times_and_resumed(whole, tmp_path):
    kill_and_resume(SWEEP, tmp_path, [POINTS - RUNS + 6 * (kill + 1) for kill in range(KILLS)])
    assert_same(tmp_path, whole)


@pytest.mark.slow
def test_a_search_killed_five_times_and_resumed(tmp_path):
    description = written(tmp_path, TUNED)
    run_sweep(description, tmp_path / "whole", ThisProcess(), Settings(), nothing)
    kill_and_resume(description, tmp_path / "killed", [3 * (kill + 1) for kill in range(KILLS)])
    assert_same(tmp_path / "killed", tables(tmp_path / "whole", FOUND))


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
