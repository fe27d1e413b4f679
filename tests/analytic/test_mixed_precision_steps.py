"""Mixed precision over a batch and with an optimiser: what a digital step would do arrives on the arrays as pulses."""

import numpy as np
import pytest
from graph_kit import description, engine_of, trained

from twin.config.optimiser import Optimiser
from twin.machine.replay import Coupled, Replayed
from twin.operation import Kind, Stream

QUIET = dict.fromkeys(("dw_min_dtod", "up_down_dtod", "dw_min_std", "w_max_dtod", "w_min_dtod"), 0.0)
FINE = ("symmetric-1200", {"dw_min": 2.0**-17, "w_max": 10.0, "w_min": -10.0} | QUIET)
MANY = {"desired_bl": 10_000}
LAYERS = [
    {"kind": "dense", "name": "a", "outputs": 6, "activation": "tanh"},
    {"kind": "layer-norm", "name": "norm"},
    {"kind": "flatten"},
    {"kind": "dense", "name": "b", "outputs": 3, "activation": "softmax"},
]
SHAPE = (4, 5)
RULES = ("sgd", "momentum", "nesterov", "adam", "adamw")


def pair(batch, *, axis="row", samples=16, **options):
    """Build a network under mixed precision with fine steps, and the same under digital arithmetic."""
    given = description(*LAYERS)
    common = {"batch": batch, "samples": samples, "rate": 0.03} | options
    analog = {"algorithm": "mixed-precision", "device": FINE, "table": MANY | {"transfer_axis": axis}}
    return trained(given, SHAPE, **common, **analog), trained(given, SHAPE, **common)


def learnt_alike(made, digital, steps, tolerance):
    start = digital.weights()
    made.ideal.train(0, steps)
    digital.ideal.train(0, steps)
    for one, other, before in zip(made.weights(), digital.weights(), start, strict=True):
        assert np.abs(other - before).max() > 50 * tolerance
        np.testing.assert_allclose(one, other, rtol=0, atol=tolerance)


@pytest.mark.parametrize("axis", ["row", "column"])
@pytest.mark.parametrize("batch", [3, 8])
def test_a_batch_is_that_of_digital_arithmetic(batch, axis):
    made, digital = pair(batch, axis=axis)
    learnt_alike(made, digital, 12, 1e-4)


@pytest.mark.parametrize("axis", ["row", "column"])
@pytest.mark.parametrize("kind", RULES)
def test_an_optimiser_is_that_of_digital_arithmetic(kind, axis):
    rule = Optimiser(kind=kind, learning_rate=0.01)
    made, digital = pair(4, axis=axis, optimised=True, optimiser=rule)
    learnt_alike(made, digital, 20, 2e-4)


@pytest.mark.parametrize("kind", ["momentum", "adamw"])
def test_weights_decay_by_what_is_read_of_them(kind):
    rule = Optimiser(kind=kind, learning_rate=0.02, weight_decay=0.5)
    made, digital = pair(4, optimised=True, optimiser=rule)
    learnt_alike(made, digital, 20, 4e-4)


def test_weights_that_the_network_sees_scaled_up_move_alike():
    rule = Optimiser(kind="adamw", learning_rate=0.01, weight_decay=0.2)
    one, other = (pair(4, optimised=True, optimiser=rule, out_scaling=scale)[0] for scale in (1.0, 2.5))
    learnt_alike(one, other, 15, 3e-4)


def of_layer(made, step=0):
    return [one for one in made.ideal.encoder.program.operations(step) if one.layer == 0]


@pytest.mark.parametrize(("options", "words"), [({}, 1), ({"optimised": True}, 3)])
def test_chi_comes_and_goes_once_a_batch_and_is_pulsed_once(options, words):
    rule = Optimiser(kind="adam", learning_rate=0.01, weight_decay=0.1 if options else 0.0)
    made, _ = pair(8, optimiser=rule, **options)
    operations = of_layer(made)
    n = made.network.layers[0].n_in * made.network.layers[0].n_out
    moved = [(one.kind, one.words) for one in operations if one.stream is Stream.H]
    assert moved == [(Kind.H_LOAD, words * n), (Kind.H_STORE, words * n)]
    assert [one.kind for one in operations].count(Kind.TRANSFER) == 1
    assert [one.kind for one in operations].count(Kind.FILTER) == 8
    assert sum(one.flops for one in operations if one.kind is Kind.FILTER) == 8 * 2 * n * SHAPE[0]
    assert [one.kind for one in operations].count(Kind.READ_OUT) == (1 if options else 0)


@pytest.mark.parametrize("options", [{}, {"optimised": True}])
def test_coupled_and_replayed_steps_have_the_same_bits_and_times(options):
    rule = Optimiser(kind="adamw", learning_rate=0.01, weight_decay=0.1, clip_norm=0.5)
    found = []
    for performs in (Replayed, Coupled):
        made, _ = pair(3, samples=7, optimiser=rule, **options)
        engine = engine_of(made, performs, 1)
        engine.run(0, 6)
        engine.check()
        found.append((made.weights(), made.learnt(), engine.now_ps))
    (weights, learnt, end), (others, also, other_end) = found
    assert end == other_end
    for one, other in zip([*weights, *learnt], [*others, *also], strict=True):
        assert np.array_equal(one, other)
