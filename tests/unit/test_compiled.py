"""What was compiled for one set of sources is never taken for another's."""

import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from twin.chip.dram import kernel as dram
from twin.kernels import jit

PACKAGE = Path(jit.__file__).parent.parent
LOADED = """
import sys
import twin
before = set(sys.modules)
import twin.kernels.execute
print(*(sys.modules[name].__file__ for name in set(sys.modules) - before if name.startswith("twin.")), sep="\\n")
"""


@pytest.fixture
def copied(tmp_path):
    """Copy the kernels' sources, and what they import, to another folder."""
    copy = tmp_path / "twin"
    for path in jit.compiled_files(PACKAGE):
        there = copy / path.relative_to(PACKAGE)
        there.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(path, there)
    return copy


def test_the_cache_is_named_after_sources_features_and_place(copied):
    own = jit.digest_of(PACKAGE, "+avx2")
    elsewhere = jit.digest_of(copied, "+avx2")
    assert jit.digest_of(PACKAGE, "+avx2") == own
    assert jit.digest_of(PACKAGE, "+avx512f") != own
    # Numba finds kernels by the path of their file: a copy compiles anew, and in a process of its own
    assert elsewhere != own
    with (copied / "kernels" / "rng.py").open("a") as file:
        file.write("\n")
    assert jit.digest_of(copied, "+avx2") != elsewhere


def test_another_number_of_an_opcode_is_another_cache(copied):
    file = copied / "operation.py"
    before, text = jit.digest_of(copied, "+avx2"), file.read_text()
    file.write_text(re.sub(r"UPDATE = 7\n(.*)READ_OUT = 8\n", r"UPDATE = 8\n\1READ_OUT = 7\n", text, flags=re.DOTALL))
    assert file.read_text() != text
    assert jit.digest_of(copied, "+avx2") != before


def test_the_cache_covers_all_of_the_package_that_is_loaded_with_the_executor():
    done = subprocess.run([sys.executable, "-c", LOADED], capture_output=True, text=True, check=True)
    loaded = {Path(line) for line in done.stdout.split()}
    assert loaded <= set(jit.compiled_files(PACKAGE))
    assert PACKAGE / "kernels" / "execute.py" in loaded


def test_what_kernels_import_elsewhere_is_followed_to_its_end(copied):
    (copied / "constants.py").write_text("from twin.deeper import A, B\n")
    (copied / "deeper.py").write_text("A, B = 1, 2\n")
    (copied / "other.py").write_text("A = 3\n")
    with (copied / "kernels" / "rng.py").open("a") as file:
        file.write("\nfrom twin import constants\n")
    names = {path.name for path in jit.compiled_files(copied)}
    assert {"constants.py", "deeper.py"} <= names
    assert "other.py" not in names


def test_kernels_know_the_operation_and_nothing_else_of_the_package():
    beyond = [path for path in jit.compiled_files(PACKAGE) if PACKAGE / "kernels" not in path.parents]
    assert beyond == [PACKAGE / "operation.py"]


def test_the_kernel_of_the_dram_has_all_that_it_compiles_in_its_one_file():
    # it knows time and stays with the chip; Numba itself sees an edit of the file
    imported = re.findall(r"^(?:from|import) twin[\w.]*", Path(dram.__file__).read_text(), flags=re.MULTILINE)
    assert imported == ["from twin.kernels.jit"]
