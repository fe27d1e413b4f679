"""Values that a chip leaves out and its technology gives."""

import re
from pathlib import Path

import pytest
from chip_kit import without_technology

from twin.chip import ChipCosts
from twin.chip.sizes import remarks, slow_or_lossy
from twin.chip.tile import Tile
from twin.config.resources import find, shipped
from twin.descriptions.load import load_chip, load_layout
from twin.descriptions.resolved import resolved_toml
from twin.errors import TwinError
from twin.mapping import map_layers
from twin.runs.constants import description_rows
from twin.technology import converter, links, sram
from twin.technology.table import NM

CHIP = "ibm-2023"
TEXT = find("chip", CHIP).text
AT_14 = 14 * NM


def values(*names, **overrides):
    """Return values of the chip by dotted key, with overrides in which `__` stands for a dot."""
    return values_of(CHIP, *names, **overrides)


def values_of(name, /, *names, **overrides):
    """Return the same of any chip."""
    chip = load_chip(name, {key.replace("__", "."): text for key, text in overrides.items()}).model
    found = []
    for key in names:
        value = chip
        for step in key.split("."):
            value = getattr(value, step)
        found.append(value)
    return found


def written(tmp_path, *changes):
    """Write the chip with parts of its text replaced, and return the path."""
    text = TEXT
    for old, new in changes:
        assert old in text
        text = text.replace(old, new, 1)
    path = tmp_path / "own.toml"
    path.write_text(text, encoding="utf-8")
    return str(path)


def matvec_J(chip):
    """Return the energy of a mat-vec of full inputs on all lines."""
    tile, part = Tile.of(chip), chip.tile
    lines = part.cols * tile.input_J + part.rows * tile.converters.energy_per_conversion_J
    return lines + part.rows * part.cols * tile.conduction_J + tile.service(part.rows).energy_J


def test_values_are_those_computed_by_hand():
    found = values("tile.array_area", "tile.periphery_power")
    assert found == pytest.approx([512**2 * 0.16e-12, 512 * 0.7 / 4096], rel=1e-9, abs=0)
    energy, leakage = values("tile.converter.energy", "tile.leakage")
    assert energy == converter.conversion_energy_J(8, 1.2e9, AT_14)
    assert leakage == 128 * converter.converter_leakage_W(8, 1.2e9, AT_14)
    bandwidth, latency, area, power = values("buffer.bandwidth", "buffer.latency", "buffer.area", "buffer.leakage")
    memory = sram.sram(65536, 16, 256, AT_14, "lstp-hp", 350)
    expected = (16 * 32 / memory.cycle_s, memory.access_s, memory.area_m2, memory.leakage_W)
    assert (bandwidth, latency, area, power) == pytest.approx(expected, rel=1e-12, abs=0)
    assert values("link.bandwidth") == pytest.approx([512 * 16 / 8 / (128e-9 + 8 / 1.2e9)])
    assert values("host.energy", "system.energy") == pytest.approx([5e-12, 1.3e-12], rel=1e-12, abs=0)


@pytest.mark.parametrize(
    ("size", "text", "grows"),
    [
        ("tile__rows", "1024", {"tile.array_area": 2, "tile.pulse_energy": 1.5, "tile.periphery_power": 1.5}),
        ("digital__rate", "1400 GFLOP/s", {"digital.area": 2, "digital.leakage": 2, "digital.energy": 1}),
        ("link__bandwidth", "60 GB/s", {"link.area": 60 / 7.6040, "link.leakage": 60 / 7.6040, "link.energy": 1}),
        ("tile__converter__count", "128", {"tile.leakage": 2, "tile.converter.area": 1}),
        ("technology__pitch", "200 nm", {"tile.array_area": 0.25, "tile.coincidence_energy": 1}),
        ("tile__write_voltage", "1.5 V", {"tile.pulse_energy": 2.25, "tile.coincidence_energy": 2.25}),
        ("tile__io__out_res", "510", {"tile.converter.energy": 0.8959909 / 0.3125796}),
    ],
)
def test_a_size_changes_what_follows_from_it(size, text, grows):
    before, after = values(*grows), values(*grows, **{size: text})
    for key, one, other in zip(grows, before, after, strict=True):
        assert other / one == pytest.approx(grows[key], rel=1e-4), key


@pytest.mark.parametrize(
    ("key", "text", "changed"),
    [
        ("node", "22 nm", "digital.energy"),
        ("supply", "0.7 V", "digital.energy"),
        ("temperature", "300 K", "buffer.leakage"),
        ("cells", "lstp", "buffer.energy"),
        ("analog", "projected", "tile.line_area"),
        ("arithmetic", "fp32", "digital.area"),
        ("pitch", "100 nm", "tile.array_area"),
    ],
)
def test_every_key_of_a_technology_changes_something(key, text, changed):
    assert values(changed, **{f"technology__{key}": text}) != values(changed)


