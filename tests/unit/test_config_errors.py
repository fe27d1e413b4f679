import re
from pathlib import Path

import pytest

from twin.descriptions.load import load_any, load_chip, load_layout, load_workload
from twin.errors import TwinError

ROOT = Path(__file__).parents[2]
LOADERS = {"chip": load_chip, "layout": load_layout, "workload": load_workload}
CHIP = (ROOT / "architectures" / "aimc-512.toml").read_text(encoding="utf-8")
LAYOUT = (ROOT / "architectures" / "four-array.toml").read_text(encoding="utf-8")
WORKLOAD = (ROOT / "workloads" / "mnist-mlp.toml").read_text(encoding="utf-8")


def fails(tmp_path, kind, text, overrides=None):
    """Load a text that must be refused; give the message without the folder, and its line of the text."""
    path = tmp_path / "x.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TwinError) as error:
        LOADERS[kind](str(path), overrides or {})
    message = str(error.value).replace(f"{tmp_path}/", "")
    assert "\n" not in message
    place = re.match(r"x\.toml:(\d+): ", message)
    line = text.splitlines()[int(place.group(1)) - 1] if place and text.strip() else ""
    return message, line


@pytest.mark.parametrize(
    ("overrides", "message"),
    [
        ({"tile.pulse_tme": "2 ns"}, "command line: chip.tile.pulse_tme: unknown key (did you mean pulse_time?)"),
        ({"tile.pulse_time": "2"}, 'command line: chip.tile.pulse_time (= 2): needs a unit, e.g. "2 ns"'),
        ({"tile.rows.x": "2"}, "command line: chip.tile.rows.x: chip.tile.rows is a value, not a table"),
        ({"tile.rows.x.y": "2"}, "command line: chip.tile.rows.x.y: chip.tile.rows is a value, not a table"),
        ({"": "2"}, "command line: chip.: unknown key"),
        (
            {"tile.converter.preset": "newton"},
            "command line: chip.tile.converter.preset (= newton): is no converter preset",
        ),
        (
            {"tile.rows": "0x" + "f" * 9000},
            "command line: chip.tile.rows (= a number of thousands of digits): must be a",
        ),
        ({"tile.sign_phases": "3"}, "command line: chip.tile.sign_phases (= 3): must be less than or equal to 2"),
    ],
)
def test_a_wrong_override_is_placed_on_the_command_line(overrides, message):
    with pytest.raises(TwinError) as error:
        load_chip("aimc-512", overrides)
    assert str(error.value).startswith(message)


