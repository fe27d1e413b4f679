"""SHD with simulated asymmetry on digital matrices: against NumPy, closed forms, and counts by hand."""

import numpy as np
import pytest

from twin.data.dataset import Dataset
from twin.operation import Counts, Kind, Opcode, Stream, Unit
from twin.runs.build import build
from twin.runs.planning import plan_run

N_IN, HIDDEN, N_OUT = 7, 5, 3
RATES = {"fast_lr": 0.3, "transfer_lr": 0.2, "slope": 1.5}
PLAIN = {"auto_scale": False}


def learnt_by_numpy(inputs, targets, weights, samples, every, axis, *, scaled):
    """Train tanh and identity layers with the mean squared error in float64, as the paper's Fig. 2A and Eq. 3 say."""
    c = [one.astype(float) for one in weights]
    a = [np.zeros_like(one) for one in c]
    means = np.zeros((2, 2))
    for sample in range(samples):
        x = np.append(inputs[sample % len(inputs)], 1.0)
        y = np.append(np.tanh(c[0] @ x), 1.0)
        delta = targets[sample % len(inputs)] - c[1] @ y
        below = (c[1].T @ delta)[:-1] * (1 - y[:-1] ** 2)
        for k, (error, signal) in enumerate(((below, x), (delta, y))):
            rate = RATES["fast_lr"]
            if scaled:  # by running means of the largest input and error
                keep = 0.9 if sample else 0.0
                means[k] = keep * means[k] + (1 - keep) * np.array([np.abs(signal).max(), np.abs(error).max()])
                rate /= means[k].prod()
            p = rate * np.outer(error, signal)
            a[k] = a[k] + p - RATES["slope"] * np.abs(p) * a[k]
            if (sample + 1) % every == 0:
                turn = (sample + 1) // every - 1
                t = turn % c[k].shape[0 if axis == "row" else 1]
                line = (t, slice(None)) if axis == "row" else (slice(None), t)
                c[k][line] += RATES["transfer_lr"] * a[k][line]
    return a, c


@pytest.mark.parametrize(("every", "axis", "scaled"), [(1, "row", False), (3, "column", True)])
def test_it_learns_what_numpy_learns(rig, every, axis, scaled):
    rng = np.random.default_rng(4)
    inputs = rng.uniform(-1, 1, (11, N_IN)).astype(np.float32)
    targets = rng.uniform(-1, 1, (11, N_OUT)).astype(np.float32)
    made = rig(
        "digital-shd",
        layers=((HIDDEN, "tanh", True), (N_OUT, "identity", True)),
        data=Dataset(inputs, targets, inputs, targets),
        settings=RATES | {"transfer_every": every, "transfer_axis": axis, "auto_scale": scaled, "auto_momentum": 0.9},
    )
    machine = made.machine
    start = [machine.weights(k, "C") for k in range(2)]
    a, c = learnt_by_numpy(inputs, targets, start, 60, every, axis, scaled=scaled)
    made.run(0, 60)
    for k in range(2):
        np.testing.assert_allclose(machine.weights(k, "A"), a[k], atol=1e-5)
        np.testing.assert_allclose(machine.weights(k, "C"), c[k], atol=1e-5)
        assert np.abs(machine.weights(k, "C") - start[k]).max() > 0.05


def update(made, x, d, sample=0):
    made.vector("x")[:], made.vector("d")[:] = x, d
    return made.perform(Opcode.UPDATE_ASYMMETRIC, sample=sample)


@pytest.mark.parametrize("slope", [0.0, 0.3, 1.66, 3.0])
def test_a_stays_within_1_by_slope_and_without_slope_is_the_sum(rig, slope):
    own = PLAIN | {"slope": slope, "fast_lr": 0.3}
    made = rig("digital-shd", n_inputs=4, layers=((3, "identity", False),), settings=own)
    rng, total = np.random.default_rng(2), np.zeros((3, 4))
    for sample in range(80):
        x, d = rng.choice([0.5, 1.0], 4), rng.uniform(-0.5, 1, 3)  # mostly up: A gets near its bound
        update(made, x, d, sample)
        total += 0.3 * np.outer(d, x)
    a = made.machine.weights(0, "A")
    if slope == 0:
        np.testing.assert_allclose(a, total, atol=1e-5)
    else:
        assert np.abs(a).max() <= 1 / slope
        assert np.abs(total).max() > 1 / slope


