"""MNIST and Fashion-MNIST: 60,000 training and 10,000 test images of 28 x 28 pixels, 10 classes.

Read from a folder of their name in ``$TWIN_DATA_DIR`` where that exists, otherwise fetched once, checked by hash,
and cached.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from twin.data import folder
from twin.data.dataset import Dataset, other_content, sha256
from twin.data.fetch import fetch
from twin.data.idx import array_of, md5_of_idx
from twin.errors import TwinError

SHAPE = 28, 28, 1
CLASSES = 10


@dataclass(frozen=True, slots=True)
class Images:
    """Images and labels in four idx files.

    Attributes
    ----------
    name : str
        The data set, and its folder below ``$TWIN_DATA_DIR``.
    mirror : str
        The address that file names are appended to.
    files : mapping of str to str
        File name to SHA-256: training images and labels, test images and labels.
    cache : str
        The folder below the user's cache; the files of all such sets have the same names.
    contents : tuple of str
        MD5 of the published files once unpacked, in the order of `files`: how they were packed does not matter.
    """

    name: str
    mirror: str
    files: Mapping[str, str]
    cache: str
    contents: tuple[str, ...]

    def read(self, samples: int = 0, test_samples: int = 0) -> Dataset:
        """Return the first images (0: all), pixels scaled to [0, 1], and their classes.

        Files that were read before in this process and have not changed since are not read again: a sweep reads
        them once a process.

        Raises
        ------
        TwinError
            Where a file is missing and cannot be fetched, is damaged, or does not fit the others.
        """
        paths = [self._locate(name) for name in self.files]
        (images, labels, test_images, test_labels), digest, contents = _content(
            *((str(path), path.stat().st_size, path.stat().st_mtime_ns) for path in paths)
        )
        name = self.name if contents == self.contents else other_content(self.name, "files", digest)
        for x, t in ((images, labels), (test_images, test_labels)):
            if x.ndim != 3 or x.shape[1:] != SHAPE[:2] or not len(x) or t.shape != x.shape[:1] or t.max() >= CLASSES:
                raise TwinError(
                    f"{self.name}: images {x.shape} and labels {t.shape} do not fit n images of 28 x 28 and n classes "
                    "0 to 9; copy the files again"
                )
        train, test = samples or None, test_samples or None
        return Dataset(
            _pixels(images[:train]),
            _classes(labels[:train]),
            _pixels(test_images[:test]),
            _classes(test_labels[:test]),
            SHAPE,
            CLASSES,
            facts={"name": name, "sha256": digest},
        )

    def _locate(self, name: str) -> Path:
        path = folder.find(f"{self.name}/{name}")
        if path is not None:
            return path
        return fetch(self.name, self.mirror + name, self.files[name], self.cache, f"{self.name}/{name}")[0]


@lru_cache(maxsize=1)
def _content(*files: tuple[str, int, int]) -> tuple[tuple[npt.NDArray[np.uint8], ...], str, tuple[str, ...]]:
    """Read files, given with size and time of change (ns); return their arrays, the hash of all, the MD5 of each."""
    arrays = tuple(array_of(Path(path)) for path, *_ in files)
    return arrays, sha256(*arrays), tuple(map(md5_of_idx, arrays))


def _pixels(raw: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return raw.reshape(len(raw), -1).astype(np.float32) / np.float32(255)


def _classes(raw: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
    return raw.astype(np.float32)[:, None]


MNIST = Images(
    "mnist",
    "https://ossci-datasets.s3.amazonaws.com/mnist/",
    {
        "train-images-idx3-ubyte.gz": "440fcabf73cc546fa21475e81ea370265605f56be210a4024d2ca8f203523609",
        "train-labels-idx1-ubyte.gz": "3552534a0a558bbed6aed32b30c495cca23d567ec52cac8be1a0730e8010255c",
        "t10k-images-idx3-ubyte.gz": "8d422c7b0a1c1c79245a5bcf07fe86e33eeafee792b84584aec276f5a2dbc4e6",
        "t10k-labels-idx1-ubyte.gz": "f7ae60f92e00ec6debd23a6088c31dbd2371eca3ffa0defaefb259924204aec6",
    },
    "",
    (
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ),
)
"""LeCun, Cortes, Burges 1998."""

FASHION_MNIST = Images(
    "fashion-mnist",
    "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/",  # the authors' address; the hash guards it
    {
        "train-images-idx3-ubyte.gz": "3aede38d61863908ad78613f6a32ed271626dd12800ba2636569512369268a84",
        "train-labels-idx1-ubyte.gz": "a04f17134ac03560a47e3764e11b92fc97de4d1bfaf8ba1a3aa29af54cc90845",
        "t10k-images-idx3-ubyte.gz": "346e55b948d973a97e58d2351dde16a484bd415d4595297633bb08f03db6a073",
        "t10k-labels-idx1-ubyte.gz": "67da17c76eaffca5446c3361aaab5c3cd6d1c2608764d35dfb1850b086bf8dd5",
    },
    "fashion-mnist",
    (
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ),
)
"""Xiao, Rasul, Vollgraf 2017. Hashes of the labels: computed from the files in the authors' repository
(github.com/zalandoresearch/fashion-mnist, commit b2617bb); of the images: as torchvision's prototypes name them."""
