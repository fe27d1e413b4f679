"""Each family against the formula of its paper."""

import numpy as np
import pytest

from twin.devices import device_preset
from twin.devices.family import CLIP

SHAPE = (300, 200)
NONE = {"dw_min_dtod": 0.0, "up_down_dtod": 0.0}
NO_BOUNDS_SPREAD = {"w_max_dtod": 0.0, "w_min_dtod": 0.0}


def populate(name, **overrides):
    return device_preset(name, overrides).populate(SHAPE, np.random.default_rng(3))


def test_gokmen_2021_array_model_has_the_papers_moments():
    affine = populate("gokmen-60", up_down_dtod=0.0)
    assert np.array_equal(affine.up_a, affine.dw_min)
    assert np.array_equal(affine.down_a, affine.dw_min)
    n = affine.up_a.size
    assert affine.dw_min.mean() == pytest.approx(0.02, abs=5 * 0.02 * 0.3 / n**0.5)
    assert affine.dw_min.std() == pytest.approx(0.3 * 0.02, rel=0.02)
    for slope in (affine.up_b / affine.dw_min, affine.down_b / affine.dw_min):
        assert slope.mean() == pytest.approx(1.66, abs=5 * 1.66 * 0.2 / n**0.5)
        assert slope.std() == pytest.approx(0.2 * 1.66, rel=0.02)
    correlation = np.corrcoef((affine.up_b / affine.dw_min).ravel(), (affine.down_b / affine.dw_min).ravel())
    assert abs(correlation[0, 1]) < 5 / n**0.5


def test_gokmen_bounds_are_where_the_own_steps_vanish():
    affine = populate("gokmen-15")
    np.testing.assert_allclose(affine.up_a - affine.up_b * affine.w_max, 0.0, atol=1e-6)
    np.testing.assert_allclose(affine.down_a + affine.down_b * affine.w_min, 0.0, atol=1e-6)
    assert np.median(affine.w_max) == pytest.approx(1 / 1.66, rel=0.01)


@pytest.mark.parametrize("spread", [0.3, 0.6, 1.0])
def test_draws_that_would_change_sign_are_clipped(spread):
    affine = populate("gokmen-60", dw_min_dtod=spread, slope_dtod=spread, up_down_dtod=spread)
    smallest = np.float32(0.02 * CLIP) * 0.999
    for steps in (affine.dw_min, affine.up_a, affine.down_a):
        assert steps.min() >= smallest
    assert (affine.up_b / affine.dw_min).min() >= 1.66 * CLIP * 0.999


def test_log_normal_steps():
    affine = populate("reram-array-om", up_down_dtod=0.0)
    logarithm = np.log(affine.dw_min)
    assert logarithm.mean() == pytest.approx(np.log(0.0949), abs=5 * 0.7829 / logarithm.size**0.5)
    assert logarithm.std() == pytest.approx(0.7829, rel=0.02)


@pytest.mark.parametrize("up_down", [-0.4, 0.0, 0.4])
def test_imbalance_weakens_one_direction_as_in_aihwkit(up_down):
    affine = populate("symmetric-1200", up_down=up_down, **NONE)
    np.testing.assert_allclose(affine.up_a, 0.001 * (1 + min(up_down, 0)), rtol=1e-6)
    np.testing.assert_allclose(affine.down_a, 0.001 * (1 - max(up_down, 0)), rtol=1e-6)


def test_imbalance_spread_is_opposite_in_the_two_directions():
    affine = populate("gokmen-60", dw_min_dtod=0.0, up_down_dtod=0.05)
    np.testing.assert_allclose(affine.up_a + affine.down_a, 2 * 0.02, rtol=1e-5)
    assert (affine.up_a - affine.down_a).std() == pytest.approx(2 * 0.05 * 0.02, rel=0.02)


def test_soft_bounds_steps_vanish_at_their_own_bounds():
    affine = populate("reram-sb")
    np.testing.assert_allclose(affine.up_a, affine.up_b * affine.w_max, rtol=1e-5)
    np.testing.assert_allclose(affine.down_a, -affine.down_b * affine.w_min, rtol=1e-5)


def test_linear_step_loses_gamma_of_its_step_at_the_mean_bound():
    affine = populate("ecram", gamma_up_dtod=0.0, gamma_down_dtod=0.0)
    np.testing.assert_allclose((affine.up_a - affine.up_b * 1.1724) / affine.up_a, 1 - 0.1153, rtol=1e-5)
    np.testing.assert_allclose((affine.down_a + affine.down_b * -0.8276) / affine.down_a, 1 - 0.5085, rtol=1e-5)


def test_linear_step_at_its_own_bound():
    affine = populate("ecram", gamma_up_dtod=0.0, mean_bound_reference=False)
    np.testing.assert_allclose(affine.up_b * affine.w_max / affine.up_a, 0.1153, rtol=1e-5)


def test_linear_step_with_gamma_one_is_soft_bounds():
    ones = {"gamma_up": 1.0, "gamma_down": 1.0, "gamma_up_dtod": 0.0, "gamma_down_dtod": 0.0}
    linear = populate("reram-sb", family="linear-step", mean_bound_reference=False, **ones)
    soft = populate("reram-sb")
    np.testing.assert_allclose(linear.up_b, soft.up_b, rtol=1e-5)
    np.testing.assert_allclose(linear.down_b, soft.down_b, rtol=1e-5)


@pytest.mark.parametrize("factor", [0.5, 1.0, 2.0])
def test_asymmetry_factor_scales_soft_bounds_steps(factor):
    affine = populate("lee-af1", asymmetry_factor=factor, **NONE, **NO_BOUNDS_SPREAD)
    np.testing.assert_allclose(affine.up_a, factor * 0.0016, rtol=1e-6)
    np.testing.assert_allclose(affine.up_b, factor * 0.0016, rtol=1e-6)
    np.testing.assert_allclose(affine.down_b, factor * 0.0016, rtol=1e-6)
    assert affine.dw_min_mean == 0.0016


def test_asymmetry_factor_zero_is_the_constant_step():
    zero, constant = populate("lee-af1", asymmetry_factor=0.0), populate("gokmen-vlasov")
    for name in ("up_a", "up_b", "down_a", "down_b", "w_min", "w_max", "dw_min"):
        assert np.array_equal(getattr(zero, name), getattr(constant, name)), name


def test_only_the_ideal_device_is_exact():
    ideal = populate("ideal")
    assert ideal.exact
    assert ideal.dw_min_std == 0.0
    assert np.isinf(ideal.w_max).all()
    assert not populate("idealized").exact
