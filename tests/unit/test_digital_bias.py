"""Are digital biases what the lines of arrays are that they stand for, and are they paid for where they are?"""

import numpy as np
import pytest
from network_kit import ideal

import twin
from twin.config.optimiser import Optimiser
from twin.data import Dataset
from twin.errors import TwinError
from twin.networks.description import Network as Description
from twin.networks.given.fit import fit, taken
from twin.networks.graph import Graph
from twin.networks.network import Network

LAYERS = [
    {"kind": "conv", "name": "c", "channels": 3, "kernel": 2, "activation": "relu", "bias": True},
    {"kind": "dense", "name": "d", "outputs": 5, "activation": "tanh", "bias": True},
    {"kind": "dense", "name": "out", "outputs": 4, "activation": "softmax", "bias": True},
]
SHAPE = (4, 4, 2)


def described(*, digital, layers=LAYERS, **more):
    return Description.model_validate({"loss": "cross-entropy", "layers": layers, "digital_bias": digital} | more)


def tensors():
    draw = np.random.default_rng(1)
    shapes = {"c.weight": (3, 2, 2, 2), "c.bias": (3,), "d.weight": (5, 27), "d.bias": (5,)}
    shapes |= {"out.weight": (4, 5), "out.bias": (4,)}
    return {name: draw.uniform(-0.5, 0.5, shape).astype(np.float32) for name, shape in shapes.items()}


@pytest.mark.parametrize("algorithm", ["digital", "sgd"])
def test_they_learn_what_lines_of_exact_arrays_learn(algorithm):
    draw = np.random.default_rng(2)
    inputs, targets = draw.uniform(-1, 1, (12, 32)), draw.integers(0, 4, (12, 1))
    data = Dataset(inputs, targets, inputs, targets, SHAPE)
    found = []
    for digital in (False, True):
        graph = Graph.of(described(digital=digital), SHAPE)
        network = Network.from_config(described(digital=digital), SHAPE)
        optimiser = Optimiser(kind="sgd", learning_rate=0.1)
        made = ideal(network, data, algorithm, rate=0.1, optimiser=optimiser, given=fit(graph, tensors(), "made"))
        losses = made.train(0, 12)
        found.append((losses, made.weights(), made.machine))
    np.testing.assert_allclose(found[1][0], found[0][0], rtol=1e-4)
    machine = found[1][2]
    for k, (line, bare) in enumerate(zip(found[0][1], found[1][1], strict=True)):
        np.testing.assert_allclose(bare, line[:, :-1], atol=1e-5)
        bias = next(one for one in machine.network.flow.nodes if one.name == f"{'cd'[k] if k < 2 else 'out'}.bias")
        at = int(machine.nodes[bias.index]["p"])
        learnt = machine.f[at : at + bias.parameters]
        np.testing.assert_allclose(learnt, line[:, -1], atol=1e-5)
        assert np.abs(learnt - tensors()[f"{bias.name}"]).max() > 1e-4


def test_files_call_them_as_they_call_those_of_arrays():
    graph = Graph.of(described(digital=True), SHAPE)
    again = taken(graph, fit(graph, tensors(), "made"))
    assert again.keys() == tensors().keys()
    for name, values in tensors().items():
        np.testing.assert_array_equal(again[name], values)


def test_they_cost_digital_work_and_no_line():
    runs = []
    for digital in (False, True):
        overrides = {"network.digital_bias": digital, "optimiser.kind": "sgd", "optimiser.learning_rate": 0.05}
        runs.append(
            twin.simulate("digits-mlp", "sgd", samples=10, epochs=1, overrides=overrides, progress=False).tables
        )

    def joules(tables, *components):
        energy = tables["energy"]
        return energy[energy["component"].isin(components)]["energy_J"].sum()

    assert joules(runs[1], "drivers") < joules(runs[0], "drivers")
    assert joules(runs[1], "digital") > joules(runs[0], "digital")


def test_recurrent_layers_on_symbols_have_theirs_on_arrays():
    layers = [{"kind": "lstm", "hidden": 4, "bias": True}, {"kind": "dense", "activation": "softmax", "bias": True}]
    with pytest.raises(ValueError, match="recurrent layers on symbols"):
        described(digital=True, layers=layers, steps=5)


def test_without_an_optimiser_they_are_refused():
    with pytest.raises(TwinError, match="optimiser: is missing"):
        twin.simulate("digits-mlp", "sgd", samples=5, overrides={"network.digital_bias": True}, progress=False)
