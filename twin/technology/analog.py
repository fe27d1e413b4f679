"""Drivers, integrators and what else stands at the lines of a tile, in two classes.

``"silicon"`` is what a published chip took, all between digital inputs and digital outputs; ``"projected"`` is what
component figures add up to.
"""

from twin.technology.converter import conversion_energy_J, converter_area_m2
from twin.technology.logic import area_factor, energy_factor
from twin.technology.table import NM, between, toml_table, within
from twin.technology.wires import array_area_m2

OLDEST = 130 * NM


def _steps(node_m: float) -> float:
    """Return how many nodes below 22 nm a node is, fractions between two of them; 0 from 22 nm up."""
    within("node", node_m / NM, 7, 130, " nm")
    nodes: list[float] = toml_table("analog")["shrink_nm"]
    low, _, part = between([-node for node in nodes], -node_m / NM)
    return low + part


def _power(node_m: float) -> float:
    table = toml_table("analog")
    logic = energy_factor(max(node_m, table["shrink_nm"][0] * NM), OLDEST)
    return float(logic / table["power_shrink"] ** _steps(node_m))


def _area(node_m: float) -> float:
    table = toml_table("analog")
    logic = area_factor(max(node_m, table["shrink_nm"][0] * NM), OLDEST)
    return float(logic / table["area_shrink"] ** _steps(node_m))


def analog_power_factor(node_m: float, from_m: float) -> float:
    """Return the power of an analog circuit over that at another node: as logic to 22 nm, then 1.1 less a node."""
    return _power(node_m) / _power(from_m)


def analog_area_factor(node_m: float, from_m: float) -> float:
    """Return the area of an analog circuit over that at another node: as logic to 22 nm, then 1.2 less a node."""
    return _area(node_m) / _area(from_m)


def line_power_W(node_m: float) -> float:
    """Return the power of the op-amps and translators of a row and a column while a tile reads or pulses."""
    table = toml_table("analog")["periphery"]
    return float(table["power_W"] / table["lines"] * analog_power_factor(node_m, table["node_nm"] * NM))


def input_energy_J(analog: str, node_m: float, supply_V: float) -> float:
    """Return the energy of one driven input line in one mat-vec, without `line_power_W`.

    For ``"silicon"`` it is what is left of the energy of a line of the published core, beside the periphery's power and
    the converter.
    """
    table = toml_table("analog")
    if analog == "projected":
        driver = table["driver"]
        return float(driver["energy_pJ"]) * 1e-12 * energy_factor(node_m, driver["node_nm"] * NM, supply_V)
    core = table["core"]
    at, time = core["node_nm"] * NM, core["matvec_ns"] * 1e-9
    line = core["matvec_nJ"] * 1e-9 / core["lines"]
    rest = line - line_power_W(at) * time - conversion_energy_J(core["bits"], 1 / time, at)
    return float(rest * analog_power_factor(node_m, at))


def line_area_m2(analog: str, node_m: float) -> float:
    """Return the silicon of the circuits of one row or column, without converters.

    For ``"silicon"`` it is what is left of the published core beside its array and its converters, which stand on one
    side only.
    """
    table = toml_table("analog")
    if analog == "projected":
        driver, integrator = table["driver"], table["integrator"]
        shrunk = integrator["area_um2"] * analog_area_factor(node_m, integrator["node_nm"] * NM)
        return float(shrunk + driver["area_um2"] * area_factor(node_m, driver["node_nm"] * NM)) * 1e-12
    core = table["core"]
    at, lines = core["node_nm"] * NM, core["lines"]
    converters = lines * converter_area_m2(core["bits"], 1 / (core["matvec_ns"] * 1e-9), at)
    rest = core["area_mm2"] * 1e-6 - array_area_m2(lines, lines, core["pitch_nm"] * NM) - converters
    return float(rest / (2 * lines) * analog_area_factor(node_m, at))
