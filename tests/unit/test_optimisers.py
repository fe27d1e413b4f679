"""Do digital parameters step by the published rules?"""

import numpy as np
import pytest
from graph_kit import description, trained

from twin.config.optimiser import Optimiser

ROWS = (5, 4)
LAYERS = [
    {"kind": "dense", "outputs": 4},
    {"kind": "layer-norm"},
    {"kind": "flatten"},
    {"kind": "dense", "outputs": 3, "activation": "softmax"},
]


def stepped(rule, w, gradients):
    """Apply a rule to a vector in float64, as its paper has it; see also PyTorch's documentation of each."""
    m, v = np.zeros_like(w), np.zeros_like(w)
    lr, decay = rule.learning_rate, rule.weight_decay
    for step, slope in enumerate(gradients, 1):
        g = slope if rule.kind == "adamw" else slope + decay * w
        if rule.kind in {"adam", "adamw"}:
            w = w * (1 - lr * decay) if rule.kind == "adamw" else w
            m = rule.beta1 * m + (1 - rule.beta1) * g
            v = rule.beta2 * v + (1 - rule.beta2) * g**2
            w = w - lr * (m / (1 - rule.beta1**step)) / (np.sqrt(v / (1 - rule.beta2**step)) + rule.epsilon)
            continue
        m = (rule.momentum if rule.kind != "sgd" else 0.0) * m + g
        w = w - lr * (g + rule.momentum * m if rule.kind == "nesterov" else m)
    return w


@pytest.mark.parametrize("decay", [0.0, 0.02])
@pytest.mark.parametrize("kind", ["sgd", "momentum", "nesterov", "adam", "adamw"])
def test_a_rule_is_its_papers(kind, decay):
    rule = Optimiser(kind=kind, learning_rate=0.05, weight_decay=decay)
    made = trained(description(*LAYERS), ROWS, rate=1e-30, optimiser=rule, samples=1)
    reference = trained(description(*LAYERS), ROWS, rate=1e-30, samples=1)  # its steps are its gradients
    start = made.learnt()[0]
    assert np.array_equal(start, reference.learnt()[0])
    machine, node = reference.ideal.machine, reference.ideal.machine.nodes[0]
    machine.nodes["lr"] = 1.0
    place, size = int(node["p"]), int(node["n_parameters"])
    gradients, w = [], start
    for _ in range(4):  # the gradient at the point where the rule is by now
        machine.f[place : place + size] = w
        reference.ideal.train(0, 1)
        gradients.append(w.astype(np.float32) - reference.learnt()[0])
        w = stepped(rule, start, gradients)
        made.ideal.train(len(gradients) - 1, len(gradients))
        np.testing.assert_allclose(made.learnt()[0], w, rtol=2e-5, atol=2e-6)
    assert np.abs(w - start).max() > 0.01


def test_keys_of_other_rules_are_refused():
    with pytest.raises(ValueError, match='belongs to kind = "adam" and "adamw"'):
        Optimiser(kind="momentum", learning_rate=0.1, beta2=0.9)


NETWORK = [
    {"kind": "conv", "name": "a", "channels": 3, "kernel": 3, "padding": 1, "bias": False},
    {"kind": "batch-norm", "name": "b"},
    {"kind": "tanh", "name": "c"},
    {"kind": "conv", "name": "d", "channels": 3, "kernel": 3, "padding": 1, "inputs": ["c"]},
    {"kind": "add", "inputs": ["c", "d"]},
    {"kind": "dense", "outputs": 3, "activation": "softmax"},
]


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("kind", ["sgd", "momentum", "nesterov", "adam", "adamw"])
def test_matrices_and_digital_parameters_learn_by_one_rule(kind, batch):
    rule = Optimiser(kind=kind, learning_rate=0.02, weight_decay=0.01)
    shape = (4, 4, 2)
    options = {"batch": batch, "samples": batch, "optimised": True}
    made = trained(description(*NETWORK), shape, optimiser=rule, **options)
    plain = trained(description(*NETWORK), shape, optimiser=Optimiser(kind="sgd", learning_rate=1.0), **options)
    start = [*made.weights(), *made.learnt()]
    gradients, current = [[] for _ in start], start
    for step in range(20):
        put(plain, current)
        plain.ideal.train(step, step + 1)
        after = [*plain.weights(), *plain.learnt()]
        for known, before, now in zip(gradients, current, after, strict=True):
            known.append(before - now)
        current = [stepped(rule, one, known) for one, known in zip(start, gradients, strict=True)]
        made.ideal.train(step, step + 1)
    for found, expected, begun in zip([*made.weights(), *made.learnt()], current, start, strict=True):
        assert np.abs(expected - begun).max() > 0.005
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def put(made, values):
    """Set matrices and digital parameters."""
    machine = made.ideal.machine
    for layer in range(len(machine.layers)):
        machine.set_weights(layer, "W", values[layer])
    for node, value in zip([0], values[len(machine.layers) :], strict=True):
        record = machine.nodes[node]
        machine.f[int(record["p"]) : int(record["p"]) + int(record["n_parameters"])] = value
