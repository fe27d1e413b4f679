"""Arrays of the user's own in an .npz file: x_train, y_train, x_test and y_test, or x and y to be split."""

from typing import TYPE_CHECKING

from twin.arrays import read_arrays
from twin.data import folder
from twin.data.checked import Samples
from twin.data.dataset import Dataset
from twin.data.samples import dataset
from twin.errors import TwinError

if TYPE_CHECKING:
    from twin.config.data import Data

SPLIT = ("x_train", "y_train", "x_test", "y_test")
WHOLE = ("x", "y")


def read(config: "Data") -> Dataset:
    """Return the arrays of ``data.file``, checked, split and scaled.

    Raises
    ------
    TwinError
        Where the file is missing, damaged or pickled, lacks an array, or holds what cannot be learnt.
    """
    place = f"data.file (= {config.file!r})"
    path = folder.own(place, config.file)
    found = read_arrays(path, "save arrays of numbers with np.savez")
    names = WHOLE if set(WHOLE) & found.keys() and not set(SPLIT) & found.keys() else SPLIT
    missing = [name for name in names if name not in found]
    if missing:
        raise TwinError(
            f"{place}: has no {missing[0]}, but {', '.join(sorted(found)[:8]) or 'nothing'}; name its arrays "
            f"{', '.join(SPLIT)}, or x and y"
        )
    parts = [
        Samples(f"{place}: {x}", found[x], f"{place}: {y}", found[y], config.channels)
        for x, y in zip(names[::2], names[1::2], strict=True)
    ]
    return dataset(config, path.name, parts)
