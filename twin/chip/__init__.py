"""What operations cost on a chip: service time, energy, bytes, area and leakage."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from twin.chip.costs import ChipCosts
    from twin.chip.demand import Component, Demand, Path
    from twin.chip.part import ChipPart
    from twin.chip.placing import Kept, Placed, place_streams
    from twin.chip.servers import Server
    from twin.chip.service import Service

__all__ = [
    "ChipCosts",
    "ChipPart",
    "Component",
    "Demand",
    "Kept",
    "Path",
    "Placed",
    "Server",
    "Service",
    "place_streams",
]

_PLACES = {
    "ChipCosts": "twin.chip.costs",
    "ChipPart": "twin.chip.part",
    "Component": "twin.chip.demand",
    "Demand": "twin.chip.demand",
    "Kept": "twin.chip.placing",
    "Path": "twin.chip.demand",
    "Placed": "twin.chip.placing",
    "Server": "twin.chip.servers",
    "Service": "twin.chip.service",
    "place_streams": "twin.chip.placing",
}


def __getattr__(name: str) -> Any:
    """Load a name where it is first used: descriptions ask for kinds of memories alone, which need no NumPy."""
    if name not in _PLACES:
        raise AttributeError(f"module 'twin.chip' has no attribute {name!r}")
    from importlib import import_module  # noqa: PLC0415

    return getattr(import_module(_PLACES[name]), name)
