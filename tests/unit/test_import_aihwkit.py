"""What does the text of an aihwkit configuration become, and is nothing of it executed or dropped?"""

import re
import sys
import tomllib

import pytest
from aihwkit_kit import PRINTED, REPR
from command_kit import run_main
from fuzz_kit import at_most, mutated

from twin.descriptions.load import load_chip, load_workload
from twin.devices import device_preset
from twin.imports.aihwkit.classes import preset_names
from twin.imports.aihwkit.convert import read_configuration
from twin.imports.aihwkit.found import Base

LOSSY = PRINTED.replace("out_res=0.001968503937007874", "ir_drop=0.5")
PRESETS = sorted(preset_names())
ALGORITHMS = {
    "TikiTaka": "shd",
    "TTv2": "cttv2",
    "ChoppedTTv2": "cttv2",
    "AGAD": "agad",
    "MixedPrecision": "mixed-precision",
}
DEVICES = {
    "ReRamES": "reram-es",
    "ReRamSB": "reram-sb",
    "Capacitor": "capacitor",
    "EcRam": "ecram",
    "EcRamMO": "ecram-mo",
    "Idealized": "idealized",
    "GokmenVlasov": "gokmen-vlasov",
    "PCM": "pcm-pair",
}
MADE_OF = re.compile(rf"(TikiTaka|ChoppedTTv2|TTv2|AGAD|MixedPrecision|)({'|'.join(DEVICES)})[24]?Preset")


@pytest.fixture
def text(tmp_path):
    """Write a text and return its path."""

    def write(content):
        path = tmp_path / "config.txt"
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


@pytest.fixture
def read(text):
    """Read a text as a configuration."""
    return lambda content, rate=0.1: read_configuration(text(content), Base(rate))


@pytest.fixture
def twin(monkeypatch, capsys, tmp_path):
    monkeypatch.chdir(tmp_path)
    return lambda *arguments: run_main(monkeypatch, capsys, *arguments)


def device_of(found, table="device"):
    """Make the devices that a table describes."""
    keys = {key.removeprefix(f"{table}."): value for key, value in found.values.items() if key.startswith(f"{table}.")}
    own = {key: value for key, value in keys.items() if "." not in key}
    return device_preset(own.pop("preset"), own)


def lost(found):
    return {one.place: one for one in found.report.lost}


CELLS = "unit_cell_devices=[ConstantStepDevice(), ConstantStepDevice()]"

# -- what comes over -----------------------------------------------------------------------------------------------


def test_a_printed_configuration_becomes_devices_rates_updates_and_io(read):
    found = read(PRINTED, rate=0.2)
    assert found.algorithm == "shd"
    fast, slow = device_of(found, "device.matrices.A"), device_of(found)
    assert (fast.w_max, fast.dw_min, slow.w_max, slow.dw_min, slow.mult_noise) == (0.3, 0.001, 0.6, 0.002, True)
    values = found.values
    shd = {key: values[f"algorithms.shd.{key}"] for key in ("fast_lr", "transfer_every", "transfer_axis", "gamma")}
    assert shd == {
        "fast_lr": pytest.approx(0.2 * 0.001 / 0.0015),
        "transfer_every": 2,
        "transfer_axis": "column",
        "gamma": 0.1,
    }
    assert values["algorithms.shd.transfer_lr"] == pytest.approx(0.5 * 0.2)  # in units of the optimiser's rate
    assert (values["algorithms.shd.update.desired_bl"], values["algorithms.shd.transfer_update.desired_bl"]) == (10, 5)
    table = "chip.tile.io."
    io = {key.removeprefix(table): value for key, value in values.items() if key.startswith(table)}
    assert io == {
        "inp_res": 62,
        "out_res": 510,
        "out_bound": 10.0,
        "out_noise": 0.06,
        "noise_management": "abs_max",
        "bound_management": "iterative",
        "max_bm_factor": 8,
        "transfer.out_res": 508,
        "transfer.out_bound": 12.0,
    }
    assert values["calibration.method"] == "none"  # a device without a reference keeps its raw weights


def test_a_value_has_the_line_that_it_stands_in(read):
    found = read(PRINTED)
    rows = PRINTED.splitlines()
    for key, fragment in {
        "device.matrices.A.w_max": "w_max=0.3",
        "device.dw_min": "dw_min=0.002",
        "algorithms.shd.gamma": "gamma=0.1",
        "algorithms.shd.update.desired_bl": "desired_bl=10",
        "chip.tile.io.out_bound": "forward=",
    }.items():
        assert fragment in rows[found.lines[key] - 1]
        assert found.source(key) == f"S: aihwkit, line {found.lines[key]}"


