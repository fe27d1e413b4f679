"""Wires of a crosspoint array: resistance and capacitance of its lines, how fast they settle, and their IR drop."""

from math import log

from twin.technology.table import NM, between, toml_table, within


def array_area_m2(rows: int, cols: int, pitch_m: float) -> float:
    """Return the silicon of an array: a crosspoint takes the square of the pitch."""
    return rows * cols * pitch_m**2


def line_capacitance_F(crosspoints: float, pitch_m: float) -> float:
    """Return the capacitance of a line past so many crosspoints."""
    return float(toml_table("wires")["capacitance_F_m"] * crosspoints * pitch_m)


def line_resistance_Ohm(crosspoints: float, pitch_m: float) -> float:
    """Return the resistance of a line past so many crosspoints, half a pitch wide.

    Wires wider than the table's have the resistivity of its widest, which is an upper bound.
    """
    table = toml_table("wires")
    widths, width = table["width_nm"], pitch_m / 2
    within("half of the pitch of crosspoints", width / NM, widths[0], 1e4, " nm")
    low, high, part = between(widths, width / NM)
    resistivity, aspect = (
        values[low] + (values[high] - values[low]) * part for values in (table["resistivity_Ohm_m"], table["aspect"])
    )
    return float(resistivity * crosspoints * pitch_m / (aspect * width**2))


def settling_s(crosspoints: float, pitch_m: float, bits: int) -> float:
    """Return the time until a line is within half a step of `bits`: ln(2^(bits + 1)) R C / 2.

    A line with evenly spread resistance and capacitance has the time constant R C / 2 (Elmore delay).
    """
    constant = line_resistance_Ohm(crosspoints, pitch_m) * line_capacitance_F(crosspoints, pitch_m) / 2
    return (bits + 1) * log(2) * constant


def ir_drop(rows: int, cols: int, pitch_m: float, device_Ohm: float) -> float:
    """Return the largest share of the voltage that is lost on both lines of a device where all devices conduct.

    Each device of a line takes V / R; spread evenly, these currents lose n R_line / (2 R) of V along a line of n.
    """
    lines = ((cols, line_resistance_Ohm(cols, pitch_m)), (rows, line_resistance_Ohm(rows, pitch_m)))
    return sum(crosspoints * resistance / (2 * device_Ohm) for crosspoints, resistance in lines)
