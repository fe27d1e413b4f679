"""`twin import dramsim3`: 13 of its parts become memories whose latency and bandwidth follow from its own clocks."""

import json

import numpy as np
import pandas as pd
import pytest
from command_kit import run_main
from dram_kit import Rules, description, server, stream
from hypothesis import given
from hypothesis import strategies as st

from twin.config.presets import preset_file
from twin.errors import TwinError
from twin.imports.dramsim3.ini import Ini
from twin.imports.dramsim3.part import read_part

CSV = "tests/golden/dramsim3_parts.csv"
"""Sizes, clocks and currents of 13 configurations of DRAMsim3 (commit 2981759)."""
PARTS = pd.read_csv(CSV, index_col="part", dtype=str, keep_default_na=False)
A_CLOCK = {"GDDR5": 4, "GDDR5X": 8, "GDDR6": 16}


def ini(part, **changed):
    """Write a configuration; keys of `changed` are SECTION__KEY, None leaves one out."""
    values = PARTS.loc[part].to_dict() | {key.replace("__", "."): value for key, value in changed.items()}
    sections = {}
    for key, value in values.items():
        section, _, own = key.partition(".")
        if value not in {"", None}:
            sections.setdefault(section, []).append(f"{own} = {value}")
    return "\n".join(f"[{section}]\n" + "\n".join(lines) + "\n" for section, lines in sections.items())


def number(row, key, default):
    return float(row[key]) if row[key] else default


@pytest.fixture
def imported(tmp_path, monkeypatch, capsys):
    def run(text, *options):
        (tmp_path / "part.ini").write_text(text)
        out = tmp_path / "part.toml"
        code, *said = run_main(monkeypatch, capsys, "import", "dramsim3", tmp_path / "part.ini", "--out", out, *options)
        return code, out, *said

    return run


@pytest.mark.parametrize("part", PARTS.index)
def test_a_part_reads_a_closed_row_and_reaches_its_peak_as_dramsim3s_clocks_say(part, imported):
    code, out, said, _ = imported(ini(part))
    assert code == 0
    row = PARTS.loc[part]
    tck, beats, bus = (float(row[key].split()[0]) for key in ("timing.tCK", "dram_structure.BL", "system.bus_width"))
    burst = beats / A_CLOCK.get(row["dram_structure.protocol"], 2)
    opens = number(row, "timing.tRCDRD", 0) or number(row, "timing.tRCD", 0)
    made = description(out)
    _, done, _ = stream(server(out), [0])
    assert done[0] == pytest.approx((opens + float(row["timing.CL"]) + burst) * tck * 1000, abs=2)
    assert made.peak_Bps == pytest.approx(bus / 8 * beats / (burst * tck * 1e-9), rel=1e-6)
    assert f"{made.peak_Bps * int(row['system.channels']) / 1e9:.4g} GB/s" in said
    rules, n = Rules(made), made.columns * made.bank_groups
    addresses, busy = np.arange(n) * made.burst_bytes, server(out, nREFI=10_000_000)
    stream(busy, addresses)
    ends, _ = busy.trace(np.full(n, 10**8), addresses, np.zeros(n, bool))
    assert set(np.diff(np.sort(ends))) <= {rules.nBL, rules.nCCDS, rules.nCCDL}
    capacity = made.bank_groups * made.banks * made.rows * made.row_size
    device_bits = float(row["dram_structure.rows"]) * float(row["dram_structure.bankgroups"])
    assert capacity % device_bits == 0


def test_energies_are_voltage_times_current_times_clocks_of_all_devices():
    part = read_part(Ini("x.ini", ini("DDR4_8Gb_x8_3200")), "x")
    values = vars(part)["values"]
    assert values["activate_energy"] == f"{1.2 * 0.63 * 8 * (57 * 74 - 52 * 52 - 37 * 22):.6g} pJ"
    assert values["read_energy"] == f"{1.2 * 0.63 * 8 * (168 - 52) * 4 / 512:.6g} pJ/bit"
    assert values["refresh_energy"] == f"{1.2 * 0.63 * 8 * (250 - 52) * 560:.6g} pJ"
    assert values["background"] == "499.2 mW"
    assert part.controller["ranks"] == 2  # 16 GiB of 8 chips of 8 Gb
    assert part.controller["address_mapping"] == "RoChRaBaBgCo"


