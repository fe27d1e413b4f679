"""Relaxation of one array against the closed form, for every kind of step; drift of the reference; recalibration."""

import math

import numpy as np
import pytest

from twin.errors import TwinError
from twin.machine.arrays import draw_devices
from twin.machine.calibration import shift, symmetry_point
from twin.machine.relaxing import GRAIN
from twin.runs.build import build
from twin.runs.planning import plan_run

MS = 10**9  # ps
PRESETS = ["gokmen-60", "symmetric-1200", "reram-sb", "reram-array-om", "reram-es", "measured", "pcm-pair", "ideal"]


def built(preset="gokmen-60", calibration="exact", mode="coupled", **device):
    values = {"preset": f'"{preset}"', "lifetime": '"1 ms"'} | {k: str(v) for k, v in device.items()}
    text = ", ".join(f"{key} = {value}" for key, value in values.items())
    own = {"device": f"{{{text}}}", "data.samples": "20", "calibration.method": f'"{calibration}"'}
    return build(plan_run("digits-mlp", "aimc-512", "two-array", "sgd", mode, own | {"calibration.pairs": "20"}, {}))


def spread_out(parts):
    """Put weights across the range into layer 0 and return its array and its raw weights, (n_in, n_out)."""
    array = parts.retention.arrays[0, "W", 0]
    n_out, n_in = parts.machine.weights(0, "W").shape
    w = np.random.default_rng(3).uniform(-0.2, 0.2, (n_out, n_in)).astype(np.float32)
    parts.machine.set_weights(0, "W", np.clip(w, array._limits[..., 0].T, array._limits[..., 1].T))
    return array, array.raw().astype(np.float64)


def resting(array, reset):
    """Return where the devices rest: at `reset`, or at the bound before it."""
    low, high = (array._limits[..., k].astype(np.float64) + array.reference for k in (0, 1))
    return np.clip(reset, low, high)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("reset", [0.0, 0.05])
