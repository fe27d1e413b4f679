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
import tempfile
from pathlib import Path
from typing import Any

import llvmlite.binding
import numba

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
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = home / "analog-twin" / name
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # read-only home: compile once per session of the temporary folder
        folder = Path(tempfile.gettempdir()) / name
        folder.mkdir(parents=True, exist_ok=True)
    return folder


config: Any = numba.config
if config.CPU_FEATURES is None:
    config.CPU_FEATURES = _host()
KERNELS = f"kernels-{digest_of(Path(__file__).parent.parent, config.CPU_FEATURES)}"
if not os.environ.get("NUMBA_CACHE_DIR"):
    config.CACHE_DIR = str(_cache_folder(KERNELS))

# Kernels allocate nothing, so slices need not be counted as references to their arrays, with an atomic instruction
# each: counting took a quarter of the digital LSTM's time.
kernel: Any = functools.partial(
    numba.njit, cache=True, error_model="numpy", fastmath=FAST, nogil=True, no_cfunc_wrapper=True, _nrt=False
)
# For functions called in the innermost loops: inlined by LLVM, so that the loops vectorise.
inline: Any = functools.partial(kernel, forceinline=True)
# For sums whose order is part of the result; products and sums are still fused.
ordered: Any = functools.partial(kernel, fastmath={"contract"})
