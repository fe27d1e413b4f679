"""Where streams lie in a DRAM: a region for every layer and stream, walked through line by line."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.chip.dram.sheet import Access
from twin.operation import Stream

if TYPE_CHECKING:
    from collections.abc import Callable

    from twin.chip.dram.server import DramServer
    from twin.chip.dram.sheet import DataSheet
    from twin.operation import Operation

MATRICES = (Stream.H, Stream.WEIGHTS)


class Regions:
    """The addresses of all transfers of a run.

    A matrix (H, weights) fills a region of its own: its lines lie one behind the other in the order in which transfers
    visit them, each from the start of a burst, so that line k of a layer is always at the same place. Vectors
    (activations, errors) have a region a layer with room for every sample in flight. Regions follow one another in
    the order in which the program first names them.
    """

    def __init__(self, lines: Callable[[Operation], int], dram: DataSheet, in_flight: int) -> None:
        self._lines, self._dram, self._in_flight = lines, dram, in_flight
        self._server: DramServer | None = None
        self._bases: dict[tuple[Stream, int, str, int], int] = {}
        self._cursors: dict[tuple[Stream, int, str, bool], int] = {}
        self._end = 0

    @property
    def server(self) -> DramServer:
        """The banks; they exist as soon as something asks, because that compiles or loads the kernel."""
        if self._server is None:
            from twin.chip.dram.server import DramServer  # noqa: PLC0415

            self._server = DramServer(self._dram)
        return self._server

    def access(self, operation: Operation, stream: Stream, n_bytes: int) -> int:
        """Register what an operation moves; return its number."""
        layer, pitch = operation.layer, self._dram.bursts(n_bytes)
        lines = self._lines(operation) if stream in MATRICES else self._in_flight
        matrix = operation.matrix if stream is Stream.WEIGHTS else ""  # of which a layer may have two
        where = (stream, layer, matrix, -1 if stream in MATRICES else operation.words)
        if where not in self._bases:
            self._bases[where] = self._end
            self._end += lines * pitch
        cursor = self._cursors.setdefault((stream, layer, matrix, operation.store), len(self._cursors))
        access = Access(cursor, self._bases[where], pitch, lines, n_bytes, operation.store)
        return self.server.register(access)
