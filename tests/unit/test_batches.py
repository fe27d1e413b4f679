"""Does a batch see one set of weights, and step by its mean gradient?"""

import numpy as np
import pytest
from graph_kit import description, engine_of, evaluated_batch, slopes, trained

from twin.algorithms.batches import Batches
from twin.machine.replay import Coupled, Replayed
from twin.operation import Kind

MAP, ROWS = (5, 4, 2), (4, 3)
CONV = {"kind": "conv", "channels": 3, "kernel": 3, "padding": 1}
END = {"kind": "dense", "outputs": 3, "activation": "softmax"}
NETWORKS = {
    "batch-norm": (MAP, [CONV, {"kind": "batch-norm"}, {"kind": "tanh"}, CONV, {"kind": "batch-norm"}, END]),
    "residual": (
        MAP,
        [
            CONV | {"name": "a"},
            {"kind": "batch-norm", "name": "b"},
            CONV | {"name": "c"},
            {"kind": "batch-norm", "name": "d"},
            {"kind": "add", "inputs": ["b", "d"]},
            {"kind": "gelu"},
            END,
        ],
    ),
    "layer-norm": (ROWS, [{"kind": "dense", "outputs": 4}, {"kind": "layer-norm"}, {"kind": "flatten"}, END]),
}
TEXTS = {
    "positions": [
        {"kind": "embedding", "width": 4, "std": 0.5},
        {"kind": "positions", "std": 0.5},
        {"kind": "dense", "outputs": 6, "activation": "softmax"},
    ]
}
PLAIN = [
    {"kind": "dense", "outputs": 5, "activation": "tanh"},
    {"kind": "dense", "outputs": 3} | {"activation": "softmax"},
]


@pytest.mark.parametrize(("size", "examples"), [(1, 5), (2, 5), (3, 6), (4, 5), (5, 5)])
def test_steps_have_all_samples_in_order(size, examples):
    batches = Batches(size, examples)
    steps = [batches.samples(step) for step in range(3 * batches.steps)]
    assert [sample for step in steps for sample in step] == list(range(3 * examples))
    assert all(step.start // examples == (step.stop - 1) // examples for step in steps)
    assert max(map(len, steps)) == size


@pytest.mark.parametrize("size", [2, 3])
@pytest.mark.parametrize("name", [*NETWORKS, *TEXTS])
def test_a_step_follows_the_mean_gradient(name, size):
    if name in TEXTS:
        made = trained(description(*TEXTS[name], steps=7), (7,), symbols=6, batch=size, samples=size)
    else:
        shape, layers = NETWORKS[name]
        made = trained(description(*layers), shape, batch=size, samples=size)
    xs, targets = zip(*(made.sample(k) for k in range(size)), strict=True)
    weights, learnt = made.weights(), made.learnt()
    values = [*weights, *learnt]

    def loss(changed):
        return evaluated_batch(made.graph, changed[: len(weights)], changed[len(weights) :], xs, targets) / size

    found = made.ideal.train(0, 1)
    assert found.mean() == pytest.approx(loss(values) / made.network.losses, rel=1e-4)
    after = [*made.weights(), *made.learnt()]
    for number, at, slope in slopes(loss, values, 10, np.random.default_rng(1)):
        assert (values[number][at] - after[number][at]) / 0.1 == pytest.approx(slope, rel=3e-3, abs=3e-5)


@pytest.mark.parametrize("algorithm", ["digital", "sgd"])
@pytest.mark.parametrize(("in_flight", "size"), [(1, 3), (2, 2), (1, 4)])
def test_replayed_and_coupled_batches_have_the_same_bits_and_times(algorithm, in_flight, size):
    shape, layers = NETWORKS["batch-norm"]
    found = []
    for performs in (Replayed, Coupled):
        made = trained(description(*layers), shape, algorithm=algorithm, in_flight=in_flight, batch=size, samples=7)
        engine = engine_of(made, performs, in_flight)
        steps = 2 * made.ideal.encoder.batches.steps  # the last of an epoch may be smaller
        engine.run(0, steps)
        engine.check()
        found.append((made.weights(), made.learnt(), engine.now_ps, engine.effects_losses))
    (weights, learnt, end, losses), (others, also, other_end, other_losses) = found
    assert end == other_end
    assert losses == other_losses
    assert len(losses) == 14
    for one, other in zip([*weights, *learnt], [*others, *also], strict=True):
        assert np.array_equal(one, other)


def test_samples_of_a_batch_are_in_the_layers_at_once():
    def time(size, samples=24):
        made = trained(description(*PLAIN), (6,), algorithm="sgd", batch=size, samples=samples)
        engine = engine_of(made, Replayed, 1)
        engine.run(0, samples // size)
        return engine.now_ps

    one, eight = time(1), time(8)
    assert eight < 0.75 * one


def test_a_batch_of_one_is_no_batch():
    shape, layers = NETWORKS["batch-norm"]
    made = trained(description(*layers), shape)
    program = made.ideal.encoder.program
    assert [op.phase for op in program.operations(0) if op.node >= 0 and op.kind is not Kind.STEP].count(0) > 0
    assert {op.member for op in program.operations(0)} == {0}