def test_an_index_beyond_the_list_is_refused():
    with pytest.raises(TwinError, match="needs an index from 0 to 2 into the list"):
        load_workload("mnist-mlp", {"network.layers.7.outputs": "100"})


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("rows = 512", "rowz = 512", "tile.rowz: unknown key (did you mean rows?) (and 1 more)"),
        ('latency = "3 ns"', "latency = 5", 'link.latency (= 5): needs a unit, e.g. "5 ns"'),
        ('latency = "3 ns"', 'latency = "5 pJ"', "link.latency (= 5 pJ): must be a time; units that fit"),
        ('latency = "3 ns"', 'latency = "-5 ns"', "link.latency (= -5 ns): must not be negative"),
        ("rows = 512", "rows = 512.0", "tile.rows (= 512.0): must be a whole number"),
        ("rows = 512", 'rows = "512"', "tile.rows (= 512): must be a whole number, without quotes"),
        ("rows = 512", "rows = true", "tile.rows (= true): must be a whole number"),
        ("rows = 512", "rows = 0", "tile.rows (= 0): must be greater than or equal to 1"),
        ("rows = 512", "rows = 99999999999999999999", "must be a number of at most 64 bits"),
        ("sign_phases = 1", "sign_phases = true", "tile.sign_phases (= true): must be a whole number"),
        ("sign_phases = 1", "sign_phases = 3", "tile.sign_phases (= 3): must be less than or equal to 2"),
        ("out_noise = 0.06", "out_noise = nan", "tile.io.out_noise (= nan): must be finite"),
        ("conversion_overlap = false", "conversion_overlap = 0", "must be true or false, without quotes"),
        ('h = "memory"', 'h = "memmory"', 'must be "registers", "buffer", "memory" or "auto" (did you mean memory?)'),
        (
            "count = 64",
            'count = 64\npreset = "newtn-9b"',
            "tile.converter.preset (= newtn-9b): is no converter preset (did you mean newton-9b?)",
        ),
        ('tile.rows = "S: ', 'tile.rows = "X: ', "must begin with a status (S, S2, L, D, M, assumption)"),
        (
            "tile.rows = ",
            "tile.rowz = ",
            "is no field of the chip (did you mean tile.rows?)",
        ),
        ("schema = 1", "schema = 2", "schema (= 2): must be 1, the schema that this version reads"),
        ("schema = 1", "schema = true", "schema (= true): must be 1"),
        (
            'kind = "chip"',
            'kind = "chop"',
            'kind (= chop): must be "chip" here; shipped: aimc-512-cluster, ',
        ),
        ("count = 64", "count = 64\nenergy = 2", 'tile.converter.energy (= 2): needs a unit, e.g. "2 pJ"'),
        (
            "count = 64",
            'count = 64\nenergy = "2 pJ"',
            "tile.converter.energy (= 2 pJ): has no source; add to [sources]",
        ),
    ],
)
def test_a_mistake_in_a_chip_is_named_with_its_line(tmp_path, old, new, message):
    assert old in CHIP
    text = CHIP.replace(old, new, 1)
    found, line = fails(tmp_path, "chip", text)
    assert message in found
    assert line in new.splitlines() or line.startswith(new) or new in line


def test_a_missing_key_is_placed_at_its_table(tmp_path):
    found, line = fails(tmp_path, "chip", CHIP.replace("rows = 512\n", ""))
    assert "tile.rows: is missing" in found
    assert line.startswith("[tile]")


def test_a_value_without_a_source_is_refused_at_the_value(tmp_path):
    text = re.sub(r"^link\.latency = .*\n", "", CHIP, flags=re.MULTILINE)
    found, line = fails(tmp_path, "chip", text)
    assert 'link.latency (= 3 ns): has no source; add to [sources]: link.latency = "S: ..."' in found
    assert line == 'latency = "3 ns"'


