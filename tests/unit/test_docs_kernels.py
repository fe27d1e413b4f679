"""Is docs/kernels.md complete, and does its example show the pulse that runs?"""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "kernels.md").read_text(encoding="utf-8")
KERNELS = ROOT / "twin" / "kernels"
ROWS = re.findall(r"^\| `([\w/]+\.py)` \|[^|]*\|([^|]*)\|$", PAGE, flags=re.MULTILINE)


def test_the_example_prints_that_the_pulse_is_that_of_the_formula(capsys):
    code = re.search(r"```python\n(.*?)```", PAGE, re.DOTALL)
    names = {}
    exec(code[1], names)  # noqa: S102 - our own page
    found = re.fullmatch(r"largest difference (\S+) of steps up to (\S+)\n", capsys.readouterr().out)
    assert float(found[1]) < 1e-7
    assert float(found[2]) > 0.05
    assert not (names["after"] == names["before"]).any()


def test_every_file_of_kernels_is_named_once():
    files = {str(path.relative_to(KERNELS)) for path in KERNELS.rglob("*.py") if path.name != "__init__.py"}
    assert sorted(name for name, _ in ROWS) == sorted(files)


def test_the_tests_that_it_names_are_there():
    named = {test for _, tests in ROWS for test in re.findall(r"`([^`]*)`", tests)}
    assert named
    assert {test for test in named if not (ROOT / test).exists()} == set()


def test_plumbing_is_what_lies_in_simd():
    plumbing = set(re.findall(r"^\| `([\w/]+\.py)` \| plumbing", PAGE, flags=re.MULTILINE))
    assert plumbing == {f"simd/{path.name}" for path in (KERNELS / "simd").glob("[a-z]*.py")}
