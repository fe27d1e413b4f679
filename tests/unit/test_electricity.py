"""What a chip with a technology takes from its devices: hand-computed time and energy, overrides, mistakes."""

from dataclasses import replace

import pandas as pd
import pytest
from chip_kit import without_technology
from hypothesis import given, settings
from hypothesis import strategies as st

import twin
from twin.chip.demand import Component
from twin.chip.sizes import remarks
from twin.chip.tile import Tile
from twin.config.electricity import ELECTRICITY
from twin.config.origins import split
from twin.config.resources import find
from twin.descriptions.electricity import of_preset
from twin.descriptions.load import Parsed, load_chip, load_workload
from twin.descriptions.resolved import resolved_toml
from twin.devices import describe, device_preset, preset_names, presets
from twin.errors import TwinError
from twin.operation import Counts
from twin.runs.constants import constants_of_run, description_rows
from twin.runs.planning import plan_run
from twin.technology import drivers
from twin.technology.table import NM

CHIP, LINES, PITCH, NEEDED = "ibm-2023", 512, 400e-9, set(ELECTRICITY) - {"write_resistance"}
LINE_F = 2e-10 * LINES * PITCH
AT_14 = 14 * NM


def chip_with(device, chip=CHIP, chip_overrides=None, workload="digits-mlp", algorithm="sgd", **workload_overrides):
    """Load the chip as a run of a workload on a device does, with overrides in which `__` stands for a dot."""
    own = {"device.preset": device} | {key.replace("__", "."): text for key, text in workload_overrides.items()}
    return plan_run(workload, chip, "two-array", algorithm, "replayed", own, chip_overrides or {}).chip


def energies(chip):
    """Return joules of a pulse on a line, of a coincidence, and of a full read of a device, and ps of a slot."""
    tile = Tile.of(chip.model)
    pulses = tile.pulse_energy_J()[Component.PULSES]
    return pulses[1 + Counts.FIRED], pulses[1 + Counts.COINCIDENCES], tile.conduction_J, tile.pulse_ps


def driver_F(current_A):
    """Return the gates of two transistors of 1 fF/um at 1 mA/um."""
    return 2 * current_A / 1000 * 1e-9


BY_HAND = {  # J a pulse, J a coincidence, J a device and read of 128 ns, ps a slot
    "gokmen-1200": (  # 0.5 V on a line of 512 devices of 24 MOhm
        (LINE_F + driver_F(512 * 0.5 / 24e6)) * 0.25 + 512 * 0.25 / 24e6 * 5e-9,
        0.5 * 1 / 24e6 * 5e-9,
        1 / 24e6 * 128e-9,
        5000,
    ),
    "ecram": (  # 0.5 V on gates of 5 MOhm, read at 0.2 V through 1.1765 MOhm
        (LINE_F + driver_F(512 * 0.5 / 5e6)) * 0.25 + 512 * 0.25 / 5e6 * 5e-9,
        0.5 * 1 / 5e6 * 5e-9,
        0.04 / 1.1765e6 * 128e-9,
        5000,
    ),
    "reram-sb": (  # 0.75 V on devices of 20.41 kOhm, for 50 ns
        (LINE_F + driver_F(512 * 0.75 / 20.41e3)) * 0.75**2 + 512 * 0.75**2 / 20.41e3 * 50e-9,
        0.5 * 2.25 / 20.41e3 * 50e-9,
        0.04 / 20.41e3 * 128e-9,
        50000,
    ),
    "capacitor": (  # the whole 1 V on a line, no half-selected cell; 0.25 fJ a step
        (LINE_F + driver_F(512 * 1 / 20e6)) * 1,
        0.25e-15,
        0.25 / 24e6 * 128e-9,
        5000,
    ),
}


@pytest.mark.parametrize("device", BY_HAND)
def test_a_device_sets_joules_and_time_of_pulses_and_reads(device):
    assert energies(chip_with(device)) == pytest.approx(BY_HAND[device], rel=1e-9, abs=0)


@pytest.mark.parametrize("device", ["gokmen-1200", "reram-sb"])
def test_a_run_on_a_device_takes_the_joules_and_time_of_its_pulses(device, tmp_path):
    run = twin.simulate("digits-mlp", "sgd", chip=CHIP, device=device, samples=10, epochs=1, out=tmp_path / "out")
    assert any("of the voltage is lost" in warning for warning in run.warnings) is (device == "reram-sb")
    folder = tmp_path / "out" / "runs" / "sgd-two-array"
    counts = pd.read_csv(folder / "operations.csv").groupby("kind").sum(numeric_only=True)
    energy = pd.read_csv(folder / "energy.csv").groupby(["component", "kind"])["energy_J"].sum()
    fired, coincidence, read, slot = BY_HAND[device]
    update = counts.loc["update"]
    expected = update["fired"] * fired + update["coincidences"] * coincidence
    assert energy["pulses", "update"] == pytest.approx(expected, rel=1e-6, abs=0)
    assert update["busy_ps"] == update["pulses"] * slot
    forward = counts.loc["forward", "conduction"] * read
    assert energy["conduction", "forward"] == pytest.approx(forward, rel=1e-6, abs=0)


