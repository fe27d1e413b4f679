"""Contract of every registered device family and every preset."""

from dataclasses import fields, replace

import numpy as np
import pytest

from twin.devices import DeviceFamily, PulseResponse, device_preset, family_names, family_of, preset_names
from twin.devices.family import Affine
from twin.devices.response import Pair
from twin.machine.calibration import alternating_pulses, calibrate_by_pulses, shift, symmetry_point

SHAPE = (23, 17)
REQUIRED = {  # any other required field gets 0.9
    "dw_min": 0.01, "w_max": 0.8, "w_min": -0.7, "A_up": -1.0, "A_down": -0.5, "a": -0.5,
    "piecewise_up": (1.5, 1.0, 0.2), "piecewise_down": (0.2, 1.0, 1.5),
}  # fmt: skip

# Turning the spread off must leave these coefficients bit for bit as they were.
UNTOUCHED = {
    "up_down_dtod": ("dw_min",),
    "w_max_dtod": ("up_a", "down_a", "down_b", "w_min", "dw_min"),
    "w_min_dtod": ("up_a", "up_b", "down_a", "w_max", "dw_min"),
    "slope_dtod": ("up_a", "down_a", "dw_min"),
    "gamma_up_dtod": ("up_a", "down_a", "down_b", "w_min", "w_max", "dw_min"),
    "gamma_down_dtod": ("up_a", "up_b", "down_a", "w_min", "w_max", "dw_min"),
}


def bare(name: str) -> DeviceFamily:
    family = family_of(name)
    required = [key for key, field in family.model_fields.items() if field.is_required()]
    return family.model_validate({key: REQUIRED.get(key, 0.9) for key in required})


DEVICES = {f"family {name}": bare(name) for name in family_names()} | {
    name: device_preset(name) for name in preset_names()
}
each_device = pytest.mark.parametrize("device", DEVICES.values(), ids=DEVICES.keys())


def populate(device: DeviceFamily, seed: int = 7) -> PulseResponse:
    return device.populate(SHAPE, np.random.default_rng(seed))


def arrays(response: PulseResponse) -> dict[str, np.ndarray]:
    """Everything drawn, by name."""
    values = {field.name: getattr(response, field.name) for field in fields(response)}
    return {name: value for name, value in values.items() if isinstance(value, np.ndarray) and name != "tables"}


@each_device
def test_coefficients_are_float32_of_the_given_shape_and_physical(device):
    response = populate(device)
    assert response.shape == SHAPE
    for array in (*arrays(response).values(), *response.columns()):
        assert array.dtype == np.float32
        assert array.shape == SHAPE
        assert not np.isnan(array).any()
    zero = np.zeros(SHAPE, np.float32)
    for step in (response.up, response.down):
        assert step(zero).dtype == np.float32
        assert (step(zero) > 0).all()
    assert (response.up(zero) >= response.up(zero + np.float32(0.1))).all()
    assert (response.down(zero) >= response.down(zero - np.float32(0.1))).all()
    assert (response.dw_min > 0).all()
    assert (response.w_min < 0).all()
    assert (response.w_max > 0).all()


@each_device
def test_granularity_is_the_mean_step_of_the_devices(device):
    """At weight 0, for a pair over its range; to 25 %, since steps are drawn and some spreads are skewed."""
    response = device.populate((200, 200), np.random.default_rng(1))
    if isinstance(response, Pair):
        share = np.linspace(0, 1, 201, dtype=np.float32)
        step = np.mean([response.up(one * response.w_max).mean() for one in share])
        assert response.dw_min_mean == pytest.approx(step, rel=0.05)
        return
    zero = np.zeros(response.shape, np.float32)
    step = float(np.median((response.up(zero) + response.down(zero)) / 2))
    assert response.dw_min_mean == pytest.approx(step / getattr(device, "asymmetry_factor", 1.0), rel=0.25)


@each_device
def test_same_seed_same_devices(device):
    one, two = populate(device), populate(device)
    assert all(np.array_equal(array, arrays(two)[name]) for name, array in arrays(one).items())


@each_device
@pytest.mark.parametrize("start", [-10.0, 0.0, 10.0])
def test_bounds_are_kept_under_noisy_pulses(device, start):
    affine = populate(device)
    begin = np.full(SHAPE, start, dtype=np.float32)
    state, pulses, coincidences = alternating_pulses(affine, begin, 20, np.random.default_rng(1))
    assert (state >= affine.w_min).all()
    assert (state <= affine.w_max).all()
    assert pulses == 40
    assert coincidences == 40 * state.size


@each_device
def test_without_noise_a_pulse_is_the_mean_step(device):
    affine = replace(populate(device), dw_min_std=0.0)
    start = np.clip(np.float32(0.1), affine.w_min, affine.w_max)
    up = np.clip(start + affine.up(start), affine.w_min, affine.w_max)
    both = np.clip(up - affine.down(up), affine.w_min, affine.w_max)
    state = alternating_pulses(affine, start, 1, np.random.default_rng(0)).state
    np.testing.assert_allclose(state, both, rtol=1e-6, atol=1e-7)


