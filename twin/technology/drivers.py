"""Drivers of the lines of an array in an update, sized for the current and the voltage that devices take.

A transistor for more than the supply of the logic is longer in proportion to the voltage (constant field), and one that
carries no current of note is as much wider, too.
"""

from twin.technology.logic import area_factor
from twin.technology.table import NM, toml_table

TRANSISTORS = 2
"""Of an output stage: one that pulls up, one that pulls down."""


def _table() -> dict[str, float]:
    found: dict[str, float] = toml_table("analog")["write_driver"]
    return found


def driver_width_m(current_A: float) -> float:
    """Return the width of one transistor that carries a current."""
    return current_A / _table()["on_current_A_m"]


def driver_capacitance_F(current_A: float) -> float:
    """Return the capacitance of the gates of a driver, which is charged with its line."""
    return TRANSISTORS * driver_width_m(current_A) * _table()["gate_F_m"]


def write_driver_area_m2(voltage_V: float, current_A: float, node_m: float, supply_V: float) -> float:
    """Return the silicon of a driver beyond that of a line which reads at the supply or below.

    The output stage is as wide as its current asks; a row driver, which every line has, is larger by the square of the
    voltage over the supply.
    """
    table, row = _table(), toml_table("analog")["driver"]
    longer = max(1.0, voltage_V / supply_V)
    pitch = table["gate_pitch_nm"] * NM * area_factor(node_m, table["node_nm"] * NM) ** 0.5
    stage = TRANSISTORS * driver_width_m(current_A) * pitch * longer
    shifter = row["area_um2"] * 1e-12 * area_factor(node_m, row["node_nm"] * NM) * (longer**2 - 1)
    return float(stage + shifter)