def test_a_device_sets_the_warning_of_lost_voltage():
    assert not [line for line in remarks(chip_with("ecram")) if "is lost" in line]
    (line,) = [line for line in remarks(chip_with("reram-sb")) if "is lost" in line]
    assert "chip.tile.mean_resistance (= 20410 Ohm)" in line
    low = chip_with("ecram", device__write_resistance="50 kOhm")
    (line,) = [line for line in remarks(low) if "is lost" in line]
    assert "chip.tile.write_resistance (= 50000 Ohm)" in line
    assert "in a pulse where all devices conduct" in line


@settings(deadline=None)  # every case loads a chip
@given(
    rows=st.integers(0, LINES),
    cols=st.integers(0, LINES),
    volt=st.floats(1, 1.9),
    ohm=st.floats(1e4, 1e8),
    pulse=st.floats(1e-9, 1e-6),
)
def test_pulses_and_coincidences_add_up_to_full_and_half_selected_devices(rows, cols, volt, ohm, pulse):
    own = {
        "tile.write_voltage": f"{volt!r} V",
        "tile.mean_resistance": f"{ohm!r} Ohm",
        "tile.pulse_time": f"{pulse!r} s",
    }
    fired, coincidence, _, _ = energies(load_chip(CHIP, own))
    charged = (LINE_F + driver_F(LINES * volt / 2 / ohm)) * volt**2 / 4
    full = rows * cols
    half = rows * (LINES - cols) + cols * (LINES - rows)
    expected = (full * volt**2 + half * volt**2 / 4) / ohm * pulse
    found = (rows + cols) * (fired - charged) + full * coincidence
    assert found == pytest.approx(expected, rel=1e-6, abs=1e-6 * (rows + cols) * charged)


@given(volt=st.floats(0.1, 0.8), higher=st.floats(0.81, 5), amp=st.floats(1e-7, 1e-2))
def test_drivers_grow_with_current_and_above_the_supply_with_voltage(volt, higher, amp):
    area = drivers.write_driver_area_m2
    assert area(volt, amp, AT_14, 0.8) == pytest.approx(2 * amp / 1000 * 78e-9, rel=1e-9, abs=0)
    assert area(higher, amp, AT_14, 0.8) > area(volt, amp, AT_14, 0.8)
    assert area(higher, 2 * amp, AT_14, 0.8) > area(higher, amp, AT_14, 0.8)
    assert area(higher, 0, AT_14, 0.8) / area(1.6, 0, AT_14, 0.8) == pytest.approx(((higher / 0.8) ** 2 - 1) / 3)


def test_a_line_above_the_supply_takes_more_silicon():
    at_supply, above = (load_chip(CHIP, {"tile.write_voltage": text}).model.tile for text in ("1.6 V", "1.9 V"))
    assert above.line_area > at_supply.line_area * (1 + 1e-6)


@pytest.mark.parametrize("name", preset_names())
def test_every_preset_says_what_its_devices_are_electrically(name):
    family, preset = device_preset(name), describe(name)
    assert {key for key in ELECTRICITY if vars(family)[key] is not None} >= NEEDED
    assert all(preset.cited(key)[1] for key in NEEDED)
    if name in BY_HAND:
        assert preset.sources["mean_resistance"] != preset.sources["all"]


def test_a_chip_without_a_technology_is_the_same_for_every_device(tmp_path):
    name = without_technology(tmp_path)
    alone, ecram, reram = load_chip(name), chip_with("ecram", name), chip_with("reram-sb", name)
    assert alone.model == ecram.model == reram.model
    assert description_rows(alone) == description_rows(ecram)
    assert not ecram.notes
    own = chip_with("ecram", name, device__read_voltage="0.1 V")
    assert own.notes == ("device.read_voltage: the chip has no [technology], and a tile of its own",)


def test_the_chip_and_not_the_workload_lists_what_it_took():
    chip = chip_with("ecram")
    rows = {row.key: row for row in description_rows(chip)}
    assert (rows["tile.pulse_time"].origin, rows["tile.pulse_time"].status) == ("derived from device ecram", "S")
    assert rows["tile.write_voltage"].source == "1 V at the gate"
    workload = load_workload("digits-mlp", {"device.preset": "ecram"})
    assert not {row.key.rpartition(".")[2] for row in constants_of_run(workload, "sgd", ["W"])} & set(ELECTRICITY)


def test_a_parameter_of_the_workload_goes_before_the_preset_and_the_chip_before_both():
    changed = chip_with("ecram", device__mean_resistance="2 MOhm")
    assert changed.model.tile.mean_resistance == 2e6
    assert changed.origins["tile.mean_resistance"] == "derived from device ecram (mean_resistance 2 MOhm)"
    assert changed.sources["tile.mean_resistance"] == split("assumption: set on the command line")
    own = chip_with("ecram", chip_overrides={"tile.pulse_time": "7 ns", "tile.on_off_ratio": "16"})
    assert Tile.of(own.model).pulse_ps == 7000
    assert own.origins["tile.pulse_time"] == "command line"
    assert own.notes == ("chip.tile.pulse_time: the chip has its own, not that of the device ecram",)


