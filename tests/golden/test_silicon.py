"""Chips beside published silicon, as docs/validation/silicon.md has them; and every chip one node."""

import re
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path

import pytest

from twin.config.resources import shipped
from twin.descriptions.load import load_chip

ROOT = Path(__file__).parents[2]
SPEC = spec_from_file_location("silicon_table", ROOT / "reports" / "silicon" / "table.py")
TABLE = module_from_spec(SPEC)
SPEC.loader.exec_module(TABLE)
TILES = {"HERMES core (JSSC 2022)", "IBM 2023, tile"}
CHIPS = {"HERMES, 64 cores, one phase (2023); area of cores", "IBM 2023, chip"}
MEASURED = [one for one in TABLE.PUBLISHED if one.what in TILES | CHIPS]
COSTS = re.compile(
    r"\.(energy|area|line_area|array_area|leakage|router_area|router_leakage|periphery_power|[a-z]+_energy)$"
)
NODE = re.compile(r"\b(\d+) nm\b")


def test_all_measured_chips_are_held_against():
    assert {one.what for one in MEASURED} == TILES | CHIPS


@pytest.mark.parametrize("one", MEASURED, ids=lambda one: one.what)
def test_tiles_are_within_1_3_and_chips_within_1_5_of_silicon(one):
    most = 1.3 if one.what in TILES else 1.5
    for name, ratio in TABLE.ratios(one).items():
        allowed = 1.5 if name == "TOPS/mm2" else most
        assert 1 / allowed < ratio < allowed, name


def test_the_mat_vec_of_ibm_by_hand():
    chip = load_chip("ibm-2023").model
    periphery = 0.7 / 4096 * 512 * (128e-9 + 8 / 1.2e9)
    line = 12.5e-9 / 256 - 0.7 / 4096 * 130e-9 - 0.8 * 0.36221e-12  # less the dynamic part of a conversion of 8 bit
    conversions = 512 * chip.tile.converter.energy
    conduction = 512**2 / 24e6 * 128e-9
    expected = 512 * line + periphery + conversions + conduction
    assert TABLE.figures(chip, whole=False).matvec_J == pytest.approx(expected, rel=1e-3)


def test_the_page_has_the_table_that_the_program_makes(capsys):
    TABLE.main()
    page = (ROOT / "docs" / "validation" / "silicon.md").read_text(encoding="utf-8")
    assert capsys.readouterr().out.strip() in page


def test_the_plain_memory_of_aimc_512_is_four_channels_of_its_part():
    part, channel = (load_chip(name).model.memory for name in ("aimc-512-lpddr5", "aimc-512"))
    row_bit = 8 * part.row_size
    assert channel.energy == pytest.approx(
        part.read_energy + part.read_io_energy + part.activate_energy / row_bit, rel=1e-3
    )
    refresh_W = part.refresh_energy / (part.nREFI * part.tCK)
    assert channel.leakage == pytest.approx(4 * (part.background + refresh_W), rel=1e-3)


@pytest.mark.parametrize("name", shipped("chip"))
def test_a_cost_that_a_chip_gives_is_of_its_node_or_says_why(name):
    loaded = load_chip(name)
    node = f"{loaded.model.technology.node * 1e9:g}"
    for key, (status, text) in loaded.sources.items():
        given = loaded.origins[key].startswith("architectures/") and COSTS.search(key)
        stated = set(NODE.findall(text))
        assert not given or node in stated or "any node" in text or key in OUTSIDE, f"{key} of {stated} nm"
        assert not given or status != "assumption" or key in OUTSIDE, f"{key}: a table has it"


OUTSIDE = {
    "memory.area",  # a package of its own
    "system.area",  # of a port nothing was read
    "system.leakage",
    "cluster.energy",  # ports follow no node
    "cluster.area",
    "cluster.leakage",
    "power.memory.wake_energy",  # of the package
    "tile.leakage",  # of isaac-128 and panther-128, in the power of their parts
}
"""Costs that no table of the technology gives, and why."""