def test_a_repr_gives_the_same_as_a_print(read):
    found = read(REPR)
    device = device_of(found)
    assert (device.dw_min, device.gamma_up, device.gamma_down, device.mult_noise) == (0.004, 0.1, 0.2, False)
    assert (device.w_max, device.up_down_dtod) == (0.6, 0.01)  # defaults of aihwkit, not of our preset
    assert found.values["algorithms.sgd.update.desired_bl"] == 7
    assert found.values["chip.tile.io.bound_management"] == "none"
    assert lost(found) == {}


@pytest.mark.parametrize("name", PRESETS)
def test_every_preset_becomes_a_workload_and_a_chip_that_load(twin, text, name):
    path = text(f"{name}()")
    code, out, err = twin("import", "aihwkit", path, "--out", "w.toml", "--chip-out", "c.toml")
    assert (code, err) == (0, "")
    model = load_workload("./w.toml").model
    chip = load_chip("./c.toml").model
    made_of = MADE_OF.fullmatch(name)
    kind, device = made_of.groups() if made_of else ("", "")
    assert model.device.preset == (DEVICES[device] if device else "ideal")
    assert f"--algorithm {ALGORITHMS.get(kind, 'sgd')}" in out
    # the twin's presets are aihwkit's, value by value: nothing is left to override but how often a pair is refreshed
    assert set(model.device.overrides) <= {"refresh_every"}
    assert chip.tile.io.out_bound in {0.0, 10.0, 20.0}


def test_56_presets_are_known():
    assert len(PRESETS) == 56  # of aihwkit 1.1.0: 52 for training, 4 for inference


@pytest.mark.parametrize(
    ("name", "expected"),
    {
        "TTv2EcRamPreset": {"fast_lr": 0.1, "auto_granularity": 500, "in_chop_prob": 0.0, "update.desired_bl": 100},
        "ChoppedTTv2EcRamPreset": {"fast_lr": 1.0, "auto_granularity": 500, "in_chop_prob": 0.01},
        "ChoppedTTv2IdealizedPreset": {"in_chop_prob": 0.001, "threshold": 1.0, "auto_scale": True},
        "AGADEcRamPreset": {"auto_granularity": 750, "tail_weightening": 50.0, "in_chop_prob": 0.005},
        "AGADReRamSBPreset": {"fast_lr": 0.5, "in_chop_random": False, "transfer_axis": "column"},
        "TikiTakaReRamESPreset": {"fast_lr": 0.1, "threshold": 0.0, "gamma": 0.0, "transfer_update.desired_bl": 31},
        "MixedPrecisionEcRamPreset": {"transfer_every": 1, "granularity": 0.0, "transfer_axis": "row"},
    }.items(),
)
def test_a_preset_of_an_algorithm_has_its_settings(read, name, expected):
    found = read(f"{name}()")
    table = f"algorithms.{found.algorithm}"
    assert {key: found.values[f"{table}.{key}"] for key in expected} == expected


@pytest.mark.parametrize(
    ("device", "family", "values"),
    [
        ("ConstantStepDevice(w_max=0.5)", "ConstantStep", {"w_max": 0.5, "w_min": -0.6, "dw_min": 0.001}),
        ("PowStepDevice(pow_gamma=1.5)", "PowerStep", {"pow_gamma": 1.5, "pow_gamma_dtod": 0.1}),
        ("ExpStepDevice(a=0.3)", "ExponentialStep", {"a": 0.3, "b": 0.2425, "A_down": 0.36833}),
        ("PiecewiseStepDevice(piecewise_up=[1, 0.5, 0.1], piecewise_down=[0.1, 0.5, 1])", "PiecewiseStep",
         {"piecewise_up": (1.0, 0.5, 0.1)}),
        ("SoftBoundsReferenceDevice(corrupt_devices_prob=0.1)", "SoftBounds",
         {"corrupt_devices_prob": 0.1, "corrupt_devices_range": 0.1, "mult_noise": False}),
        ("SoftBoundsPmaxDevice(p_max=1000, alpha=0.002)", "SoftBounds",
         {"w_min": -1.0, "w_max": -1 + 2 / 0.8646647167633873, "dw_min": 0.002 * 2 / 0.8646647167633873}),
        ("VectorUnitCell(unit_cell_devices=[EcRamPresetDevice(dw_min=0.01)])", "LinearStep", {"dw_min": 0.01}),
        ("OneSidedUnitCell(unit_cell_devices=[ExpStepDevice(), ExpStepDevice()], refresh_every=9)", "OneSidedPair",
         {"refresh_every": 9, "gamma_up": 12.44625, "w_max": 0.6}),
        ("IdealDevice()", "Ideal", {}),
    ],
)  # fmt: skip
def test_a_device_becomes_the_family_with_its_values(read, device, family, values):
    kind = "UnitCell" if "UnitCell" in device else "Single"
    made = device_of(read(f"{kind}RPUConfig(device={device})"))
    assert type(made).__name__ == family
    for key, value in values.items():
        assert getattr(made, key) == (value if isinstance(value, tuple) else pytest.approx(value))


