"""A copy of the package, on which a test does what a page of the docs says."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]


def copied(folder, *more):
    """Copy the package with its descriptions, and `more` folders of the checkout; return the folder of the copy."""
    for name in ("twin", "architectures", "workloads", *more):
        shutil.copytree(ROOT / name, folder / name, ignore=shutil.ignore_patterns("__pycache__"))
    return folder


def write_new(text, path):
    """Write a file that was not there."""
    assert not path.exists()
    path.write_text(text, encoding="utf-8")


def apply(diff, path):
    """Replace the lines of a diff, which must be found once."""
    lines = diff.splitlines(keepends=True)
    before = "".join(line[1:] for line in lines if line[0] in " -")
    after = "".join(line[1:] for line in lines if line[0] in " +")
    text = path.read_text(encoding="utf-8")
    assert text.count(before) == 1, f"{path.name} has {text.count(before)} times\n{before}"
    path.write_text(text.replace(before, after), encoding="utf-8")


def run(package, *command, kits=False):
    """Run Python on the copy, with a cache of kernels of its own; return what it printed."""
    paths = [str(package), *([str(package / "tests" / "kits")] if kits else [])]
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(paths), "XDG_CACHE_HOME": str(package / "cache")}
    environment.pop("NUMBA_CACHE_DIR", None)
    done = subprocess.run(
        [sys.executable, *command], cwd=package, env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout
