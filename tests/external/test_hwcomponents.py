"""Tables of technology beside the packages that they come from, where these are installed (Python 3.12)."""

import pytest

from twin.technology import converter, logic, sram
from twin.technology.table import NM

NODES = (130, 90, 65, 45, 32, 20, 16, 14, 10, 7)


@pytest.mark.parametrize("node", [*NODES, 22, 50])
@pytest.mark.parametrize("start", NODES)
def test_logic_scales_as_in_hwcomponents(node, start):
    scaling = pytest.importorskip("hwcomponents.scaling")
    at, other = node * NM, start * NM
    assert logic.energy_factor(at, other) == pytest.approx(scaling.tech_node_energy(at, other), rel=0.01, abs=0)
    assert logic.area_factor(at, other) == pytest.approx(scaling.tech_node_area(at, other), rel=0.01, abs=0)


@pytest.mark.parametrize("node", NODES)
@pytest.mark.parametrize("bits", [4, 6, 8, 9, 10, 12])
@pytest.mark.parametrize("rate", [1e7, 2e8, 1.2e9])
def test_converters_are_those_of_hwcomponents_adc(node, bits, rate):
    adc = pytest.importorskip("hwcomponents_adc.main").ADC(bits, node * NM, rate)
    total = (
        converter.conversion_energy_J(bits, rate, node * NM)
        + converter.converter_leakage_W(bits, rate, node * NM) / rate
    )
    assert total == pytest.approx(adc.get_energy(), rel=0.01, abs=0)
    assert converter.converter_area_m2(bits, rate, node * NM) == pytest.approx(adc.area, rel=0.01, abs=0)


@pytest.mark.parametrize("node", [65, 45, 22, 14, 7])  # 90 nm is rounded to more there, and scaled from 22
@pytest.mark.parametrize(("width", "kib", "banks"), [(64, 16, 1), (256, 64, 1), (256, 64, 16), (64, 1, 4)])
def test_memories_are_those_of_hwcomponents_cacti(node, width, kib, banks):
    package = pytest.importorskip("hwcomponents_cacti")
    try:
        theirs = package.SRAM(node * NM, width=width, size=8 * 1024 * kib * banks, n_banks=banks)
    except Exception as error:  # noqa: BLE001 - a binary that does not run here says so in many ways
        pytest.skip(f"CACTI does not run: {error}")
    ours = sram.sram(1024 * kib, banks, width, node * NM, "lstp", 300)
    assert ours.read_J == pytest.approx(theirs.read_energy, rel=0.01, abs=0)
    assert ours.write_J == pytest.approx(theirs.write_energy, rel=0.01, abs=0)
    assert ours.area_m2 == pytest.approx(theirs.cacti_area, rel=0.01, abs=0)
    assert ours.cycle_s == pytest.approx(theirs.cycle_period, rel=0.01, abs=0)
    assert ours.access_s == pytest.approx(theirs.access_time, rel=0.01, abs=0)
    assert ours.leakage_W == pytest.approx(theirs.cacti_leak_power, rel=0.01, abs=0)
