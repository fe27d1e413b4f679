"""Compiles the kernels once, in a process of its own.

The process that compiles would run other machine code than those that load it from the cache: inner kernels
that it compiled on the way take the place of the copies inside the executor, and their sums are ordered
differently. So nobody runs what it compiled itself, and the first run has the bits of all later ones.
"""

import subprocess
import sys
from pathlib import Path

import numpy as np

from twin.errors import TwinError
from twin.kernels.execute import execute
from twin.kernels.jit import KERNELS, config
from twin.kernels.records import INSTRUCTION, LAYER, MATRIX, PART
from twin.operation import N_COUNTS


def _marker() -> Path:
    return Path(config.CACHE_DIR) / f"{KERNELS}.compiled"


def is_compiled() -> bool:
    """Return whether the kernels of this version lie in the cache."""
    return _marker().exists()


def ensure_compiled() -> None:
    """Compile the kernels in another process unless they are in the cache; takes about a minute.

    Raises
    ------
    TwinError
        When that process fails, e.g. for want of room in the cache folder.
    """
    if is_compiled():
        return
    command = [sys.executable, "-m", __name__]
    done = subprocess.run(command, capture_output=True, text=True, check=False)  # noqa: S603 - our own module
    if done.returncode != 0:
        reason = (done.stderr.strip().splitlines() or ["no reason given"])[-1]
        raise TwinError(
            f"kernels: compiling into {config.CACHE_DIR} failed ({reason}); "
            "set NUMBA_CACHE_DIR to a folder with room that can be written"
        )


def ensure_loaded() -> None:
    """Load the executor before any of the kernels inside it is called from Python.

    A kernel that is loaded by itself first would take the place of its copy inside the executor, with sums
    ordered differently: the weights would depend on what the process had done before.
    """
    ensure_compiled()
    if not execute.signatures:
        _call_executor()


def _call_executor() -> None:
    real, words = np.zeros(1, np.float32), np.zeros(1, np.int32)
    table = np.zeros((1, 1), np.float32)
    records = (np.zeros(1, kind) for kind in (PART, MATRIX, LAYER))
    program, counts = np.zeros(0, INSTRUCTION), np.zeros((0, N_COUNTS))
    execute(real, words, real, *records, program, counts, table, table, np.uint64(0))


if __name__ == "__main__":
    _call_executor()
    _marker().touch()