def test_the_buffer_of_ttv2_counts_in_units_of_its_threshold(read):
    cell = "BufferedTransferCompound(unit_cell_devices=[ConstantStepDevice(), ConstantStepDevice(dw_min=0.004)], "
    found = read(f"UnitCellRPUConfig(device={cell}thres_scale=2.0, momentum=0.0, units_in_mbatch=False))", rate=0.05)
    assert found.algorithm == "ttv2"
    assert found.values["algorithms.ttv2.transfer_lr"] == pytest.approx(0.05 / (2.0 * 0.004))
    assert lost(found) == {}


@pytest.mark.parametrize(
    ("kind", "given", "expected"),
    [
        ("TransferCompound", "fast_lr=0.5", 0.1),
        ("TransferCompound", "fast_lr=0.5, scale_fast_lr=False", 0.5),
        ("TransferCompound", "fast_lr=0.0", 0.2),
        ("BufferedTransferCompound", "fast_lr=0.5", 0.1),
        ("ChoppedTransferCompound", "fast_lr=0.5", 0.5),
        ("DynamicTransferCompound", "fast_lr=0.5, scale_fast_lr=True", 0.1),
        ("DynamicTransferCompound", "fast_lr=0.0", 0.2),
    ],
)
def test_the_rate_of_a_is_in_units_of_the_optimisers_where_it_is_scaled(read, kind, given, expected):
    cells = "unit_cell_devices=[ConstantStepDevice(), ConstantStepDevice()]"
    found = read(f"UnitCellRPUConfig(device={kind}({cells}, {given}, momentum=0.0))", rate=0.2)
    table = f"algorithms.{found.algorithm}"
    assert found.values[f"{table}.fast_lr"] == pytest.approx(expected)
    assert ("assumed learning rate of 0.2" in found.source(f"{table}.fast_lr")) == (expected != 0.5)


@pytest.mark.parametrize(
    ("prob", "random", "expected"),
    [(0.3, True, 0.3), (0.3, False, 1 / 4), (0.02, False, 1 / 50), (1.0, False, 1 / 2), (0.0, False, 0.0)],
)
def test_signs_that_flip_regularly_do_so_after_as_many_reads(read, prob, random, expected):
    cells = "unit_cell_devices=[ConstantStepDevice(), ConstantStepDevice()]"
    own = f"in_chop_prob={prob}, in_chop_random={random}"
    found = read(f"UnitCellRPUConfig(device=DynamicTransferCompound({cells}, {own}))")
    assert found.values["algorithms.agad.in_chop_prob"] == expected


def test_a_configuration_without_devices_trains_digitally(read):
    found = read("FloatingPointRPUConfig(device=FloatingPointDevice())", rate=0.3)
    assert (found.algorithm, found.values["algorithms.digital.learning_rate"], lost(found)) == ("digital", 0.3, {})


def test_a_value_that_differs_from_a_preset_by_rounding_alone_is_none(read):
    assert set(read("SingleRPUConfig(device=ReRamSBPresetDevice(w_min_dtod=0.3 / 0.75))").values) == set(
        read("SingleRPUConfig(device=ReRamSBPresetDevice())").values
    )


def test_a_subtracted_symmetry_point_is_a_calibrated_reference(read):
    for flag, method in (("True", "exact"), ("False", "none")):
        found = read(f"SingleRPUConfig(device=SoftBoundsReferenceDevice(subtract_symmetry_point={flag}))")
        assert found.values["calibration.method"] == method


def test_a_resolution_is_a_number_of_steps_in_either_form(read):
    for given, steps in (("1 / (2**7 - 2)", 126), ("254.0", 254), ("-1", 0), ("0.0", 0), ("np.float32(0.25)", 4)):
        assert read(f"SingleRPUConfig(forward=IOParameters(inp_res={given}))").values["chip.tile.io.inp_res"] == steps


