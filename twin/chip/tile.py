"""A tile: crosspoint arrays behind one periphery."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Self, final

from twin.chip.converter import Converters
from twin.chip.demand import Component, no_energy
from twin.chip.part import ChipPart
from twin.chip.power import idle_W
from twin.chip.service import Service, picoseconds
from twin.operation import Counts
from twin.units import PS

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from twin.config.chip import Chip


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class Tile(ChipPart):
    """One tile with its converters; its area is that of the drivers of all lines, both sides.

    Attributes
    ----------
    integration_ps : int
        Input conversion and integration of one mat-vec.
    overlap : bool
        The converters work on one mat-vec while the next integrates.
    pulse_ps : int
        One pulse slot of an update, all sign phases.
    input_J, pulse_J, coincidence_J : float
        Per driven line and mat-vec, per pulse on a line, per device step.
    periphery_W : float
        While reading or pulsing, beside what it draws all the time that it is awake.
    line_W : float
        The same of one line where lines in use are charged, else 0.
    conduction_J : float
        One device of mean conductance under full input for one integration: ``V^2 / R * t``.
    array_m2 : float
        One array.
    converters : Converters
    """

    integration_ps: int
    overlap: bool
    pulse_ps: int
    input_J: float
    pulse_J: float
    coincidence_J: float
    periphery_W: float
    line_W: float
    conduction_J: float
    array_m2: float
    converters: Converters

    @classmethod
    def of(cls, chip: Chip) -> Self:
        """Build from ``chip.tile``."""
        tile = chip.tile
        states = chip.power.tile if chip.power is not None else None
        periphery_W = tile.periphery_power - idle_W(chip)
        by_line = states is not None and states.lines == "used"
        return cls(
            integration_ps=picoseconds(tile.integration_time),
            overlap=tile.conversion_overlap,
            pulse_ps=picoseconds(tile.pulse_time) * tile.sign_phases,
            input_J=tile.input_energy,
            pulse_J=tile.pulse_energy,
            coincidence_J=tile.coincidence_energy,
            periphery_W=periphery_W,
            line_W=periphery_W / (tile.rows + tile.cols) if by_line else 0.0,
            conduction_J=tile.read_voltage**2 / tile.mean_resistance * tile.integration_time,
            array_m2=tile.array_area,
            area_m2=tile.line_area * (tile.rows + tile.cols),
            leakage_W=tile.leakage,
            converters=Converters.of(chip),
        )

    def service(self, amount: float) -> Service:
        """One mat-vec that converts `amount` lines of one array; the energy is the periphery's.

        Without overlap the tile is busy for integration and conversion. With overlap it is busy for
        the longer of the two, and the shorter is latency, once for any number of mat-vecs in a row.
        """
        conversion_ps = self.converters.service(amount).busy_ps
        busy_ps, latency_ps = self.integration_ps + conversion_ps, 0
        if self.overlap:
            latency_ps = min(self.integration_ps, conversion_ps)
            busy_ps -= latency_ps
        return Service(busy_ps, latency_ps, self.periphery_W * busy_ps * PS)

    def read_energy_J(self, lines: float) -> NDArray[np.float64]:
        """Energy of mat-vecs that convert `lines` lines each, by component and count."""
        energy = no_energy()
        energy[Component.DRIVERS, 1 + Counts.DRIVEN] = self.input_J
        energy[Component.CONVERTERS, 1 + Counts.CONVERTED] = self.converters.energy_per_conversion_J
        energy[Component.CONDUCTION, 1 + Counts.CONDUCTION] = self.conduction_J
        if not self.line_W:
            energy[Component.PERIPHERY, 1 + Counts.PART_MVMS] = self.service(lines).energy_J
            return energy
        for used in (Counts.DRIVEN, Counts.CONVERTED):
            energy[Component.PERIPHERY, 1 + used] = self.line_W * self.service(lines).busy_ps * PS
        return energy

    def pulse_energy_J(self) -> NDArray[np.float64]:
        """Energy of a pulsed update, by component and count."""
        energy = no_energy()
        energy[Component.PULSES, 1 + Counts.FIRED] = self.pulse_J
        energy[Component.PULSES, 1 + Counts.COINCIDENCES] = self.coincidence_J
        column, watts = (Counts.FIRED, self.line_W) if self.line_W else (Counts.PART_PULSES, self.periphery_W)
        energy[Component.PERIPHERY, 1 + column] = watts * self.pulse_ps * PS
        return energy