def test_a_network_and_registers_are_derived_too(tmp_path):
    network = """[network]
topology = "mesh"
routing = "dimension-ordered"
concentration = 4
buffer = "r0c0"
memory = "r0c0"
host = "r0c0"
flit = "4 B"
bandwidth = "4 GB/s"
router_delay = "3 ns"

[system]"""
    path = written(tmp_path, ("[system]", network), ("[sources]\n", '[sources]\nnetwork = "assumption: for a test"\n'))
    found = load_chip(path).model
    assert found.network.energy == pytest.approx(links.hop_energy_Jb(AT_14, 0.8), rel=1e-12, abs=0)
    assert found.network.router_area == pytest.approx(links.router_area_m2(8, 4e9, AT_14), rel=1e-12, abs=0)
    assert found.network.router_leakage == pytest.approx(links.router_leakage_W(8, 4e9, AT_14, 0.8), rel=1e-12, abs=0)
    wider = load_chip(path, {"network.bandwidth": "8 GB/s"}).model
    assert wider.network.router_area == pytest.approx(2 * found.network.router_area, rel=1e-12, abs=0)
    memory = sram.sram(8192, 2, 256, AT_14, "lstp-hp", 350)
    assert found.registers.leakage == pytest.approx(memory.leakage_W, rel=1e-12, abs=0)
    assert found.registers.leakage * 1e3 == pytest.approx(0.45, rel=0.3)


def test_a_larger_buffer_takes_more_and_128_512_and_2048_lines_are_three_tiles():
    keys = ("buffer.area", "buffer.leakage", "buffer.energy")
    small, large = values(*keys, buffer__size="64 KiB"), values(*keys, buffer__size="4 MiB")
    assert all(one < other for one, other in zip(small, large, strict=True))
    areas = [values("tile.array_area", tile__rows=str(lines), tile__cols=str(lines))[0] for lines in (128, 512, 2048)]
    assert [area / areas[0] for area in areas] == pytest.approx([1, 16, 256])


def silicon(**overrides):
    """Return area (m2) and leakage (W) of every part of aimc-512 with one array for a layer of 100 x 100."""
    chip = load_chip("aimc-512", {key.replace("__", "."): text for key, text in overrides.items()}).model
    mapping = map_layers([(100, 100)], load_layout("two-array").model, chip)
    return {row.part: (row.area_m2, row.leakage_W) for row in ChipCosts(chip, mapping).area()}


def test_128_512_and_2048_lines_take_the_silicon_of_their_formulas_in_a_whole_chip():
    for lines in (128, 512, 2048):
        found = silicon(tile__rows=str(lines), tile__cols=str(lines))
        side = f"{lines}"
        line_area, rate = values_of("aimc-512", "tile.line_area", "link.bandwidth", tile__rows=side, tile__cols=side)
        assert found["arrays"][0] == pytest.approx(2 * lines**2 * 0.16e-12)
        assert found["tile periphery"][0] == pytest.approx(2 * lines * line_area)
        assert found["converters"][0] == pytest.approx(128 * converter.converter_area_m2(9, 1.2e9, AT_14))
        assert rate == pytest.approx(lines * 16 / 8 / (33.333e-9 + lines / 64 / 1.2e9))
        assert found["links"] == pytest.approx(
            (links.port_area_m2(rate, AT_14), links.port_leakage_W(rate, AT_14, 0.8))
        )


def test_twice_the_buffer_takes_what_the_table_says_of_twice_the_banks():
    keys = ("buffer.area", "buffer.leakage", "buffer.energy", "buffer.bandwidth")
    for size, banks in (("512 KiB", 8), ("1 MiB", 16), ("2 MiB", 32)):
        table = sram.sram(65536, banks, 256, AT_14, "lstp-hp", 350)
        energy = (table.read_J + table.write_J) / 2 / 256
        expected = (table.area_m2, table.leakage_W, energy, banks * 32 / table.cycle_s)
        assert values_of("aimc-512", *keys, buffer__size=size) == pytest.approx(expected, rel=1e-12, abs=0)
    one, two = silicon(buffer__size="1 MiB")["buffer"], silicon(buffer__size="2 MiB")["buffer"]
    assert two[0] / one[0] == pytest.approx(2, rel=0.2)  # CACTI's H-tree grows beside the banks


