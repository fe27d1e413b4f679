"""Compiles the kernels once, in a process of its own.

The process that compiles would run other machine code than those that load it from the cache: inner kernels
that it compiled on the way take the place of the copies inside the executor, and their sums are ordered
differently. So nobody runs what it compiled itself, and the first run has the bits of all later ones.
"""

import os
import subprocess
import sys
import time
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import numpy as np
from numba.core.dispatcher import Dispatcher

from twin.console import LATER_S, say
from twin.errors import TwinError
from twin.files import write_text
from twin.kernels.execute import execute
from twin.kernels.jit import KERNELS, config
from twin.kernels.records import INSTRUCTION, LAYER, MATRIX, NODE, PART
from twin.operation import N_COUNTS

TAKES = "two to three minutes on a free core, twice as long on a busy or slow one"
_found: set[str] = set()
"""Caches that this process has checked."""


def _marker() -> Path:
    return Path(config.CACHE_DIR) / f"{KERNELS}.compiled"


def is_compiled() -> bool:
    """Return whether the kernels of this version lie in the cache as they were written; checked once a process."""
    marker = str(_marker())
    if marker not in _found and _manifest_holds():
        _found.add(marker)
    return marker in _found


def _manifest_holds() -> bool:
    try:
        lines = _marker().read_text(encoding="utf-8").splitlines()
        files = (line.split(" ", 1) for line in lines)
        return bool(lines) and all(f"{zlib.crc32(Path(path).read_bytes()):08x}" == crc for crc, path in files)
    except (OSError, ValueError):
        return False


def ensure_compiled() -> None:
    """Compile the kernels in another process unless they are in the cache; of several processes one does.

    Raises
    ------
    TwinError
        When that process fails, e.g. for want of room in the cache folder.
    """
    if is_compiled():
        return
    with _turn():
        if is_compiled():  # by the process that had its turn before
            return
        if _marker().exists():
            say(f"kernels: the cache in {config.CACHE_DIR} is damaged; it is made again")
            _marker().unlink()
        say(f"compiling the kernels, once for this version of twin: {TAKES}")
        _compile()


@contextmanager
def _turn() -> Iterator[None]:
    """Wait until no other process compiles; a process that ends, however it does, lets the next one in."""
    try:
        import fcntl  # noqa: PLC0415 - not everywhere

        stream = _marker().with_suffix(".lock").open("w")
    except (ImportError, OSError):
        yield
        return
    with stream:
        with suppress(OSError):  # a file system without locks
            try:
                fcntl.flock(stream, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                say(f"waiting for another process that compiles the kernels ({TAKES})")
                fcntl.flock(stream, fcntl.LOCK_EX)
        yield


def _compile() -> None:
    command = [sys.executable, "-P", "-m", __name__]  # of this package, not of one in the folder that the user is in
    places = [str(Path(__file__).parents[2]), *filter(None, [os.environ.get("PYTHONPATH")])]
    environment = os.environ | {"NUMBA_CACHE_DIR": str(config.CACHE_DIR), "PYTHONPATH": os.pathsep.join(places)}
    try:
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, env=environment)  # noqa: S603 - our own module
    except OSError as error:
        raise TwinError(f"{sys.executable}: cannot be started ({error.strerror}); {STARTABLE}") from error
    begin = time.monotonic()
    with child:
        try:
            while True:
                try:
                    _, err = child.communicate(timeout=LATER_S)
                    break
                except subprocess.TimeoutExpired:
                    say(f"compiling the kernels: {time.monotonic() - begin:.0f} s so far, usually {TAKES}")
        except BaseException:
            child.kill()
            raise
    if child.returncode != 0:
        reason = (err.strip().splitlines() or ["no reason given"])[-1]
        raise TwinError(
            f"kernels: compiling into {config.CACHE_DIR} failed ({reason}); "
            "set NUMBA_CACHE_DIR to a folder with room that can be written"
        )


STARTABLE = "compiling the kernels and --jobs need processes of this interpreter; make it executable for this user"


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
    records = (np.zeros(1, kind) for kind in (PART, MATRIX, LAYER, NODE))
    program, counts = np.zeros(0, INSTRUCTION), np.zeros((0, N_COUNTS))
    execute(real, words, real, *records, program, counts, table, table, np.uint64(0))


def _write_manifest() -> None:
    """Note what was compiled: a checksum and the path of every file of a kernel, a line each."""
    loaded: list[Any] = [vars(module) for name, module in sys.modules.items() if name.startswith("twin.kernels.")]
    kernels: set[Any] = {value for names in loaded for value in names.values() if isinstance(value, Dispatcher)}
    own = (value._cache.cache_path for value in kernels)  # noqa: SLF001 - Numba tells nowhere else
    folders = {Path(place) for place in own if place}  # what is only linked has none
    paths = sorted(path for folder in folders for path in folder.glob("*.nb[ci]"))
    write_text(_marker(), "".join(f"{zlib.crc32(path.read_bytes()):08x} {path}\n" for path in paths))


if __name__ == "__main__":
    _call_executor()
    _write_manifest()
