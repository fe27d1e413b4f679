"""Steps that are not affine: the kernels against the formula of each device, and the pair's two halves."""

from dataclasses import replace

import numpy as np
import pytest

from twin.devices import device_preset
from twin.devices.response import POINTS
from twin.kernels.records import DW_MIN, HIDDEN, LIMITS
from twin.machine.arrays import draw_devices
from twin.machine.calibration import alternating_pulses, calibrate_by_pulses, symmetry_point
from twin.operation import Counts, Opcode

SHAPE = (6, 8)
QUIET = {"dw_min_std": 0.0, "write_noise_std": 0.0}
POWER = {"family": "power-step", "pow_gamma": 2.0, "pow_gamma_dtod": 0.2, "pow_up_down": 0.2, "pow_up_down_dtod": 0.05}
PIECES = {"family": "piecewise-step", "piecewise_up": [1.5, 1.2, 0.9, 0.3, 0.1], "piecewise_down": [0.0, 0.4, 1, 1, 2]}


def exponential(w, w_min, w_max, a, gamma, sign):
    z = 2 * -0.5 * w / (w_max - w_min) - 0.5
    return 1 - a * np.exp(sign * gamma * z)


FORMULAS = {
    "exponential": (
        "reram-es", QUIET,
        lambda w, lo, hi: exponential(w, lo, hi, -1.18445, 5.0, 1),
        lambda w, lo, hi: exponential(w, lo, hi, -0.081404, 5.0, -1),
    ),
    "piecewise": (
        "reram-es", QUIET | PIECES,
        lambda w, lo, hi: np.interp((w - lo) / (hi - lo), [0, 0.25, 0.5, 0.75, 1], [1.5, 1.2, 0.9, 0.3, 0.1]),
        lambda w, lo, hi: np.interp((w - lo) / (hi - lo), [0, 0.25, 0.5, 0.75, 1], [0, 0.4, 1, 1, 2]),
    ),
}  # fmt: skip


def pulsed(rig, device, overrides, **more):
    """Build a machine whose updates fire every line of magnitude 1 exactly once."""
    rate = device_preset(device, overrides).populate((1, 1), np.random.default_rng(0)).dw_min_mean
    settings = {"learning_rate": rate, "update": {"desired_bl": 1}}
    return rig("sgd", settings=settings, device=device, device_overrides=overrides, scale=0.0, **more)


def raw_devices(made, seed=3):
    return draw_devices(made.device, seed, 0, "W", 0, made.machine.mapping.parts(0, "W")[0])


def fire(made, x, d, sample):
    made.vector("x")[:] = x
    made.vector("d")[:] = d
    return made.perform(Opcode.UPDATE, sample=sample)


def hidden(made):
    part = made.machine.parts[0]
    n_in, n_out = int(part["in1"]), int(part["out1"])
    limits = made.machine.f[part["limits"] : part["limits"] + n_in * n_out * LIMITS]
    return limits.reshape(n_in, n_out, LIMITS)[..., HIDDEN].T


@pytest.mark.parametrize("name", FORMULAS)
@pytest.mark.parametrize("up", [True, False])
def test_pulses_follow_the_formula_between_the_devices_own_bounds(rig, name, up):
    device, overrides, up_shape, down_shape = FORMULAS[name]
    made = pulsed(rig, device, overrides)
    raw = raw_devices(made)
    r = made.machine.calibrated[0, "W", 0].reference.astype(np.float64)
    w = np.clip(r, raw.w_min, raw.w_max)
    sign = np.where(np.arange(8) % 2 == 0, 1.0, -1.0) * (1 if up else -1)
    for sample in range(2000):
        counts = fire(made, sign, 1.0, sample)
        rise = raw.scale_up * up_shape(w, raw.w_min, raw.w_max)
        fall = raw.scale_down * down_shape(w, raw.w_min, raw.w_max)
        w = np.clip(w + np.where(sign > 0, rise, -fall), raw.w_min, raw.w_max)
        if sample in (0, 1, 10, 400, 1999):
            np.testing.assert_allclose(made.machine.weights(0, "W"), w - r, atol=3e-4)
    assert counts[Counts.COINCIDENCES] == 48


