"""Commands that are killed at random moments again and again: nothing finished is lost, the same bits at the end."""

import os
import random
import shutil
import signal
import subprocess
import sys
import time

import pytest
from modes_kit import contents

KILLS = 30
COMMAND = (sys.executable, "-m", "twin")
SWEEP = """
schema = 1
kind = "sweep"
name = "small"
description = ""
workload = "digits-mlp"
algorithm = "sgd"
seeds = [1, 2]
[fixed]
"training.epochs" = 6
"data.samples" = 400
[[axes]]
key = "algorithm.learning_rate"
{axis}
"""
SEARCH = """
[search]
objective = "test_error"
direction = "minimize"
trials = 4
startup = 2
seeds = [5]
sampler_seed = 1
[[search.axes]]
key = "device.dw_min"
low = 0.001
high = 0.1
scale = "log"
"""
STUDY = """
schema = 1
kind = "study"
name = "small"
title = "Small"
description = ""
[[runs]]
name = "both"
workload = "digits-mlp"
algorithms = ["digital", "sgd"]
[runs.fixed]
"training.epochs" = 8
"data.samples" = 400
[[tables]]
kind = "comparison"
name = "table"
title = "Both"
runs = "both"
"""
LONG = ("--samples", "400", "--epochs", "12", "--set", "training.checkpoint_every=100", "--out", "made")
CASES = {
    "run": (("run", "digits-mlp", "--algorithm", "ttv2", *LONG), ("resume", "made"), ""),
    "compare": (
        ("compare", "digits-mlp", "--algorithms", "digital,sgd,ttv2", "-j2", *LONG),
        ("resume", "made", "-j2"),
        "",
    ),
    "sweep": (("sweep", "./own.toml", "--out", "made", "-j2"), None, SWEEP.format(axis="values = [0.01, 0.02, 0.04]")),
    "search": (("sweep", "./own.toml", "--out", "made", "-j2"), None, SWEEP.format(axis="values = [0.01]") + SEARCH),
    "study": (("study", "./own.toml", "--out", "made", "-j2"), None, STUDY),
}


def prepared(folder, text):
    folder.mkdir()
    if text:
        (folder / "own.toml").write_text(text)
    return folder


def finished_points(folder):
    """Return what counts as finished: results that are whole."""
    return {path for path in folder.rglob("*") if path.name == "summary.json" or path.parent.name == "results"}


@pytest.mark.slow
@pytest.mark.parametrize("name", CASES)
def test_a_command_killed_thirty_times_ends_with_the_same_files(tmp_path, name):
    first, again, text = CASES[name]
    whole = prepared(tmp_path / "whole", text)
    subprocess.run([*COMMAND, *first], cwd=whole, check=True, capture_output=True)
    cut = prepared(tmp_path / "cut", text)
    chance = random.Random(name)
    killed, command = 0, first
    while killed < KILLS:
        child = subprocess.Popen([*COMMAND, *command], cwd=cut, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        time.sleep(chance.uniform(0.3, 2.5))
        before = finished_points(cut)
        if child.poll() is not None:
            break
        os.kill(child.pid, signal.SIGKILL)
        child.communicate(timeout=60)
        killed += 1
        assert before <= finished_points(cut)
        if again is not None and (cut / "made" / "comparison.json").exists():
            command = again
        elif again is not None:
            shutil.rmtree(cut / "made", ignore_errors=True)  # nothing had begun
    done = subprocess.run([*COMMAND, *command], cwd=cut, capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert done.returncode == 0 or "is not empty" in done.stderr, done.stderr
    assert killed > 3
    assert bits(cut / "made") == bits(whole / "made")


def bits(folder):
    """Return every file but the journals of searches, in which Optuna notes processes and times."""
    return {name: content for name, content in contents(folder).items() if not name.endswith(".journal")}


def test_a_run_whose_folder_was_deleted_is_one_line(twin, tmp_path):
    small = ("--samples", "30", "--epochs", "1", "-j1", "--out", "made")
    assert twin("compare", "digits-mlp", "--algorithms", "digital,sgd", *small)[0] == 0
    shutil.rmtree(tmp_path / "made" / "runs" / "sgd-two-array")
    for arguments in (("resume", "made"), ("compare", "made", "made/runs/digital"), ("figures", "made")):
        code, _, err = twin(*arguments)
        assert code == 2
        assert "sgd-two-array" in err
        assert sum(line.startswith("error: ") for line in err.splitlines()) == 1
