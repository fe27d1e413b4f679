"""Do convolutions on ideal devices train to NumPy's weights, and are NumPy's gradients those of its loss?"""

import numpy as np
import pytest
from examples_kit import examples
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st
from network_kit import assert_trained_alike, ideal, tiles
from reference_networks import (
    Full,
    Windows,
    finite_differences,
    image_gradients,
    image_loss,
    pooled,
    train_images,
)

from twin.data import Dataset
from twin.errors import TwinError
from twin.networks.layers import Conv, Dense
from twin.networks.layers import Windows as Square
from twin.networks.network import Network

CLASSES = 3
STACKS = {  # layers and the output channels or outputs of each
    "plain": [(Windows("tanh", 3), 4), (Full("softmax"), CLASSES)],
    "pooled": [(Windows("tanh", 3, pool=2), 4), (Full("softmax"), CLASSES)],
    "padded": [(Windows("sigmoid", 3, padding=2), 2), (Full("softmax"), CLASSES)],
    "strided": [(Windows("tanh", 2, stride=3, bias=False), 5), (Full("softmax", bias=False), CLASSES)],
    "deep": [
        (Windows("tanh", 3, padding=1, pool=2), 3),
        (Windows("relu", 2, stride=1, padding=1, pool=2), 4),
        (Full("tanh"), 6),
        (Full("softmax"), CLASSES),
    ],
}


def network_of(stack, shape):
    """Return twin's description of the same layers on maps (height, width, channels)."""
    made, width = [], int(np.prod(shape))
    for k, (one, n_out) in enumerate(stack):
        if isinstance(one, Windows):
            square = Square.square(one.kernel, one.stride, one.padding)
            made.append(Conv(k, *shape, n_out, one.bias, one.function, square, one.pool))
            shape = made[-1].pooled
        else:
            made.append(Dense(k, width, n_out, one.bias, one.function))
        width = made[-1].size
    return Network(tuple(made), "cross-entropy")


def images_of(shape, samples, seed=1):
    rng = np.random.default_rng(seed)
    images = rng.uniform(-1, 1, (samples, *shape)).astype(np.float32)
    labels = rng.integers(0, CLASSES, samples)
    flat, targets = images.reshape(samples, -1), labels[:, None]
    return images, labels, Dataset(flat, targets, flat[:1], targets[:1])


def compared(stack, shape=(9, 8, 2), *, samples=12, rate=0.05, **own):
    """Train twin and NumPy from the same weights; hold losses and weights against each other."""
    images, labels, data = images_of(shape, samples)
    twin = ideal(network_of(stack, shape), data, rate=rate, **own)
    before = twin.weights()
    weights, losses = train_images([one for one, _ in stack], before, images, labels, rate)
    np.testing.assert_allclose(twin.train(0, samples), losses, rtol=1e-5, atol=1e-6)
    uses = max(layer.uses for layer in twin.machine.network.layers)
    assert_trained_alike(twin.weights(), weights, before, samples * uses)
    return twin


# -- NumPy against itself ------------------------------------------------------------------------------------


@pytest.mark.parametrize("stack", list(STACKS))
def test_numpy_gradients_are_finite_differences(stack):
    layers = [one for one, _ in STACKS[stack]]
    rng = np.random.default_rng(3)
    shape = (7, 6, 2)
    weights = [rng.normal(0, 0.5, (n_out, n_in)) for n_in, n_out in network_of(STACKS[stack], shape).shapes]
    image = rng.uniform(-1, 1, shape)
    gradients = image_gradients(layers, weights, image, 1)
    slopes = finite_differences(lambda w: image_loss(layers, w, image, 1), weights)
    for gradient, slope in zip(gradients, slopes, strict=True):
        assert np.abs(slope).max() > 1e-3
        np.testing.assert_allclose(gradient, slope, rtol=1e-5, atol=1e-8)


def test_numpy_pools_as_loops_do():
    y = np.random.default_rng(0).uniform(-1, 1, (7, 5, 2))
    out, mask = pooled(Windows("tanh", 1, pool=2), y)
    assert out.shape == (3, 2, 2)
    for i, j, c in np.ndindex(out.shape):
        assert out[i, j, c] == y[2 * i : 2 * i + 2, 2 * j : 2 * j + 2, c].max()
    assert mask.sum() == out.size
    assert not mask[6].any()
    assert not mask[:, 4].any()


