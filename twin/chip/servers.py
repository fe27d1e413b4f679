"""The servers of a chip: a table by kind and place."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Server(NamedTuple):
    """Something that serves one operation at a time."""

    name: str
    kind: str


class Servers:
    """Servers, numbered in the order in which they are added.

    A place is the number of what a server belongs to: a tile for those beside it, a chip for a buffer, a memory or the
    host's link, a link of the network.

    Attributes
    ----------
    chips : list of int
        The chip that each server is on; -1 for one that no chip has to itself.
    """

    def __init__(self) -> None:
        self._rows: list[Server] = []
        self._numbers: dict[tuple[str, int], int] = {}
        self.chips: list[int] = []

    def add(self, kind: str, place: int, name: str, chip: int) -> None:
        """Add a server; ValueError where there is one of the kind at the place."""
        if self._numbers.setdefault((kind, place), len(self._rows)) != len(self._rows):
            raise ValueError(f"two servers of kind {kind} at {place}")
        self._rows.append(Server(name, kind))
        self.chips.append(chip)

    def __getitem__(self, key: tuple[str, int]) -> int:
        """Return the number of the server of a kind at a place."""
        return self._numbers[key]

    def of(self, kind: str, places: Iterable[int]) -> list[int]:
        """Return the numbers of the servers of a kind at places."""
        return [self._numbers[kind, place] for place in places]

    def items(self) -> Iterator[tuple[Server, int, int]]:
        """Yield every server in order, with its place and its chip."""
        for row, (_, place), chip in zip(self._rows, self._numbers, self.chips, strict=True):
            yield row, place, chip

    def rows(self) -> tuple[Server, ...]:
        """Return all servers by number."""
        return tuple(self._rows)