def test_twice_the_channels_of_a_dram_take_twice_the_pins_and_standby_and_no_more_energy_a_bit():
    for channels in (1, 2, 4, 8):
        memory = load_chip("aimc-512-lpddr5", {"memory.channels": str(channels)}).model.memory
        one = load_chip("aimc-512-lpddr5", {"memory.channels": "1"}).model.memory
        assert memory.area == pytest.approx(channels * 1.3e-6 * 14 / 40)
        assert memory.leakage_W == pytest.approx(channels * one.leakage_W)
        assert (memory.size_B, memory.peak_Bps) == (channels * one.size_B, pytest.approx(channels * one.peak_Bps))
        assert memory.sheet().read_J == one.sheet().read_J
    wide = load_chip("aimc-512-lpddr5", {"memory.bus_width": "32", "memory.row_size": '"4 KiB"'}).model.memory
    assert wide.area == pytest.approx(4 * 2 * 1.3e-6 * 14 / 40)


def test_a_dram_whose_area_is_given_keeps_it_and_warns_of_more_channels():
    loaded = load_chip(CHIP, {"memory.channels": "2"})
    assert loaded.model.memory.area == 0
    assert any("chip.memory.channels was set, but memory.area" in line for line in remarks(loaded))


def test_a_chip_without_a_technology_has_what_it_gives(tmp_path):
    loaded = load_chip(without_technology(tmp_path))
    assert loaded.model.tile.array_area == load_chip("aimc-512").model.tile.array_area
    assert not [origin for origin in loaded.origins.values() if origin.startswith("derived")]
    assert loaded.derived_from == frozenset()


def test_what_is_shown_says_whether_a_value_was_derived_or_given():
    rows = {row.key: row for row in description_rows(load_chip(CHIP, {"buffer.area": "2 mm^2"}))}
    derived, given = rows["tile.array_area"], rows["tile.rows"]
    assert (derived.status, derived.source) == ("D", "at 14 nm: rows x cols x pitch^2")
    assert derived.origin == "derived at 14 nm"
    assert given.origin.startswith("architectures/ibm-2023.toml:")
    assert rows["buffer.area"].origin == "command line"
    assert (rows["technology.supply"].value, rows["technology.supply"].unit) == ("800", "mV")


def test_a_resolved_chip_is_the_same_and_follows_what_is_set(tmp_path):
    loaded = load_chip(CHIP)
    path = tmp_path / "resolved.toml"
    path.write_text(resolved_toml(loaded), encoding="utf-8")
    again = load_chip(str(path))
    assert again.model == loaded.model
    assert again.origins["tile.array_area"] == "derived at 14 nm"
    own = {"tile.rows": "1024", "buffer.size": "2 MiB"}
    assert load_chip(str(path), own).model.tile.array_area == load_chip(CHIP, own).model.tile.array_area
    assert load_chip(str(path), own).model.buffer == load_chip(CHIP, own).model.buffer
    for one in (again, load_chip(str(path), own), loaded):
        assert not [key for key in one.without_effect() if key.startswith("technology")]


def test_a_key_of_the_technology_that_nothing_follows_from_is_without_effect(tmp_path):
    given = 'rate = "700 GFLOP/s"\nenergy = "0.1 pJ/FLOP"\narea = "1 mm^2"\nleakage = "7 mW"'
    sources = "".join(f'digital.{key} = "assumption: 14 nm"\n' for key in ("energy", "area", "leakage"))
    path = written(tmp_path, ('rate = "700 GFLOP/s"', given), ("[sources]\n", f"[sources]\n{sources}"))
    assert "technology.arithmetic" in load_chip(path).without_effect()
    assert "technology.cells" not in load_chip(path).without_effect()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('node = "14 nm"', 'node = "5 nm"', "cannot be derived: node (= 5 nm): must be from 7 to 130 nm"),
        ('node = "14 nm"', 'node = "130 nm"', "cannot be derived: node of SRAM (= 130 nm): must be from 7 to 90 nm"),
        ('supply = "0.8 V"', 'supply = "2 V"', "supply (= 2 V): must be from 0.6 to 1.2 V"),
        ('temperature = "350 K"', 'temperature = "250 K"', "temperature (= 250 K): must be from 300 to 400 K"),
        ('temperature = "350 K"', 'temperature = "80 C"', "technology.temperature (= 80 C): must be a temperature"),
        ('cells = "lstp-hp"', 'cells = "edram"', "technology.cells (= edram): must be"),
        ('cells = "lstp-hp"\n', "", "technology.cells: is missing; buffer.bandwidth is derived from it"),
        ('pitch = "400 nm"\n', "", "technology.pitch: is missing; tile.array_area is derived from it"),
        ("out_res = 254", "out_res = 8190", "tile.converter.energy: cannot be derived: resolution (= 13 bit)"),
        ('size = "1 MiB"', 'size = "64 MiB"', "buffer.bandwidth: cannot be derived: size of a bank (= 1.04858e+06 B)"),
        ("cols = 512\n", "", "tile.cols: is missing"),
        ("cols = 512\n", 'cols = "512"\n', "tile.cols (= 512): must be a whole number, without quotes"),
        ("rows = 512\n", 'rows = 512\nleakage = "1 mW"\n', "tile.leakage: is given, but its source states no node"),
    ],
)
def test_what_cannot_be_derived_is_said_in_one_line(tmp_path, old, new, said):
    more = [("[sources]\n", '[sources]\ntile.leakage = "assumption: a guess"\n')] if "leakage" in new else []
    with pytest.raises(TwinError) as error:
        load_chip(written(tmp_path, (old, new), *more))
    assert said in str(error.value)
    assert "more)" not in str(error.value)
    assert re.match(r".*own\.toml:\d+: ", str(error.value))


