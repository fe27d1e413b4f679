"""Is all of an aihwkit configuration listed that a run cannot express, or that another rule stands for?"""

import pytest
from aihwkit_kit import lost, written

from twin.imports.aihwkit.convert import read_configuration
from twin.imports.aihwkit.found import Base

CELLS = "unit_cell_devices=[ConstantStepDevice(), ConstantStepDevice()]"
QUIET_CELL = "transfer_forward=IOParameters(is_perfect=True)"
EXPONENTIAL = "device=ExpStepDevice(A_up=0.1, A_down={down}, gamma_up=1.0, gamma_down=1.0, b=0.0)"


@pytest.fixture
def read(tmp_path):
    return lambda content, rate=0.1: read_configuration(written(tmp_path, content), Base(rate))


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


def test_a_misspelt_setting_is_listed_with_the_one_that_may_be_meant(read):
    found = read("SingleRPUConfig(update=UpdateParameters(desiredbl=7))")
    (lost,) = [one for one in found.report.lost if one.place == "update.desiredbl"]
    assert lost.instead == "not known to the twin (did you mean desired_bl?)"


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
