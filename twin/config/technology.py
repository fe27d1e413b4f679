"""The technology of a chip, declared once: what its parts are derived from where the chip does not give them."""

from typing import Literal

from twin.config.checks import Name
from twin.config.part import Part
from twin.config.quantity import Length, Temperature, Voltage


class Technology(Part):
    """What energy, area, leakage and rates of parts are derived from (docs/technology.md).

    All but the node may be left out where nothing is derived from it.
    """

    node: Length
    """Node of the process, from 130 to 7 nm."""
    supply: Voltage | None = None
    """Supply of the logic."""
    temperature: Temperature | None = None
    """Temperature of the silicon, which decides the leakage of SRAM."""
    cells: Literal["lstp", "lstp-hp", "hp"] | None = None
    """Cells of SRAM: low standby power, the same with fast periphery, or high performance."""
    analog: Literal["silicon", "projected"] | None = None
    """Circuits at the lines of a tile: what a published core took, or what figures of components add up to."""
    arithmetic: Literal["fp8", "fp16", "fp32"] | None = None
    """Format in which digital units compute."""
    pitch: Length | None = None
    """Pitch of the lines of an array."""
    device: Name | None = None
    """Device preset whose resistance, voltages and pulse width the tile has where a run has no devices."""
