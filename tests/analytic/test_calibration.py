"""Pulses and calibration against closed forms."""

from dataclasses import replace

import numpy as np
import pytest

from twin.devices import Affine, device_preset, family_names, family_of
from twin.machine.calibration import (
    alternating_pulses,
    calibrate_by_pulses,
    calibrate_exactly,
    shift,
    symmetry_point,
    without_calibration,
)

COPIES = (200, 200)
SHAPED = ("exponential-step", "power-step", "piecewise-step", "one-sided")  # tests/analytic/test_nonlinear_devices.py
AFFINE = [name for name in family_names() if name not in SHAPED]


def copies_of(affine: Affine, **changes) -> Affine:
    """Return many copies of the first device, without bounds."""
    first = {
        name: np.full(COPIES, getattr(affine, name)[0, 0], dtype=np.float32)
        for name in ("up_a", "up_b", "down_a", "down_b", "w_min", "w_max", "dw_min")
    }
    first["w_min"][:] = -np.inf
    first["w_max"][:] = np.inf
    return replace(affine, **(first | changes))


def any_device(name: str) -> Affine:
    family = family_of(name)
    values = {"dw_min": 0.02, "w_max": 0.8, "w_min": -0.7}
    required = [key for key, field in family.model_fields.items() if field.is_required()]
    device = family.model_validate({key: values.get(key, 0.9) for key in required})
    return device.populate((2, 2), np.random.default_rng(5))


def moments_after(affine: Affine, start: float, pairs: int) -> tuple[float, float]:
    """Mean and variance of identical devices without bounds, pulse by pulse."""
    one = {name: float(getattr(affine, name)[0, 0]) for name in ("up_a", "up_b", "down_a", "down_b", "dw_min")}
    sigma, mean, variance = affine.dw_min_std, start, 0.0
    for _ in range(pairs):
        for a, b in ((one["up_a"], one["up_b"]), (-one["down_a"], one["down_b"])):
            step = a - b * mean
            noise = step**2 + b**2 * variance if affine.mult_noise else one["dw_min"] ** 2
            mean, variance = mean + step, (1 - b) ** 2 * variance + sigma**2 * noise
    return mean, variance


@pytest.mark.parametrize("mult_noise", [True, False])
@pytest.mark.parametrize("name", AFFINE)
def test_mean_and_variance_of_a_train_of_pulses(name, mult_noise):
    affine = copies_of(any_device(name), dw_min_std=0.4, mult_noise=mult_noise)
    pairs, start = 6, 0.2
    begin = np.full(COPIES, start, dtype=np.float32)
    state = alternating_pulses(affine, begin, pairs, np.random.default_rng(11)).state.astype(np.float64)
    mean, variance = moments_after(affine, start, pairs)
    n = state.size
    assert state.mean() == pytest.approx(mean, abs=3 * (variance / n) ** 0.5)
    assert state.var() == pytest.approx(variance, rel=4 * (2 / n) ** 0.5)


@pytest.mark.parametrize("pairs", [0, 1, 10, 1000])
def test_state_relaxes_geometrically_to_half_a_step_below_the_symmetry_point(pairs):
    affine = replace(
        device_preset("gokmen-60", {"up_down_dtod": 0.1}).populate((20, 20), np.random.default_rng(2)),
        dw_min_std=0.0,
    )
    start = np.full(affine.shape, 0.1, dtype=np.float32)
    state = alternating_pulses(affine, start, pairs, np.random.default_rng(0)).state
    up_a, up_b, down_a, down_b = (
        getattr(affine, name).astype(np.float64) for name in ("up_a", "up_b", "down_a", "down_b")
    )
    q = (1 - up_b) * (1 - down_b)
    fixed = ((1 - down_b) * up_a - down_a) / (1 - q)
    free = (start < affine.w_max) & (start + affine.up_a < affine.w_max)
    np.testing.assert_allclose(state[free], (fixed + (start - fixed) * q**pairs)[free], rtol=1e-4, atol=1e-5)
    point = (up_a - down_a) / (up_b + down_b)
    np.testing.assert_allclose(fixed - point, -(up_a - up_b * point) * down_b / (1 - q), atol=1e-12)
    assert (fixed - point).mean() == pytest.approx(-0.5 * 0.02, rel=0.15)


def test_the_symmetry_point_is_a_fixed_point_in_expectation():
    """One pulse, up or down with equal chance, moves nothing on average."""
    affine = copies_of(device_preset("gokmen-15").populate((2, 2), np.random.default_rng(1)))
    point = symmetry_point(affine)
    shifted = shift(affine, point)
    np.testing.assert_allclose(shifted.up_a, shifted.down_a, rtol=1e-5)
    state = alternating_pulses(affine, point, 1, np.random.default_rng(4)).state - point
    first_order = -affine.down_b[0, 0] * shifted.up_a[0, 0]
    noise = float(2**0.5 * affine.dw_min[0, 0] * affine.dw_min_std / state.size**0.5)
    assert state.mean() == pytest.approx(first_order, abs=3 * noise)


def test_pulses_of_a_shifted_device_are_pulses_of_the_raw_one():
    affine = device_preset("ecram").populate((30, 30), np.random.default_rng(8))
    reference = np.random.default_rng(9).uniform(-0.3, 0.3, affine.shape).astype(np.float32)
    start = np.full(affine.shape, 0.05, dtype=np.float32)
    raw = alternating_pulses(affine, start, 50, np.random.default_rng(3)).state
    logical = alternating_pulses(shift(affine, reference), start - reference, 50, np.random.default_rng(3)).state
    np.testing.assert_allclose(logical, raw - reference, atol=2e-6)


def test_calibration_costs_pulses_and_leaves_a_residual_that_shrinks():
    affine = device_preset("gokmen-60", {"up_down_dtod": 0.2}).populate((100, 100), np.random.default_rng(1))
    exact, none = calibrate_exactly(affine), without_calibration(affine)
    assert (exact.pulses, exact.coincidences, exact.residual_mean, exact.residual_std) == (0, 0, 0.0, 0.0)
    assert np.array_equal(exact.reference, symmetry_point(affine))
    few = calibrate_by_pulses(affine, 10, np.random.default_rng(6))
    many = calibrate_by_pulses(affine, 100, np.random.default_rng(6))
    assert (many.pulses, many.coincidences) == (200, 200 * 10_000)
    assert many.residual_std < few.residual_std < none.residual_std
    assert many.residual_mean == pytest.approx(-0.01, rel=0.2)  # half of dw_min
    difference = many.reference.astype(np.float64) - symmetry_point(affine)
    assert many.residual_std == pytest.approx(difference.std(), rel=1e-4)


def test_start_is_honoured_and_not_changed():
    affine = device_preset("gokmen-1200").populate((10, 10), np.random.default_rng(1))
    start = np.full(affine.shape, 0.3, dtype=np.float32)
    result = calibrate_by_pulses(affine, 0, np.random.default_rng(1), start)
    assert (start == np.float32(0.3)).all()
    assert np.array_equal(result.reference, np.minimum(start, affine.w_max))