def test_devices_relax_by_the_closed_form_to_float32(preset, reset):
    parts = built(preset, reset=reset)
    array, before = spread_out(parts)
    array.age(3 * MS // 2)
    rest = 0.0 if preset == "pcm-pair" else resting(array, reset)  # a pair's halves relax to the same conductance
    np.testing.assert_allclose(array.raw(), rest + (before - rest) * math.exp(-1.5), rtol=2e-6, atol=2e-7)


def test_every_device_has_its_own_lifetime_and_rest():
    parts = built(lifetime_dtod=0.3, reset=0.1, reset_dtod=0.02)
    array, before = spread_out(parts)
    array.age(MS // 2)
    found = array.raw()
    relaxation = array._main
    rest = resting(array, relaxation.rest)
    expected = rest + (before - rest) * np.exp(-0.5e-3 / relaxation.lifetime.astype(np.float64))
    np.testing.assert_allclose(found, expected, rtol=5e-6, atol=5e-7)
    assert np.std(relaxation.lifetime) == pytest.approx(0.3e-3, rel=0.05)
    assert np.std(relaxation.rest) == pytest.approx(0.02, rel=0.05)


def test_many_short_times_add_up_to_a_long_one():
    parts = built()
    array, before = spread_out(parts)
    for step in range(1, 1001):
        array.age(step * MS // 1000)
    np.testing.assert_allclose(array.raw(), before * math.exp(-1), atol=2e-5)


def test_less_than_a_grain_waits_until_it_is_asked_for():
    parts = built()
    array, before = spread_out(parts)
    array.age(int(0.99 * GRAIN * MS))
    np.testing.assert_array_equal(array.raw(), before)
    parts.retention.settle(int(0.99 * GRAIN * MS))
    np.testing.assert_allclose(array.raw(), before * math.exp(-0.99 * GRAIN), rtol=1e-6, atol=1e-9)


def test_line_sums_follow_the_weights():
    parts = built(reference_drift="true")
    array, _ = spread_out(parts)
    array.age(MS)
    part, _ = parts.machine.array_records(0, "W", 0)
    n_in, n_out = array.w.shape
    both = array.w + 2 * array.reference
    f = parts.machine.f
    np.testing.assert_allclose(f[part["in_sum"] :][:n_in], both.sum(axis=1), atol=1e-4)
    np.testing.assert_allclose(f[part["out_sum"] :][:n_out], both.sum(axis=0), atol=1e-4)


@pytest.mark.parametrize("preset", ["gokmen-60", "reram-sb", "reram-es", "measured"])
def test_a_reference_that_drifts_takes_steps_and_bounds_along(preset):
    parts = built(preset, reference_drift="true", reset=0.02)
    array, before = spread_out(parts)
    reference = parts.machine.calibrated[0, "W", 0].reference.astype(np.float64)
    array.age(MS)
    left = math.exp(-1)
    drifted = 0.02 + (reference - 0.02) * left
    np.testing.assert_allclose(array.reference.T, drifted, rtol=1e-5, atol=1e-6)
    rest = resting(array, 0.02)
    np.testing.assert_allclose(array.raw(), rest + (before - rest) * left, rtol=1e-5, atol=1e-6)
    part = parts.mapping.parts(0, "W")[0]
    model = draw_devices(parts.designs[0].devices["W"], int(parts.machine.seed), 0, "W", 0, part)
    shifted = shift(model, drifted.astype(np.float32))
    for column, values in enumerate(shifted.columns()):
        np.testing.assert_allclose(array._cell[..., column].T, values, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(array._limits[..., 0].T, shifted.w_min, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(array._limits[..., 1].T, shifted.w_max, rtol=1e-4, atol=1e-5)


def test_calibrating_again_puts_a_drifted_reference_back_and_keeps_weights():
    parts = built(reference_drift="true", reset=0.1)
    array, _ = spread_out(parts)
    parts.retention.settle(MS)
    weights = array.w.copy()
    found = parts.retention.recalibrate(1, MS)[0, "W", 0]
    part = parts.mapping.parts(0, "W")[0]
    model = draw_devices(parts.designs[0].devices["W"], int(parts.machine.seed), 0, "W", 0, part)
    np.testing.assert_array_equal(array.reference.T, symmetry_point(model))
    assert abs(found.before_mean) > 0.05
    assert found.calibration.residual_std == 0.0
    np.testing.assert_allclose(array.w, weights, atol=1e-6)


def test_calibrating_again_by_pulses_starts_from_the_devices_and_draws_anew():
    parts = built(calibration="pulses")
    spread_out(parts)
    first, second = (parts.retention.recalibrate(n, 0)[0, "W", 0].calibration for n in (1, 2))
    assert first.pulses == second.pulses == 40
    assert first.residual_std > 0
    assert not np.array_equal(first.reference, second.reference)


def test_no_lifetime_costs_nothing():
    own = {"data.samples": "20"}
    parts = build(plan_run("digits-mlp", "aimc-512", "two-array", "sgd", "coupled", own, {}))
    assert parts.retention is None
    assert parts.effects.retention is None


@pytest.mark.parametrize(
    ("mode", "own", "message"),
    [
        (
            "replayed",
            {"device": '{preset = "gokmen-60", lifetime = "1 ms"}'},
            r"device.lifetime \(= 0.001 s\).*coupled",
        ),
        (
            "coupled",
            {"device": '{preset = "gokmen-60", lifetime = "1 ms"}', "timing.mode": '"sampled"'},
            "timing.mode sampled does not know",
        ),
        ("coupled", {"device": '{preset = "gokmen-60", lifetime = 0.001}'}, "needs a unit, e.g. "),
        ("coupled", {"device": '{preset = "gokmen-60", lifetime = "0 s"}'}, "lifetime"),
        ("coupled", {"device": '{preset = "gokmen-60", lifetime_dtod = 0.3}'}, "lifetime_dtod.*needs a lifetime"),
        ("coupled", {"device": '{preset = "gokmen-60", reference_drift = true}'}, "reference_drift.*needs a lifetime"),
        ("replayed", {"calibration.interval": '"1 ms"'}, r"calibration.interval \(= 0.001 s\).*coupled"),
        ("replayed", {"calibration.every": "9", "timing.mode": '"sampled"'}, r"calibration.every \(= 9\).*--exact"),
        ("coupled", {"calibration.every": "9", "calibration.interval": '"1 ms"'}, "must be 0 where every"),
        ("coupled", {"calibration.every": "9", "calibration.method": '"none"'}, 'must be "exact" or "pulses"'),
        (
            "coupled",
            {"device": '{preset = "gokmen-60", lifetime = "1 ms"}', "extraction": "{reads = 70}"},
            "takes weights to keep still",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_in_one_line(mode, own, message):
    with pytest.raises(TwinError, match=message) as caught:
        (plan_run("digits-mlp", "aimc-512", "two-array", "sgd", mode, own, {}))
    assert "\n" not in str(caught.value)