@pytest.mark.parametrize("up", [True, False])
def test_power_steps_with_exponents_of_their_own(rig, up):
    made = pulsed(rig, "reram-es", QUIET | POWER | {"dw_min": 0.02})
    raw = raw_devices(made)
    assert raw.gamma_up.std() > 0.1
    assert raw.gamma_down.mean() < raw.gamma_up.mean()
    r = made.machine.calibrated[0, "W", 0].reference.astype(np.float64)
    w = np.clip(r, raw.w_min, raw.w_max)
    for sample in range(1000):
        fire(made, 1.0, 1.0 if up else -1.0, sample)
        u = (w - raw.w_min) / (raw.w_max - raw.w_min)
        step = raw.scale_up * (1 - u) ** raw.gamma_up if up else -raw.scale_down * u**raw.gamma_down
        w = np.clip(w + step, raw.w_min, raw.w_max)
    np.testing.assert_allclose(made.machine.weights(0, "W"), w - r, atol=2e-5)


def test_the_table_of_the_exponential_step_is_within_a_thousandth_of_the_step():
    raw = device_preset("reram-es", QUIET).populate((40, 40), np.random.default_rng(1))
    share = np.random.default_rng(2).uniform(size=raw.shape).astype(np.float32)
    w = raw.w_min + share * (raw.w_max - raw.w_min)
    for tabulated, exact in (
        (raw.up(w) / raw.scale_up, exponential(w.astype(float), raw.w_min, raw.w_max, -1.18445, 5.0, 1)),
        (raw.down(w) / raw.scale_down, exponential(w.astype(float), raw.w_min, raw.w_max, -0.081404, 5.0, -1)),
    ):
        assert np.abs(tabulated / exact - 1).max() < 1e-3