def test_chips_without_sources_are_refused(tmp_path):
    found, _ = fails(tmp_path, "chip", CHIP.split("[sources]")[0])
    assert "sources: is missing" in found


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            '"A_main", "A_ref"',
            '"A_main", "A_rf"',
            "matrices.A.reference (= A_ref): is on no tile (did you mean A_rf?)",
        ),
        (
            'main = "A_main"',
            'main = "A_mian"',
            "matrices.A.main (= A_mian): is on no tile (did you mean A_main?)",
        ),
        (
            '"C_main", "C_ref"',
            '"A_main", "C_ref"',
            "tiles.1.arrays.0 (= A_main): names an array that is listed before",
        ),
        ('name = "C"', 'name = "A"', "tiles.1.name (= A): is the name of a tile above"),
        (
            'symmetry_point_of = "A"',
            'symmetry_point_of = "B"',
            "references.A_ref.symmetry_point_of (= B): is no matrix",
        ),
        (
            'symmetry_point_of = "A"',
            'symmetry_point_of = "C"',
            "is a matrix that does not use A_ref as its reference",
        ),
        ("A_ref = { sym", "Aref = { sym", "matrices.A.reference (= A_ref): is not described in [references]"),
        (
            'reference = "A_ref"',
            'reference = "C_ref"',
            "matrices.A.reference (= C_ref): must share a tile with A_main",
        ),
        ('"A_ref"]', '"A_ref", "spare"]', "tiles.0.arrays.2 (= spare): is used by no matrix"),
        (
            'A = { main = "A_main", ',
            "A = { ",
            "matrices.A: needs a main and a reference array, or digital = true",
        ),
        ('A = { main = "A_main", ', "A = { digital = true, ", "matrices.A: is digital and has arrays"),
    ],
)
def test_a_dangling_reference_in_a_layout_is_named(tmp_path, old, new, message):
    assert old in LAYOUT
    found, _ = fails(tmp_path, "layout", LAYOUT.replace(old, new, 1))
    assert message in found


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'outputs = 128, activation = "sigmoid"',
            'outputs = 128, activation = "softmax"',
            "may stand in the last layer",
        ),
        (
            'activation = "softmax"',
            'activation = "sigmoid"',
            'must be "softmax" in the last layer under loss',
        ),
        (
            '"cross-entropy"',
            '"squared-error"',
            'network.layers.2.activation (= softmax): needs loss = "cross-entropy"',
        ),
        ("outputs = 10,", "outputs = 11,", "network.layers.2.outputs (= 11): must be 10 in the last layer"),
        (
            "[0.333, 0.667]",
            "[0.667, 0.333]",
            "training.decay_at.1 (= 0.333): must be greater than the fraction before",
        ),
        ("[0.333, 0.667]", "[0.333, 1.5]", "training.decay_at.1 (= 1.5): must be less than 1"),
        ("[0.333, 0.667]", "0.5", "training.decay_at (= 0.5): must be a list in square brackets"),
        ("samples = 0", "samples = 0\nslope = 0.5", 'data.slope (= 0.5): belongs to set = "linear"'),
        ('set = "mnist"', 'set = "linear"', 'data: needs slope for set = "linear"'),
        ('method = "exact"', 'method = "pulses"', "calibration: needs pairs (more than 0)"),
        ('preset = "gokmen-60"', 'preset = "gokmn-60"', "device.preset (= gokmn-60): "),
        ('preset = "gokmen-60"', 'preset = "gokmen-60"\ndw_mni = 0.1', "device.dw_mni (= 0.1): "),
        (
            'preset = "gokmen-60"',
            'preset = "gokmen-60"\ndw_min = -0.1',
            "device.dw_min (= -0.1): must be greater than",
        ),
        (
            'preset = "gokmen-60"',
            'preset = "gokmen-60"\ndw_min = "x"',
            "device.dw_min (= x): must be a number",
        ),
        ('preset = "gokmen-60"', 'preset = "gokmen-60"\nfamily = "idal"', "device.family (= idal): "),
        ('transfer_axis = "row"', 'transfer_axis = "rows"', "(did you mean row?)"),
        ("layers = [", "layer = [", "network.layer: unknown key (did you mean layers?)"),
        (
            'kind = "dense", outputs = 256',
            'kind = "dens", outputs = 256',
            '"block" (did you mean dense?)',
        ),
    ],
)
def test_a_mistake_in_a_workload_is_named_with_its_line(tmp_path, old, new, message):
    assert old in WORKLOAD
    found, _ = fails(tmp_path, "workload", WORKLOAD.replace(old, new, 1))
    assert message in found


def test_a_misspelt_preset_beside_a_file_is_named_itself(tmp_path):
    (tmp_path / "u3.toml").write_text('family = "soft-bounds"\ndw_min = 0.01\n')
    device = {"preset": "mesured", "file": str(tmp_path / "u3.toml")}
    found, _ = fails(tmp_path, "workload", WORKLOAD, {"device": device})
    assert "device.preset (= mesured): unknown; did you mean 'measured'?" in found


