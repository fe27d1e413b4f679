"""Images of the user's own: a folder a class, PNG, JPEG and the like."""

from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from twin.console import lines
from twin.data import folder
from twin.data.checked import Samples
from twin.data.dataset import Dataset
from twin.data.samples import dataset, listed
from twin.errors import TwinError

if TYPE_CHECKING:
    from PIL import Image

    from twin.config.data import Data

Pixels = npt.NDArray[np.uint8]
PARTS = ("train", "test")
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
MOST_BYTES = 2**32


def read(config: "Data") -> Dataset:
    """Return the images of the folder ``data.file``, classes in the order of their folders' names.

    Raises
    ------
    TwinError
        Where there is no such folder, a file is no image, or images differ in size.
    """
    place = f"data.file (= {config.file!r})"
    root = folder.own(place, config.file, is_folder=True)
    tops = [root / part for part in PARTS] if all((root / part).is_dir() for part in PARTS) else [root]
    classes = [_folders(top) for top in tops]
    if len(classes[0]) < 2:
        raise TwinError(f"{place}: has {len(classes[0])} folders of images; there must be one a class, two or more")
    strange = [name for name in classes[-1] if name not in classes[0]]
    if strange:
        raise TwinError(f"{place}: train has no folder {strange[0]!r}, as test has; every class needs images to train")
    parts = []
    for top, known in zip(tops, classes, strict=True):
        files = [
            (turn, label, path)
            for label, name in enumerate(classes[0])
            if name in known
            for turn, path in enumerate(_files(top / name))
        ]
        files.sort()  # in turns, so that the first so many are of all classes
        stamps = tuple((str(path), path.stat().st_size, path.stat().st_mtime_ns) for *_, path in files)
        images = _decoded(stamps, config.size, config.colour)
        at = place if top == root else f"{place}: {top.name}"
        parts.append(
            Samples(at, images, at, np.array([label for _, label, _ in files]), "last" if config.colour else "")
        )
    return dataset(config, root.name, parts, {"classes": listed(classes[0])})


def _folders(top: Path) -> list[str]:
    return sorted(one.name for one in top.iterdir() if one.is_dir() and not one.name.startswith("."))


def _files(top: Path) -> list[Path]:
    """Return the files of a class, those in folders below it too; hidden ones are the system's."""
    found = sorted(path for path in top.rglob("*") if path.is_file() and not path.name.startswith("."))
    if not found:
        raise TwinError(f"{top}: has no images; every class needs some, or remove its folder")
    return found


@lru_cache(maxsize=len(PARTS))
def _decoded(files: tuple[tuple[str, int, int], ...], size: tuple[int, ...], colour: bool) -> Pixels:
    """Decode files, given with size and time of change (ns): (images, height, width), or with three colours behind."""
    first = Path(files[0][0])
    with _opened(first) as image:
        height, width = size or (image.height, image.width)
    shape = (len(files), height, width, *((3,) if colour else ()))
    if np.prod(shape, dtype=float) > MOST_BYTES:
        raise TwinError(
            f"{first.parent}: {shape[0]:,} images of {height} x {width} are too many; set a smaller data.size"
        )
    pixels = np.empty(shape, np.uint8)
    with lines("reading images", "images") as report:
        for k, (name, *_) in enumerate(files):
            with _opened(Path(name)) as image:
                if not size and image.size != (width, height):
                    raise TwinError(
                        f"{name}: is {image.height} x {image.width} pixels, and {first.name} {height} x {width}; set "
                        f"data.size = [{height}, {width}], to which all are then scaled"
                    )
                pixels[k] = _pixels(Path(name), image, (width, height), "RGB" if colour else "L")
            report("reading images", k + 1, len(files))
    return pixels


def _opened(path: Path) -> "Image.Image":
    from PIL import Image, UnidentifiedImageError  # noqa: PLC0415 - other data need not pay for it

    try:
        return Image.open(path, formats=FORMATS)
    except (UnidentifiedImageError, Image.DecompressionBombError, OSError, ValueError) as error:
        raise TwinError(f"{path}: is no image that is read ({', '.join(FORMATS)}); convert or remove it") from error


def _pixels(path: Path, image: "Image.Image", size: tuple[int, int], mode: str) -> Pixels:
    from PIL import Image  # noqa: PLC0415

    if image.mode[0] in "IF":
        raise TwinError(f"{path}: has more than 8 bits a pixel (mode {image.mode}); convert it, or use an .npz file")
    try:
        plain = image.convert(mode)
        return np.asarray(plain if plain.size == size else plain.resize(size, Image.Resampling.BILINEAR))
    except Exception as error:  # a damaged image provokes anything
        raise TwinError(f"{path}: cannot be decoded ({error}); copy it again or remove it") from error
