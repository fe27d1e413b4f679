"""Digital logic: how energy and area change with node and supply, and what an operation takes.

Stillmaker & Baas, Integration 58 (2017) 74-81, with the interpolation of hwcomponents.
"""

from math import ceil, floor

from twin.technology.table import NM, between, toml_table, within

REFERENCE_V = 0.8
"""Supply at which constants of other nodes count, as in hwcomponents."""
FORMATS = 45 * NM
"""Node of the formats in the table."""
CLOCK_Hz = 1e9
"""Clock of a lane, assumption; a lane does one multiplication and one addition a cycle."""
FORMAT_BITS = {"fp8": 8, "fp16": 16, "fp32": 32}
DATAPATH_bps = 8 * 700e9
"""Bits of operations that a digital unit works on in a second: Rasch 2024, 0.7 TFLOP/s in FP8; of equal datapaths the
rate falls as the bits grow (assumption, as SIMD units do).
"""
LEAKAGE = 0.1
"""Leakage of logic as a share of its dynamic power at full rate, assumption."""


def node_index(node_m: float) -> float:
    """Return where a node lies among those of the table, fractions between two of them."""
    nodes: list[float] = toml_table("logic")["nodes_nm"]
    within("node", node_m / NM, nodes[-1], nodes[0], " nm")
    low, _, part = between([-node for node in nodes], -node_m / NM)
    return low + part


def _energy(node_m: float, supply_V: float) -> float:
    within("supply", supply_V, 0.6, 1.2, " V")
    index = node_index(node_m)
    rows = toml_table("logic")["energy"]
    below, above = (
        square * supply_V**2 + linear * supply_V + constant
        for square, linear, constant in (rows[floor(index)], rows[ceil(index)])
    )
    return float(below + (above - below) * (index % 1))


def energy_factor(node_m: float, from_m: float, supply_V: float = REFERENCE_V) -> float:
    """Return the energy of a gate at a node and supply, over that at another node and 0.8 V."""
    return _energy(node_m, supply_V) / _energy(from_m, REFERENCE_V)


def area_factor(node_m: float, from_m: float) -> float:
    """Return the area of a gate at a node over that at another, which must be one of the table's."""
    table = toml_table("logic")
    row = table["area"][table["nodes_nm"].index(round(from_m / NM))]
    index = node_index(node_m)
    below, above = row[floor(index)], row[ceil(index)]
    return float(below + (above - below) * (index % 1))


def format_bytes(number: str) -> float:
    """Return the size of a word of a format."""
    return FORMAT_BITS[number] / 8


def unit_rate_FLOPs(number: str) -> float:
    """Return the rate of a digital unit in a format."""
    return DATAPATH_bps / FORMAT_BITS[number]


def flop_energy_J(number: str, node_m: float, supply_V: float) -> float:
    """Return the energy of an operation in a format (``"fp8"``, ``"fp16"``, ``"fp32"``): the mean of + and x."""
    table = toml_table("logic")
    mean: float = sum(table["formats"][number]["energy_pJ"]) / 2
    return mean * 1e-12 * energy_factor(node_m, FORMATS, supply_V)


def flops_area_m2(number: str, rate_FLOPs: float, node_m: float) -> float:
    """Return the silicon of lanes for a rate in FLOP/s, each of an adder and a multiplier."""
    table = toml_table("logic")
    lane: float = sum(table["formats"][number]["area_um2"]) * 1e-12
    return rate_FLOPs / (2 * CLOCK_Hz) * lane * area_factor(node_m, FORMATS)


def flops_leakage_W(number: str, rate_FLOPs: float, node_m: float, supply_V: float) -> float:
    """Return the leakage of lanes for a rate in FLOP/s."""
    return LEAKAGE * rate_FLOPs * flop_energy_J(number, node_m, supply_V)
