"""Does the kind of node of docs/add-a-node.md work, in the two files that the page says, on a copy of the package?"""

import re
import shlex
import shutil

import pytest
from copy_kit import ROOT, apply, copied, run, write_new

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
    folder = copied(tmp_path_factory.mktemp("copy"), "tests/kits")
    for file, text in FILES:
        write_new(text, folder / file)
    for file, diff in DIFFS:
        apply(diff, folder / file)
    return folder


def test_a_kind_of_node_touches_two_files_of_the_package(package):
    copied = {str(path.relative_to(package)) for path in (package / "twin").rglob("*.py")}
    new = {file for file in copied if not (ROOT / file).exists()}
    changed = {file for file in copied - new if (package / file).read_bytes() != (ROOT / file).read_bytes()}
    assert (new, changed) == ({file for file, _ in FILES}, set())
    assert len(new) == 2


def test_descriptions_know_it(package):
    row = run(package, "-c", ACCEPTED, kits=True).split()
    assert row[:2] == ["threshold-0", "threshold"]
    assert row[-4:-1] == ["4", "0", "digital"]


@pytest.mark.slow
def test_the_contract_of_kinds_picks_it_up_and_holds(package):
    """Slow, as the copy compiles kernels of its own."""
    (command,) = re.findall(r"```bash\npython (.*)\n```", PAGE)
    *options, contract = shlex.split(command)
    shutil.copy(ROOT / contract, package / "contract.py")
    out = run(package, *options, "-q", "--noconftest", "-p", "no:cacheprovider", "contract.py", kits=True)
    assert int(re.search(r"(\d+) passed", out)[1]) >= 14
