"""The first services of a run, one by one: what a chart of its first samples is drawn from."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

import numpy as np

if TYPE_CHECKING:
    from collections.abc import Sequence

    import pandas as pd
    from numpy.typing import NDArray

    from twin.chip.servers import Server
    from twin.engine.binding import Template

OPERATIONS: Final = 600
VISITS: Final = 1200
UNKNOWN: Final = -2
COLUMNS: Final = ["sample", "kind", "layer", "matrix", "server", "part", "start_ps", "end_ps"]


class Opening:
    """The services of the first 600 operations after the set-up, 1,200 services at most.

    Attributes
    ----------
    open : bool
        Whether samples that leave should still be told.
    """

    SCALARS = ("first", "seen", "known")

    def __init__(self) -> None:
        self.open = False
        self.first = -1  # the operation behind the set-up; -1 before
        self.seen = 0  # operations entered in the ledger
        self.known = 0  # operations whose sample is known
        self._samples = np.full(OPERATIONS, UNKNOWN, np.int64)
        self._visits: list[NDArray[np.int64]] = []  # (n, 5): operation, template, server, begin, end

    def begin(self) -> None:
        """Start here: the set-up is over."""
        self.first, self.open = self.seen, True

    def leave(self, sample: int, operations: Sequence[int]) -> None:
        """Note to which sample operations belong, by their numbers in order of reservation."""
        for operation in operations:
            place = operation - self.first
            if 0 <= place < OPERATIONS:
                self._samples[place] = sample
                self.known += 1
        self.open = self.known < OPERATIONS

    def take(
        self,
        template: NDArray[np.int64],
        which: NDArray[np.int64],
        server: NDArray[np.int64],
        begin: NDArray[np.int64],
        end: NDArray[np.int64],
    ) -> None:
        """Take operations, and the services of them: `which` is the operation of each service."""
        number = self.seen + which - self.first
        left = VISITS - sum(map(len, self._visits))
        chosen = np.flatnonzero(number < OPERATIONS)[: max(left, 0)]
        if self.first >= 0 and chosen.size:
            rows = (number, template[which], server, begin, end)
            self._visits.append(np.column_stack([column[chosen] for column in rows]))
        self.seen += template.size

    def table(self, templates: Sequence[Template], servers: Sequence[Server]) -> pd.DataFrame:
        """Return the services in the order of their reservation; `part` is the kind of the server."""
        import pandas as pd  # noqa: PLC0415

        rows = []
        for number, template, server, begin, end in self._all().tolist():
            operation, one = templates[template].operation, servers[server]
            what = (str(operation.kind), operation.layer, operation.matrix, one.name, one.kind)
            rows.append((int(self._samples[number]), *what, begin, end))
        return pd.DataFrame(rows, columns=COLUMNS)

    def _all(self) -> NDArray[np.int64]:
        return np.concatenate([np.zeros((0, 5), np.int64), *self._visits])

    def state(self) -> dict[str, NDArray[np.int64]]:
        """Return everything as plain arrays."""
        scalars = np.array([getattr(self, name) for name in self.SCALARS], np.int64)
        return {"visits": self._all(), "samples": self._samples, "scalars": scalars}

    def restore(self, visits: NDArray[np.int64], samples: NDArray[np.int64], scalars: NDArray[np.int64]) -> None:
        """Take what `state` returned."""
        self._visits, self._samples = [visits], samples
        for name, value in zip(self.SCALARS, scalars.tolist(), strict=True):
            setattr(self, name, value)
        self.open = self.first >= 0 and self.known < OPERATIONS
