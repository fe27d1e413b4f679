"""Contract of every registered device family and every preset."""

from dataclasses import fields, replace

import numpy as np
import pytest

from twin.crossbar.calibration import alternating_pulses, shift, symmetry_point
from twin.devices import Affine, DeviceFamily, device_preset, family_names, family_of, preset_names

SHAPE = (23, 17)
ARRAYS = tuple(field.name for field in fields(Affine))[:7]
REQUIRED = {"dw_min": 0.01, "w_max": 0.8, "w_min": -0.7}  # any other required field gets 0.9

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


def populate(device: DeviceFamily, seed: int = 7) -> Affine:
    return device.populate(SHAPE, np.random.default_rng(seed))


@each_device
def test_coefficients_are_float32_of_the_given_shape_and_physical(device):
    affine = populate(device)
    assert affine.shape == SHAPE
    for name in ARRAYS:
        array = getattr(affine, name)
        assert array.dtype == np.float32
        assert array.shape == SHAPE
        assert not np.isnan(array).any()
    assert (affine.up_a > 0).all()
    assert (affine.down_a > 0).all()
    assert (affine.up_b >= 0).all()
    assert (affine.down_b >= 0).all()
    assert (affine.dw_min > 0).all()
    assert (affine.w_min < 0).all()
    assert (affine.w_max > 0).all()
    assert affine.dw_min_mean == device.dw_min


@each_device
def test_same_seed_same_devices(device):
    one, two = populate(device), populate(device)
    assert all(np.array_equal(getattr(one, name), getattr(two, name)) for name in ARRAYS)


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
def test_without_noise_a_pulse_is_the_affine_step(device):
    affine = replace(populate(device), dw_min_std=0.0)
    start = np.clip(np.float32(0.1), affine.w_min, affine.w_max)
    up = np.clip(start + (affine.up_a - affine.up_b * start), affine.w_min, affine.w_max)
    both = np.clip(up - (affine.down_a + affine.down_b * up), affine.w_min, affine.w_max)
    state = alternating_pulses(affine, start, 1, np.random.default_rng(0)).state
    np.testing.assert_allclose(state, both, rtol=1e-6, atol=1e-7)


@each_device
def test_up_and_down_steps_are_equal_at_the_symmetry_point(device):
    affine = populate(device)
    point = symmetry_point(affine)
    inside = (point > affine.w_min) & (point < affine.w_max) & (affine.up_b + affine.down_b > 0)
    up = affine.up_a - affine.up_b * point
    down = affine.down_a + affine.down_b * point
    np.testing.assert_allclose(up[inside], down[inside], rtol=1e-4, atol=1e-6)
    assert (point[affine.up_b + affine.down_b == 0] == 0).all()


@each_device
def test_after_shifting_by_the_symmetry_point_it_is_zero(device):
    affine = populate(device)
    shifted = shift(affine, symmetry_point(affine))
    np.testing.assert_allclose(symmetry_point(shifted), 0.0, atol=2e-6)


@each_device
def test_draws_do_not_depend_on_which_spreads_are_on(device):
    spreads = [name for name in type(device).model_fields if name.endswith("_dtod")]
    reference = populate(device)
    rng = np.random.default_rng(7)
    device.populate(SHAPE, rng)
    following = rng.standard_normal()
    for name in spreads:
        rng = np.random.default_rng(7)
        off = type(device).model_validate(device.model_dump() | {name: 0.0}).populate(SHAPE, rng)
        assert rng.standard_normal() == following
        for untouched in UNTOUCHED.get(name, ()):
            assert np.array_equal(getattr(off, untouched), getattr(reference, untouched)), (name, untouched)


def test_turning_off_the_spread_of_the_step_leaves_bounds_and_slopes():
    for name in ("symmetric-1200", "ecram", "reram-sb"):
        on, off = populate(device_preset(name)), populate(device_preset(name, {"dw_min_dtod": 0}))
        assert np.array_equal(on.w_min, off.w_min)
        assert np.array_equal(on.w_max, off.w_max)
    on, off = populate(device_preset("gokmen-60")), populate(device_preset("gokmen-60", {"dw_min_dtod": 0}))
    np.testing.assert_allclose(on.up_b / on.dw_min, off.up_b / off.dw_min, rtol=1e-5)


def test_every_pulsed_family_sees_the_same_deviates():
    gokmen = populate(device_preset("gokmen-1200"))
    constant = populate(device_preset("symmetric-1200"))
    assert np.array_equal(gokmen.dw_min, constant.dw_min)
    assert np.array_equal(gokmen.up_a, constant.up_a)
