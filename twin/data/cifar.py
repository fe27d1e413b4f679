"""CIFAR-10 and CIFAR-100: 50,000 training and 10,000 test images of 32 x 32 pixels in three colours.

Read from their binary files in ``$TWIN_DATA_DIR`` where these are, otherwise fetched once, checked by hash, and cached.
A record is the label's bytes and 3,072 pixels: all red ones row by row, then green, then blue.
"""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from twin.data import folder
from twin.data.dataset import Array, Dataset, other_content
from twin.data.fetch import fetch
from twin.errors import TwinError
from twin.files import read_limited

SHAPE = 32, 32, 3
PIXELS = 32 * 32 * 3
MOST_BYTES = 2**28
Records = npt.NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Cifar:
    """Records in binary files.

    Attributes
    ----------
    name : str
        The data set.
    folder : str
        What the published archive unpacks to; below ``$TWIN_DATA_DIR`` it may be called that or `name`.
    address, sha256 : str
        Of the archive.
    files : mapping of str to str
        File name to SHA-256, in order; the last is for the test.
    label_bytes : int
        Of a record; the last one of them is the class.
    classes : int
    """

    name: str
    folder: str
    address: str
    sha256: str
    files: Mapping[str, str]
    label_bytes: int
    classes: int

    def read(self, samples: int = 0, test_samples: int = 0) -> Dataset:
        """Return the first images (0: all), pixels scaled to [0, 1], channels last, and their classes.

        Raises
        ------
        TwinError
            Where files are missing and cannot be fetched, or are damaged.
        """
        paths = self._locate()
        contents, hashes, digest = _content(
            *((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths)
        )
        parts = [self._records(path, content) for path, content in zip(paths, contents, strict=True)]
        train, test = np.concatenate(parts[:-1])[: samples or None], parts[-1][: test_samples or None]
        known = hashes == tuple(self.files.values())
        name = self.name if known else other_content(self.name, "files", digest)
        facts = {"name": name, "sha256": digest}
        (x, y), (test_x, test_y) = self._split(train), self._split(test)
        return Dataset(x, y, test_x, test_y, SHAPE, self.classes, facts=facts)

    def _locate(self) -> list[Path]:
        for place in (self.name, self.folder):
            found = [folder.find(f"{place}/{file}") for file in self.files]
            if any(found):
                absent = [file for file, path in zip(self.files, found, strict=True) if path is None]
                if absent:
                    raise TwinError(
                        f"{self.name}: no {place}/{absent[0]} under {folder.described()}; unpack it there too"
                    )
                return [path for path in found if path is not None]
        members = [f"{self.folder}/{file}" for file in self.files]
        return fetch(self.name, self.address, self.sha256, self.name, members[0], members)

    def _records(self, path: Path, content: bytes) -> Records:
        length = self.label_bytes + PIXELS
        if not content or len(content) % length:
            raise TwinError(f"{path}: {len(content):,} bytes are no whole records of {length:,}; copy it again")
        records = np.frombuffer(content, np.uint8).reshape(-1, length)
        wrong = np.flatnonzero(records[:, self.label_bytes - 1] >= self.classes)
        if wrong.size:
            label = records[wrong[0], self.label_bytes - 1]
            raise TwinError(
                f"{path}: record {wrong[0]} has the class {label}, not 0 to {self.classes - 1}; copy it again"
            )
        return records

    def _split(self, records: Records) -> tuple[Array, Array]:
        """Return inputs (samples, 3072) and classes (samples, 1)."""
        maps = np.moveaxis(records[:, self.label_bytes :].reshape(-1, 3, 32, 32), 1, -1)
        x = maps.astype(np.float32).reshape(len(records), -1) / np.float32(255)
        return x, records[:, self.label_bytes - 1, None].astype(np.float32)


@lru_cache(maxsize=1)
def _content(*files: tuple[str, int, int]) -> tuple[tuple[bytes, ...], tuple[str, ...], str]:
    """Read files, given with size and time of change (ns); return their content, the hash of each and that of all."""
    contents = tuple(read_limited(Path(path), MOST_BYTES) for path, *_ in files)
    whole = hashlib.sha256()
    for content in contents:
        whole.update(content)
    return contents, tuple(hashlib.sha256(content).hexdigest() for content in contents), whole.hexdigest()


CIFAR_10 = Cifar(
    "cifar-10",
    "cifar-10-batches-bin",
    "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    "c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd",
    {
        "data_batch_1.bin": "cee916563c9f80d84e3cc88e17fdc0941787f1244f00a67874d45b261883ada5",
        "data_batch_2.bin": "a591ca11fa1708a91ee40f54b3da4784ccd871ecf2137de63f51ada8b3fa57ed",
        "data_batch_3.bin": "bbe8596564c0f86427f876058170b84dac6670ddf06d79402899d93ceea26f67",
        "data_batch_4.bin": "014e562d6e23c72197cc727519169a60359f5eccd8945ad5a09d710285ff4e48",
        "data_batch_5.bin": "755304fc0b379caeae8c14f0dac912fbc7d6cd469eb67a1029a08a39453a9add",
        "test_batch.bin": "8e2eb146ae340b09e24670f29cabc6326dba54da8789dab6768acf480273f65b",
    },
    1,
    10,
)
"""Krizhevsky 2009. Hashes: as torchvision-ruby names them (github.com/ankane/torchvision-ruby)."""

CIFAR_100 = Cifar(
    "cifar-100",
    "cifar-100-binary",
    "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz",
    "58a81ae192c23a4be8b1804d68e518ed807d710a4eb253b1f2a199162a40d8ec",
    {
        "train.bin": "f31298fc616915fa142368359df1c4ca2ae984d6915ca468b998a5ec6aeebf29",
        "test.bin": "d8b1e6b7b3bee4020055f0699b111f60b1af1e262aeb93a0b659061746f8224a",
    },
    2,
    100,
)
"""Krizhevsky 2009, the 100 fine classes; hashes as those of CIFAR-10."""
