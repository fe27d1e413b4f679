"""Do digital parameters step by the published rules?"""

import numpy as np
import pytest
from graph_kit import description, trained
from rules_kit import stepped

from twin.config.optimiser import Optimiser
from twin.operation import Kind, Opcode, Stream

ROWS = (5, 4)
LAYERS = [
    {"kind": "dense", "outputs": 4},
    {"kind": "layer-norm"},
    {"kind": "flatten"},
    {"kind": "dense", "outputs": 3, "activation": "softmax"},
]


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


@pytest.mark.parametrize("batch", [1, 4])
@pytest.mark.parametrize("kind", ["sgd", "adamw"])
def test_gradients_are_clipped_by_their_norm_together(kind, batch):
    """As torch.nn.utils.clip_grad_norm_: all are multiplied by clip / (norm + 1e-6), at most by 1."""
    rule = Optimiser(kind=kind, learning_rate=0.02, weight_decay=0.01, clip_norm=0.9)
    shape, options = (4, 4, 2), {"batch": batch, "samples": batch, "optimised": True}
    made = trained(description(*NETWORK), shape, optimiser=rule, **options)
    plain = trained(description(*NETWORK), shape, optimiser=Optimiser(kind="sgd", learning_rate=1.0), **options)
    start = [*made.weights(), *made.learnt()]
    gradients, current, factors = [[] for _ in start], start, []
    for step in range(15):
        put(plain, current)
        plain.ideal.train(step, step + 1)
        slopes = [before - now for before, now in zip(current, [*plain.weights(), *plain.learnt()], strict=True)]
        norm = np.sqrt(sum((one**2).sum() for one in slopes))
        factors.append(min(1.0, 0.9 / (norm + 1e-6)))
        for known, slope in zip(gradients, slopes, strict=True):
            known.append(slope * factors[-1])
        current = [stepped(rule, one, known) for one, known in zip(start, gradients, strict=True)]
        made.ideal.train(step, step + 1)
    assert min(factors) < 0.9
    for found, expected in zip([*made.weights(), *made.learnt()], current, strict=True):
        np.testing.assert_allclose(found, expected, rtol=0, atol=1e-4)


def test_the_norm_costs_work_and_a_word_each():
    rule = Optimiser(kind="sgd", learning_rate=0.02, clip_norm=1.0)
    made = trained(description(*NETWORK), (4, 4, 2), optimiser=rule, optimised=True)
    operations = list(made.ideal.encoder.program.operations(0))
    norms = [one for one in operations if one.opcode is Opcode.NODE_NORM]
    sizes = [one.size for one in [*made.weights(), *made.learnt()]]
    assert sorted(one.flops for one in norms) == sorted(2 * size for size in sizes)
    steps = [one for one in operations if one.opcode is Opcode.NODE_STEP]
    assert sorted(one.flops for one in steps) == sorted(3 * size for size in sizes)
    assert [one.words for one in operations if one.stream is Stream.ERRORS and one.kind is Kind.STORE].count(1) == 4
    assert operations.index(norms[-1]) < operations.index(steps[0])
