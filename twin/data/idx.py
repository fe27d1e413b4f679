"""Files in idx form: two zero bytes, type 8 (uint8), number of axes, big-endian lengths, data; gzipped."""

import gzip
import hashlib
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from twin.errors import TwinError


def array_of(path: Path) -> npt.NDArray[np.uint8]:
    """Read a gzipped idx file of bytes.

    Raises
    ------
    TwinError
        Where the file is not gzip, not idx, or longer or shorter than its header says.
    """
    try:
        raw = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise TwinError(f"{path}: not a readable gzip file ({error}); copy it again") from error
    if len(raw) < 4 or raw[:3] != b"\x00\x00\x08":
        raise TwinError(f"{path}: not an idx file of bytes (starts {raw[:4].hex()}); copy it again")
    axes = raw[3]
    if len(raw) < 4 + 4 * axes or not axes:
        raise TwinError(f"{path}: an idx file that ends in its header; copy it again")
    shape = tuple(int(n) for n in np.frombuffer(raw, ">i4", axes, 4))
    data = np.frombuffer(raw, np.uint8, -1, 4 + 4 * axes)
    if data.size != int(np.prod(shape)):
        digest = hashlib.sha256(raw).hexdigest()[:12]
        raise TwinError(
            f"{path}: {data.size} bytes where {shape} needs {int(np.prod(shape))} (sha256 {digest}); copy it again"
        )
    return data.reshape(shape)


def md5_of_idx(array: npt.NDArray[np.uint8]) -> str:
    """Return the MD5 of the idx file of an array, unpacked: what is published of data sets in this form."""
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    digest = hashlib.md5(header, usedforsecurity=False)
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
