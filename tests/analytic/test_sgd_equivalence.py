"""Without noise, steps and converters a run is NumPy's SGD; the backward pass is the gradient of the loss."""

import numpy as np
import pytest

from twin.data import Dataset, digits
from twin.operation import Counts, Opcode

SAMPLES = 100
RATE = 0.1
SMALL = {"tile.rows": "16", "tile.cols": "16"}
FUNCTIONS = {
    "sigmoid": (lambda z: 1 / (1 + np.exp(-z)), lambda y: y * (1 - y)),
    "tanh": (np.tanh, lambda y: 1 - y**2),
    "relu": (lambda z: np.maximum(z, 0), lambda y: (y > 0) * 1.0),
    "identity": (lambda z: z, np.ones_like),
}


def softmax(z):
    grown = np.exp(z - z.max())
    return grown / grown.sum()


def digits_for(loss):
    whole = digits.read()
    targets = whole.targets
    if loss == "squared-error":
        targets = np.eye(10, dtype=np.float32)[targets[:, 0].astype(int)]
    return Dataset(whole.inputs[:SAMPLES], targets[:SAMPLES], whole.test_inputs, targets[:1])


def sgd(weights, layers, loss, data, rate):
    """Train on all samples in order; float64, one column of ones for a bias. Returns weights and losses."""
    weights = [w.astype(np.float64) for w in weights]
    losses = []
    for x, target in zip(data.inputs.astype(np.float64), data.targets, strict=True):
        inputs, outputs, y = [], [], x
        for w, (_, activation, bias) in zip(weights, layers, strict=True):
            inputs.append(np.append(y, 1.0) if bias else y)
            z = w @ inputs[-1]
            y = softmax(z) if activation == "softmax" else FUNCTIONS[activation][0](z)
            outputs.append(y)
        if loss == "cross-entropy":
            label = int(target[0])
            losses.append(-np.log(y[label]))
            delta = np.eye(len(y))[label] - y
        else:
            losses.append(0.5 * np.sum((target - y) ** 2))
            delta = (target - y) * FUNCTIONS[layers[-1][1]][1](y)
        for k in reversed(range(len(weights))):
            error = (weights[k].T @ delta)[: len(outputs[k - 1])]
            weights[k] += rate * np.outer(delta, inputs[k])
            if k:
                delta = error * FUNCTIONS[layers[k - 1][1]][1](outputs[k - 1])
    return weights, losses


CASES = [
    (hidden, loss, bias)
    for hidden in ("sigmoid", "tanh", "relu")
    for loss in ("cross-entropy", "squared-error")
    for bias in (True, False)
]


@pytest.mark.parametrize("form", ["digital", "analog", "split"])
@pytest.mark.parametrize(("hidden", "loss", "bias"), CASES)
def test_a_hundred_digits_train_to_the_weights_of_numpy(rig, form, hidden, loss, bias):
    last = "softmax" if loss == "cross-entropy" else hidden if hidden != "relu" else "identity"
    layers = ((20, hidden, bias), (18, "tanh", not bias), (10, last, bias))
    data = digits_for(loss)
    made = rig(
        "digital" if form == "digital" else "sgd",
        layers=layers,
        loss=loss,
        data=data,
        settings={"learning_rate": RATE},
        chip=SMALL if form == "split" else None,
    )
    machine = made.machine
    if form == "split":
        assert [len(machine.mapping.parts(k, "W")) for k in range(3)] == [10 if bias else 8, 4, 2]
    start = [machine.weights(k, "W") for k in range(3)]
    expected, losses = sgd(start, layers, loss, data, RATE)
    program, counts = made.run(0, SAMPLES)
    for k in range(3):
        assert np.abs(expected[k] - start[k]).max() > 0.01
        np.testing.assert_allclose(machine.weights(k, "W"), expected[k], atol=1e-5)
    found = counts[program["opcode"] == int(Opcode.LOSS), Counts.LOSS]
    np.testing.assert_allclose(found, losses, rtol=1e-4, atol=1e-5)


def loss_of(made, k, weights):
    """Loss of one example with layer k's weights replaced; the forward pass only."""
    made.machine.set_weights(k, "W", weights)
    made.perform(Opcode.INPUT)
    last = len(made.machine.layers) - 1
    for layer in range(last):
        made.perform(Opcode.FORWARD, layer)
        made.perform(Opcode.ACTIVATION, layer)
    made.perform(Opcode.FORWARD, last)
    return float(made.perform(Opcode.LOSS, last)[Counts.LOSS])


@pytest.mark.parametrize(
    ("loss", "last"),
    [("cross-entropy", "softmax"), *(("squared-error", f) for f in FUNCTIONS)],
)
@pytest.mark.parametrize("hidden", list(FUNCTIONS))
def test_the_backward_pass_is_the_finite_difference_of_the_loss(rig, loss, last, hidden):
    layers = ((7, hidden, True), (6, hidden, True), (4, last, False))
    rng = np.random.default_rng(4)
    inputs = rng.uniform(0, 1, (1, 5)).astype(np.float32)
    target = [[2.0]] if loss == "cross-entropy" else rng.uniform(0, 1, (1, 4))
    data = Dataset(inputs, np.array(target, np.float32), inputs, np.array(target, np.float32))
    made = rig("digital", layers=layers, loss=loss, data=data, settings={"learning_rate": 1.0}, scale=2.0)
    machine = made.machine
    start = [machine.weights(k, "W") for k in range(3)]
    made.run(0, 1)
    steps = [machine.weights(k, "W").astype(np.float64) - start[k] for k in range(3)]
    for k in range(3):
        machine.set_weights(k, "W", start[k])
    kinked = "relu" in (hidden, last)
    h, tolerance = (2e-3, 2e-2) if kinked else (2e-2, 2e-3)
    for k in range(3):
        direction = np.sign(steps[k])
        smooth = []
        for size in (h, h / 2):
            up = loss_of(made, k, start[k] + size * direction)
            down = loss_of(made, k, start[k] - size * direction)
            smooth.append((up - down) / (2 * size))
        machine.set_weights(k, "W", start[k])
        slope = (4 * smooth[1] - smooth[0]) / 3  # Richardson
        assert -slope == pytest.approx(np.abs(steps[k]).sum(), rel=tolerance, abs=2e-4)
