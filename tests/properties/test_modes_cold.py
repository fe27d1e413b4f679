"""The run that compiles the kernels has the same bits as the runs that find them compiled."""

import os
import subprocess
import sys

import pytest

SCRIPT = """
import hashlib
from twin.runs.build import build
from twin.runs.planning import plan_run

parts = build(plan_run("digits-mlp", "aimc-512", "two-array", "sgd", workload_overrides={"data.samples": "300"}))
parts.machine.set_rates(1.0)
parts.effects.segment(0, 300)
parts.engine.run(0, 300)
print(hashlib.sha256(parts.machine.f.tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_a_cold_and_a_warm_cache_of_kernels_give_the_same_weights(tmp_path):
    empty = {key: value for key, value in os.environ.items() if key != "NUMBA_CACHE_DIR"}
    empty["XDG_CACHE_HOME"] = str(tmp_path)
    weights = []
    for _ in range(2):
        done = subprocess.run([sys.executable, "-c", SCRIPT], env=empty, capture_output=True, text=True, check=True)
        weights.append(done.stdout)
    assert weights[0] == weights[1]
