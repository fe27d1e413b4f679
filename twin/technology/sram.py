"""Memories of SRAM cells by bank, number of banks, width, cells and temperature, from a table of CACTI 7.

Between the points of the table sizes and widths are interpolated as powers, nodes linearly, leakage over temperature
exponentially. Below 22 nm hold the rules of hwcomponents-cacti: energy as the square root of the node (IRDS 2022), area
and times as the node, leakage as the square root less 21 % (Parvais and others 2009).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import product
from math import exp, log

from twin.errors import TwinError
from twin.technology.table import NM, between, csv_rows, within

NODES_NM = (22.0, 32.0, 45.0, 65.0, 90.0)
WIDTHS_BIT = (64.0, 256.0)
BANKS_B = tuple(1024.0 * size for size in (1, 4, 16, 64, 256))
BANKS = (1.0, 4.0, 16.0, 64.0)
TEMPERATURES_K = (300.0, 350.0, 400.0)
CELLS = ("lstp", "lstp-hp", "hp")
"""Low standby power, the same with fast periphery, and high performance, both for cells and for periphery."""
FINFET_LEAKAGE = 0.79
_NUMBERS = ("read_pJ", "write_pJ", "area_mm2", "cycle_ns", "access_ns")
_LEAKAGE = tuple(f"leakage_{kelvin:.0f}K_mW" for kelvin in TEMPERATURES_K)


@dataclass(frozen=True, slots=True)
class Sram:
    """What a memory takes.

    Attributes
    ----------
    read_J, write_J : float
        One word.
    area_m2, leakage_W : float
        All banks.
    cycle_s, access_s : float
        Time until a bank takes the next word, and until a word is there.
    """

    read_J: float
    write_J: float
    area_m2: float
    cycle_s: float
    access_s: float
    leakage_W: float


def sram(bank_B: float, banks: float, width_bit: float, node_m: float, cells: str, temperature_K: float) -> Sram:
    """Return what a memory of so many banks of a size takes.

    Raises
    ------
    TwinError
        Where the table of CACTI ends.
    """
    within("size of a bank", bank_B, BANKS_B[0], BANKS_B[-1], " B")
    within("number of banks", banks, BANKS[0], BANKS[-1])
    within("width of a word", width_bit, WIDTHS_BIT[0], WIDTHS_BIT[-1], " bit")
    within("node of SRAM", node_m / NM, 7, NODES_NM[-1], " nm")
    within("temperature", temperature_K, TEMPERATURES_K[0], TEMPERATURES_K[-1], " K")
    if cells not in CELLS:
        raise TwinError(f"cells (= {cells}): must be one of {', '.join(CELLS)}")
    node = max(node_m / NM, NODES_NM[0])
    low, high, part = between(NODES_NM, node)
    at = (bank_B, banks, width_bit, cells, temperature_K)
    pairs = zip(_at_node(NODES_NM[low], *at), _at_node(NODES_NM[high], *at), strict=True)
    read, write, area, cycle, access, leakage = (one + (other - one) * part for one, other in pairs)
    shrink = min(node_m / NM / NODES_NM[0], 1.0)
    root, finfet = shrink**0.5, FINFET_LEAKAGE if shrink < 1 else 1.0
    return Sram(
        read_J=read * 1e-12 * root,
        write_J=write * 1e-12 * root,
        area_m2=area * 1e-6 * shrink,
        cycle_s=cycle * 1e-9 * shrink,
        access_s=access * 1e-9 * shrink,
        leakage_W=leakage * 1e-3 * root * finfet,
    )


def _at_node(
    node_nm: float, bank_B: float, banks: float, width_bit: float, cells: str, temperature_K: float
) -> tuple[float, ...]:
    """Return the numbers of the table at one of its nodes, in its units."""
    axes = [between([log(point) for point in points], log(value)) for points, value in _axes(bank_B, banks, width_bit)]
    cold, hot, warmth = between(TEMPERATURES_K, temperature_K)
    sums = [0.0] * (len(_NUMBERS) + 1)
    for corner in product((0, 1), repeat=len(axes)):
        weight = 1.0
        for (_, _, part), side in zip(axes, corner, strict=True):
            weight *= part if side else 1 - part
        place = [high if side else low for (low, high, _), side in zip(axes, corner, strict=True)]
        *numbers, first, second = _row(node_nm, cells, place, cold, hot)
        found = (*numbers, first + (second - first) * warmth)
        sums = [total + weight * number for total, number in zip(sums, found, strict=True)]
    return tuple(exp(total) for total in sums)


def _axes(bank_B: float, banks: float, width_bit: float) -> list[tuple[tuple[float, ...], float]]:
    return [(WIDTHS_BIT, width_bit), (BANKS_B, bank_B), (BANKS, banks)]


@cache
def _logarithms() -> dict[tuple[float, str, float, float, float], dict[str, float]]:
    """Return the logarithms of the numbers of the table, by node, cells, width, bank and banks."""
    return {
        (
            float(row["node_nm"]), row["cells"], float(row["width_bit"]), 1024 * float(row["bank_KiB"]),
            float(row["banks"]),
        ): {name: log(float(row[name])) for name in (*_NUMBERS, *_LEAKAGE)}
        for row in csv_rows("sram")
    }  # fmt: skip


def _row(node_nm: float, cells: str, place: Sequence[int], cold: int, hot: int) -> tuple[float, ...]:
    width, bank, banks = place
    row = _logarithms()[node_nm, cells, WIDTHS_BIT[width], BANKS_B[bank], BANKS[banks]]
    return tuple(row[name] for name in (*_NUMBERS, _LEAKAGE[cold], _LEAKAGE[hot]))
