"""Measured pulse trains become a list of single steps. Files are read by `twin.devices.forms`."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from twin.devices.noise import Repeats
from twin.errors import TwinError

Array = npt.NDArray[np.float64]
ONCE = Repeats()
FEWEST = 20  # steps of either direction, below which no curve can be drawn


@dataclass(frozen=True, slots=True, eq=False)
class Trains:
    """Single steps, in file order.

    Attributes
    ----------
    before, after : float64 array, shape (steps,)
        Conductance before and after the pulse, in the file's unit.
    up : bool array, shape (steps,)
    device : int64 array, shape (steps,)
        Number of the device, from 0.
    train : int64 array, shape (steps,)
        Number of the train; a train is one direction of one cycle of one device.
    repeats : Repeats
        What repeated reads of one state say of the noise of a read.
    """

    before: Array
    after: Array
    up: npt.NDArray[np.bool_]
    device: npt.NDArray[np.int64]
    train: npt.NDArray[np.int64]
    repeats: Repeats = ONCE

    @property
    def first(self) -> npt.NDArray[np.bool_]:
        """Where a train begins."""
        return np.asarray(np.diff(self.train, prepend=-1) != 0)

    def begins(self, kept: npt.NDArray[np.int64]) -> npt.NDArray[np.bool_]:
        """Where a train begins among the steps of these numbers, which rise; what is left out breaks a train."""
        return np.asarray(self.first[kept] | (np.diff(kept, prepend=-2) != 1))

    @property
    def devices(self) -> int:
        """How many devices there are."""
        return int(self.device.max()) + 1


@dataclass(frozen=True, slots=True, eq=False)
class Train:
    """Reads of one direction of one cycle of one device.

    Attributes
    ----------
    device : str
        Any name.
    up : bool
    values : sequence of float
        Reads in their order.
    states : sequence of int
        Number of the state that each read is of, not falling; reads of one state are averaged.
    """

    device: str
    up: bool
    values: Sequence[float] | Array
    states: Sequence[int] | npt.NDArray[np.int64]


def assemble(place: str, trains: Iterable[Train]) -> Trains:
    """Make steps of trains; a train of n states has n - 1.

    Raises
    ------
    TwinError
        Beginning with `place`, if there are fewer than `FEWEST` steps of either direction, or a device has none.
    """
    devices: dict[str, int] = {}
    columns: list[tuple[Array, Array, bool, int]] = []
    states = reads = 0
    square = 0.0
    for train in trains:
        values = np.asarray(train.values, np.float64)
        state = np.unique(np.asarray(train.states), return_inverse=True)[1]
        counts = np.bincount(state)
        means = np.bincount(state, values) / counts
        if means.size > 1:
            square += float(np.sum((values - means[state]) ** 2))
            states, reads = states + means.size, reads + values.size
            columns.append((means[:-1], means[1:], bool(train.up), devices.setdefault(train.device, len(devices))))
    for direction, wanted in (("up", True), ("down", False)):
        found = sum(before.size for before, _, up, _ in columns if up is wanted)
        if found < FEWEST:
            cut = "" if found else "; is the file cut off, or is the other direction in another file?"
            raise TwinError(
                f"{place}: has {found} {direction} steps; at least {FEWEST} of either direction are needed{cut}"
            )
        having = {device for _, _, up, device in columns if up is wanted}
        bare = next((name for name, device in devices.items() if device not in having), None)
        if bare is not None:
            raise TwinError(
                f"{place}: device {bare!r} has no {direction} train; measure both directions of every device, or leave "
                "it out"
            )
    sizes = [before.size for before, *_ in columns]
    before, after = (np.concatenate([column[k] for column in columns]) for k in (0, 1))
    up, device = (np.repeat([column[k] for column in columns], sizes) for k in (2, 3))
    freedom = reads - states
    repeats = Repeats(reads / states, float(np.sqrt(square / freedom)), freedom) if freedom else Repeats()
    return Trains(before, after, up, device.astype(np.int64), np.repeat(np.arange(len(sizes)), sizes), repeats)
