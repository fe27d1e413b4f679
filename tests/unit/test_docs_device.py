"""Does the response of docs/add-a-device.md work, in the three files that the page says, on a copy of the package?"""

import re
import shlex

import pandas as pd
import pytest
from copy_kit import ROOT, apply, copied, run, write_new

PAGE = (ROOT / "docs" / "add-a-device.md").read_text(encoding="utf-8").split("## A response of its own")[1]
NEW, CHECK = re.findall(r"```python\n(.*?)```", PAGE, re.DOTALL)
BLOCKS = re.findall(r"```(python|diff)\n(.*?)```|`(twin/[\w/]+\.py)`:\n", PAGE.split("## Check it")[0], re.DOTALL)

FIRED = """
import numpy as np

from twin.kernels.records import INSTRUCTION
from twin.machine.arrays import draw_devices
from twin.operation import N_COUNTS, Opcode
from twin.runs.build import build
from twin.runs.planning import plan_run

own = {"device": '{preset="gokmen-60", family="logistic-step", w_max=0.6, w_min=-0.6, steepness=2.0, dw_min_std=0.0}'}
machine = build(plan_run("digits-mlp", "aimc-512", "two-array", "sgd", "replayed", own, {})).machine
layer, (part,) = machine.layers[0], machine.mapping.parts(0, "W")
raw = draw_devices(machine.designs[0].devices["W"], int(machine.seed), 0, "W", 0, part)
reference = machine.calibrated[0, "W", 0].reference
machine.layers["lr"] = machine.matrices[int(layer["update"])]["dw_min"]
for sign in (1.0, -1.0):  # every line fires exactly once
    before = machine.weights(0, "W") + reference
    machine.f[int(layer["x"]) : int(layer["x"]) + int(layer["n_in"])] = 1.0
    machine.f[int(layer["d"]) : int(layer["d"]) + int(layer["n_out"])] = sign
    program = np.zeros(1, INSTRUCTION)
    program["opcode"], program["uses"], program["sample"] = int(Opcode.UPDATE), 1, 1 if sign > 0 else 2
    machine.execute(program, np.zeros((1, N_COUNTS)))
    moved = raw.up(before) if sign > 0 else -raw.down(before)
    expected = np.clip(before + moved, raw.w_min, raw.w_max)
    found = machine.weights(0, "W") + reference
    print(np.abs(found - expected).max(), np.abs(found - before).min())
"""


def edits():
    """Yield (file, kind of block, text) in the page's order: a block belongs to the file named last before it."""
    file = ""
    for kind, text, named in BLOCKS:
        if kind:
            yield file, kind, text
        file = named or file


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """Copy the package and do what the page says; return the folder that holds the copy."""
    folder = copied(tmp_path_factory.mktemp("copy"))
    for file, kind, text in edits():
        (write_new if kind == "python" else apply)(text, folder / file)
    return folder


def test_a_response_of_its_own_touches_three_files_of_the_package(package):
    touched = {
        str(path.relative_to(package))
        for path in (package / "twin").rglob("*.py")
        if not (ROOT / path.relative_to(package)).exists()
        or path.read_bytes() != (ROOT / path.relative_to(package)).read_bytes()
    }
    assert touched == {file for file, _, _ in edits()}
    assert len(touched) == 3


def test_the_contract_of_devices_picks_it_up_and_holds(package):
    contract = str(ROOT / "tests" / "unit" / "test_devices.py")
    out = run(package, "-m", "pytest", "-q", "--noconftest", "-p", "no:cacheprovider", "-k", "logistic-step", contract)
    assert int(re.search(r"(\d+) passed", out)[1]) >= 10


def test_the_step_of_the_kernels_is_that_of_the_formula(package):
    (package / "check.py").write_text(CHECK, encoding="utf-8")
    found = re.findall(r"largest difference (\S+) of steps up to (\S+)\n", run(package, "check.py"))
    assert len(found) == 2
    for difference, largest in found:
        assert float(difference) < 1e-7
        assert float(largest) > 0.02


@pytest.mark.slow
def test_a_network_trains_on_it_by_pulses_of_that_formula(package):
    """Slow, as the copy compiles kernels of its own; the error of guessing is 0.9."""
    (command,) = re.findall(r"```bash\ntwin (.*)\n```", PAGE)
    run(package, "-m", "twin", *shlex.split(command), "--out", "trained")
    (curve,) = (package / "trained" / "runs").rglob("curve.csv")
    assert pd.read_csv(curve)["test_error"].iloc[-1] < 0.5
    up, down = run(package, "-c", FIRED).splitlines()
    for line in (up, down):
        off, least = map(float, line.split())
        assert off < 1e-6
        assert least > 1e-4