def test_each_direction_gets_what_it_converts_otherwise(read):
    forward = "forward=IOParameters(out_noise=0.1, w_noise=0.02, w_noise_type=WeightNoiseType.ADDITIVE_CONSTANT)"
    backward = "backward=IOParameters(inp_res=1 / 62, noise_management=NoiseManagementType.NONE)"
    transfer = "transfer_forward=IOParameters(is_perfect=True)"
    cells = f"TransferCompound(unit_cell_devices=[ConstantStepDevice(), ConstantStepDevice()], {transfer})"
    found = read(f"UnitCellRPUConfig(device={cells}, {forward}, {backward})")
    own = {key: value for key, value in found.values.items() if key.startswith(("chip.tile.io.b", "chip.tile.io.t"))}
    assert own == {
        "chip.tile.io.bound_management": "iterative",
        "chip.tile.io.backward.inp_res": 62,
        "chip.tile.io.backward.out_noise": 0.06,
        "chip.tile.io.backward.w_noise": 0.0,
        "chip.tile.io.backward.noise_management": "none",
        "chip.tile.io.transfer.out_res": 0,
        "chip.tile.io.transfer.inp_res": 0,
        "chip.tile.io.transfer.out_bound": 0.0,
        "chip.tile.io.transfer.out_noise": 0.0,
        "chip.tile.io.transfer.w_noise": 0.0,
    }
    assert found.values["chip.tile.io.w_noise"] == 0.02
    assert lost(found) == {}


def test_what_stays_in_the_buffer_and_how_references_miss_is_taken_over(read):
    cells = "unit_cell_devices=[SoftBoundsReferenceDevice(reference_std=0.05), SoftBoundsReferenceDevice()]"
    found = read(f"UnitCellRPUConfig(device=ChoppedTransferCompound({cells}, momentum=0.2, forget_buffer=False))")
    assert found.values["algorithms.cttv2.momentum"] == 0.2
    assert found.values["algorithms.cttv2.forget_buffer"] is False
    assert found.values["calibration.reference_std"] == 0.05
    assert set(lost(found)) == {"device.unit_cell_devices[1].reference_std"}


@pytest.mark.parametrize("direction", ["forward", "backward"])
def test_a_perfect_io_clips_no_input(read, direction):
    other = "IOParameters(noise_management=NoiseManagementType.NONE)"
    both = {"forward": other, "backward": other, direction: "IOParameters(is_perfect=True)"}
    text = ", ".join(f"{key}={value}" for key, value in both.items())
    table = "chip.tile.io." if direction == "forward" else "chip.tile.io.backward."
    assert read(f"SingleRPUConfig({text})").values[f"{table}noise_management"] == "abs_max"


@pytest.mark.parametrize(
    ("steps", "limit", "largest"), [(126, "0.25", 16), (30, "0.25", 4), (30, "1.0", 16), (2, "0.25", 1)]
)
def test_bound_management_ends_at_the_steps_of_half_the_inputs_range(read, steps, limit, largest):
    found = read(f"SingleRPUConfig(forward=IOParameters(inp_res=1 / {steps}, max_bm_res={limit}))")
    assert found.values["chip.tile.io.max_bm_factor"] == largest


@pytest.mark.parametrize(("kind", "table"), [("Transfer", "shd"), ("Buffered", "ttv2"), ("Chopped", "cttv2")])
def test_a_is_pulsed_by_the_mean_step_of_both_matrices(read, kind, table):
    cell = kind if kind == "Transfer" else f"{kind}Transfer"
    for slow, share in ((0.05, 1.0), (0.02, 0.05 / 0.035)):
        devices = f"[SoftBoundsDevice(dw_min=0.05), SoftBoundsDevice(dw_min={slow})]"
        text = f"{cell}Compound(unit_cell_devices={devices}, fast_lr=0.3, scale_fast_lr=False)"
        found = read(f"UnitCellRPUConfig(device={text})")
        assert found.values[f"algorithms.{table}.fast_lr"] == pytest.approx(0.3 * share)
        assert ("mean step" in found.source(f"algorithms.{table}.fast_lr")) == (share != 1.0)


