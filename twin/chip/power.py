"""What flows on a chip beside its work, and what is switched off when it has none."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final, NamedTuple

import numpy as np

from twin.chip.demand import Component
from twin.chip.service import picoseconds
from twin.config.power import TilePower

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from collections.abc import Mapping as Table

    from twin.chip.mover import Store
    from twin.chip.servers import Server
    from twin.chip.service import AreaRow
    from twin.config.chip import Chip
    from twin.config.power import PartPower, StorePower

STATIC: Final = frozenset({Component.LEAKAGE})
AWAKE: Final = frozenset({Component.IDLE, Component.CLOCK, Component.CONTROLLER})
"""What flows while parts are awake, in use or not."""
STANDING: Final = STATIC | AWAKE
"""What flows without an operation."""
PARTS: Final = {
    "tile": "tile periphery",
    "digital": "digital units",
    "vector": "vector unit",
    "registers": "registers",
    "buffer": "buffer",
    "memory": "memory",
}
"""The row of the area table for each table of ``[power]``, which is a kind of server."""


class Gate(NamedTuple):
    """When a server is switched off, what waking takes, and what does not flow while it is off."""

    after_ps: int
    wake_ps: int
    wake_J: float
    saved_W: dict[Component, float]


@dataclass(frozen=True, slots=True)
class Standing:
    """What flows without an operation.

    Attributes
    ----------
    watts : dict of Component to float
        While everything is awake.
    gates : dict of int to Gate
        Of servers that are switched off when idle.
    """

    watts: dict[Component, float]
    gates: dict[int, Gate]

    @property
    def total_W(self) -> float:
        """The power while everything is awake."""
        return sum(self.watts.values())


def standing(chip: Chip, area: Iterable[AreaRow], servers: Sequence[Server]) -> Standing:
    """Return what flows on a chip of these parts and servers; a unit that servers share is gated by shares."""
    rows: dict[str, AreaRow] = {}
    leakage = []
    for row in area:
        rows.setdefault(row.part, row)
        leakage.append(row.leakage_W)
    found = Standing({Component.LEAKAGE: float(np.sum(leakage))}, {})
    for kind, part in PARTS.items():
        states: PartPower | None = getattr(chip.power, kind, None)
        if states is not None and part in rows:
            mine = [number for number, server in enumerate(servers) if server.kind == kind]
            _add(found, chip, states, rows[part], mine)
    return found


def _add(found: Standing, chip: Chip, states: PartPower, row: AreaRow, servers: Sequence[int]) -> None:
    awake = {Component.CLOCK: states.clock}
    if isinstance(states, TilePower):
        awake |= {Component.IDLE: idle_W(chip), Component.CONTROLLER: states.controller}
    watts = {component: row.count * each for component, each in awake.items() if each}
    for component, all_of_them in watts.items():
        found.watts[component] = found.watts.get(component, 0.0) + all_of_them
    after, wake_s, wake_J, gated = states.gate_after, states.wake_time, states.wake_energy, states.gated
    if after is None or wake_s is None or wake_J is None or gated is None:
        return
    watts[Component.LEAKAGE] = row.leakage_W * (1 - gated)
    saved = {component: all_of_them / len(servers) for component, all_of_them in watts.items()}
    found.gates.update(dict.fromkeys(servers, Gate(picoseconds(after), picoseconds(wake_s), wake_J, saved)))


def gated_tables(chip: Chip) -> list[str]:
    """Return the tables of ``[power]`` whose parts are gated, by dotted key."""
    tables = {f"power.{kind}": getattr(chip.power, kind, None) for kind in PARTS}
    return [key for key, states in tables.items() if states is not None and states.gate_after is not None]


def idle_W(chip: Chip) -> float:
    """Return what the periphery of a tile draws while it is awake, in use or not."""
    states = chip.power.tile if chip.power is not None else None
    return chip.tile.periphery_power * states.idle if states is not None and states.idle is not None else 0.0


def banks_on(chip: Chip, stores: Table[str, Store], kept: Table[str, float] | None, chips: int) -> dict[str, float]:
    """Return the share of each store that is switched on: the banks in which something is kept.

    Parameters
    ----------
    chip : Chip
    stores : mapping of str to Store
        Buffer and memory, of each chip.
    kept : mapping of str to float or None
        Bytes kept in the stores of all chips; None where that is not known.
    chips : int
    """
    return {name: _on(chip, name, store, kept, chips) for name, store in stores.items()}


def _on(chip: Chip, name: str, store: Store, kept: Table[str, float] | None, chips: int) -> float:
    states: StorePower | None = getattr(chip.power, name, None)
    if states is None or states.banks is None or kept is None:
        return 1.0
    banks = chips * states.banks
    least = chips if name == "buffer" else 0  # samples arrive there
    return max(least, math.ceil(kept[name] / (chips * store.size_B) * banks)) / banks
