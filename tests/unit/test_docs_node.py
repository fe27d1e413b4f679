"""Does the kind of node of docs/add-a-node.md work, in the two files that the page says, on a copy of the package?"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "add-a-node.md").read_text(encoding="utf-8")
FILES = re.findall(r"`(twin/[\w/]+\.py)`:\n\n```python\n(.*?)```", PAGE, re.DOTALL)
DIFFS = re.findall(r"`(tests/kits/\w+\.py)`[,:]\n\n```diff\n(.*?)```", PAGE, re.DOTALL)

ACCEPTED = """
from twin.networks.description import Network
from twin.networks.graph import Graph

layers = [{"kind": "threshold", "slope": 0.3}, {"kind": "dense", "outputs": 2, "activation": "softmax", "bias": True}]
described = Network.model_validate({"loss": "cross-entropy", "layers": layers})
print(*next(Graph.of(described, (5, 4)).rows()))
"""


@pytest.fixture(scope="module")
def package(tmp_path_factory):
    """Copy the package and what the contract needs, and do what the page says; return the folder of the copy."""
    folder = tmp_path_factory.mktemp("copy")
    for name in ("twin", "architectures", "workloads", "tests/kits"):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    for file, text in FILES:
        assert not (folder / file).exists()
        (folder / file).write_text(text, encoding="utf-8")
    for file, diff in DIFFS:
        before, after = (
            "".join(line[1:] for line in diff.splitlines(keepends=True) if line[0] in signs) for signs in (" -", " +")
        )
        text = (folder / file).read_text(encoding="utf-8")
        assert text.count(before) == 1
        (folder / file).write_text(text.replace(before, after), encoding="utf-8")
    return folder


def run(package, *command):
    """Run Python on the copy, with a cache of kernels of its own; return what it printed."""
    paths = f"{package}{os.pathsep}{package / 'tests' / 'kits'}"
    environment = os.environ | {"PYTHONPATH": paths, "XDG_CACHE_HOME": str(package / "cache")}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, *command], cwd=package, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def test_a_kind_of_node_touches_two_files_of_the_package(package):
    copied = {str(path.relative_to(package)) for path in (package / "twin").rglob("*.py")}
    new = {file for file in copied if not (ROOT / file).exists()}
    changed = {file for file in copied - new if (package / file).read_bytes() != (ROOT / file).read_bytes()}
    assert (new, changed) == ({file for file, _ in FILES}, set())
    assert len(new) == 2


def test_descriptions_know_it(package):
    row = run(package, "-c", ACCEPTED).split()
    assert row[:2] == ["threshold-0", "threshold"]
    assert row[-3:] == ["4", "0", "digital"]


@pytest.mark.slow
def test_the_contract_of_kinds_picks_it_up_and_holds(package):
    """Slow, as the copy compiles kernels of its own."""
    (command,) = re.findall(r"```bash\npython (.*)\n```", PAGE)
    *options, contract = shlex.split(command)
    shutil.copy(ROOT / contract, package / "contract.py")
    out = run(package, *options, "-q", "--noconftest", "-p", "no:cacheprovider", "contract.py")
    assert int(re.search(r"(\d+) passed", out)[1]) >= 14