def test_equal_steps_up_and_down_pull_a_to_its_symmetry_point(rig):
    """A pair of opposite steps p leaves (1 - slope p)^2 of A and slope p^2 of its own."""
    made = rig(
        "digital-shd", n_inputs=1, layers=((1, "identity", False),), settings=PLAIN | {"slope": 2.0, "fast_lr": 0.1}
    )
    made.machine.set_weights(0, "A", np.array([[0.4]]))
    expected = 0.4
    for pair in range(10):
        update(made, 1.0, 1.0, 2 * pair)
        update(made, 1.0, -1.0, 2 * pair + 1)
        expected = (1 - 2.0 * 0.1) ** 2 * expected + (1 - 0.2) * 0.1 - 0.1
        assert made.machine.weights(0, "A")[0, 0] == pytest.approx(expected, abs=1e-6)
    assert update(made, 0.0, 1.0)[Counts.PULSES] == 0


def test_operations_and_words_are_those_counted_by_hand(rig):
    """7 + 1 lines in, 5 out; then 5 + 1 in, 3 out; a row of each is transferred every second sample."""
    made = rig(
        "digital-shd",
        n_inputs=N_IN,
        layers=((HIDDEN, "tanh", True), (N_OUT, "identity", True)),
        settings={"transfer_every": 2},
    )
    found = {}
    for sample in range(2):
        steps = list(made.program.operations(sample))
        flops = [
            o for o in steps if o.unit is Unit.DIGITAL and o.kind not in {Kind.ACTIVATION, Kind.LOSS, Kind.DERIVATIVE}
        ]
        moved = [o for o in steps if o.stream is Stream.WEIGHTS]
        for layer in range(2):
            work = {o.kind: o.flops for o in flops if o.layer == layer}
            words = [(o.matrix, o.store, o.words) for o in moved if o.layer == layer]
            found[sample, layer] = work, sorted(words)
    first = {
        Kind.FORWARD: 80,
        Kind.UPDATE: 240,
        Kind.UPDATE_MANAGEMENT: 13,
    }  # 8 x 5 weights, of whose input no error is wanted
    assert found[0, 0] == (first, [("A", False, 40), ("A", True, 40), ("C", False, 40)])
    second = {Kind.FORWARD: 36, Kind.BACKWARD: 36, Kind.UPDATE: 108, Kind.UPDATE_MANAGEMENT: 9}
    assert found[0, 1] == (second, [("A", False, 18), ("A", True, 18), ("C", False, 18), ("C", False, 18)])
    line = [("A", False, 8), ("A", False, 40), ("A", True, 40), ("C", False, 8), ("C", False, 40), ("C", True, 8)]
    assert found[1, 0] == (first | {Kind.TRANSFER: 16}, line)
    line = [
        ("A", False, 6),
        ("A", False, 18),
        ("A", True, 18),
        ("C", False, 6),
        ("C", False, 18),
        ("C", False, 18),
        ("C", True, 6),
    ]
    assert found[1, 1] == (second | {Kind.TRANSFER: 12}, line)


def test_joules_are_those_of_the_digital_units_operations():
    """Forward 65 x 64, 65 x 32 and 33 x 10 weights: the shipped network's digital work, at the unit's joule each."""
    own = {"data.samples": "12", "training.epochs": "1"}
    parts = build(plan_run("digits-mlp", "aimc-512", "digital-shd", "digital-shd", "replayed", own, {}))
    parts.machine.set_rates(1.0)
    parts.effects.segment(0, 12)
    parts.engine.run(0, 12)
    energy = parts.engine.tables()["energy"]
    digital = energy[energy["component"] == "digital"].groupby("kind")["energy_J"].sum()
    weights = sum(layer.n_in * layer.n_out for layer in parts.network.layers)
    lines = sum(layer.n_in for layer in parts.network.layers)
    a_flop = parts.chip.digital.energy
    assert digital["update"] == pytest.approx(12 * 6 * weights * a_flop)
    assert digital["forward"] == pytest.approx(12 * 2 * weights * a_flop)
    assert digital["transfer"] == pytest.approx(12 * 2 * lines * a_flop)