@pytest.mark.parametrize(
    ("key", "text", "said"),
    [
        ("technology.node", "5 nm", "input_energy cannot be derived with it: node (= 5 nm): must be from 7 to 130 nm"),
        ("technology.supply", "3 V", "digital.energy cannot be derived with it: supply (= 3 V)"),
        ("buffer.size", "64 MiB", "buffer.bandwidth cannot be derived with it: size of a bank"),
        ("tile.io.out_res", "8190", "take another, or set tile.converter.energy, too"),
    ],
)
def test_what_was_set_is_named_where_nothing_follows_from_it(key, text, said):
    with pytest.raises(TwinError) as error:
        load_chip("aimc-512", {key: text})
    assert str(error.value).startswith(f"command line: chip.{key}: ")
    assert said in str(error.value)
    assert "\n" not in str(error.value)


def test_without_a_technology_what_is_left_out_is_missing(tmp_path):
    path = Path(written(tmp_path))
    text = re.sub(r"\[technology\].*?\n\n", "", TEXT, flags=re.DOTALL)
    path.write_text(re.sub(r"technology\..*\n", "", text), encoding="utf-8")
    with pytest.raises(TwinError, match=r"is missing \(so are"):
        load_chip(str(path))


@pytest.mark.parametrize(
    ("overrides", "said"),
    [
        ({}, []),
        ({"tile.rows": "4096", "tile.cols": "4096"}, ["14.8 % of the voltage is lost on 4096 x 4096 lines of 400 nm"]),
        ({"tile.mean_resistance": "100 kOhm"}, ["55.6 % of the voltage is lost"]),
        ({"tile.integration_time": "10 ps"}, ["take 0.0139 ns to settle"]),
    ],
)
def test_lines_that_lose_voltage_or_do_not_settle_are_named(overrides, said):
    lines = list(slow_or_lossy(load_chip(CHIP, overrides)))
    assert len(lines) == len(said)
    assert all(text in line for text, line in zip(said, lines, strict=True))


def test_values_of_other_nodes_are_named():
    assert remarks(load_chip(CHIP)) == []
    (line,) = remarks(load_chip(CHIP, {"tile.converter.preset": "newton-9b"}))
    assert "chip.technology.node (= 14 nm): tile.converter.energy (32 nm), tile.converter.area (32 nm) are of" in line
    assert remarks(load_chip(CHIP, {"tile.converter.energy": "2 pJ"})) == []


def test_a_size_that_is_set_names_only_what_does_not_follow_from_it():
    rate, size = remarks(load_chip(CHIP, {"buffer.size": "2 MiB", "digital.rate": "350 GFLOP/s"}))
    assert "chip.digital.rate was set, but power.digital.clock, power.digital.wake_energy keep the values" in rate
    assert "chip.buffer.size was set, but power.buffer.wake_energy keep the values" in size
    (line,) = remarks(load_chip(CHIP, {"tile.rows": "256"}))
    assert "tile.integration_time, power.tile.wake_energy keep the values" in line


@pytest.mark.parametrize("name", shipped("chip"))
def test_given_figures_of_a_chip_are_of_its_node(name):
    loaded = load_chip(name)
    node = f"{loaded.model.technology.node / NM:g} nm"
    for key, (_, text) in loaded.sources.items():
        nodes = {found.group() for found in re.finditer(r"\b\d+ nm\b", text)}
        if loaded.origins[key].startswith("architectures/") and nodes - {node} and key != "technology.pitch":
            assert node in text, f"{key} is of {nodes} and does not say why"


PUBLISHED = {  # nJ a mat-vec of full inputs, and how far it may be off
    "IBM 2023, tile, 512 lines": ({}, 26.2, 1.1),
    "HERMES, core, 256 lines": ({"tile.rows": "256", "tile.cols": "256"}, 12.5, 1.1),
    "IBM's simulator of 3D compute in memory, 100 ns": (
        {"technology.analog": "projected", "tile.integration_time": "93.3 ns"},
        10.0,
        1.1,
    ),
}


@pytest.mark.parametrize("name", PUBLISHED)
def test_a_mat_vec_takes_what_is_published(name):
    overrides, published, most = PUBLISHED[name]
    found = matvec_J(load_chip(CHIP, overrides).model) * 1e9
    assert published / most < found < published * most
