"""The arena: all numerical state of a run in one float32 buffer, handed out in aligned segments."""

import numpy as np
import numpy.typing as npt

ALIGNMENT = 16  # words: one cache line of 64 bytes


def aligned_zeros(words: int) -> npt.NDArray[np.float32]:
    """Return `words` zeros that start at a cache line: a vector across a border of two takes two accesses."""
    raw = np.zeros(words + ALIGNMENT, np.float32)
    skip = (-raw.ctypes.data // 4) % ALIGNMENT
    return raw[skip : skip + words]


class Arena:
    """Collects segments first, then holds them in one buffer.

    One buffer makes a checkpoint one array, and a kernel call cheap: descriptors hold offsets.
    """

    def __init__(self) -> None:
        self.size = 0
        self._contents: list[tuple[int, npt.NDArray[np.float32]]] = []
        self.buffer: npt.NDArray[np.float32] = np.zeros(0, np.float32)

    def take(self, words: int) -> int:
        """Reserve `words` zeros; return their offset."""
        offset = self.size
        self.size += -(-words // ALIGNMENT) * ALIGNMENT
        return offset

    def put(self, values: npt.ArrayLike) -> int:
        """Reserve a segment that starts as `values` (flattened); return its offset."""
        flat = np.ascontiguousarray(values, np.float32).ravel()
        offset = self.take(flat.size)
        self._contents.append((offset, flat))
        return offset

    def build(self) -> npt.NDArray[np.float32]:
        """Allocate the buffer, aligned to a cache line, and fill it."""
        self.buffer = aligned_zeros(self.size)
        for offset, values in self._contents:
            self.buffer[offset : offset + values.size] = values
        self._contents.clear()
        return self.buffer
