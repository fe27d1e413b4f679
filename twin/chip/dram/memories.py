"""The DRAMs of several chips, one each: banks and counters of their own, transfers numbered over all of them."""

from __future__ import annotations

from typing import TYPE_CHECKING

from twin.chip.dram.regions import Regions

if TYPE_CHECKING:
    from collections.abc import Callable

    import numpy as np
    from numpy.typing import NDArray

    from twin.chip.dram.server import DramServer
    from twin.chip.dram.sheet import DataSheet
    from twin.chip.mover import Served
    from twin.operation import Operation, Stream


class Memories:
    """The memories of a cluster's chips.

    Every layer's regions lie in the memory of the chip that the layer is on, as `Regions` puts them.

    Parameters
    ----------
    lines : callable
        How many lines like the one that an operation moves its matrix has.
    dram : DataSheet
        Each of the memories.
    in_flight, chips : int

    Attributes
    ----------
    activation_J : float
        Energy of a row that is opened.
    """

    def __init__(self, lines: Callable[[Operation], int], dram: DataSheet, in_flight: int, chips: int) -> None:
        self.activation_J = dram.activate_J
        self._regions = [Regions(lines, dram, in_flight) for _ in range(chips)]
        self._known: list[tuple[int, int]] = []  # chip, and the transfer's number there

    @property
    def server(self) -> DramServer | Memories:
        """What serves the transfers: the banks themselves where there is one chip."""
        return self if len(self._regions) > 1 else self._regions[0].server

    @property
    def _servers(self) -> list[DramServer]:
        return [regions.server for regions in self._regions]

    def access(self, operation: Operation, stream: Stream, n_bytes: int, chip: int) -> int:
        """Register what an operation moves to or from the memory of a chip; return its number."""
        one = chip, self._regions[chip].access(operation, stream, n_bytes)
        if one not in self._known:
            self._known.append(one)
        return self._known.index(one)

    def serve(self, number: int, start_ps: int) -> Served:
        """Perform the next line of a registered transfer."""
        chip, own = self._known[number]
        return self._regions[chip].server.serve(own, start_ps)

    def skip(self, number: int, times: int) -> None:
        """Walk on as if a registered transfer had been performed."""
        chip, own = self._known[number]
        self._regions[chip].server.skip(own, times)

    def jump(self, elapsed_ps: int) -> None:
        """Let the clock jump without time passing for any of the memories."""
        for server in self._servers:
            server.jump(elapsed_ps)

    def nominal(self, number: int) -> Served:
        """Return what a registered transfer takes while all banks are closed and no refresh is due."""
        chip, own = self._known[number]
        return self._regions[chip].server.nominal(own)

    def state(self) -> dict[str, NDArray[np.int64]]:
        """Return everything that is carried on, as plain arrays."""
        return {
            f"{chip}_{name}": array
            for chip, server in enumerate(self._servers)
            for name, array in server.state().items()
        }

    def restore(self, arrays: dict[str, NDArray[np.int64]]) -> None:
        """Take what `state` returned; ValueError where it is of another DRAM."""
        for chip, server in enumerate(self._servers):
            prefix = f"{chip}_"
            server.restore({name.removeprefix(prefix): a for name, a in arrays.items() if name.startswith(prefix)})