def test_linear_regression_needs_squared_error(tmp_path):
    text = (ROOT / "workloads" / "linear.toml").read_text(encoding="utf-8")
    text = text.replace('"squared-error"', '"cross-entropy"').replace('"identity"', '"softmax"')
    found, _ = fails(tmp_path, "workload", text)
    assert 'network.loss (= cross-entropy): must be "squared-error" for set = "linear"' in found


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"schema = 1\nkind = chip\n", "x.toml:2: not valid TOML: "),
        (b"schema = 1\nkind = 'chip", "x.toml:2: not valid TOML: "),
        (b"a = " + b"[" * 100_000, "x.toml:1: "),
        (b"a = 1\nb = " + b"9" * 5000, "x.toml:"),
        (b"schema = 1\nkind = \xff\n", "x.toml:2: is not UTF-8 (byte 0xff)"),
        (b"", "x.toml:1: kind: is missing"),
        (
            b"schema = 1\nkind = 'chip'\n" + b".".join([b"a"] * 50_000) + b" = 1\n",
            "x.toml:3: a key of more than 64 parts",
        ),
        (b"kind = 'chip'\n'a\\u000ab' = 1\n", "x.toml:1: schema: is missing"),
        (b"kind = 'chip'\nschema = 1\n\"a\\nb\" = 1\n", "x.toml:3: a\\nb: unknown key; choose from"),
    ],
)
def test_a_file_that_is_no_description_is_refused_in_one_line(tmp_path, raw, message):
    path = tmp_path / "x.toml"
    path.write_bytes(raw)
    with pytest.raises(TwinError) as error:
        load_chip(str(path))
    found = str(error.value).replace(f"{tmp_path}/", "")
    assert found.startswith(message)
    assert "\n" not in found
    assert len(found) < 400


def test_a_missing_file_gets_its_nearest_name(tmp_path):
    (tmp_path / "mine.toml").write_text("", encoding="utf-8")
    with pytest.raises(TwinError, match=r"no such file \(did you mean mine.toml\?\)"):
        load_chip(str(tmp_path / "mien.toml"))
    with pytest.raises(TwinError, match=r"aimc-521: no chip of this name \(did you mean aimc-512\?\)"):
        load_chip("aimc-521")
    with pytest.raises(
        TwinError,
        match="no chip of this name; choose from "
        "aimc-512, aimc-512-cluster, aimc-512-lpddr5, aimc-512-mesh, hermes-256, ibm-2023, isaac-128",
    ):
        load_chip("")
    with pytest.raises(TwinError, match="no such file"):
        load_chip("nul\0.toml")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "x.toml:1: kind: is missing"),
        ("a = 1\nkind = 'chop'", 'x.toml:2: kind (= chop): must be "chip",'),
    ],
)
def test_a_file_of_no_kind_is_refused(tmp_path, text, message):
    path = tmp_path / "x.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(TwinError) as error:
        load_any(str(path))
    assert message in str(error.value)


def test_an_unknown_name_of_any_kind_gets_its_nearest():
    with pytest.raises(
        TwinError,
        match=r"no chip, layout, workload, sweep, study or baseline of this name \(did you mean mnist-mlp\?\)",
    ):
        load_any("mnist-mpl")


def test_a_folder_and_a_huge_file_are_refused(tmp_path):
    with pytest.raises(TwinError, match="is a folder"):
        load_chip(f"{tmp_path}/")
    path = tmp_path / "big.toml"
    path.write_bytes(b"#" * 250_001)
    with pytest.raises(TwinError, match="larger than"):
        load_chip(str(path))


def test_a_layout_given_as_a_chip_is_refused_by_its_kind():
    with pytest.raises(TwinError, match=r'architectures/two-array.toml:2: kind \(= layout\): must be "chip" here'):
        load_chip("two-array")


def test_a_misspelt_kind_is_named_and_not_what_its_default_lacks(tmp_path):
    misspelt = WORKLOAD.replace('kind = "dense"', 'kinzq = "dense"', 1)
    message, line = fails(tmp_path, "workload", misspelt)
    assert "network.layers.0.kinzq: unknown key (did you mean kind?)" in message
    assert "kinzq" in line
    dram = (ROOT / "architectures" / "aimc-512-lpddr5.toml").read_text(encoding="utf-8")
    message, line = fails(tmp_path, "chip", dram.replace('kind = "dram"', 'kindd = "dram"', 1))
    assert "memory.kindd: unknown key (did you mean kind?)" in message
    assert "kindd" in line