def test_matrices_with_other_devices_are_named():
    chip = chip_with("ecram", device__matrices__W__preset="reram-sb")
    assert chip.model.tile.mean_resistance == 1.1765e6
    assert chip.notes[0].startswith("device.matrices.W: has other resistances, voltages or pulses than ecram")
    assert not chip_with("gokmen-60", device__matrices__W__preset="gokmen-15").notes


def test_a_chip_without_devices_takes_the_device_of_the_technology():
    chip = load_chip(CHIP, {"technology.device": "pcm-pair"})
    assert chip.model.tile.pulse_time == 50e-9
    assert chip.origins["tile.pulse_time"] == "derived from device pcm-pair"
    assert not [key for key in chip.without_effect() if key.startswith(("technology", "tile.write", "tile.half"))]
    two = chip_with("reram-sb", chip_overrides={"technology.device": "capacitor"})
    assert two.model.tile.write_resistance == two.model.tile.mean_resistance
    unused = chip_with("ecram", chip_overrides={"technology.device": "pcm-pair"})
    assert unused.model.tile.pulse_time == 5e-9
    assert "technology.device" in unused.without_effect()


def test_a_resolved_chip_keeps_its_device_or_takes_another(tmp_path):
    path = tmp_path / "resolved.toml"
    first = chip_with("ecram", device__mean_resistance="2 MOhm")
    path.write_text(resolved_toml(first), encoding="utf-8")
    assert load_chip(str(path)).model.tile.pulse_time == 5e-9  # of technology.device, as no run brings one
    same = chip_with("ecram", str(path), device__mean_resistance="2 MOhm")
    assert (same.model, same.origins["tile.pulse_energy"]) == (first.model, "derived at 14 nm")
    other = chip_with("reram-sb", str(path))
    assert energies(other) == pytest.approx(BY_HAND["reram-sb"], rel=1e-9, abs=0)


@pytest.mark.parametrize(
    ("own", "said"),
    [
        (
            {"tile.read_voltage": "2 V"},
            "tile.read_voltage (= 2 V): is above the 1 V at which the device steps",
        ),
        ({"tile.write_voltage": "2 V"}, "tile.write_voltage (= 2 V): half of it is not below the 1 V at which"),
        ({"tile.half_select": "maybe"}, "tile.half_select (= maybe): must be true or false"),
    ],
)
def test_voltages_that_write_where_they_should_not_are_refused(own, said):
    with pytest.raises(TwinError) as error:
        chip_with("ecram", chip_overrides=own)
    assert said in str(error.value)


def test_whole_voltages_reach_no_half_selected_device():
    fired, coincidence, *_ = energies(chip_with("ecram", chip_overrides={"tile.half_select": "false"}))
    assert fired == pytest.approx(LINE_F + driver_F(512 / 5e6), rel=1e-9, abs=0)
    assert coincidence == pytest.approx(1e-15, rel=1e-9, abs=0)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ('device = "gokmen-1200"', 'device = "gokmen-1201"', "technology.device (= gokmen-1201): unknown"),
        ('device = "gokmen-1200"', "", "technology.device: is missing; tile."),
    ],
)
def test_a_technology_without_a_device_is_said_in_one_line(tmp_path, old, new, said):
    path = tmp_path / "own.toml"
    text = find("chip", CHIP).text.replace(old, new, 1)
    path.write_text("\n".join(line for line in text.splitlines() if new or "technology.device" not in line))
    with pytest.raises(TwinError) as error:
        load_chip(str(path))
    assert said in str(error.value)
    assert "\n" not in str(error.value)
    if not new:
        assert energies(chip_with("ecram", str(path))) == pytest.approx(BY_HAND["ecram"], rel=1e-9, abs=0)


def test_what_a_device_does_not_say_the_technology_does(monkeypatch):
    bare = {key: value for key, value in describe("ecram").parameters.items() if key not in ELECTRICITY}
    preset = replace(describe("ecram"), parameters=bare | {"pulse_time": "9 ns"})
    monkeypatch.setattr(presets, "describe", lambda _: preset)
    devices = of_preset("ecram")
    monkeypatch.undo()
    assert [key for key, *_ in devices.stated] == ["pulse_time"]
    chip = Parsed.of("chip", CHIP).load("chip", {}, devices)
    assert (chip.model.tile.pulse_time, chip.model.tile.mean_resistance) == (9e-9, 24e6)
    assert chip.origins["tile.mean_resistance"] == "derived from device gokmen-1200"
    assert chip.notes[0].startswith("device ecram: says nothing of mean_resistance, on_off_ratio")


def test_a_device_that_reading_would_write_is_refused():
    with pytest.raises(TwinError, match="must be at most write_voltage"):
        device_preset("ecram", {"read_voltage": "2 V"})
