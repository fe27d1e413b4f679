"""The engine: a scheduler whose ledger is checked, told as tables, saved and restored."""

from __future__ import annotations

from typing import TYPE_CHECKING, final

from twin.engine import invariants, state, tables
from twin.engine.critical import bound_table
from twin.engine.scheduler import Scheduler

if TYPE_CHECKING:
    import numpy as np
    import pandas as pd
    from numpy.typing import NDArray


@final
class Engine(Scheduler):
    """Runs samples through a chip; parameters and attributes are those of `Scheduler`."""

    __slots__ = ()

    def run(self, first_sample: int, last_sample: int) -> None:
        """Run samples `first_sample` to `last_sample` - 1 until the pipeline has drained.

        The set-up runs before the first sample ever. All invariants are checked at the end.

        Raises
        ------
        InvariantError
            On a bug of the twin.
        """
        self.advance(first_sample, last_sample)
        self.check()

    def check(self) -> None:
        """Check every invariant; raise `InvariantError` on the first that fails."""
        invariants.check(self)

    def tables(self) -> dict[str, pd.DataFrame]:
        """Return the ledger as tables: operations, energy, traffic, servers, bins, area, bound, staleness, schedule."""
        frames = tables.tables(self.ledger, self.now_ps, self.setup_ps)
        frames["bound"] = bound_table(self)
        frames["staleness"] = self.staleness.table(self.binder.templates)
        frames["schedule"] = self.ledger.opening.table(self.binder.templates, self.costs.servers)
        return frames

    def state(self) -> dict[str, NDArray[np.generic]]:
        """Return everything that a drained engine carries on, as plain arrays."""
        return state.save(self)

    def restore(self, arrays: dict[str, NDArray[np.generic]]) -> None:
        """Carry on where the engine of `state` stopped, to the same bits."""
        state.load(self, arrays)
