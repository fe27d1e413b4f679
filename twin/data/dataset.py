"""What a data set is."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Dataset:
    """Inputs and targets, float32.

    Attributes
    ----------
    inputs, test_inputs : (samples, n_inputs), or (sequences, steps) of a text
        Magnitudes at most 1, as the input converters expect, but of own data that are not scaled so; maps position by
        position, channels last; of a text, positions in `symbols`.
    targets, test_targets : (samples, 1) or (samples, n_outputs), or (sequences, steps) of a text
        The class as a number, or the values to fit; of a text, the positions of the characters that follow.
    shape : tuple of int
        Of a sample: (height, width, channels) of a map, (n_inputs,) of a vector, which it is unless it says otherwise.
    classes : int
        How many there are; 0 where targets are values to fit, or characters.
    symbols : tuple of str
        A text's alphabet, in order of code; empty for other data.
    sequential : bool
        Whether a sample begins where the one before it ends, so that their order must be kept.
    facts : mapping of str to str or int
        What a reader must know to compare results: set, name (with a hash where another content stands under that of
        the set), SHA-256, sizes; of a text its characters and their split.
    """

    inputs: Array
    targets: Array
    test_inputs: Array
    test_targets: Array
    shape: tuple[int, ...] = ()
    classes: int = 0
    symbols: tuple[str, ...] = ()
    sequential: bool = False
    facts: Mapping[str, str | int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the arrays what compiled kernels take: float32, contiguous, writeable."""
        for name in ("inputs", "targets", "test_inputs", "test_targets"):
            object.__setattr__(self, name, np.require(getattr(self, name), np.float32, ["C", "W"]))
        object.__setattr__(self, "shape", self.shape or self.inputs.shape[1:])

    @property
    def outputs(self) -> int:
        """Outputs of a network that learns these data: a class, a symbol or a value each."""
        return self.classes or len(self.symbols) or self.targets.shape[1]

    def limited(self, samples: int, test_samples: int = 0) -> "Dataset":
        """Return the data set with at most the first `samples` to train and `test_samples` to test (0: all)."""
        train, test = samples or None, test_samples or None
        return replace(
            self,
            inputs=self.inputs[:train],
            targets=self.targets[:train],
            test_inputs=self.test_inputs[:test],
            test_targets=self.test_targets[:test],
        )


def sha256(*arrays: npt.NDArray[Any]) -> str:
    """Return a hash of what arrays hold, in their order."""
    digest = hashlib.sha256()
    for array in arrays:
        digest.update(np.ascontiguousarray(array).reshape(-1).view(np.uint8).data)
    return digest.hexdigest()


OTHER = " (other "


def other_content(name: str, what: str, digest: str) -> str:
    """Name data that are not what is published under `name`: ``"mnist (other files: sha256 0a1b2c3d4e5f)"``."""
    return f"{name}{OTHER}{what}: sha256 {digest[:12]})"
