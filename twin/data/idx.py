"""Files in idx form: two zero bytes, type 8 (uint8), number of axes, big-endian lengths, data; gzipped or not."""

import gzip
import hashlib
import io
import math
import zlib
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from twin.data import folder
from twin.data.checked import Samples
from twin.data.dataset import Dataset
from twin.data.samples import dataset
from twin.errors import TwinError
from twin.files import read_limited

if TYPE_CHECKING:
    from twin.config.data import Data

GZIP = b"\x1f\x8b"
MOST_AXES = 4
MOST_BYTES = 2**31


def read(config: "Data") -> Dataset:
    """Return images and labels of ``data.file`` and ``label_file``, and those for the test where there are such files.

    Raises
    ------
    TwinError
        Where a file is missing, damaged, or does not fit the other.
    """
    keys = [("file", "label_file"), *([("test_file", "test_label_file")] if config.test_file else [])]
    parts = []
    for pair in keys:
        named = [(f"data.{key} (= {getattr(config, key)!r})", str(getattr(config, key))) for key in pair]
        (images_at, images), (labels_at, labels) = ((place, array_of(folder.own(place, name))) for place, name in named)
        parts.append(Samples(images_at, images, labels_at, labels, config.channels))
    return dataset(config, Path(config.file).name, parts)


def array_of(path: Path) -> npt.NDArray[np.uint8]:
    """Read an idx file of bytes, gzipped or not; no more is unpacked than its header says.

    Raises
    ------
    TwinError
        Where the file is neither gzip nor idx, claims too much, or is longer or shorter than its header says.
    """
    try:
        packed = io.BytesIO(read_limited(path, MOST_BYTES))
        with gzip.GzipFile(fileobj=packed) if packed.read(2) == GZIP else packed as stream:
            packed.seek(0)
            start = stream.read(4)
            if len(start) < 4 or start[:3] != b"\x00\x00\x08":
                raise TwinError(f"{path}: neither gzip nor an idx file of bytes (starts {start.hex()}); copy it again")
            axes = start[3]
            lengths = stream.read(4 * axes)
            if len(lengths) < 4 * axes or not axes:
                raise TwinError(f"{path}: an idx file that ends in its header; copy it again")
            shape = tuple(int(n) for n in np.frombuffer(lengths, ">i4"))
            if axes > MOST_AXES or min(shape) < 0 or math.prod(shape) > MOST_BYTES:
                raise TwinError(
                    f"{path}: claims lengths {shape}; at most {MOST_AXES} axes and {MOST_BYTES:,} bytes are read, "
                    "and no negative length; copy it again"
                )
            raw = stream.read(math.prod(shape) + 1)
    except (OSError, EOFError, zlib.error) as error:
        raise TwinError(f"{path}: not a readable gzip file ({error}); copy it again") from error
    if len(raw) != math.prod(shape):
        found = f"{len(raw)}" if len(raw) < math.prod(shape) else f"more than {math.prod(shape)}"
        raise TwinError(f"{path}: {found} bytes where {shape} needs {math.prod(shape)}; copy it again")
    return np.frombuffer(raw, np.uint8).reshape(shape)


def md5_of_idx(array: npt.NDArray[np.uint8]) -> str:
    """Return the MD5 of the idx file of an array, unpacked: what is published of data sets in this form."""
    header = bytes([0, 0, 8, array.ndim]) + np.array(array.shape, ">i4").tobytes()
    digest = hashlib.md5(header, usedforsecurity=False)
    digest.update(np.ascontiguousarray(array).data)
    return digest.hexdigest()