# -- twin against NumPy --------------------------------------------------------------------------------------


@pytest.mark.parametrize("algorithm", ["digital", "sgd"])
@pytest.mark.parametrize("stack", list(STACKS))
def test_convolutions_train_to_the_weights_of_numpy(stack, algorithm):
    compared(STACKS[stack], algorithm=algorithm)


@pytest.mark.parametrize("out_scaling", [0.5, 3.3333])
def test_scaled_arrays_train_the_same_network(out_scaling):
    compared(STACKS["deep"], out_scaling=out_scaling)


@pytest.mark.parametrize("in_flight", [2, 3])
def test_samples_in_flight_do_not_disturb_each_other(in_flight):
    compared(STACKS["deep"], in_flight=in_flight)


@pytest.mark.parametrize("lines", [3, 16])
def test_matrices_split_over_many_tiles_train_the_same_network(lines):
    twin = compared(STACKS["deep"], chip=tiles(lines))
    assert len(twin.machine.mapping.parts(0, "W")) == -(-19 // lines)


@pytest.mark.parametrize("kernel", [1, 2, 3])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", [0, 1, 2])
@pytest.mark.parametrize("pool", [1, 2, 3])
def test_windows_of_all_kinds(kernel, stride, padding, pool):
    first = Windows("tanh", kernel, stride, padding, pool), 2
    compared([first, (Windows("tanh", 1), 3), (Full("softmax"), CLASSES)], (11, 13, 1), samples=3)


@settings(max_examples=examples(30), deadline=None, suppress_health_check=list(HealthCheck))
@given(
    shape=st.tuples(st.integers(1, 9), st.integers(1, 9), st.integers(1, 3)),
    windows=st.lists(
        st.tuples(
            st.builds(
                Windows,
                st.sampled_from(["sigmoid", "tanh", "identity"]),
                st.integers(1, 4),
                st.integers(1, 3),
                st.integers(0, 2),
                st.integers(1, 3),
                st.booleans(),
            ),
            st.integers(1, 4),
        ),
        min_size=1,
        max_size=3,
    ),
    algorithm=st.sampled_from(["digital", "sgd"]),
    lines=st.sampled_from([5, 512]),
)
def test_networks_of_any_shape_train_to_the_weights_of_numpy(shape, windows, algorithm, lines):
    stack = [*windows, (Full("softmax"), CLASSES)]
    try:
        network_of(stack, shape)
    except TwinError:
        assume(condition=False)
    compared(stack, shape, samples=4, algorithm=algorithm, chip=tiles(lines))


def test_errors_of_windows_that_overlap_add_up():
    below, above = Windows("identity", 1, bias=False), Windows("identity", 2, padding=1)
    stack = [(below, 1), (above, 1), (Full("softmax"), CLASSES)]
    layer = network_of(stack, (2, 3, 1)).layers[1]
    assert (layer.out_height, layer.out_width, layer.uses) == (3, 4, 12)
    compared(stack, (2, 3, 1), samples=5)


def test_testing_disturbs_no_training():
    images, labels, data = images_of((9, 8, 2), 8)
    whole, tested = (ideal(network_of(STACKS["deep"], (9, 8, 2)), data, in_flight=2) for _ in range(2))
    found = [tested.train(0, 4)]
    assert tested.machine.evaluate(0) == tested.machine.evaluate(0)
    found.append(tested.train(4, 8))
    np.testing.assert_array_equal(np.concatenate(found), whole.train(0, 8))
    for one, other in zip(tested.weights(), whole.weights(), strict=True):
        np.testing.assert_array_equal(one, other)
    layers = [one for one, _ in STACKS["deep"]]
    weights = [w.astype(float) for w in whole.weights()]
    loss, _ = whole.machine.evaluate(0)
    assert loss == pytest.approx(image_loss(layers, weights, images[0].astype(float), labels[0]), rel=1e-5)
