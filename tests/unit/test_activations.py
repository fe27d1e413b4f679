"""Are activations, their derivatives and losses those of NumPy, and deltas the gradients of losses?"""

import numpy as np
import pytest

from twin.kernels.nodes.activations import activate, loss_and_delta, multiply_by_derivative
from twin.kernels.records import ACTIVATIONS, CROSS_ENTROPY, LOSSES, SQUARED_ERROR

F32 = np.float32
Z = np.linspace(-9.0, 9.0, 37)


def by_numpy(name, z):
    match name:
        case "sigmoid":
            return 1 / (1 + np.exp(-z))
        case "tanh":
            return np.tanh(z)
        case "relu":
            return np.maximum(z, 0)
        case "softmax":
            return np.exp(z - z.max()) / np.exp(z - z.max()).sum()
    return z


def activated(name, z):
    y = np.zeros(z.size, F32)
    activate(ACTIVATIONS[name], z.astype(F32), y)
    return y


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_activations_are_those_of_numpy_to_float32(name):
    np.testing.assert_allclose(activated(name, Z), by_numpy(name, Z), rtol=1e-6, atol=3e-7)


@pytest.mark.parametrize(("name", "low"), [("sigmoid", 0.0), ("tanh", -1.0), ("softmax", 0.0)])
@pytest.mark.parametrize("size", [1e3, 1e30])
def test_large_sums_saturate_and_give_no_nan(name, low, size):
    y = activated(name, np.array([-size, 0.0, size]))
    np.testing.assert_allclose(y[[0, 2]], [low, 1.0], atol=1e-30)
    assert not np.isnan(y).any()


@pytest.mark.parametrize("name", [name for name in ACTIVATIONS if name != "softmax"])
def test_derivatives_are_finite_differences(name):
    z, h = Z + 0.1, 1e-6  # 0.1: beside the kink of relu
    d = np.zeros(z.size, F32)
    multiply_by_derivative(ACTIVATIONS[name], activated(name, z), np.full(z.size, 2.0, F32), d)
    slope = (by_numpy(name, z + h) - by_numpy(name, z - h)) / (2 * h)
    np.testing.assert_allclose(d, 2 * slope, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize(
    ("loss", "name"), [("cross-entropy", "softmax"), *(("squared-error", n) for n in ("identity", "tanh", "sigmoid"))]
)
def test_deltas_are_the_negative_gradients_of_losses(loss, name):
    z, h = np.array([0.3, -1.2, 0.8, 0.1]), 1e-6
    target = np.array([2.0]) if LOSSES[loss] == CROSS_ENTROPY else np.array([0.5, -0.3, 0.9, 0.0])

    def value(z):
        y = by_numpy(name, z)
        return -np.log(y[int(target[0])]) if loss == "cross-entropy" else 0.5 * ((y - target) ** 2).sum()

    d = np.zeros(4, F32)
    found, wrong = loss_and_delta(LOSSES[loss], ACTIVATIONS[name], activated(name, z), target.astype(F32), 0, d)
    assert found == pytest.approx(value(z), rel=1e-5)
    assert wrong == 0
    slope = [(value(z + h * one) - value(z - h * one)) / (2 * h) for one in np.eye(4)]
    np.testing.assert_allclose(d, -np.array(slope), atol=1e-5)


def test_a_class_is_wrong_where_another_output_is_larger():
    d, y = np.zeros(3, F32), F32([0.2, 0.5, 0.3])
    wrong = [loss_and_delta(CROSS_ENTROPY, ACTIVATIONS["softmax"], y, F32([k]), 0, d)[1] for k in range(3)]
    assert wrong == [1, 0, 1]
    assert loss_and_delta(SQUARED_ERROR, ACTIVATIONS["identity"], y, y, 0, d)[1] == 0
