"""What does the text of an aihwkit configuration become?"""

import sys

import pytest
from aihwkit_kit import PRINTED, REPR, lost, written

from twin.devices import device_preset
from twin.imports.aihwkit.convert import read_configuration
from twin.imports.aihwkit.found import Base


@pytest.fixture
def read(tmp_path):
    return lambda content, rate=0.1: read_configuration(written(tmp_path, content), Base(rate))


def device_of(found, table="device"):
    """Make the devices that a table describes."""
    keys = {key.removeprefix(f"{table}."): value for key, value in found.values.items() if key.startswith(f"{table}.")}
    own = {key: value for key, value in keys.items() if "." not in key}
    return device_preset(own.pop("preset"), own)


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


def test_biases_are_digital_where_the_network_has_some_that_can_be(tmp_path):
    path = written(tmp_path, "SingleRPUConfig()")
    without, biased = read_configuration(path, Base(0.1)), read_configuration(path, Base(0.2, biased=True))
    assert "network.digital_bias" not in without.values
    assert (lost(without), lost(biased)) == ({}, {})
    assert biased.values["network.digital_bias"] is True
    assert biased.values["optimiser.learning_rate"] == 0.2
    recurrent = read_configuration(path, Base(0.2, biased=True, unrolled=True))
    assert set(lost(recurrent)) == {"mapping.digital_bias"}
    assert "network.digital_bias" not in recurrent.values


def test_reading_a_configuration_imports_no_aihwkit(read):
    read(PRINTED)
    assert "aihwkit" not in sys.modules
    assert "torch" not in sys.modules
