"""Does an algorithm with an effect, a state and settings of its own take two files, as docs/add-an-algorithm.md says?

They are installed as a package of somebody else would be, beside a twin of which no file changes.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest
from figure_kit import UNDRAWN

ROOT = Path(__file__).parents[2]
PAGE = ROOT / "docs" / "add-an-algorithm.md"
SIZE = ("--set", "data.samples=60", "--set", "training.epochs=1")

STEPWISE = '''
"""Perform a run instruction by instruction and follow M in NumPy; then perform it at once."""
import numpy as np
from twin.operation import N_COUNTS, Opcode
from twin.runs.build import build
from twin.runs.planning import plan_run

overrides = {"data.samples": "60", "training.epochs": "1", "algorithms.momentum.momentum": "0.8"}


def parts():
    made = build(plan_run("digits-mlp", "aimc-512", "four-array", "momentum", "replayed", overrides, {}))
    made.machine.set_rates(1.0)
    program, _ = made.effects.encoder.encode(0, 60)
    return made.machine, program, np.zeros((program.size, N_COUNTS))


machine, program, counts = parts()
mean = {k: np.zeros(machine.state(k, "momentum").shape) for k in range(2)}
seen = 0
for k, one in enumerate(program):
    layer = machine.layers[one["layer"]]
    v = machine.f[layer["v"] :][: layer["line_length"]]
    if one["opcode"] == Opcode.OWN_0:
        lines = mean[int(one["layer"])]
        line = lines[(one["sample"] // layer["transfer_every"]) % layer["lines"]]
        line[:] = 0.8 * line + 0.2 * v
    machine.execute(program[k : k + 1], counts[k : k + 1])
    if one["opcode"] == Opcode.OWN_0:
        np.testing.assert_allclose(v, line, rtol=1e-4, atol=1e-6)
        seen += 1
for k, expected in mean.items():
    np.testing.assert_allclose(machine.state(k, "momentum"), expected, rtol=1e-4, atol=1e-6)
    assert np.abs(expected).max() > 0.01
assert seen >= 60

at_once, program, found = parts()
at_once.execute(program, found)
np.testing.assert_array_equal(at_once.f, machine.f)
np.testing.assert_array_equal(found, counts)
print("followed", seen)
'''


@pytest.fixture
def python(tmp_path):
    """Return how to run Python where the page's package is installed."""
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    algorithm, kernel = (next(one for one in blocks if what in one) for what in ("class Momentum(", "def average("))
    package, entry = tmp_path / "site" / "mypackage", tmp_path / "site" / "mypackage-1.0.dist-info"
    package.mkdir(parents=True)
    entry.mkdir()
    (package / "__init__.py").touch()
    (package / "momentum.py").write_text(algorithm)
    (package / "kernels.py").write_text(kernel)
    (entry / "METADATA").write_text("Metadata-Version: 2.1\nName: mypackage\nVersion: 1.0\n")
    (entry / "entry_points.txt").write_text("[twin.algorithms]\nmomentum = mypackage.momentum:Momentum\n")
    environment = os.environ | {"PYTHONPATH": os.pathsep.join([str(package.parent), str(ROOT)])}

    def run(*arguments):
        command = [sys.executable, *arguments]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    run.package = package
    return run


def test_its_state_follows_the_formula_and_a_run_at_once_is_the_same_to_the_bit(python):
    done = python("-c", STEPWISE)
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("followed")


def test_the_command_line_trains_with_it_and_its_settings_have_a_place_and_a_source(python, tmp_path):
    setting = ("--set", "algorithms.momentum.momentum=0.8")
    twin = UNDRAWN + "from twin.cli.app import main; main()"
    done = python("-c", twin, "run", "digits-mlp", "--algorithm", "momentum", *SIZE, *setting, "--out", "r")
    assert done.returncode == 0, done.stderr
    assert "without effect" not in done.stdout + done.stderr
    summary = json.loads(next((tmp_path / "r").rglob("summary.json")).read_text())
    assert "momentum" in json.dumps(summary)
    sources = next((tmp_path / "r").rglob("sources.csv")).read_text()
    assert "algorithms.momentum.transfer_update.desired_bl" in sources
    assert "assumption" in sources


def test_a_setting_out_of_range_is_refused_by_its_place(python):
    done = python(
        "-m", "twin", "run", "digits-mlp", "--algorithm", "momentum", "--set", "algorithms.momentum.momentum=1"
    )
    assert done.returncode == 2
    assert "algorithms.momentum.momentum (= 1" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.slow
def test_short_words_are_refused_where_nothing_is_known_of_the_range(python):
    words = ("--set", "chip.placement.h=registers", "--set", 'chip.placement.h_word="1 B"')
    done = python("-m", "twin", "run", "digits-mlp", "--algorithm", "momentum", *SIZE, *words, "--out", "r")
    assert done.returncode == 2
    assert "momentum is kept in float32 alone" in done.stderr


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("kernels:average", "kernels:mean", "effect mypackage.kernels:mean cannot be found"),
        *(
            pytest.param('("mypackage.kernels:average",)', new, message, marks=pytest.mark.slow)
            for new, message in [
                ("()", "has the effect OWN_0, and the class names 0 in `effects`"),
                ('("mypackage.kernels:average",) * 5', "effects (= 5): must be at most 4"),
            ]
        ),
    ],
)
def test_an_effect_that_nobody_performs_ends_the_run_and_is_named(python, old, new, message):
    path = python.package / "momentum.py"
    assert old in path.read_text()
    path.write_text(path.read_text().replace(old, new))
    done = python("-m", "twin", "run", "digits-mlp", "--algorithm", "momentum", *SIZE, "--out", "r")
    assert done.returncode == 2, done.stderr
    assert message in done.stderr


def test_an_algorithm_of_others_that_cannot_be_loaded_is_named_and_the_rest_go_on(python):
    (python.package / "momentum.py").write_text("import nowhere_to_be_found\n")
    done = python("-m", "twin", "show", "digits-mlp")
    assert done.returncode == 0
    assert "algorithm momentum (mypackage.momentum:Momentum) cannot be loaded: No module named" in done.stderr