# -- what does not -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("fragment", "place", "value"),
    [
        ("device=ConstantStepDevice(diffusion=0.1)", "device.diffusion", "0.1"),
        (f"device=DynamicTransferCompound({CELLS}, in_chop_random=True)", "device.in_chop_random", "True"),
        ("device=LinearStepDevice(reverse_up=True)", "device.reverse_up", "True"),
        ("device=SoftBoundsReferenceDevice(reference_mean=0.05)", "device.reference_mean", "0.05"),
        ("device=ConstantStepDevice(drift=DriftParameter(nu=0.1))", "device.drift.nu", "0.1"),
        ("device=CapacitorPresetDevice()", "device.lifetime", "1000000.0"),
        ("device=ReRamESPresetDevice()", "device.apply_write_noise_on_set", "True"),
        ("forward=IOParameters(w_noise=0.02, w_noise_type=WeightNoiseType.PCM_READ)", "forward.w_noise_type",
         "WeightNoiseType.PCM_READ"),
        ("forward=IOParameters(nm_thres=0.5)", "forward.nm_thres", "0.5"),
        ("forward=IOParameters(inp_res=1 / 127)", "forward.inp_res", "0.007874015748031496"),
        ("forward=IOParameters(noise_management=NoiseManagementType.MAX)", "forward.noise_management",
         "NoiseManagementType.MAX"),
        ("backward=IOParameters(inp_asymmetry=0.5)", "backward.inp_asymmetry", "0.5"),
        ("update=UpdateParameters(update_management=False)", "update.update_management", "False"),
        ("update=UpdateParameters(fixed_bl=False)", "update.fixed_bl", "False"),
        ("update=UpdateParameters(pulse_type=PulseType.MEAN_COUNT)", "update.pulse_type", "PulseType.MEAN_COUNT"),
        ("mapping=MappingParameter(weight_scaling_omega=0.6)", "mapping.weight_scaling_omega", "0.6"),
        ("update=UpdateParameters(from_the_future=3)", "update.from_the_future", "3"),
        ("from_the_future=Something(x=3)", "from_the_future", "Something(...)"),
    ],
)  # fmt: skip
def test_what_a_run_cannot_express_is_listed_with_place_value_and_line(read, fragment, place, value):
    found = read(f"SingleRPUConfig(\n{fragment}\n)")
    one = lost(found)[place]
    assert (one.value, one.line) == (value, 2)
    assert one.instead


@pytest.mark.parametrize(
    ("fragment", "place"),
    [
        ("transfer_every=0.3", "transfer_every"),
        ("n_reads_per_transfer=2", "n_reads_per_transfer"),
        ("random_selection=True", "random_selection"),
        ("transfer_lr_vec=[0.1, 0.2]", "transfer_lr_vec"),
        ("no_buffer=True", "no_buffer"),
        ("correct_gradient_magnitudes=True", "correct_gradient_magnitudes"),
        ("gamma=0.1", "gamma"),
        ("transfer_update=UpdateParameters(desired_bl=3)", "transfer_update.pulse_type"),
        ("transfer_forward=IOParameters(ir_drop=0.5)", "transfer_forward.ir_drop"),
    ],
)
def test_what_a_transfer_cannot_express_is_listed(read, fragment, place):
    cells = "unit_cell_devices=[ConstantStepDevice(), ConstantStepDevice()]"
    plain = read(f"UnitCellRPUConfig(device=ChoppedTransferCompound({cells}))")
    assert lost(plain) == {}
    assert set(lost(read(f"UnitCellRPUConfig(device=ChoppedTransferCompound({cells}, {fragment}))"))) == {
        f"device.{place}"
    }


@pytest.mark.parametrize(
    ("given", "counted", "expected"),
    [("2.0", "True", 2), ("0.25", "True", 0.25), ("2.4", "False", 2), ("2.5", "False", 3)],  # which aihwkit rounds
)
def test_transfers_are_counted_in_mini_batches_or_in_whole_updates(read, given, counted, expected):
    cells = "unit_cell_devices=[ConstantStepDevice(), ConstantStepDevice()]"
    cell = f"TransferCompound({cells}, transfer_every={given}, units_in_mbatch={counted})"
    found = read(f"UnitCellRPUConfig(device={cell})")
    assert (found.values["algorithms.shd.transfer_every"], lost(found)) == (expected, {})
    assert ("algorithms.shd.units_in_mbatch" in found.values) == (counted == "True")


@pytest.mark.parametrize(
    ("cell", "fragment", "key", "value"),
    [
        ("TransferCompound", "n_reads_per_transfer=3", "shd.n_reads_per_transfer", 3),
        ("BufferedTransferCompound", "n_reads_per_transfer=3", "ttv2.n_reads_per_transfer", 3),
        (
            "BufferedTransferCompound",
            "transfer_update=UpdateParameters(desired_bl=5, pulse_type=PulseType.DETERMINISTIC_IMPLICIT)",
            "ttv2.transfer_update.desired_bl",
            5,
        ),
        ("DynamicTransferCompound", "buffer_cap=4.0, forget_buffer=False", "agad.buffer_cap", 4.0),
    ],
)
def test_reads_pulses_and_caps_of_transfers_come_over(read, cell, fragment, key, value):
    cells = "unit_cell_devices=[ConstantStepDevice(), ConstantStepDevice()]"
    found = read(f"UnitCellRPUConfig(device={cell}({cells}, {fragment}))")
    assert (found.values[f"algorithms.{key}"], lost(found)) == (value, {})


