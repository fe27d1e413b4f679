"""Do random graphs keep gradients, bits and invariants?"""

import numpy as np
import pytest
from examples_kit import examples
from graph_kit import description, engine_of, evaluated, slopes, trained
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.machine.replay import Coupled, Replayed

ELEMENTWISE = ("relu", "gelu", "silu", "sigmoid", "tanh", "batch-norm")


@st.composite
def graphs(draw):
    """Return nodes on maps of 5 x 4 x 2 or on 4 rows of 3, each joined to any of those above with its shape."""
    maps = draw(st.booleans())
    first = {"kind": "conv", "channels": 3, "kernel": 3, "padding": 1} if maps else {"kind": "dense", "outputs": 3}
    nodes = [first | {"name": "n0"}]
    alike = ["n0"]  # nodes of one shape
    for k in range(1, draw(st.integers(1, 6)) + 1):
        kind = draw(st.sampled_from(("matrix", "add", "multiply", *ELEMENTWISE)))
        taken = [draw(st.sampled_from(alike)) for _ in range(2 if kind in {"add", "multiply"} else 1)]
        one = first if kind == "matrix" else {"kind": kind}
        nodes.append(one | {"name": f"n{k}", "inputs": taken})
        alike.append(f"n{k}")
    used = {name for node in nodes for name in node.get("inputs", ())}
    loose = [name for name in alike if name not in used]
    for k, name in enumerate(loose[1:]):  # join what nobody takes
        nodes.append({"kind": "add", "name": f"j{k}", "inputs": [loose[0] if k == 0 else f"j{k - 1}", name]})
    return ((5, 4, 2) if maps else (4, 3)), [*nodes, {"kind": "flatten"}, {"kind": "dense", "outputs": 3} | SOFTMAX]


SOFTMAX = {"activation": "softmax"}


def follow(graph, seed):
    """Hold a step of a graph against finite differences."""
    shape, layers = graph
    made = trained(description(*layers), shape, seed=seed)
    x, target = made.sample(0)
    weights, learnt = made.weights(), made.learnt()
    values = [*weights, *learnt]

    def loss(changed):
        return evaluated(made.graph, changed[: len(weights)], changed[len(weights) :], x, target)

    (found,) = made.ideal.train(0, 1)
    assert found == pytest.approx(loss(values), rel=2e-4)
    after = [*made.weights(), *made.learnt()]
    wrong = checked = 0
    for number, at, slope in slopes(loss, values, 6, np.random.default_rng(1)):
        step = (values[number][at] - after[number][at]) / 0.1
        checked += 1
        wrong += abs(step - slope) > 5e-3 * abs(slope) + 1e-4
    assert wrong <= 0.1 * checked  # a finite difference may step over the kink of a rectifier


@settings(max_examples=examples(60), deadline=None)
@given(graphs(), st.integers(0, 1000))
def test_a_step_of_a_random_graph_follows_its_gradient(graph, seed):
    follow(graph, seed)


def agree(graph, algorithm, in_flight, batch):
    """Hold replayed and coupled runs of a graph against each other, and both against all invariants."""
    shape, layers = graph
    found = []
    for performs in (Replayed, Coupled):
        made = trained(description(*layers), shape, algorithm=algorithm, in_flight=in_flight, samples=6, batch=batch)
        engine = engine_of(made, performs, in_flight)
        engine.run(0, made.ideal.encoder.batches.steps)
        engine.check()
        found.append((made.weights(), made.learnt(), engine.now_ps))
    (weights, learnt, end), (others, also, other_end) = found
    assert end == other_end
    for one, other in zip([*weights, *learnt], [*others, *also], strict=True):
        assert np.array_equal(one, other)


@settings(max_examples=examples(25), deadline=None)
@given(graphs(), st.sampled_from(["digital", "sgd"]), st.integers(1, 3), st.sampled_from([1, 4]))
def test_replayed_and_coupled_runs_of_a_random_graph_have_the_same_bits(graph, algorithm, in_flight, batch):
    agree(graph, algorithm, in_flight, batch)


@pytest.mark.slow
@settings(max_examples=300, deadline=None)
@given(graphs(), st.integers(0, 1000), st.sampled_from(["digital", "sgd"]), st.integers(1, 3), st.sampled_from([1, 4]))
def test_three_hundred_random_graphs_keep_gradients_bits_and_invariants(graph, seed, algorithm, in_flight, batch):
    follow(graph, seed)
    agree(graph, algorithm, in_flight, batch)
