"""Do recurrent networks on ideal devices train to NumPy's weights, and are NumPy's gradients those of its loss?"""

import numpy as np
import pytest
from examples_kit import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from network_kit import assert_trained_alike, ideal, tiles
from reference_networks import (
    Cell,
    Full,
    finite_differences,
    sequence_gradients,
    sequence_loss,
    start,
    train_text,
)
from sequence_kit import STACKS, network_of, text_of, whole


def compared(layers, *, symbols=5, steps=7, sequences=4, samples=6, rate=0.1, **own):
    """Train twin and NumPy from the same weights; hold losses, weights and states against each other."""
    data = text_of(symbols, steps, sequences)
    twin = ideal(network_of(layers, symbols, steps), data, rate=rate, **own)
    before = whole(layers, twin.weights())
    codes, labels = data.inputs.astype(int), data.targets.astype(int)
    weights, losses, state = train_text(layers, before, codes, labels, rate, samples)
    np.testing.assert_allclose(twin.train(0, samples), losses, rtol=1e-5)
    assert_trained_alike(whole(layers, twin.weights()), weights, before, samples * steps)
    firsts = np.cumsum([0, *(1 + (getattr(one, "kind", "") == "gru") for one in layers)])
    for k, one in enumerate(layers):
        if isinstance(one, Cell):
            h, c = twin.state(firsts[k])
            np.testing.assert_allclose(h, state[k][0], rtol=1e-4, atol=1e-5)
            if one.kind == "lstm":
                np.testing.assert_allclose(c, state[k][1], rtol=1e-4, atol=1e-5)
    return twin


# -- NumPy against itself ------------------------------------------------------------------------------------


@pytest.mark.parametrize("stack", list(STACKS))
def test_numpy_gradients_are_finite_differences(stack):
    layers = STACKS[stack]
    rng = np.random.default_rng(2)
    weights = whole(layers, [rng.normal(0, 0.7, (n_out, n_in)) for n_in, n_out in network_of(layers, 5, 4).shapes])
    labels = [3, 0, 1, 4]
    xs = np.eye(5)[[1, 3, 0, 1]]
    state = [
        None if one is None else (rng.normal(0, 0.5, one[0].size), rng.normal(0, 1, one[0].size))
        for one in start(layers)
    ]
    gradients = sequence_gradients(layers, weights, xs, labels, state)
    slopes = finite_differences(lambda w: sequence_loss(layers, w, xs, labels, state)[0], weights)
    for gradient, slope in zip(gradients, slopes, strict=True):
        assert np.abs(slope).max() > 0.01
        np.testing.assert_allclose(gradient, slope, rtol=1e-6, atol=1e-8)


# -- twin against NumPy --------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["digital", "sgd"])
@pytest.mark.parametrize("stack", list(STACKS))
def test_recurrent_networks_train_to_the_weights_of_numpy(stack, algorithm):
    compared(STACKS[stack], algorithm=algorithm)


@pytest.mark.parametrize("out_scaling", [0.5, 3.3333])
def test_scaled_arrays_train_the_same_network(out_scaling):
    twin = compared(STACKS["lstm-lstm"], out_scaling=out_scaling)
    plain = ideal(network_of(STACKS["lstm-lstm"], 5, 7), text_of(5, 7, 4))
    fresh = ideal(network_of(STACKS["lstm-lstm"], 5, 7), text_of(5, 7, 4), out_scaling=out_scaling)
    for one, other in zip(fresh.weights(), plain.weights(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)
    assert np.abs(twin.machine.weights(0, "W")).max() < np.abs(twin.weights()[0]).max() or out_scaling < 1


@pytest.mark.parametrize("lines", [3, 16])
def test_matrices_split_over_many_tiles_train_the_same_network(lines):
    layers = [Cell("lstm", 9), Cell("lstm", 6), Full("softmax")]
    twin = compared(layers, symbols=18, rate=0.05, chip=tiles(lines))
    assert len(twin.machine.mapping.parts(0, "W")) == -(-28 // lines) * -(-36 // lines)


@pytest.mark.parametrize("steps", [1, 2, 3, 11])
@pytest.mark.parametrize("in_flight", [1, 2, 3])
def test_any_number_of_steps_and_of_samples_in_flight(steps, in_flight):
    compared(STACKS["lstm-lstm"], steps=steps, in_flight=in_flight, samples=7)


@settings(max_examples=examples(25), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    cells=st.lists(
        st.builds(Cell, st.sampled_from(["lstm", "gru", "rnn"]), st.integers(1, 7), st.booleans()),
        min_size=1,
        max_size=3,
    ),
    bias=st.booleans(),
    symbols=st.integers(2, 9),
    steps=st.integers(1, 9),
    algorithm=st.sampled_from(["digital", "sgd"]),
    lines=st.sampled_from([4, 512]),
)
def test_networks_of_any_shape_train_to_the_weights_of_numpy(cells, bias, symbols, steps, algorithm, lines):
    layers = [*cells, Full("softmax", bias)]
    compared(layers, symbols=symbols, steps=steps, algorithm=algorithm, chip=tiles(lines), samples=5)


# -- the state that sequences hand on --------------------------------------------------------------------------


def test_a_text_in_longer_sequences_gives_the_same_losses():
    # With a rate of nearly nothing the weights stand still, so only the carried state joins the sequences.
    layers, symbols = STACKS["lstm-lstm"], 5
    found = []
    for steps in (2, 6, 12):
        data = text_of(symbols, steps, 24 // steps)
        twin = ideal(network_of(layers, symbols, steps), data, rate=1e-9, initial=3.0)
        found.append((float(np.mean(twin.train(0, 24 // steps))), *twin.state(0)))
    for loss, h, c in found[1:]:
        assert loss == pytest.approx(found[0][0], rel=1e-5)
        np.testing.assert_allclose(h, found[0][1], rtol=1e-5)
        np.testing.assert_allclose(c, found[0][2], rtol=1e-5)


def test_a_text_begins_without_memory_of_its_end():
    data = text_of(5, 7, 4)
    twin = ideal(network_of(STACKS["lstm-lstm"], 5, 7), data, rate=1e-9, initial=3.0)
    losses = twin.train(0, 8)
    np.testing.assert_allclose(losses[:4], losses[4:], rtol=1e-5)


def test_testing_reads_the_text_from_its_start_and_leaves_the_state_as_it_was():
    layers, data = STACKS["rnn-lstm"], text_of(5, 7, 4)
    twin = ideal(network_of(layers, 5, 7), data)
    codes, labels = data.inputs.astype(int), data.targets.astype(int)
    before = twin.weights()
    twin.train(0, 3)
    states = [twin.state(k) for k in (0, 1)]
    arena = twin.machine.f.copy()
    loss, error = twin.machine.evaluate(0)
    assert twin.machine.evaluate(0) == (loss, error)
    for k in (0, 1):
        np.testing.assert_array_equal(twin.state(k), states[k])
    weights = [w.astype(float) for w in twin.weights()]
    state, total = start(layers), 0.0
    for row in (0, 1):
        value, state = sequence_loss(layers, weights, np.eye(5)[codes[row]], labels[row], state)
        total += value
    assert loss == pytest.approx(total / 14, rel=1e-5)
    # Training goes on as if nobody had tested.
    after = twin.train(3, 6)
    twin.machine.f[:] = arena
    np.testing.assert_array_equal(after, twin.train(3, 6))
    expected, losses, _ = train_text(layers, before, codes, labels, 0.1, 6)
    np.testing.assert_allclose(after, losses[3:], rtol=1e-5)
    assert_trained_alike(twin.weights(), expected, before, 6 * 7)
