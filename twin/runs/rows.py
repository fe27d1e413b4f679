"""Rows that a run collects beside its sums, in parts in its folder until it is done.

A part ends where a checkpoint is saved, so a run that is resumed goes on with the parts that its checkpoint knows of.
"""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any, final

import numpy as np
import numpy.typing as npt

from twin.files import remove, write_bytes

Rows = npt.NDArray[Any]


@final
class RowParts:
    """Rows of one kind on their way to a file.

    Parameters
    ----------
    folder : Path
        Of the parts alone.
    kind : dtype
        Of a row.
    number : str
        The field that rises from part to part.
    begin : int
        The first number that is to come: parts from it on are of work that is done again, as the run stopped before
        its checkpoint.
    """

    def __init__(self, folder: Path, kind: np.dtype[Any], number: str, begin: int) -> None:
        self._folder, self._kind, self._number = folder, kind, number
        self._held: list[Rows] = []
        for path in self._paths():
            if int(path.stem) >= begin:
                remove(path)

    def hold(self, rows: Rows) -> None:
        """Keep rows in memory until `save`."""
        if len(rows):
            self._held.append(rows)

    @property
    def held(self) -> int:
        """How many rows wait for `save`."""
        return sum(map(len, self._held))

    def save(self) -> None:
        """Write what is held; call it where a checkpoint follows."""
        if self._held:
            rows = np.concatenate(self._held)
            self._held.clear()
            content = io.BytesIO()
            np.save(content, rows, allow_pickle=False)
            write_bytes(self._folder / f"{int(rows[self._number].min()):015d}.npy", content.getvalue())

    def parts(self) -> Iterator[Rows]:
        """Read one part after the other."""
        for path in self._paths():
            yield np.load(path, allow_pickle=False)

    def read(self) -> Rows:
        """Read all rows."""
        return np.concatenate([np.zeros(0, self._kind), *self.parts()])

    def remove(self) -> None:
        """Remove the parts of a finished run."""
        for path in self._paths():
            remove(path)
        if self._folder.is_dir():
            self._folder.rmdir()

    def _paths(self) -> list[Path]:
        return sorted(self._folder.glob("*.npy"))
