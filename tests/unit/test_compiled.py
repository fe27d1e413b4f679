"""What was compiled for one set of sources is never taken for another's."""

import shutil
from pathlib import Path

import pytest

from twin.kernels import jit

PACKAGE = Path(jit.__file__).parent.parent


@pytest.fixture
def copied(tmp_path):
    """Copy the kernels' sources to another folder."""
    copy = tmp_path / "twin"
    shutil.copytree(PACKAGE / "kernels", copy / "kernels", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(PACKAGE / "operation.py", copy)
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
