"""MNIST (LeCun, Cortes, Burges 1998): 60,000 training and 10,000 test images of 28 x 28 pixels.

Read from ``$TWIN_DATA_DIR/mnist`` where that exists, otherwise fetched once, checked by hash, and cached.
"""

import gzip
import hashlib
import os
import zlib
from pathlib import Path

import numpy as np
import numpy.typing as npt

from twin.data.dataset import Dataset
from twin.errors import TwinError

MIRROR = "https://ossci-datasets.s3.amazonaws.com/mnist/"
FILES = {
    "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
    "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
    "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
    "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
}


def read() -> Dataset:
    """Return MNIST, pixels scaled to [0, 1]."""
    parts = [_idx(_locate(name)) for name in FILES]
    images, labels, test_images, test_labels = parts
    for x, t in ((images, labels), (test_images, test_labels)):
        if x.ndim != 3 or x.shape[1:] != (28, 28) or not len(x) or t.shape != x.shape[:1] or t.max() > 9:
            raise TwinError(
                f"mnist: images {x.shape} and labels {t.shape} do not fit n images of 28 x 28 and n classes 0 to 9; "
                "copy the files again"
            )
    return Dataset(_pixels(images), _classes(labels), _pixels(test_images), _classes(test_labels))


def _pixels(raw: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return raw.reshape(len(raw), -1).astype(np.float32) / np.float32(255)


def _classes(raw: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return raw.astype(np.float32)[:, None]


def _locate(name: str) -> Path:
    folder = os.environ.get("TWIN_DATA_DIR")
    if folder:
        path = Path(folder) / "mnist" / name
        if path.is_file():
            return path
    import pooch  # noqa: PLC0415 - only when there is something to fetch

    pooch.get_logger().setLevel("WARNING")
    try:
        return Path(
            pooch.retrieve(MIRROR + name, known_hash=FILES[name], fname=name, path=pooch.os_cache("analog-twin"))
        )
    except Exception as error:
        where = f"TWIN_DATA_DIR (= {folder!r})" if folder else "TWIN_DATA_DIR (unset)"
        raise TwinError(
            f"mnist: no mnist/{name} under {where} and fetching it failed ({type(error).__name__}); "
            "set TWIN_DATA_DIR to a folder that holds mnist/*.gz, or use the embedded workload digits-mlp"
        ) from error


def _idx(path: Path) -> npt.NDArray[np.uint8]:
    """Read an idx file: two zero bytes, type 8 (uint8), number of axes, big-endian lengths, data."""
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
