"""Routers, links and ports: by width and rate."""

from twin.technology.logic import area_factor, energy_factor
from twin.technology.table import NM, toml_table


def _table(name: str) -> dict[str, float]:
    found: dict[str, float] = toml_table("links")[name]
    return found


def hop_energy_Jb(node_m: float, supply_V: float) -> float:
    """Return the energy of a bit through one router and its link, J/bit."""
    table = _table("hop")
    return table["energy_pJ_bit"] * 1e-12 * energy_factor(node_m, table["node_nm"] * NM, supply_V)


def _size(ports: float, bandwidth_Bps: float) -> float:
    """Return the size of a router over that of the table: by its ports to a power, and by the rate of each."""
    table = _table("router")
    return float((ports / table["ports"]) ** table["ports_exponent"]) * bandwidth_Bps / table["port_Bps"]


def router_area_m2(ports: float, bandwidth_Bps: float, node_m: float) -> float:
    """Return the silicon of a router with so many ports of a bandwidth, links included."""
    table = _table("router")
    return _size(ports, bandwidth_Bps) * table["area_mm2"] * 1e-6 * area_factor(node_m, table["node_nm"] * NM)


def router_leakage_W(ports: float, bandwidth_Bps: float, node_m: float, supply_V: float) -> float:
    """Return the leakage of a router."""
    table = _table("router")
    leakage = table["leakage_mW"] * 1e-3 * energy_factor(node_m, table["node_nm"] * NM, supply_V)
    return _size(ports, bandwidth_Bps) * leakage


def port_area_m2(bandwidth_Bps: float, node_m: float) -> float:
    """Return the silicon of one port of a router, a tile's link: its share of the router."""
    ports = _table("router")["ports"]
    return router_area_m2(ports, bandwidth_Bps, node_m) / ports


def port_leakage_W(bandwidth_Bps: float, node_m: float, supply_V: float) -> float:
    """Return the leakage of one port of a router."""
    ports = _table("router")["ports"]
    return router_leakage_W(ports, bandwidth_Bps, node_m, supply_V) / ports


def link_bandwidth_Bps(lines: int, bits: int, matvec_s: float) -> float:
    """Return the rate that keeps a tile busy: inputs and outputs of `bits` together a line, in one mat-vec."""
    return lines * bits / 8 / matvec_s


def dram_port_area_m2(wires: float, node_m: float) -> float:
    """Return the silicon of drivers and controller of DRAM channels with so many data wires in all.

    What drives pins shrinks as the node, the square root of ideal scaling (McPAT, physical interfaces of memories).
    """
    table = _table("dram_port")
    return wires / table["wires"] * table["area_mm2"] * 1e-6 * node_m / (table["node_nm"] * NM)


def edge_energy_Jb(port: str) -> float:
    """Return the energy of a bit over the edge of a chip, J/bit: to the ``"host"``, or to another ``"chip"``.

    What drives a pin or a board does not follow the node; both are of one generation.
    """
    return _table("edge_pJ_bit")[port] * 1e-12