def test_noise_of_inputs_comes_over_a_direction(read):
    forward, backward = "forward=IOParameters(inp_noise=0.1)", "backward=IOParameters(inp_noise=0.2)"
    found = read(f"SingleRPUConfig({forward}, {backward})")
    assert found.values["chip.tile.io.inp_noise"] == 0.1
    assert found.values["chip.tile.io.backward.inp_noise"] == 0.2
    assert lost(found) == {}


def test_biases_are_digital_where_the_network_has_some_that_can_be(text):
    path = text("SingleRPUConfig()")
    without, biased = read_configuration(path, Base(0.1)), read_configuration(path, Base(0.2, biased=True))
    assert "network.digital_bias" not in without.values
    assert (lost(without), lost(biased)) == ({}, {})
    assert biased.values["network.digital_bias"] is True
    assert biased.values["optimiser.learning_rate"] == 0.2
    recurrent = read_configuration(path, Base(0.2, biased=True, unrolled=True))
    assert set(lost(recurrent)) == {"mapping.digital_bias"}
    assert "network.digital_bias" not in recurrent.values


def test_strict_refuses_in_one_line_and_writes_nothing(twin, text, tmp_path):
    mapping, io = (
        "mapping=MappingParameter(digital_bias=False)",
        "forward=IOParameters(out_asymmetry=0.02, ir_drop=1.0)",
    )
    path = text(f"SingleRPUConfig({mapping},\n{io})")
    code, out, err = twin("import", "aihwkit", path, "--strict", "--out", "w.toml")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert f"{path}:2: forward.ir_drop (= 1.0): a run cannot express it" in err
    assert "(and 1 more" in err
    assert not (tmp_path / "w.toml").exists()


def test_the_workload_says_what_was_lost_and_where_its_values_come_from(twin, text):
    code, _, err = twin("import", "aihwkit", text(LOSSY), "--out", "w.toml")
    assert (code, err) == (0, "")
    loaded = load_workload("./w.toml")
    assert "transfer_forward.ir_drop = 0.5 (line 14)" in loaded.model.notes
    assert "--set chip.tile.io.transfer.out_bound=12.0" in loaded.model.notes
    sources = loaded.model.sources
    assert sources["algorithms.shd.gamma"] == "S: aihwkit, line 13"
    assert sources["device.matrices.A.w_max"] == "S: aihwkit, line 7"
    assert sources["algorithms.shd.transfer_lr"].endswith("line 12, times an assumed learning rate of 0.1")
    assert loaded.sources["algorithms.shd.gamma"] == ("S", "aihwkit, line 13")


def test_without_a_file_the_workload_stands_alone_on_the_standard_output(twin, text):
    code, out, err = twin("import", "aihwkit", text(LOSSY), "--workload", "digits-mlp")
    assert code == 0
    assert tomllib.loads(out)["data"]["set"] == "digits"
    assert "not as in aihwkit" in err
    assert "--set chip.tile.io.inp_res=62" in err


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("TTv2EcRamPreset()", ["algorithms.cttv2.transfer_lr", "optimiser.learning_rate"]),
        ("SingleRPUConfig()", ["algorithms.sgd.learning_rate", "optimiser.learning_rate"]),
        ("FloatingPointRPUConfig()", ["algorithms.digital.learning_rate"]),
    ],
)
def test_the_learning_rate_that_no_text_has_is_said_with_its_option(twin, text, content, said):
    _, _, err = twin("import", "aihwkit", text(content), "--workload", "digits-mlp", "--learning-rate", "0.3")
    (line,) = [line for line in err.splitlines() if line.startswith("learning rate: 0.3")]
    assert "--learning-rate" in line
    assert all(key in line for key in said)


def test_a_misspelt_setting_is_listed_with_the_one_that_may_be_meant(read):
    found = read("SingleRPUConfig(update=UpdateParameters(desiredbl=7))")
    (lost,) = [one for one in found.report.lost if one.place == "update.desiredbl"]
    assert lost.instead == "not known to the twin (did you mean desired_bl?)"


QUIET_CELL = "transfer_forward=IOParameters(is_perfect=True)"
EXPONENTIAL = "device=ExpStepDevice(A_up=0.1, A_down={down}, gamma_up=1.0, gamma_down=1.0, b=0.0)"


