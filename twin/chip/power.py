"""What of a chip is switched on."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping as Table

    from twin.chip.mover import Store
    from twin.config.chip import Chip
    from twin.config.power import StorePower


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
