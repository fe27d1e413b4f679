"""What the numbers in recorded operations stand for."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from twin.engine.hazards import N_EDGES, Edge

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from twin.chip import Server
    from twin.engine.binding import Template
    from twin.engine.ledger import Constants
    from twin.engine.recorder import Events
    from twin.engine.scheduler import Scheduler


@dataclass(frozen=True)
class Legend:
    """What the numbers in events stand for.

    Attributes
    ----------
    templates : sequence of Template
    constants : Constants
        The templates as arrays.
    servers : sequence of Server
    chips : sequence of int
        The chip of every server; -1 for one that no chip has to itself.
    resources : sequence of str
    leakage_W : float
        What flows without an operation while everything is awake.
    """

    templates: Sequence[Template]
    constants: Constants
    servers: Sequence[Server]
    chips: Sequence[int]
    resources: Sequence[str]
    leakage_W: float

    @classmethod
    def of(cls, engine: Scheduler, chips: Sequence[int]) -> Legend:
        """Return the legend of an engine that has run."""
        binder, ledger = engine.binder, engine.ledger
        return cls(
            binder.templates,
            ledger.constants(),
            engine.costs.servers,
            chips,
            binder.resources,
            engine.costs.standing.total_W,
        )

    def visits(self, events: Events) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
        """Return the visits of operations at servers: which of `events`, the server, and how long it is busy, ps.

        All servers of an operation are busy from its start; of one whose count is 0, none is.
        """
        constants, template, count = self.constants, events["template"], events["count"]
        timed = (constants.column[template] < 0) | (count > 0)
        width = np.where(timed, constants.width[template], 0)
        which = np.repeat(np.arange(len(events)), width)
        place = np.arange(which.size) - np.repeat(np.cumsum(width) - width, width)
        server, fixed_ps, per_count_ps = constants.occupancy[constants.first[template][which] + place].T
        busy_ps = fixed_ps + per_count_ps * count[which]
        last = place == width[which] - 1  # where a stateful server stands
        busy_ps[last] += events["served_ps"][which][last]
        return which, server, busy_ps

    def cause(self, code: int) -> str:
        """Name what made an operation wait until it was ready."""
        if code < 0:
            return "admission" if code == -1 else ""
        resource, edge = divmod(code, N_EDGES)
        return f"{Edge(edge).name} on {self.resources[resource]}"
