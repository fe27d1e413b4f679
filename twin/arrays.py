"""Named arrays in one .npz file without pickle; sizes that a file claims are held against what it has."""

import io
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from twin.errors import TwinError
from twin.files import read_limited, write_bytes

Arrays = dict[str, npt.NDArray[Any]]
MOST_BYTES = 2**33
"""Of a file and of what it unpacks to: a network that is trained here has less."""


class _PickledError(Exception):
    """Reading an array would run code from a file."""


def write_arrays(path: Path, arrays: Arrays) -> None:
    """Write arrays, whole or not at all; the same arrays give the same bytes."""
    buffer = io.BytesIO()
    np.savez(buffer, **arrays)  # type: ignore[arg-type]  # the stub knows allow_pickle only
    write_bytes(path, buffer.getvalue())


def read_arrays(path: Path, fix: str = "write it again") -> Arrays:
    """Read every array and check the sum of each; `fix` is what to do where the file is damaged.

    Raises
    ------
    TwinError
        Where the file is missing, damaged, holds Python objects, or claims more than it has.
    """
    if not path.exists():
        raise TwinError(f"{path}: does not exist; name a file that `twin` wrote")
    raw = read_limited(path, MOST_BYTES)
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            if sum(info.file_size for info in archive.infolist()) > MOST_BYTES:
                raise ValueError(f"it claims to unpack to more than {MOST_BYTES:,} bytes")  # noqa: TRY301 - one answer
            return {name.removesuffix(".npy"): _array(archive.read(name)) for name in archive.namelist()}
    except _PickledError as error:
        raise TwinError(f"{path}: cannot be read: it holds Python objects, which are never read; {fix}") from error
    except Exception as error:  # a damaged archive provokes anything, and the answer is always the same
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise TwinError(f"{path}: cannot be read: it is damaged ({reason}); {fix}") from error


def _array(content: bytes) -> npt.NDArray[Any]:
    """Read one array, whose header must claim what follows it."""
    stream = io.BytesIO(content)
    version = np.lib.format.read_magic(stream)
    header = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    shape, fortran, dtype = header(stream)
    if dtype.hasobject:
        raise _PickledError
    if math.prod(shape) * dtype.itemsize != len(content) - stream.tell():
        raise ValueError(f"an array claims the shape {shape}, and {len(content) - stream.tell()} bytes follow")
    values = np.frombuffer(content, dtype, math.prod(shape), stream.tell())
    return values.reshape(shape, order="F" if fortran else "C").copy()
