"""Does a batch fill the pipeline of layers, and are its bubbles told?"""

import numpy as np
import pytest
from engine_kit import Costs, Effects, Program, op
from graph_kit import description, trained

import twin
from twin.engine import Engine
from twin.results.derived import derive

STAGE_PS = 1000


@pytest.mark.parametrize("stages", [2, 3, 6])
@pytest.mark.parametrize("batch", [1, 4, 8])
def test_equal_stages_fill_and_drain_as_the_closed_form_has_it(stages, batch):
    """A batch of B through S stages takes (B + S - 1) t, and every stage is idle for (S - 1) / (B + S - 1) of it."""
    letters = [[chr(256 + stages * member + stage) for stage in range(stages)] for member in range(batch)]
    work = [
        op([stage], STAGE_PS, reads=own[stage - 1] if stage else "", writes=own[stage])
        for own in letters
        for stage in range(stages)
    ]
    engine = Engine(Program(work), Effects(), Costs(stages), 1)
    engine.run(0, 5)
    assert engine.now_ps == 5 * (batch + stages - 1) * STAGE_PS
    found = engine.tables()["servers"]["bubble"]
    np.testing.assert_allclose(found, (stages - 1) / (batch + stages - 1), rtol=1e-12)


def test_the_set_up_is_no_part_of_a_bubble():
    work = [op([0], 100, writes="a"), op([1], 300, reads="a", writes="b")]
    engine = Engine(Program(work, setup=[op([0, 1], 5000)]), Effects(setup=[[0.0] * 12]), Costs(2), 1)
    engine.run(0, 3)
    np.testing.assert_allclose(engine.tables()["servers"]["bubble"], [0.75, 0.25], rtol=1e-12)


@pytest.fixture(scope="module")
def runs():
    """Train the digits' perceptron by SGD with batches of 1, 2, 8 and 24, one step at a time."""
    options = {"chip": "aimc-512", "samples": 48, "epochs": 1, "in_flight": 1, "progress": False}
    return {
        batch: twin.simulate("digits-mlp", "sgd", overrides={"training.batch": batch}, **options)
        for batch in (1, 2, 8, 24)
    }


def test_throughput_rises_and_bubbles_shrink_as_a_batch_fills_the_pipeline(runs):
    own = [derive(run, runs[1]) for run in runs.values()]
    speeds, bubbles = [one.samples_per_s for one in own], [one.tile_bubble_mean for one in own]
    assert speeds == sorted(speeds)
    assert speeds[-1] > 1.2 * speeds[0]
    assert bubbles == sorted(bubbles, reverse=True)
    assert all(abs(one.tile_bubble_mean + one.tile_utilisation_mean - 1) < 1e-9 for one in own)  # nothing is set up


SIZES = [256, 128, 10]


def test_a_batch_of_the_mnist_perceptron_is_numpys_mini_batch():
    """784-256-128-10 with sigmoids on ideal devices, a batch of 8, against float64."""
    layers = [{"kind": "dense", "outputs": n, "activation": "sigmoid"} for n in SIZES]
    layers[-1]["activation"] = "softmax"
    made = trained(description(*layers), (784,), algorithm="sgd", samples=24, batch=8, rate=0.5)
    weights, start = made.weights(), made.weights()
    losses = made.ideal.train(0, 6)
    expected = []
    for step in range(6):
        rows = np.arange(8 * step, 8 * step + 8) % 24
        a, kept = made.data.inputs[rows].astype(float), []
        for k, w in enumerate(weights):
            kept.append(np.hstack([a, np.ones((8, 1))]))
            z = kept[-1] @ w.T
            a = 1 / (1 + np.exp(-z)) if k < 2 else np.exp(z) / np.exp(z).sum(axis=1, keepdims=True)
        wanted = made.data.targets[rows].ravel().astype(int)
        expected += (-np.log(a[np.arange(8), wanted])).tolist()
        d = a - np.eye(10)[wanted]
        for k in (2, 1, 0):
            slope, below = d.T @ kept[k] / 8, d @ weights[k][:, :-1]
            d = below * kept[k][:, :-1] * (1 - kept[k][:, :-1])
            weights[k] = weights[k] - 0.5 * slope
    np.testing.assert_allclose(losses, expected, rtol=1e-4)
    for one, other, before in zip(made.weights(), weights, start, strict=True):
        assert np.abs(other - before).max() > 1e-3
        np.testing.assert_allclose(one, other, rtol=0, atol=2e-6)