@pytest.mark.parametrize(
    ("fragment", "place", "said"),
    [
        ("forward=IOParameters()", "forward.bound_management", "10 standard errors at 30 steps"),
        ("device=LinearStepDevice(mult_noise=False, up_down=0.3)", "device.up_down", "30 standard errors"),
        (EXPONENTIAL.format(down=0.2), "device.A_down", "ReRamES moves 12 % less there"),
        ("device=PowStepDevice(pow_up_down=0.2)", "device.pow_up_down", "12 % apart"),
        ("device=PiecewiseStepDevice(piecewise_up=[1, 0.5])", "device.piecewise_up", "middle node"),
        ("update=UpdateParameters(pulse_type=PulseType.NONE)", "update.pulse_type", "no bounds"),
        (f"device=DynamicTransferCompound({CELLS})", "device.in_chop_prob", "no pulse is fired"),
        (f"device=DynamicTransferCompound({CELLS}, {QUIET_CELL})", "device.buffer_granularity", "it crosses"),
        (f"device=BufferedTransferCompound({CELLS}, {QUIET_CELL})", "device.thres_scale", "it crosses"),
        (f"device=BufferedTransferCompound({CELLS}),\nupdate=UpdateParameters(pulse_type=PulseType.NONE)",
         "update.pulse_type", "no bounds"),
        ("device=MixedPrecisionCompound(device=ConstantStepDevice())", "device.transfer_every", "after one more"),
        ("device=MixedPrecisionCompound(device=ConstantStepDevice())", "update.desired_bl", "on average"),
    ],
)  # fmt: skip
def test_a_setting_of_which_the_twin_makes_something_else_is_listed_by_its_rule(read, fragment, place, said):
    differing = {one.place: one for one in read(f"SingleRPUConfig(\n{fragment}\n)").report.differing}
    one = differing[place]
    assert one.line == (1 if "desired_bl" in place else 2 + fragment[: fragment.find(place.split(".")[0])].count("\n"))
    assert "; aihwkit: " in one.instead
    assert said in one.instead


@pytest.mark.parametrize(
    "fragment",
    [
        "device=LinearStepDevice(mult_noise=True, up_down=0.3)",
        "device=LinearStepDevice(mult_noise=False)",
        EXPONENTIAL.format(down=0.1),
        "device=PowStepDevice()",
        "device=PiecewiseStepDevice()",
        "device=IdealDevice(), update=UpdateParameters(pulse_type=PulseType.NONE)",
        f"device=BufferedTransferCompound({CELLS})",
        f"device=TransferCompound({CELLS}, {QUIET_CELL})",
        "device=MixedPrecisionCompound(device=ConstantStepDevice()), update=UpdateParameters(desired_bl=1)",
    ],
)
def test_a_rule_that_makes_no_difference_is_not_listed(read, fragment):
    found = read(f"SingleRPUConfig({fragment}, forward=IOParameters(bound_management=BoundManagementType.NONE))")
    assert {one.place for one in found.report.differing} <= {"device.transfer_every"}


def test_other_rules_are_said_and_strict_takes_them(twin, text):
    code, out, err = twin("import", "aihwkit", text("SingleRPUConfig()"), "--strict", "--out", "w.toml")
    assert (code, err) == (0, "")
    assert "all as in aihwkit\nby another rule: 1 setting\n  line 1: forward.bound_management = Bound" in out
    assert "By another rule than aihwkit's: forward.bound_management" in load_workload("./w.toml").model.notes


# -- refusals ------------------------------------------------------------------------------------------------------

