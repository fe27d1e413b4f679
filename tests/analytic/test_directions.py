"""Converters and noise by direction, noise of weights, what stays in H, references that miss: against closed forms."""

import numpy as np
import pytest
from pydantic import ValidationError

from twin.algorithms.ttv2 import TTv2Table
from twin.descriptions.load import load_chip
from twin.devices import device_preset
from twin.errors import TwinError
from twin.machine.calibration import calibrated, symmetry_point
from twin.operation import Opcode

N_IN, N_OUT, SAMPLES = 8, 6, 600
W = np.random.default_rng(5).uniform(-0.5, 0.5, (N_OUT, N_IN)).astype(np.float32)


def made_of(rig, chip, algorithm="sgd", **more):
    made = rig(algorithm, layers=((N_OUT, "identity", False),), n_inputs=N_IN, chip=chip, **more)
    made.machine.set_weights(0, "W" if algorithm == "sgd" else "A", W)
    return made


def products(made, x, *, forward, samples=1):
    """Multiply the same vector several times; return the outputs, a row each."""
    found = []
    for sample in range(samples):
        made.vector("x" if forward else "d")[:] = x
        made.perform(Opcode.FORWARD if forward else Opcode.BACKWARD, sample=sample)
        found.append(made.vector("z" if forward else "e").copy())
    return np.array(found, np.float64)


def read_outs(made, samples):
    found = []
    for sample in range(samples):
        made.perform(Opcode.READ_OUT, sample=sample)
        found.append(made.vector("v").copy())
    return np.array(found, np.float64)


def on_grid(x, steps):
    """Inputs as a converter of so many steps from -1 to 1 gives them, after division by the largest."""
    top = np.abs(x).max()
    return np.floor(x / top * steps / 2 + 0.5) / (steps / 2) * top


# -- directions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("way", ["forward", "backward"])
def test_each_way_has_the_converters_that_it_is_given(rig, way):
    chip = {"tile.io.noise_management": '"abs_max"', "tile.io.inp_res": "4", "tile.io.backward.inp_res": "8"}
    made = made_of(rig, chip)
    forward = way == "forward"
    x = np.random.default_rng(1).uniform(-1, 1, N_IN if forward else N_OUT).astype(np.float32)
    expected = (W if forward else W.T) @ on_grid(x, 4 if forward else 8)
    np.testing.assert_allclose(products(made, x, forward=forward)[0], expected, atol=1e-5)


def test_what_a_direction_leaves_out_is_as_forward(rig):
    noisy = {"tile.io.out_noise": "0.25", "tile.io.backward.out_res": "0"}
    spread = products(made_of(rig, noisy), np.ones(N_OUT, np.float32), forward=False, samples=SAMPLES).std(axis=0)
    np.testing.assert_allclose(spread, 0.25, rtol=5 / np.sqrt(2 * SAMPLES))


def test_read_outs_of_a_have_their_own_noise_and_mat_vecs_theirs(rig):
    chip = {"tile.io.out_noise": "0.5", "tile.io.transfer.out_noise": "0", "tile.io.backward.out_noise": "0"}
    made = made_of(rig, chip, "ttv2", settings={"transfer_axis": "row", "transfer_every": 1})
    np.testing.assert_array_equal(read_outs(made, N_OUT), W)
    assert products(made, np.ones(N_IN, np.float32), forward=True, samples=50).std() > 0.3


# -- noise of weights ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("out_noise", [0.0, 0.2])
@pytest.mark.parametrize("forward", [True, False])
def test_noise_of_weights_adds_up_over_the_driven_lines(rig, forward, out_noise):
    x = np.random.default_rng(2).uniform(-1, 1, N_IN if forward else N_OUT).astype(np.float32)
    made = made_of(rig, {"tile.io.w_noise": "0.1", "tile.io.out_noise": str(out_noise)})
    found = products(made, x, forward=forward, samples=SAMPLES)
    top = np.abs(x).max()  # by which noise management multiplies what it has divided
    expected = np.sqrt((out_noise * top) ** 2 + 0.01 * np.sum(x.astype(float) ** 2))
    np.testing.assert_allclose(found.std(axis=0), expected, rtol=5 / np.sqrt(2 * SAMPLES))
    error = found.mean(axis=0) - (W if forward else W.T) @ x
    assert np.abs(error).max() < 5 * expected / np.sqrt(SAMPLES)


def test_a_line_that_is_read_alone_has_the_noise_of_one_weight_a_device(rig):
    chip = {"tile.io.w_noise": "0.3", "tile.io.out_noise": "0.4"}
    made = made_of(rig, chip, "ttv2", settings={"transfer_axis": "row", "transfer_every": 1})
    error = read_outs(made, SAMPLES) - np.tile(W, (SAMPLES // N_OUT, 1))
    assert error.std() == pytest.approx(0.5, rel=5 / np.sqrt(2 * error.size))


# -- what stays in H -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("momentum", "forget"), [(0.0, True), (0.3, True), (0.0, False), (0.3, False)])
def test_h_keeps_what_momentum_and_memory_leave_of_it(rig, momentum, forget):
    settings = {"transfer_axis": "row", "transfer_every": 1, "transfer_lr": 3.0}
    made = made_of(rig, {}, "ttv2", settings=settings | {"momentum": momentum, "forget_buffer": forget})
    h = np.zeros((N_OUT, N_IN))
    for sample in range(10 * N_OUT):
        t = sample % N_OUT
        made.perform(Opcode.READ_OUT, sample=sample)
        made.perform(Opcode.FILTER, sample=sample)
        value = h[t] + 3.0 * W[t].astype(float)
        transferred = np.where(np.abs(value) > 1, np.sign(value), 0.0)
        left = momentum * value if forget else value - (1 - momentum) * transferred
        h[t] = np.where(transferred != 0, left, value)
    np.testing.assert_allclose(made.machine.state(0, "h"), h, atol=1e-4)


def test_two_rules_of_what_stays_are_refused():
    with pytest.raises(ValidationError, match='with "hysteretic" 0\\.6'):
        TTv2Table(reset="hysteretic", momentum=0.1)


# -- references ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("method", ["exact", "none"])
def test_references_miss_by_what_is_said(method):
    raw = device_preset("gokmen-60").populate((60, 70), np.random.default_rng(1))
    placed = symmetry_point(raw) if method == "exact" else np.zeros((60, 70))
    done = calibrated(raw, method, 0, 0.05, np.random.default_rng(2))
    error = (done.reference - placed).astype(float)
    assert abs(error.mean()) < 5 * 0.05 / np.sqrt(error.size)
    assert error.std() == pytest.approx(0.05, rel=5 / np.sqrt(2 * error.size))
    off = (done.reference - symmetry_point(raw)).astype(float)
    assert (done.residual_mean, done.residual_std) == (pytest.approx(off.mean()), pytest.approx(off.std()))
    same = calibrated(raw, method, 0, 0.0, np.random.default_rng(2))
    np.testing.assert_array_equal(same.reference, placed.astype(np.float32))


@pytest.mark.parametrize(
    ("key", "value", "rule"),
    [
        ("tile.io.backward.out_res", "7", "must be even"),
        ("tile.io.transfer.out_bound", "0", "needs out_bound above 0"),
        ("tile.io.transfer.out_nois", "0", "did you mean out_noise?"),
    ],
)
def test_a_direction_that_cannot_be_is_refused(key, value, rule):
    with pytest.raises(TwinError, match=rule):
        load_chip("aimc-512", {key: value})