def test_every_value_has_a_line_a_default_or_an_assumption(imported):
    _, out, _, _ = imported(ini("HBM2_8Gb_x128"))
    preset = preset_file("dram", str(out))
    values = vars(preset)["values"]
    assert values["command_buses"] == 2
    assert values["nRTP"] == 6  # tRTP_L, which DRAMsim3 does not read: it takes 5
    assert "tRTRS not in the file: DRAMsim3's default" in preset.sources["nCS"]
    assert preset.sources["nCL"] == "S: DRAMsim3 part.ini, line 12"  # the third of [timing], without AL


def test_what_the_twin_does_not_do_is_listed_with_its_line(imported):
    text = ini("GDDR5_8Gb_x32", timing__tPPD="5", timing__t32AW="360", timing__REFI="7")
    code, _, said, _ = imported(text, "--against", "hbm2")
    assert code == 0
    for key in ("timing.tppd = 5", "timing.t32aw = 360", "timing.refi = 7; unknown"):
        assert f"{key}" in said
    assert "beside hbm2:\n  bus_width: 128 here, 64 there (+100.0 %)" in said


def test_the_standard_output_is_the_part_alone(tmp_path, monkeypatch, capsys):
    (tmp_path / "part.ini").write_text(ini("DDR4_8Gb_x8_3200"))
    code, out, err = run_main(monkeypatch, capsys, "import", "dramsim3", tmp_path / "part.ini")
    (tmp_path / "own.toml").write_text(out)
    assert code == 0
    assert description(tmp_path / "own.toml").nRTW == 22 + 4 - 16 + 1
    assert json.dumps("RoChRaBaBgCo") in err


MISTAKES = {
    "no section": ("tCK = 1\nnonsense\n", "part.ini:2: nonsense: must be a [section] or key = value"),
    "open bracket": ("[timing\n", "part.ini:1: [timing: a section needs a closing bracket"),
    "twice": ("[timing]\ntCK = 1\nTCK = 2\n", "part.ini:3: TCK: stands twice, first in line 2"),
    "links": ("[dram_structure]\nprotocol = HMC\n", "part.ini:2: protocol (= 'HMC'): is reached through links"),
    "text": ("[timing]\ntCK = fast\n", "part.ini:2: tCK (= fast): must be a number from 0.001 to 1000"),
    "not a number": ("[timing]\ntCK = nan\n", "part.ini:2: tCK (= nan): must be a number"),
    "half": ("[timing]\ntRP = 1.5\n", "part.ini:2: tRP (= 1.5): must be a whole number"),
    "negative": ("[timing]\ntRP = -1\n", "part.ini:2: tRP (= -1): must be a number from 0"),
    "bus": ("[system]\nbus_width = 12\n", "part.ini:2: bus_width (= 12): must be a multiple of device_width (8)"),
    "burst": ("[dram_structure]\nBL = 7\n", "part.ini:2: BL (= 7): must be a multiple of 2"),
    "mapping": ("[system]\naddress_mapping = chch\n", "address_mapping (= 'chch'): must name ch, ra, bg, ba, ro, co"),
    "policy": ("[system]\nrow_buf_policy = MAYBE\n", "row_buf_policy (= 'MAYBE'): must be OPEN_PAGE or CLOSE_PAGE"),
    "currents": ("[power]\nIDD4R = 1\n", "part.ini:2: IDD4R: read_energy becomes negative"),
    "large": ("[timing]\ntRAS = 2000000000\n", "part.ini: gives no part: "),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line_with_file_and_line(mistake, imported):
    text, expected = MISTAKES[mistake]
    code, out, _, err = imported(text)
    assert (code, err.count("\n"), out.exists()) == (2, 1, False)
    assert expected in err


def test_an_unknown_part_to_compare_with_is_refused(imported):
    assert "no DRAM of this name (did you mean hbm2?)" in imported(ini("HBM2_8Gb_x128"), "--against", "hbm22")[3]


@given(st.text(max_size=200))
def test_any_text_is_a_part_or_one_line(text):
    try:
        said = read_part(Ini("x.ini", text), "x").description
    except TwinError as error:
        said = str(error)
    assert said
    assert "\n" not in said
