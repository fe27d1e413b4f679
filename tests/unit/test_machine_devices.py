"""Does a device of the machine step, saturate and stay inside its bounds as its coefficients say?"""

import numpy as np
import pytest

from twin.machine.arrays import draw_devices
from twin.machine.calibration import shift
from twin.operation import Counts, Opcode

SHAPE = (6, 8)


def devices_of(made, matrix="W", layer=0, part=0, seed=3):
    """Draw a matrix's devices again, shifted to their calibrated references: the logical pulse response."""
    where = made.machine.mapping.parts(layer, matrix)[part]
    raw = draw_devices(made.device, seed, layer, matrix, part, where)
    source = matrix if (layer, matrix, part) in made.machine.calibrated else "A"
    return shift(raw, made.machine.calibrated[layer, source, part].reference)


def line_sums(made):
    """Return the kept sums, less the references' constant share, and the true sums of w over every line."""
    f = made.machine.f
    for part in made.machine.parts:
        n_in, n_out = int(part["in1"] - part["in0"]), int(part["out1"] - part["out0"])
        w = f[part["w"] : part["w"] + n_in * n_out].reshape(n_in, n_out).astype(np.float64)
        for line, n, axis in (("in", n_in, 1), ("out", n_out, 0)):
            kept, rest = (f[part[f"{line}_{what}"] : part[f"{line}_{what}"] + n] for what in ("sum", "rest"))
            yield kept - rest, w.sum(axis=axis)


def single_pulse(made, x, d, sample):
    """Fire one certain pulse on every line of x and d that is not zero."""
    made.vector("x")[:] = x
    made.vector("d")[:] = d
    return made.perform(Opcode.UPDATE, sample=sample)


def pulsed(rig, device="gokmen-60", **overrides):
    """Build a machine whose updates fire every line of magnitude 1 exactly once."""
    dw_min = 0.02
    return rig(
        "sgd",
        settings={"learning_rate": dw_min, "update": {"desired_bl": 1}},
        device=device,
        device_overrides={"dw_min": dw_min} | overrides,
        scale=0.0,
    )


@pytest.mark.parametrize("up", [True, False])
def test_pulses_follow_the_affine_response_until_it_saturates(rig, up):
    made = pulsed(rig, dw_min_std=0.0, up_down=0.1, up_down_dtod=0.2)
    affine = devices_of(made)
    w = made.machine.weights(0, "W").astype(np.float64)
    sign = np.where(np.arange(8) % 2 == 0, 1.0, -1.0) * (1 if up else -1)
    for sample in range(3000):
        counts = single_pulse(made, sign, 1.0, sample)
        assert counts[Counts.PULSES] == 1
        assert counts[Counts.COINCIDENCES] == 48
        assert counts[Counts.FIRED] == 14
        rise, fall = affine.up_a - affine.up_b * w, -(affine.down_a + affine.down_b * w)
        w = np.clip(w + np.where(sign > 0, rise, fall), affine.w_min, affine.w_max)
        if sample in (0, 1, 10, 400, 2999):
            np.testing.assert_allclose(made.machine.weights(0, "W"), w, atol=2e-5)
    bound = np.where(sign > 0, affine.w_max, affine.w_min)
    np.testing.assert_allclose(w, bound, atol=5e-3)


def test_a_line_without_a_pulse_moves_nothing(rig):
    made = pulsed(rig)
    x, d = np.zeros(8), np.zeros(6)
    x[2], d[4] = 1.0, -1.0
    single_pulse(made, x, d, 0)
    w = made.machine.weights(0, "W")
    assert w[4, 2] < 0
    assert np.count_nonzero(w) == 1
    assert single_pulse(made, np.zeros(8), d, 1)[Counts.PULSES] == 0
    assert single_pulse(made, x, np.zeros(6), 2)[Counts.PULSES] == 0
    np.testing.assert_array_equal(made.machine.weights(0, "W"), w)


