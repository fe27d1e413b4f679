"""May a network end in any node, with the loss behind it?"""

import numpy as np
import pytest
from graph_kit import check, description, evaluated, trained
from node_examples import FLAT, MAP, ROWS, START, conv, dense
from pydantic import ValidationError

from twin.chip import ChipCosts
from twin.engine import Engine
from twin.machine.replay import Coupled, Encoder, Replayed

POOL, SOFTMAX, GELU = ({"kind": kind} for kind in ("global-average-pool", "softmax", "gelu"))
CLASSIFIERS = {
    "means of channels": (MAP, [conv(4), {"kind": "batch-norm"}, {"kind": "relu"}, POOL, SOFTMAX]),
    "a convolution": (MAP, [conv(2), {"kind": "tanh"}, FLAT, SOFTMAX]),
    "a class of every position": (ROWS, [START, {"kind": "layer-norm"}, SOFTMAX]),
    "a sum of two heads": (
        ROWS,
        [
            dense(3, name="a", inputs=["input"]),
            dense(3, name="b", inputs=["input"]),
            {"kind": "add", "inputs": ["a", "b"]},
            FLAT,
            SOFTMAX,
        ],
    ),
    "all positions of a layer at once": (ROWS, [dense(3), FLAT, SOFTMAX]),
}
FITS = {
    "means of channels": (MAP, [conv(4), GELU, POOL]),
    "a map": (MAP, [conv(2, activation="tanh")]),
    "a pooled map": (MAP, [conv(2, activation="tanh"), {"kind": "max-pool", "size": 2}]),
    "a softmax": (MAP, [conv(2), POOL, SOFTMAX]),
}


@pytest.mark.parametrize("algorithm", ["digital", "sgd"])
@pytest.mark.parametrize("name", CLASSIFIERS)
def test_a_classifier_that_ends_in(name, algorithm):
    shape, layers = CLASSIFIERS[name]
    made = trained(description(*layers), shape, algorithm=algorithm)
    assert made.network.loss_node is not None
    check(made)


@pytest.mark.parametrize("name", FITS)
def test_values_are_fitted_by(name):
    shape, layers = FITS[name]
    check(trained(description(*layers, loss="squared-error"), shape))


def test_symbols_are_predicted_behind_a_norm():
    layers = [{"kind": "embedding", "width": 4, "std": 0.5}, dense(6), {"kind": "layer-norm"}, SOFTMAX]
    check(trained(description(*layers, steps=7), (7,), symbols=6))


def test_a_softmax_behind_a_dense_layer_is_that_of_the_layer():
    one, other = (
        trained(description(conv(2), *end), MAP).network
        for end in ([dense(3), SOFTMAX], [dense(3, activation="softmax")])
    )
    assert one.layers == other.layers
    assert one.loss_node is None


def test_testing_finds_the_loss_and_the_errors():
    shape, layers = CLASSIFIERS["means of channels"]
    made = trained(description(*[one for one in layers if one["kind"] != "batch-norm"]), shape, samples=5)
    loss, error = made.ideal.machine.evaluate(0)
    found = [evaluated(made.graph, made.weights(), made.learnt(), *made.sample(k)) for k in range(5)]
    assert loss == pytest.approx(np.mean(found), rel=1e-4)
    assert error * 5 == pytest.approx(round(error * 5))


def test_replayed_and_coupled_runs_have_the_same_bits():
    shape, layers = CLASSIFIERS["means of channels"]
    found = []
    for performs in (Replayed, Coupled):
        made = trained(description(*layers), shape, algorithm="sgd", in_flight=2, samples=6)
        ideal = made.ideal
        encoder = Encoder(ideal.encoder.program, 2, lambda sample: sample % 6)
        effects = performs(ideal.machine, ideal.encoder.program, encoder)
        effects.segment(0, 6)
        engine = Engine(ideal.encoder.program, effects, ChipCosts(ideal.chip, ideal.machine.mapping), 2)
        engine.run(0, 6)
        engine.check()
        found.append(([*made.weights(), *made.learnt()], effects.losses, engine.now_ps))
    (values, losses, end), (others, also, other_end) = found
    assert (losses, end) == (also, other_end)
    assert len(losses) == 6
    for one, other in zip(values, others, strict=True):
        np.testing.assert_array_equal(one, other)


@pytest.mark.parametrize(
    ("layers", "rule"),
    [
        ([conv(2), POOL], 'must be "softmax" in the last layer under loss = "cross-entropy"; add a node'),
        ([POOL, SOFTMAX], "needs at least 1 layer with a matrix"),
        ([{"kind": "lstm", "hidden": 2, "bias": True}], 'must be "softmax" in the last layer'),
    ],
)
def test_what_has_no_loss_is_refused_with_the_rule(layers, rule):
    with pytest.raises(ValidationError, match=rule):
        description(*layers)