HOSTILE = {
    "__import__('os').system('touch hacked')": "an attribute",
    "SingleRPUConfig(device=open('hacked', 'w'))": "must be named",
    "SingleRPUConfig(device=(lambda: 1)())": "a call of an expression, which is no constructor by its name; write the",
    "SingleRPUConfig(device=lambda: 1)": "a lambda has no place in a configuration; write the number",
    "import os": "an import is no configuration",
    "import os\nSingleRPUConfig()": "a second statement",
    "SingleRPUConfig(device=[x for x in range(10**9)])": "a comprehension",
    "SingleRPUConfig(device=().__class__.__bases__[0])": "a subscript",
    "SingleRPUConfig(device=ConstantStepDevice.__subclasses__())": "attribute",
    "SingleRPUConfig(device=f'{1}')": "an f-string",
    "SingleRPUConfig(**{'device': 1})": "unpacked",
    "SingleRPUConfig(forward=IOParameters(inp_res=9**9**9**9))": "cannot be worked out",
    "SingleRPUConfig(forward=IOParameters(inp_res=1 / 0))": "cannot be worked out",
    "SingleRPUConfig(forward=IOParameters(inp_res='a' * 10))": "only numbers",
    "SingleRPUConfig(forward=IOParameters(inp_res='a'))": "forward.inp_res (= a): must be a number",
    "SingleRPUConfig(forward=3)": "forward (= 3): must be IOParameters",
    "SingleRPUConfig(device=FuturePresetDevice())": "device (= FuturePresetDevice): is no class that the twin knows",
    "SingleRPUConfig(device=IOParameters())": "is no device that the twin has",
    "SingleRPUConfig(device=PulsedDevice())": "is no device that the twin has",
    "DigitalRankUpdateRPUConfig()": "device (= DigitalRankUpdateCell): is no device that the twin has",
    "SingleRPUConfig(device=EcRamPresetDevise())": "no class that the twin knows (did you mean EcRamPresetDevice?)",
    "TTv2EcRamPresett()": "no configuration that the twin knows (did you mean TTv2EcRamPreset?)",
    "SomethingElse()": "SomethingElse is no configuration that the twin knows",
    "ConstantStepDevice()": "ConstantStepDevice is no configuration that the twin knows",
    "TTv2GokmenVlasovPreset()": "no configuration that the twin knows",
    "'text'": "text is no configuration",
    "": "is empty",
    "SingleRPUConfig(": "'(' was never closed); print the whole configuration again",
    "UnitCellRPUConfig()": "is no device that the twin has",
    "UnitCellRPUConfig(device=TransferCompound(unit_cell_devices=[]))": "at least two devices",
    "UnitCellRPUConfig(device=OneSidedUnitCell(unit_cell_devices=[EcRamPresetDevice()]))": "a pair of EcRamPreset",
    "SingleRPUConfig(device=ConstantStepDevice(dw_min=-1))": "device.dw_min (= -1): must be",
    "SingleRPUConfig(update=UpdateParameters(desired_bl=0))": "algorithms.sgd.update.desired_bl (= 0): must be",
    "SingleRPUConfig(device=ConstantStepDevice(dw_min=nan))": "device.dw_min",
    "SingleRPUConfig(update=UpdateParameters(desired_bl=1.5))": "must be a whole number",
    "-" * 100_000 + "1": "nested too deeply",
    "(" * 100_000: "is not the text of a configuration",
    "[" * 150 + "]" * 150: "nested too deeply",
    "1" + "+1" * 50_000: "nested too deeply",
    "SingleRPUConfig(x=" + "9" * 10_000 + ")": "",
    "a\0b": "",
}


@pytest.mark.parametrize("content", HOSTILE, ids=lambda content: content[:60])
def test_a_text_that_is_no_configuration_is_refused_in_one_line_and_not_executed(twin, text, tmp_path, content):
    path = text(content)
    with at_most(20):
        code, out, err = twin("import", "aihwkit", path, "--chip-out", "c.toml")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert err.startswith(f"error: {path}:")
    assert HOSTILE[content] in err
    assert {one.name for one in tmp_path.iterdir()} == {"config.txt"}


def test_a_mistake_names_the_line_of_the_configuration(twin, text):
    path = text("SingleRPUConfig(\n    device=ConstantStepDevice(\n        w_max=-0.5\n    )\n)")
    _, _, err = twin("import", "aihwkit", path)
    assert err.startswith(f"error: {path}:3: device.w_max (= -0.5): must be")


def test_files_that_are_none_are_refused(twin, text, tmp_path):
    for path, part in (
        (text(b"\xff\xfeS\0"), "is not UTF-8"),
        (tmp_path, "not a regular file"),
        (tmp_path / "absent", "cannot be read"),
    ):
        code, _, err = twin("import", "aihwkit", path)
        assert (code, err.count("\n")) == (2, 1)
        assert part in err
    big = text(b"SingleRPUConfig(" + b" " * 10_000_000 + b")")
    assert "10,000,017 bytes" in twin("import", "aihwkit", big)[2]


@pytest.mark.parametrize("content", [PRINTED, REPR, "AGADEcRamPreset(mapping=MappingParameter(digital_bias=False))"])
def test_a_damaged_text_is_read_or_refused_in_one_line(twin, text, content):
    for seed in range(60):
        path = text(mutated(content.encode(), seed))
        with at_most(20):
            code, _, err = twin("import", "aihwkit", path)
        assert code in {0, 2}
        assert code == 0 or (err.startswith(f"error: {path}:") and err.count("\n") == 1)


def test_reading_a_configuration_imports_no_aihwkit(read):
    read(PRINTED)
    assert "aihwkit" not in sys.modules
    assert "torch" not in sys.modules