def test_piecewise_nodes_of_two_to_the_k_sections_are_in_the_table_exactly():
    raw = device_preset("reram-es", PIECES).populate((2, 2), np.random.default_rng(1))
    assert (POINTS - 1) % 4 == 0
    np.testing.assert_array_equal(raw.tables[0][:: (POINTS - 1) // 4], np.float32(PIECES["piecewise_up"]))


NOISY = {
    "multiplicative": {"dw_min_std": 0.5, "write_noise_std": 0.0, "mult_noise": True},
    "additive": {"dw_min_std": 0.5, "write_noise_std": 0.0, "mult_noise": False},
    "write": {"dw_min_std": 0.0, "write_noise_std": 2.0},
}


@pytest.mark.parametrize("kind", NOISY)
def test_moments_of_a_noisy_pulse(rig, kind):
    """From the symmetry point, over 4,000 repetitions of one certain pulse on 48 devices."""
    made = pulsed(rig, "reram-es", NOISY[kind])
    raw = raw_devices(made)
    r = made.machine.calibrated[0, "W", 0].reference
    step = raw.up(r).astype(np.float64)
    sigma = {"multiplicative": 0.5 * step, "additive": 0.5 * raw.dw_min, "write": np.full(SHAPE, 2.0 * 0.00135)}[kind]
    start, repeats = made.machine.f.copy(), 4000
    seen = np.empty((repeats, *SHAPE))
    for sample in range(repeats):
        made.machine.f[:] = start
        fire(made, 1.0, 1.0, sample)
        seen[sample] = made.machine.weights(0, "W")
    inside = (r > raw.w_min + 0.05) & (r < raw.w_max - 0.05)
    z_mean = (seen.mean(axis=0) - step)[inside] / (sigma[inside] / repeats**0.5)
    z_variance = (seen.var(axis=0) / sigma**2 - 1)[inside] / (2 / repeats) ** 0.5
    assert inside.sum() > 40
    assert np.abs(z_mean).max() < 4.5
    assert np.abs(z_variance).max() < 4.5


def test_write_noise_hides_the_state_and_does_not_pile_up(rig):
    """The state follows the noiseless pulses; what is read scatters about it by the same sigma for ever."""
    sigma = 3.0 * 0.002
    made = pulsed(rig, "reram-sb", {"dw_min_std": 0.0, "write_noise_std": 3.0})
    quiet = pulsed(rig, "reram-sb", QUIET)
    apart = []
    for sample in range(600):
        for one in (made, quiet):
            fire(one, 1.0, 1.0 if sample // 50 % 2 else -1.0, sample)
        apart.append(made.machine.weights(0, "W") - hidden(made))
    np.testing.assert_allclose(hidden(made), quiet.machine.weights(0, "W"), atol=1e-6)
    apart = np.array(apart)
    assert apart.std() == pytest.approx(sigma, rel=0.02)
    assert abs(np.corrcoef(apart[1:].ravel(), apart[:-1].ravel())[0, 1]) < 5 / apart.size**0.5
    assert made.machine.at_bounds(0, "W")[1] == 0


@pytest.mark.parametrize("device", ["reram-es", "reram-sb", "reram-array-om"])
def test_the_state_never_leaves_the_bounds(rig, device):
    made = pulsed(rig, device, {"corrupt_devices_prob": 0.2})
    for sample in range(1500):
        fire(made, 1.0, 1.0 if sample // 300 % 2 else -1.0, sample)
        if sample % 100 == 99:
            assert made.machine.at_bounds(0, "W")[1] == 0


def test_stuck_devices_stay_where_they_are(rig):
    made = pulsed(rig, "reram-array-om", {"corrupt_devices_prob": 0.5, "corrupt_devices_range": 0.3})
    raw = raw_devices(made)
    stuck = raw.w_min == raw.w_max
    assert 12 <= stuck.sum() <= 36
    assert (np.abs(raw.w_min[stuck]) <= 0.3).all()
    before = made.machine.weights(0, "W")
    for sample in range(50):
        fire(made, 1.0, 1.0, sample)
    moved = made.machine.weights(0, "W") != before
    assert not moved[stuck].any()
    assert moved[~stuck].all()


@pytest.mark.parametrize("overrides", [{}, POWER | {"dw_min": 0.02}, PIECES], ids=["exponential", "power", "pieces"])
def test_symmetry_point_is_where_the_steps_are_equal(overrides):
    raw = device_preset("reram-es", QUIET | overrides).populate((30, 30), np.random.default_rng(4))
    point = symmetry_point(raw)
    inside = (point > raw.w_min + 1e-4) & (point < raw.w_max - 1e-4)
    assert inside.mean() > 0.9
    np.testing.assert_allclose(raw.up(point)[inside], raw.down(point)[inside], rtol=2e-4)
    np.testing.assert_allclose(symmetry_point(raw.shifted(point))[inside], 0.0, atol=1e-5)


def test_the_symmetry_point_of_the_exponential_preset_in_closed_form():
    """With y = exp(5 z): 1 + A_up y = (1 - up_down) (1 + A_down / y), z = -w / 2 - 1/2 on the nominal range."""
    none = {"dw_min_dtod": 0.0, "up_down_dtod": 0.0, "w_max_dtod": 0.0, "w_min_dtod": 0.0}
    raw = device_preset("reram-es", QUIET | none).populate((2, 2), np.random.default_rng(0))
    k, a_up, a_down = 1 - 0.259359, 1.18445, 0.081404
    y = ((k - 1) + ((1 - k) ** 2 + 4 * a_up * k * a_down) ** 0.5) / (2 * a_up)
    np.testing.assert_allclose(symmetry_point(raw), -2 * (np.log(y) / 5 + 0.5), atol=2e-4)


def test_calibration_by_pulses_settles_at_the_symmetry_point():
    raw = device_preset("reram-es", QUIET | {"dw_min": 0.01}).populate((20, 20), np.random.default_rng(4))
    found = calibrate_by_pulses(raw, 3000, np.random.default_rng(5))
    assert found.residual_mean == pytest.approx(-0.006, abs=0.004)  # half of a step, about 0.012 there
    assert found.residual_std < 0.01


def test_alternating_pulses_are_the_kernels_pulses(rig):
    made = pulsed(rig, "reram-es", QUIET)
    raw = raw_devices(made)
    r = made.machine.calibrated[0, "W", 0].reference
    for sample in range(400):
        fire(made, 1.0, -1.0 if sample % 2 else 1.0, sample)
    expected = alternating_pulses(raw, r, 200, np.random.default_rng(0)).state - r
    np.testing.assert_allclose(made.machine.weights(0, "W"), expected, atol=2e-5)


PAIR = {"dw_min_std": 0.0, "refresh_every": 0}


def pair_step(g, top):
    return 1 + 27.235 * np.exp(-2.5 * 2 * g / top)


def test_up_pulses_raise_one_half_of_a_pair_and_down_pulses_the_other(rig):
    made = pulsed(rig, "pcm-pair", PAIR)
    raw = raw_devices(made)
    assert np.array_equal(made.machine.calibrated[0, "W", 0].reference, np.zeros(SHAPE))
    plus, minus = np.zeros(SHAPE), np.zeros(SHAPE)
    for sample in range(300):
        up = sample % 3 > 0
        fire(made, 1.0, 1.0 if up else -1.0, sample)
        if up:
            plus = np.minimum(plus + raw.scale_plus * pair_step(plus, raw.w_max), raw.w_max)
        else:
            minus = np.minimum(minus + raw.scale_minus * pair_step(minus, -raw.w_min), -raw.w_min)
    np.testing.assert_allclose(hidden(made), minus, atol=2e-3)
    np.testing.assert_allclose(made.machine.weights(0, "W"), plus - minus, atol=3e-3)
    assert made.machine.at_bounds(0, "W")[1] == 0


def test_noise_of_a_pair_has_its_three_parts(rig):
    """sigma = dw_min_std (step + dw_min_std_add + dw_min_std_slope g), Nandakumar 2020 as in aihwkit."""
    made = pulsed(rig, "pcm-pair", {"refresh_every": 0})
    raw = raw_devices(made)
    made.machine.set_weights(0, "W", np.full(SHAPE, 0.8))
    start, repeats = made.machine.f.copy(), 4000
    seen = np.empty((repeats, *SHAPE))
    for sample in range(repeats):
        made.machine.f[:] = start
        fire(made, 1.0, 1.0, sample)
        seen[sample] = made.machine.weights(0, "W") - 0.8
    step = raw.scale_plus * pair_step(0.8, raw.w_max)
    sigma = 0.6 * (step + 0.042 + 0.108 * 0.8)
    assert np.abs((seen.mean(axis=0) - step) / sigma).max() < 4.5 / repeats**0.5
    assert np.abs(seen.std(axis=0) / sigma - 1).max() < 4.5 / (2 * repeats) ** 0.5


def test_refresh_resets_pairs_that_ran_up_keeps_their_weight_and_counts_its_pulses(rig):
    made = pulsed(
        rig, "pcm-pair", {"refresh_every": 400, "refresh_bl": 100, "reset": 0.0, "reset_dtod": 0.0, "reset_std": 0.0}
    )
    refreshed = 0
    for sample in range(1200):
        before, minus = made.machine.weights(0, "W"), hidden(made).copy()
        counts = fire(made, 1.0, 1.0 if sample % 2 else -1.0, sample)
        if sample % 400 != 399:
            assert counts[Counts.MVMS] == 0
            continue
        assert counts[Counts.MVMS] >= 2 * 8
        fresh = hidden(made) < minus - 0.3
        refreshed += fresh.sum()
        extra = counts[Counts.COINCIDENCES] - 48
        assert extra >= 2 * fresh.sum()
        assert counts[Counts.PULSES] > 1
        overshoot = (made.machine.weights(0, "W") - before)[fresh]
        assert np.abs(overshoot).max() < 1.0  # at most a first step and its noise
    assert refreshed > 48


def test_a_refresh_that_is_never_due_changes_nothing(rig):
    often = pulsed(rig, "pcm-pair", {"refresh_every": 1, "refresh_upper_thres": 1.0, "refresh_lower_thres": 1.0})
    never = pulsed(rig, "pcm-pair", {"refresh_every": 0})
    for sample in range(50):
        for made in (often, never):
            fire(made, 1.0, 1.0 if sample % 2 else -1.0, sample)
    assert np.array_equal(often.machine.weights(0, "W"), never.machine.weights(0, "W"))


def test_conduction_of_a_pair_counts_both_halves(rig):
    made = pulsed(rig, "pcm-pair", {"refresh_every": 0})
    for sample in range(3 * 64 + 1):
        fire(made, 1.0, 1.0 if sample % 2 else -1.0, sample)
    part = made.machine.parts[0]
    kept = made.machine.f[part["in_sum"] : part["in_sum"] + 8]
    true = (made.machine.weights(0, "W") + 2 * hidden(made)).sum(axis=0)
    np.testing.assert_allclose(kept, true, rtol=1e-4)


@pytest.mark.parametrize("device", ["reram-es", "pcm-pair", "reram-sb"])
@pytest.mark.parametrize(
    ("algorithm", "settings"),
    [
        ("ttv2", {"transfer_lr": 20.0, "transfer_axis": "row"}),
        ("shd", {"transfer_lr": 1.0, "transfer_axis": "column", "threshold": 0.0}),
    ],
)
def test_every_algorithm_runs_on_them_and_moves_c(rig, device, algorithm, settings):
    made = rig(algorithm, settings=settings, device=device, chip={"tile.rows": "4", "tile.cols": "5"})
    first = made.machine.weights(0, "C")
    rng = np.random.default_rng(3)
    for sample in range(200):
        made.vector("x")[:] = rng.uniform(-1, 1, 8)
        made.vector("d")[:] = rng.uniform(-1, 1, 6)
        made.perform(Opcode.UPDATE, sample=sample)
        made.perform(Opcode.READ_OUT, sample=sample)
        made.perform(Opcode.FILTER if algorithm == "ttv2" else Opcode.TRANSFER_UPDATE, sample=sample)
        if algorithm == "ttv2":
            made.perform(Opcode.PULSE, sample=sample)
    assert np.abs(made.machine.weights(0, "C") - first).max() > 0.01
    for matrix in ("A", "C"):
        assert np.isfinite(made.machine.weights(0, matrix)).all()
        assert made.machine.at_bounds(0, matrix)[1] == 0


def test_exact_updates_leave_hidden_states_aside(rig):
    made = rig("sgd", device="reram-es", settings={"learning_rate": 0.1, "update": {"pulse_type": "none"}}, scale=0.0)
    fire(made, 1.0, 0.5, 0)
    raw = raw_devices(made)
    r = made.machine.calibrated[0, "W", 0].reference
    np.testing.assert_allclose(made.machine.weights(0, "W"), np.clip(0.05, raw.w_min - r, raw.w_max - r), atol=1e-6)


def test_dw_min_of_limits_is_the_unit_of_additive_noise(rig):
    made = pulsed(rig, "reram-es", {})
    part = made.machine.parts[0]
    limits = made.machine.f[part["limits"] : part["limits"] + 48 * LIMITS].reshape(8, 6, LIMITS)
    np.testing.assert_array_equal(limits[..., DW_MIN].T, replace(raw_devices(made)).dw_min)