@pytest.mark.parametrize(
    ("device", "overrides"),
    [
        ("gokmen-15", {}),
        ("gokmen-60", {"dw_min_std": 0.3}),
        ("gokmen-60", {"dw_min_std": 3.0}),
        ("symmetric-1200", {"dw_min_std": 0.3}),
        ("reram-sb", {"write_noise_std": 0.0}),
        ("capacitor", {}),
    ],
)
def test_bounds_are_never_left_with_noise(rig, device, overrides):
    """Driven to each bound in turn: a step whose noise reverses it near a bound is clipped, too."""
    made = pulsed(rig, device, **overrides)
    affine = devices_of(made)
    for sample in range(3000):
        single_pulse(made, 1.0, 1.0 if sample // 300 % 2 else -1.0, sample)
        w = made.machine.weights(0, "W")
        beyond = np.maximum(w - affine.w_max, affine.w_min - w).max()
        assert beyond <= 1e-6, f"sample {sample}: {beyond} beyond a bound"


def test_a_reversed_step_at_a_bound_is_clipped(rig):
    """Multiplicative noise below -1 turns an up pulse into a down step, which stops at the lower bound."""
    made = pulsed(rig, dw_min_std=0.3)
    affine = devices_of(made)
    for sample in range(4000):
        made.machine.set_weights(0, "W", affine.w_min)
        single_pulse(made, 1.0, 1.0, sample)
        assert (made.machine.weights(0, "W") >= affine.w_min - 1e-6).all()


def test_exact_updates_stay_inside_the_bounds_of_each_device(rig):
    made = rig(
        "sgd",
        device="gokmen-60",
        settings={"learning_rate": 1.0, "update": {"pulse_type": "none"}},
    )
    affine = devices_of(made)
    for sign in (1.0, -1.0):
        for sample in range(3):
            single_pulse(made, sign, 1.0, sample)
        w = made.machine.weights(0, "W")
        assert (w <= affine.w_max + 1e-6).all()
        assert (w >= affine.w_min - 1e-6).all()


def test_fraction_at_bounds_is_reported(rig):
    made = pulsed(rig, "symmetric-1200", dw_min_std=0.0, w_max_dtod=0.0, w_min_dtod=0.0)
    assert made.machine.at_bounds(0, "W") == (0.0, 0)
    for sample in range(200):
        single_pulse(made, np.where(np.arange(8) < 2, 1.0, 0.0), 1.0, sample)
    assert made.machine.at_bounds(0, "W")[0] == pytest.approx(0.25)


@pytest.mark.parametrize("device", ["ideal", "gokmen-60", "gokmen-15"])
@pytest.mark.parametrize(
    ("algorithm", "settings"),
    [
        ("sgd", {"learning_rate": 0.1}),
        ("ttv2", {"transfer_lr": 50.0, "transfer_axis": "row"}),
        ("ttv2", {"transfer_lr": 50.0, "transfer_axis": "column"}),
        ("shd", {"transfer_lr": 1.0, "transfer_axis": "column", "threshold": 0.0}),
        (
            "shd",
            {"transfer_lr": 1.0, "transfer_axis": "row", "transfer_vectors": "hadamard", "threshold": 0.0},
        ),
    ],
)
def test_line_sums_stay_true(rig, device, algorithm, settings):
    """They are summed anew at every 64th sample."""
    made = rig(
        algorithm,
        settings=settings,
        device=device,
        chip={"tile.rows": "4", "tile.cols": "5", "tile.io.out_noise": "0.06"},
    )
    rng = np.random.default_rng(3)
    for sample in range(5 * 64 + 1):
        made.vector("x")[:] = rng.uniform(-1, 1, 8)
        made.vector("d")[:] = rng.uniform(-1, 1, 6)
        made.perform(Opcode.UPDATE, sample=sample)
        if algorithm != "sgd":
            made.perform(Opcode.READ_OUT, sample=sample)
            made.perform(Opcode.FILTER if algorithm == "ttv2" else Opcode.TRANSFER_UPDATE, sample=sample)
        if algorithm == "ttv2":
            made.perform(Opcode.PULSE, sample=sample)
    for matrix in made.machine.designs[0].algorithm.matrices:
        assert np.abs(made.machine.weights(0, matrix)).max() > 0.005
    for kept, true in line_sums(made):
        np.testing.assert_allclose(kept, true, atol=2e-5 * max(1, np.abs(true).max()))


def test_setting_weights_sets_line_sums(rig):
    made = rig("sgd", chip={"tile.rows": "4", "tile.cols": "5"})
    weights = np.random.default_rng(1).uniform(-1, 1, SHAPE)
    made.machine.set_weights(0, "W", weights)
    np.testing.assert_allclose(made.machine.weights(0, "W"), weights, atol=1e-7)
    for kept, true in line_sums(made):
        np.testing.assert_allclose(kept, true, atol=1e-5)
