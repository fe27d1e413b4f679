"""Do networks with recurrent nodes and batches train to NumPy's losses and weights?"""

import numpy as np
import pytest
from graph_kit import description, trained
from network_kit import assert_trained_alike, ideal
from reference_networks import Cell, gru_backward, sequence_gradients, sequence_loss, softmax, start, step_forward
from rules_kit import stepped
from sequence_kit import STACKS, network_of, text_of
from sequence_kit import whole as merged

from twin.config.optimiser import Optimiser
from twin.runs.build import Order

STEPS, FEATURES, HIDDEN, CLASSES = 7, 5, 6, 4
LAYERS = [
    {"kind": "gru", "hidden": HIDDEN, "bias": True},
    {"kind": "last"},
    {"kind": "dense", "outputs": CLASSES, "activation": "softmax"},
]
CELL = Cell("gru", HIDDEN)


def classified(w, head, xs, label):
    """Return the cross-entropy of a sequence by its last state, and its derivatives by both weights."""
    state, kept = (np.zeros(HIDDEN),) * 2, []
    for x in xs:
        h, state, one = step_forward(CELL, w, x, state)
        kept.append(one)
    v = np.append(h, 1.0)
    y = softmax(head @ v)
    error = y - np.eye(CLASSES)[label]
    dh, gradient = (head.T @ error)[:HIDDEN], np.zeros_like(w)
    for one in reversed(kept):
        more, back = gru_backward(CELL, w, one, dh)
        gradient += more
        dh = back[FEATURES : FEATURES + HIDDEN]
    return -np.log(y[label]), gradient, np.outer(error, v)


def whole(made):
    """Return the weights of the GRU, rows z, r and n, and those of the head."""
    gates, candidate, head = made.weights()
    return [np.concatenate([gates, candidate]), head]


def numpy_losses(made, rule, batch, steps):
    """Train as `made` in NumPy; return the loss of every sample and the weights."""
    begun = whole(made)
    current, known, losses = begun, [[], []], []
    for step in range(steps):
        sums = [np.zeros_like(one) for one in begun]
        for number in range(step * batch, (step + 1) * batch):
            x, target = made.sample(number)
            loss, *slopes = classified(*current, x, int(target[0]))
            losses.append(loss)
            sums = [total + slope for total, slope in zip(sums, slopes, strict=True)]
        for gradients, total in zip(known, sums, strict=True):
            gradients.append(total / batch)
        current = [stepped(rule, one, gradients) for one, gradients in zip(begun, known, strict=True)]
    return losses, current


@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize(
    ("kind", "algorithm"), [("sgd", "sgd"), ("sgd", "digital"), ("momentum", "digital"), ("adamw", "digital")]
)
def test_a_gru_classifier_has_numpys_losses_and_weights(kind, algorithm, batch):
    rate = 0.01 if kind == "adamw" else 0.1
    rule = Optimiser(kind=kind, learning_rate=rate, weight_decay=0.0 if kind == "sgd" else 0.01)
    options = {"batch": batch, "samples": 20 * batch, "rate": rate, "optimised": algorithm == "digital"}
    made = trained(description(*LAYERS), (STEPS, FEATURES), optimiser=rule, algorithm=algorithm, **options)
    begun = whole(made)
    losses, weights = numpy_losses(made, rule, batch, 20)
    np.testing.assert_allclose(made.ideal.train(0, 20), losses, rtol=1e-4)
    for found, expected, before in zip(whole(made), weights, begun, strict=True):
        assert np.abs(expected - before).max() > 0.02
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


# -- streams of a text -----------------------------------------------------------------------------------------


def train_streams(layers, weights, data, batch, rate, steps):
    """Train on as many parts of a text side by side, each with a state of its own; return weights, losses, states."""
    rows = len(data.inputs) // batch
    symbols = np.eye(len(data.symbols))
    states, losses = [start(layers) for _ in range(batch)], []
    for step in range(steps):
        sums = [np.zeros_like(one) for one in weights]
        for stream in range(batch):
            at = step % rows
            row = stream * rows + at
            state = states[stream] if at else start(layers)
            xs, labels = symbols[data.inputs[row].astype(int)], data.targets[row].astype(int)
            gradients = sequence_gradients(layers, weights, xs, labels, state)
            sums = [total + one for total, one in zip(sums, gradients, strict=True)]
            loss, states[stream] = sequence_loss(layers, weights, xs, labels, state)
            losses.append(loss / len(xs))
        weights = [w - rate / batch * total for w, total in zip(weights, sums, strict=True)]
    return weights, losses, states


@pytest.mark.parametrize("in_flight", [1, 2])
@pytest.mark.parametrize("algorithm", ["digital", "sgd"])
@pytest.mark.parametrize("stack", ["lstm-gru-rnn", "gru"])
def test_a_batch_of_a_text_is_parts_of_it_side_by_side(stack, algorithm, in_flight):
    layers, batch, steps = STACKS[stack], 3, 9
    data = text_of(5, 6, 4 * batch)
    order = Order(1, len(data.inputs), shuffled=False, streams=batch)
    own = {"batch": batch, "rate": 0.3, "rows": order, "in_flight": in_flight}
    twin = ideal(network_of(layers, 5, 6), data, algorithm, **own)
    before = merged(layers, twin.weights())
    weights, losses, states = train_streams(layers, before, data, batch, 0.3, steps)
    np.testing.assert_allclose(twin.train(0, steps), losses, rtol=1e-5)
    assert_trained_alike(merged(layers, twin.weights()), weights, before, steps * batch * 6)
    record = twin.machine.layers[0]
    kept = twin.machine.f[int(record["state"]) :][: batch * 2 * int(record["hidden"])].reshape(batch, 2, -1)
    np.testing.assert_allclose(kept[:, 0], [state[0][0] for state in states], rtol=1e-4, atol=1e-5)
