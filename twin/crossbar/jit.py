"""How kernels are compiled: float32, no Python objects, cached on disk by the content of their sources.

Numba's own cache looks only at the file of the outermost function, so an edit of an inlined kernel in
another file would go unnoticed. The cache folder is therefore named after a hash of all kernel sources.
"""

import functools
import hashlib
import os
import tempfile
from pathlib import Path
from typing import Any

import numba

# Reductions may be reordered (they vectorise then); NaN and infinity keep their meaning.
FAST = {"reassoc", "contract", "arcp", "nsz"}


def _cache_folder() -> Path:
    package = Path(__file__).parent.parent
    digest = hashlib.sha256(numba.__version__.encode())
    for room in ("crossbar", "machine"):
        for path in sorted((package / room).glob("*.py")):
            digest.update(path.read_bytes())
    home = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache")
    folder = home / "analog-twin" / f"kernels-{digest.hexdigest()[:16]}"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:  # read-only home: compile once per session of the temporary folder
        folder = Path(tempfile.gettempdir()) / folder.name
        folder.mkdir(parents=True, exist_ok=True)
    return folder


if not os.environ.get("NUMBA_CACHE_DIR"):
    numba.config.CACHE_DIR = str(_cache_folder())  # type: ignore[attr-defined]  # set up at run time

njit: Any = functools.partial(numba.njit, cache=True, error_model="numpy", fastmath=FAST, nogil=True)
# For functions called in the innermost loops: inlined by LLVM, so that the loops vectorise.
inline: Any = functools.partial(njit, forceinline=True)
