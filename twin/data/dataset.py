"""What a data set is, and the registry of data sets."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt

from twin.errors import TwinError

if TYPE_CHECKING:
    from collections.abc import Callable

    from twin.config.data import Data

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Dataset:
    """Inputs and targets, float32.

    Attributes
    ----------
    inputs, test_inputs : (samples, n_inputs)
        Magnitudes at most 1, as the input converters expect.
    targets, test_targets : (samples, 1) or (samples, n_outputs)
        The class as a number, or the values to fit.
    """

    inputs: Array
    targets: Array
    test_inputs: Array
    test_targets: Array

    def __post_init__(self) -> None:
        """Make the arrays what compiled kernels take: float32, contiguous, writeable."""
        for name in self.__slots__:
            object.__setattr__(self, name, np.require(getattr(self, name), np.float32, ["C", "W"]))

    def limited(self, samples: int) -> "Dataset":
        """Return the data set with at most `samples` training samples (0: all)."""
        if samples == 0 or samples >= len(self.inputs):
            return self
        return Dataset(self.inputs[:samples], self.targets[:samples], self.test_inputs, self.test_targets)


def load(config: "Data", seed: int) -> Dataset:
    """Load the data set that a workload names."""
    from twin.data import digits, linear, mnist  # noqa: PLC0415 - each pulls in its own heavy library

    readers: dict[str, Callable[[], Dataset]] = {
        "digits": digits.read,
        "mnist": mnist.read,
        "linear": lambda: linear.make(config, seed),
    }
    if config.set not in readers:
        raise TwinError(f"data.set (= {config.set!r}): no such data set; known: {', '.join(readers)}")
    return readers[config.set]().limited(config.samples)
