"""What operations cost on a chip: service time, energy, bytes, area and leakage."""

from twin.chip.costs import ChipCosts, Server
from twin.chip.demand import Component, Demand, Path
from twin.chip.part import ChipPart, Service
from twin.chip.placing import Kept, Placed, place_streams

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
