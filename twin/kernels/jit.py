"""How kernels are compiled: float32, no Python objects, cached on disk by the content of their sources.

Numba's own cache looks only at the file of the outermost function, so an edit of an inlined kernel in
another file would go unnoticed, and so would another number of an opcode, which is frozen into the machine code. The
cache folder is therefore named after a hash of all kernel sources and of what they import, and of where they lie and of
when they were written: Numba keeps kernels by the path and the time of their file, so a copy elsewhere does not find
what this one compiled, nor does a file that was written again.
"""

import functools
import hashlib
import os
import re
import stat
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import Any, cast

import llvmlite.binding
import numba
from numba.core.caching import FunctionCache

# Reductions may be reordered (they vectorise then); NaN and infinity keep their meaning.
FAST = {"reassoc", "contract", "arcp", "nsz"}


def _host() -> str:
    """Return the processor's features for LLVM: all of AVX-512, which it would use by halves where clocks suffered."""
    features = llvmlite.binding.get_host_cpu_features()
    return str(features.flatten()) + (",-prefer-256-bit" if features.get("avx512f") else "")


_IMPORTS = re.compile(r"^\s*(?:from|import) twin\.?([\w.]*)(?: import ([\w, ]+))?", re.MULTILINE)


def compiled_files(package: Path) -> list[Path]:
    """Return the files whose text ends in machine code: the kernels, and all of the package that they import."""
    found = set((package / "kernels").rglob("*.py"))
    waiting = list(found)
    while waiting:
        for module, names in _IMPORTS.findall(waiting.pop().read_text(encoding="utf-8")):
            at = package.joinpath(*module.split("."))
            inside = (at / f"{name.strip()}.py" for name in ("__init__", *names.split(",")))
            new = {path for path in (at.with_suffix(".py"), *inside) if path.is_file()} - found
            found |= new
            waiting += new
    return sorted(found)


def digest_of(package: Path, features: str) -> str:
    """Return a hash of everything that the machine code depends on, and of what Numba finds it by."""
    host = f"{numba.__version__} {llvmlite.binding.get_host_cpu_name()} {features}"
    digest = hashlib.sha256(f"{host} {package}".encode())
    for path in compiled_files(package):
        digest.update(path.read_bytes() + str(path.stat().st_mtime_ns).encode())
    return digest.hexdigest()[:16]


def _cache_folder(name: str) -> Path:
    """Return a folder that this user may write: below the home folder, else a private one below the temporary folder.

    Machine code is loaded from it, so nobody else may have made or be able to change the latter.
    """
    try:
        home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
        folder = home / "analog-twin" / name
        folder.mkdir(parents=True, exist_ok=True)
        if os.access(folder, os.W_OK):
            return folder
    except (OSError, RuntimeError):  # a home that cannot be written, or none at all
        pass
    user = str(os.getuid()) if hasattr(os, "getuid") else "user"
    private = Path(tempfile.gettempdir()) / f"analog-twin-{user}"
    with suppress(OSError):
        private.mkdir(mode=0o700)
    if not is_private(private):
        private = Path(tempfile.mkdtemp(prefix="analog-twin-"))  # of this process and its children alone
        os.environ["NUMBA_CACHE_DIR"] = str(private)
    folder = private / name
    folder.mkdir(exist_ok=True)
    return folder


def is_private(folder: Path) -> bool:
    """Return whether a folder is really one, of this user, and nobody else can write into it."""
    try:
        found = folder.lstat()
    except OSError:
        return False
    mine = not hasattr(os, "getuid") or found.st_uid == os.getuid()
    return stat.S_ISDIR(found.st_mode) and mine and not found.st_mode & 0o077


config: Any = numba.config
if config.CPU_FEATURES is None:
    config.CPU_FEATURES = _host()
KERNELS = f"kernels-{digest_of(Path(__file__).parent.parent, config.CPU_FEATURES)}"
if not os.environ.get("NUMBA_CACHE_DIR"):
    config.CACHE_DIR = str(_cache_folder(KERNELS))


class _Cache(cast("Any", FunctionCache)):  # type: ignore[misc]  # Numba is not typed
    """Numba's cache, where a file that is cut short counts as missing instead of ending the program."""

    def load_overload(self, sig: Any, target_context: Any) -> Any:
        """Return what is cached, or None."""
        try:
            return super().load_overload(sig, target_context)
        except Exception:  # noqa: BLE001 - a damaged pickle raises anything
            self.flush()
            return None


def linked(function: Any, **options: Any) -> Any:
    """Compile a function as part of those that call it, without a place of its own in the cache.

    For functions made in a loop: Numba tells those of one text apart by what they refer to, which it would pickle.
    """
    usual = {"error_model": "numpy", "fastmath": FAST, "nogil": True, "no_cfunc_wrapper": True, "_nrt": False}
    return cast("Any", numba.njit)(**(usual | options))(function)


def kernel(function: Any, **options: Any) -> Any:
    """Compile a function; kernels allocate nothing.

    So slices need not be counted as references to their arrays, with an atomic instruction each: counting took a
    quarter of the digital LSTM's time.
    """
    compiled, cache = linked(function, **options), cast("Any", _Cache)
    compiled._cache = cache(function)  # noqa: SLF001 - as `cache=True` does, with our own
    return compiled


# For functions called in the innermost loops: inlined by LLVM, so that the loops vectorise.
inline: Any = functools.partial(kernel, forceinline=True)
# For sums whose order is part of the result; products and sums are still fused.
ordered: Any = functools.partial(kernel, fastmath={"contract"})