@each_device
def test_up_and_down_steps_are_equal_at_the_symmetry_point(device):
    response = populate(device)
    point = symmetry_point(response)
    if isinstance(response, Pair):
        assert (point == 0).all()
        return
    inside = (point > response.w_min + 1e-4) & (point < response.w_max - 1e-4)
    if isinstance(response, Affine):
        sloped = response.up_b + response.down_b > 0
        assert (point[~sloped] == 0).all()
        inside &= sloped
    np.testing.assert_allclose(response.up(point)[inside], response.down(point)[inside], rtol=3e-4, atol=1e-6)


@each_device
def test_after_shifting_by_the_symmetry_point_it_is_zero(device):
    affine = populate(device)
    shifted = shift(affine, symmetry_point(affine))
    np.testing.assert_allclose(symmetry_point(shifted), 0.0, atol=2e-6 if isinstance(shifted, Affine) else 2e-5)


@each_device
def test_steps_of_a_shifted_device_are_those_of_the_raw_weight(device):
    """A step whose coefficients do not follow the reference, or follow it the wrong way, is another step."""
    raw = populate(device)
    rng = np.random.default_rng(2)
    r = np.zeros(SHAPE, np.float32) if isinstance(raw, Pair) else rng.uniform(-0.1, 0.1, SHAPE).astype(np.float32)
    w = rng.uniform(-0.2, 0.2, SHAPE).astype(np.float32)
    shifted = shift(raw, r)
    np.testing.assert_allclose(shifted.up(w - r), raw.up(w), rtol=1e-3, atol=1e-7)
    np.testing.assert_allclose(shifted.down(w - r), raw.down(w), rtol=1e-3, atol=1e-7)


def test_a_pair_has_no_reference_beside_itself():
    pair = populate(device_preset("pcm-pair"))
    with pytest.raises(ValueError, match="own reference"):
        shift(pair, np.full(SHAPE, 0.1, np.float32))
    calibrated = calibrate_by_pulses(pair, 100, np.random.default_rng(0))
    assert (calibrated.reference == 0).all()
    assert calibrated.pulses == 0


@pytest.mark.parametrize("name", ["gokmen-60", "reram-es", "reram-array-om"])
def test_corrupt_devices_are_stuck_within_their_range_and_leave_the_others(name):
    device = device_preset(name)
    whole = device.populate((100, 100), np.random.default_rng(3))
    corrupt = device_preset(name, {"corrupt_devices_prob": 0.135, "corrupt_devices_range": 0.2})
    response = corrupt.populate((100, 100), np.random.default_rng(3))
    stuck = response.w_min == response.w_max
    assert stuck.mean() == pytest.approx(0.135, abs=5 * (0.135 * 0.865 / 1e4) ** 0.5)
    assert np.abs(response.w_min[stuck]).max() <= 0.2
    assert (response.up(response.w_min)[stuck] == 0).all()
    assert (response.down(response.w_min)[stuck] == 0).all()
    for kept, array in arrays(whole).items():
        assert np.array_equal(array[~stuck], arrays(response)[kept][~stuck])


@each_device
def test_draws_do_not_depend_on_which_spreads_are_on(device):
    spreads = [name for name in type(device).model_fields if name.endswith("_dtod")]
    reference = populate(device)
    rng = np.random.default_rng(7)
    device.populate(SHAPE, rng)
    following = rng.standard_normal()
    for name in spreads:
        rng = np.random.default_rng(7)
        off = device.model_copy(update={name: 0.0}).populate(SHAPE, rng)
        assert rng.standard_normal() == following
        for untouched in UNTOUCHED.get(name, ()):
            if untouched in arrays(off) and not isinstance(off, Pair):  # both bounds of a pair are maxima
                assert np.array_equal(arrays(off)[untouched], arrays(reference)[untouched]), (name, untouched)


def test_turning_off_the_spread_of_the_step_leaves_bounds_and_slopes():
    for name in ("symmetric-1200", "ecram", "reram-sb"):
        on, off = populate(device_preset(name)), populate(device_preset(name, {"dw_min_dtod": 0}))
        assert np.array_equal(on.w_min, off.w_min)
        assert np.array_equal(on.w_max, off.w_max)
    on, off = populate(device_preset("gokmen-60")), populate(device_preset("gokmen-60", {"dw_min_dtod": 0}))
    np.testing.assert_allclose(on.up_b / on.dw_min, off.up_b / off.dw_min, rtol=1e-5)


def test_every_pulsed_family_sees_the_same_deviates():
    gokmen = populate(device_preset("gokmen-1200"))
    constant = populate(device_preset("symmetric-1200", {"up_down_dtod": 0.01}))
    assert np.array_equal(gokmen.dw_min, constant.dw_min)
    assert np.array_equal(gokmen.up_a, constant.up_a)
