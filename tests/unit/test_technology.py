"""What parts take at a node: against published figures, and in the right direction."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import TwinError
from twin.technology import analog, converter, links, logic, sram, wires
from twin.technology.table import NM, csv_rows

AT_14 = 14 * NM
NODES = st.floats(7, 130)
SRAM_NODES = st.floats(7, 90)
BITS = st.integers(4, 12)
RATES = st.floats(1e6, 2e9)
FORMATS = st.sampled_from(["fp8", "fp16", "fp32"])
CELLS = st.sampled_from(sram.CELLS)
SUPPLIES = st.floats(0.6, 1.2)
MORE = 1 + 1e-9

FIGURES = {  # value, published value, tolerance
    "energy of logic, 45 to 14 nm": (logic.energy_factor(AT_14, 45 * NM), 0.139, 0.01),
    "area of logic, 45 to 14 nm": (logic.area_factor(AT_14, 45 * NM), 0.17, 0.01),
    "FP16, pJ a FLOP": (logic.flop_energy_J("fp16", AT_14, 0.8) * 1e12, 0.104, 0.01),
    "FP32 at 45 nm, pJ a FLOP": (logic.flop_energy_J("fp32", 45 * NM, 0.8) * 1e12, 2.3, 0.01),
    "700 GFLOP/s of FP16, mm2": (logic.flops_area_m2("fp16", 7e11, AT_14) * 1e6, 0.18, 0.01),
    "700 GFLOP/s of FP16, mW": (logic.flops_leakage_W("fp16", 7e11, AT_14, 0.8) * 1e3, 7.3, 0.01),
    "converter, pJ": (converter.conversion_energy_J(9, 1.2e9, AT_14) * 1e12, 0.896, 0.01),
    "converter, um2": (converter.converter_area_m2(9, 1.2e9, AT_14) * 1e12, 2391, 0.01),
    "converter, uW": (converter.converter_leakage_W(9, 1.2e9, AT_14) * 1e6, 269, 0.01),
    "converter at 22 nm, pJ": (converter.conversion_energy_J(9, 1.2e9, 22 * NM) * 1e12, 2.10, 0.01),
    "converter at 22 nm, um2": (converter.converter_area_m2(9, 1.2e9, 22 * NM) * 1e12, 4830, 0.01),
    "converter at 32 nm, pJ": (converter.conversion_energy_J(9, 1.2e9, 32 * NM) * 1e12, 4.24, 0.01),
    "converter at 32 nm, um2": (converter.converter_area_m2(9, 1.2e9, 32 * NM) * 1e12, 8651, 0.01),
    "slow converter at 22 nm, pJ": (converter.conversion_energy_J(9, 2e8, 22 * NM) * 1e12, 0.93, 0.01),
    "slow converter at 22 nm, um2": (converter.converter_area_m2(9, 2e8, 22 * NM) * 1e12, 2736, 0.01),
    "link, pJ a bit": (links.hop_energy_Jb(AT_14, 0.8) * 1e12, 0.118, 0.01),
    "router of four ports, mm2": (links.router_area_m2(4, 4e9, AT_14) * 1e6, 0.018, 0.01),
    "router of four ports, mW": (links.router_leakage_W(4, 4e9, AT_14, 0.8) * 1e3, 0.1, 0.15),
    "link of 512 lines, GB/s": (links.link_bandwidth_Bps(512, 16, 40e-9) / 1e9, 25.6, 0.01),
    "pins of a DRAM channel of 16 bit at 40 nm, mm2": (links.dram_port_area_m2(16, 40 * NM) * 1e6, 1.3, 1e-9),
    "array of 512 x 512, mm2": (wires.array_area_m2(512, 512, 400 * NM) * 1e6, 0.0419, 0.01),
    "array of 4096 x 4096, mm2": (wires.array_area_m2(4096, 4096, 400 * NM) * 1e6, 2.68, 0.01),
    "periphery of 4096 lines, W": (4096 * analog.line_power_W(AT_14), 0.7, 0.01),
    "line of a projected tile, um2": (analog.line_area_m2("projected", AT_14) * 1e12, 9.6, 0.25),
}
"""Figures of 14 nm without another node: beside each its published value, and how far it may be off."""


@pytest.mark.parametrize("name", FIGURES)
def test_a_part_is_as_published(name):
    value, published, tolerance = FIGURES[name]
    assert value == pytest.approx(published, rel=tolerance)


@pytest.mark.parametrize(("size", "banks", "published"), [(65536, 16, {"pJ": 0.215, "mm2": 0.564, "mW": 29})])
def test_a_buffer_is_as_published(size, banks, published):
    energy = sram.sram(size, banks, 256, AT_14, "lstp", 300)
    assert energy.read_J / 256 * 1e12 == pytest.approx(published["pJ"], rel=0.01)
    assert energy.area_m2 * 1e6 == pytest.approx(published["mm2"], rel=0.01)
    warm = sram.sram(size, banks, 256, AT_14, "lstp-hp", 350)
    assert warm.leakage_W * 1e3 == pytest.approx(published["mW"], rel=0.02)
    at_22 = sram.sram(size, banks, 256, 22 * NM, "lstp-hp", 350)
    assert at_22.leakage_W * 1e3 == pytest.approx(46, rel=0.01)
    alone = sram.sram(size, 1, 256, AT_14, "lstp", 300)
    assert alone.read_J / 256 * 1e12 == pytest.approx(0.042, rel=0.02)


@pytest.mark.parametrize(("lines", "published"), [(256, 12.5), (512, 26.2)])
def test_lines_of_the_silicon_class_take_what_published_cores_take(lines, published):
    time = 130e-9
    line = analog.input_energy_J("silicon", AT_14, 0.8) + analog.line_power_W(AT_14) * time
    line += converter.conversion_energy_J(8, 1 / time, AT_14)
    assert lines * line * 1e9 == pytest.approx(published, rel=0.05)


def test_a_core_of_the_silicon_class_has_the_area_of_the_published_one():
    converters = 256 * converter.converter_area_m2(8, 1 / 130e-9, AT_14)
    area = 512 * analog.line_area_m2("silicon", AT_14) + wires.array_area_m2(256, 256, 400 * NM) + converters
    assert area * 1e6 == pytest.approx(0.634, rel=0.01)


def test_every_point_of_the_table_of_memories_is_given_back():
    for row in csv_rows("sram"):
        bank, banks, width = 1024 * float(row["bank_KiB"]), float(row["banks"]), float(row["width_bit"])
        for kelvin in sram.TEMPERATURES_K:
            found = sram.sram(bank, banks, width, float(row["node_nm"]) * NM, row["cells"], kelvin)
            expected = float(row[f"leakage_{kelvin:.0f}K_mW"]) * 1e-3, float(row["read_pJ"]) * 1e-12
            assert (found.leakage_W, found.read_J) == pytest.approx(expected, rel=1e-9, abs=0)


@given(one=NODES, other=NODES, number=FORMATS, supply=SUPPLIES, bits=BITS, rate=RATES)
def test_a_larger_node_takes_no_less(one, other, number, supply, bits, rate):
    small, large = sorted((one * NM, other * NM))
    for cost in (
        lambda node: logic.flop_energy_J(number, node, supply),
        lambda node: logic.flops_area_m2(number, rate, node),
        lambda node: logic.flops_leakage_W(number, rate, node, supply),
        lambda node: converter.conversion_energy_J(bits, rate, node),
        lambda node: converter.converter_area_m2(bits, rate, node),
        lambda node: converter.converter_leakage_W(bits, rate, node),
        lambda node: links.hop_energy_Jb(node, supply),
        lambda node: links.router_area_m2(5, rate, node),
        lambda node: links.router_leakage_W(5, rate, node, supply),
        analog.line_power_W,
        lambda node: analog.input_energy_J("projected", node, supply),
        lambda node: analog.input_energy_J("silicon", node, supply),
        lambda node: analog.line_area_m2("projected", node),
        lambda node: analog.line_area_m2("silicon", node),
    ):
        assert cost(small) <= cost(large) * MORE


@given(one=SUPPLIES, other=SUPPLIES, node=NODES)
def test_a_higher_supply_takes_more_energy(one, other, node):
    low, high = sorted((one, other))
    assert logic.energy_factor(node * NM, 45 * NM, low) <= logic.energy_factor(node * NM, 45 * NM, high) * MORE


@given(bits=st.integers(4, 11), rate=RATES, faster=st.floats(1, 4), node=NODES)
def test_more_bits_and_a_higher_rate_take_no_less(bits, rate, faster, node):
    at = node * NM
    for cost in (converter.conversion_energy_J, converter.converter_area_m2, converter.converter_leakage_W):
        assert cost(bits, rate, at) <= cost(bits + 1, rate, at) * MORE
        assert cost(bits, rate, at) <= cost(bits, rate * faster, at) * MORE


@given(
    bank=st.floats(1024, 65536), larger=st.floats(1, 4), banks=st.floats(1, 16), more=st.floats(1, 4), node=SRAM_NODES,
    cells=CELLS, kelvin=st.floats(300, 400),
)  # fmt: skip
def test_a_larger_and_a_warmer_memory_takes_no_less(bank, larger, banks, more, node, cells, kelvin):
    def numbers(*size, at=kelvin):
        found = sram.sram(*size, 256, node * NM, cells, at)
        return found.area_m2, found.leakage_W, found.read_J

    small = numbers(bank, banks)
    for other in (numbers(bank * larger, banks), numbers(bank, banks * more), numbers(bank, banks, at=400)):
        assert all(one <= two * MORE for one, two in zip(small, other, strict=True))


@given(bank=st.floats(1024, 262144), banks=st.floats(1, 64), one=SRAM_NODES, other=SRAM_NODES, cells=CELLS)
def test_a_memory_of_a_larger_node_takes_no_less_energy_and_area(bank, banks, one, other, cells):
    small, large = (sram.sram(bank, banks, 256, node * NM, cells, 350) for node in sorted((one, other)))
    assert small.read_J <= large.read_J * MORE
    assert small.area_m2 <= large.area_m2 * MORE


@given(lines=st.integers(2, 4096), pitch=st.floats(30, 1000))
def test_a_line_grows_as_its_length_and_settles_as_its_square(lines, pitch):
    at = pitch * NM
    assert math.isclose(wires.line_capacitance_F(2 * lines, at), 2 * wires.line_capacitance_F(lines, at))
    assert math.isclose(wires.settling_s(2 * lines, at, 8), 4 * wires.settling_s(lines, at, 8))
    assert math.isclose(wires.ir_drop(2 * lines, 2 * lines, at, 1e6), 4 * wires.ir_drop(lines, lines, at, 1e6))


def test_the_drop_along_a_line_is_that_of_a_ladder_of_resistors():
    rows, cols, pitch, device = 4, 6, 400 * NM, 1e6
    expected = 0.0
    for crosspoints in (rows, cols):
        segment = wires.line_resistance_Ohm(1, pitch)
        expected += sum(segment * (crosspoints - place) / device for place in range(crosspoints))
    whole = wires.ir_drop(rows, cols, pitch, device)
    assert whole == pytest.approx(expected, rel=0.25)  # n^2 / 2 for n (n + 1) / 2
    many = 512
    ladder = 2 * sum(wires.line_resistance_Ohm(1, pitch) * (many - place) / device for place in range(many))
    assert wires.ir_drop(many, many, pitch, device) == pytest.approx(ladder, rel=0.01)


@pytest.mark.parametrize(
    ("ask", "said"),
    [
        (lambda: logic.energy_factor(5 * NM, AT_14), "node (= 5 nm): must be from 7 to 130 nm"),
        (lambda: logic.energy_factor(180 * NM, AT_14), "node (= 180 nm)"),
        (lambda: logic.energy_factor(AT_14, AT_14, 1.8), "supply (= 1.8 V)"),
        (lambda: converter.conversion_energy_J(3, 1e9, AT_14), "resolution (= 3 bit)"),
        (lambda: converter.conversion_energy_J(8, 1e11, AT_14), "conversion rate"),
        (lambda: sram.sram(512, 1, 256, AT_14, "lstp", 300), "size of a bank (= 512 B)"),
        (lambda: sram.sram(1024, 65, 256, AT_14, "lstp", 300), "number of banks"),
        (lambda: sram.sram(1024, 1, 512, AT_14, "lstp", 300), "width of a word"),
        (lambda: sram.sram(1024, 1, 256, 130 * NM, "lstp", 300), "node of SRAM (= 130 nm): must be from 7 to 90 nm"),
        (lambda: sram.sram(1024, 1, 256, AT_14, "lstp", 250), "temperature (= 250 K)"),
        (lambda: sram.sram(1024, 1, 256, AT_14, "edram", 300), "cells (= edram)"),
        (lambda: wires.line_resistance_Ohm(10, 20 * NM), "half of the pitch of crosspoints (= 10 nm)"),
        (lambda: analog.line_power_W(5 * NM), "node (= 5 nm)"),
    ],
)
def test_outside_of_a_table_one_line_says_so(ask, said):
    with pytest.raises(TwinError) as error:
        ask()
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_the_class_decides_what_a_line_takes():
    for node in (130 * NM, 45 * NM, AT_14, 7 * NM):
        one, other = (analog.input_energy_J(name, node, 0.8) for name in ("silicon", "projected"))
        assert one > other
    assert math.isclose(analog.line_power_W(AT_14) / analog.line_power_W(10 * NM), 1.1)
