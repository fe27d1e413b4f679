"""Mean and standard deviation of w after an update by the dense path, against the slot-by-slot path.

Every device of an array is one replica: all lines fire in the same slots of an update, so that only the cycle noise
differs, and thousands of replicas resolve differences of a few hundredths of a standard deviation.
"""

import numpy as np
import pytest

from twin.kernels.array.dense import scratch
from twin.kernels.array.pulsed import pulsed_update
from twin.kernels.records import CELL, MATRIX

F32, U64 = np.float32, np.uint64
N_IN, N_OUT = 256, 256
REPLICAS = N_IN * N_OUT
BOUND = 0.6


def update(states, n, start, dense, *, sigma=0.3, additive=False, soft=True):
    """Return w after n coincidences on every device, all started at `start` of their bound."""
    dw = 2 * BOUND / states
    cell = np.zeros((REPLICAS, CELL), F32)
    cell[:, ::2] = dw
    cell[:, 1::2] = dw / BOUND if soft else 0
    limits = np.tile(np.array([-BOUND, BOUND, dw, 0], F32), (REPLICAS, 1))
    m = np.zeros(1, MATRIX)
    m["noise_add" if additive else "noise_mult"] = sigma
    m["clip_below"] = -1 / sigma if soft and not additive else np.inf
    m["dense_from"] = 1e-9 if dense else np.inf
    w = np.full(REPLICAS, start * BOUND, F32)
    words, reals = scratch(N_IN, N_OUT)
    work, real = np.zeros(words, np.int32), np.zeros(reals, F32)
    flat, ones = (cell.ravel(), limits.ravel()), (np.ones(N_IN, F32), np.ones(N_OUT, F32))
    keys = (U64(11 << 32 | 5), U64(12 << 32 | 6), U64(2**40 + n + (7 if dense else 0)))
    _, coincidences = pulsed_update(
        w, *flat, np.zeros(0, np.float32), N_IN, N_OUT, *ones, n, F32(1), F32(1), m[0], keys, work, real
    )
    assert coincidences == n * REPLICAS
    assert np.abs(w).max() <= BOUND * (1 + 1e-5)
    return w.astype(np.float64)


def differences(states, n, start, **kind):
    """Return the difference of the means and of the deviations, and their standard errors, all in steps of dw_min."""
    dense, exact = (update(states, n, start, path, **kind) for path in (True, False))
    dw = 2 * BOUND / states
    error = exact.std() * (2 / REPLICAS) ** 0.5
    kurtosis = ((exact - exact.mean()) ** 4).mean() / exact.var() ** 2
    spread = exact.std() * ((kurtosis - 1) / (2 * REPLICAS)) ** 0.5
    found = dense.mean() - exact.mean(), dense.std() - exact.std()
    return *(value / dw for value in found), error / dw, spread / dw


@pytest.mark.parametrize("soft", [True, False])
@pytest.mark.parametrize("start", [-0.95, 0.0, 0.5, 0.97])
@pytest.mark.parametrize("states", [60, 120, 1200])
@pytest.mark.parametrize("n", [2, 10, 31])
def test_multiplicative_noise(states, n, start, soft):
    """Sampling error of four sigma, and 0.001 of a step for the series that is cut."""
    mean, std, mean_error, std_error = differences(states, n, start, soft=soft)
    assert abs(mean) < 4 * mean_error + 0.001
    assert abs(std) < 4 * std_error + 0.001


@pytest.mark.parametrize("start", [-0.95, 0.0, 0.5, 0.97])
@pytest.mark.parametrize("states", [15, 120])
@pytest.mark.parametrize("n", [2, 10, 31])
def test_additive_noise(states, n, start):
    """Within reach of a bound pulses go one by one; what is let through beyond three sigma is 0.01 of a step."""
    mean, std, mean_error, std_error = differences(states, n, start, sigma=1.0, additive=True)
    assert abs(mean) < 4 * mean_error + 0.01
    assert abs(std) < 4 * std_error + 0.01


def test_mean_and_variance_are_those_of_the_formula():
    """Soft bounds: the way left to the bound is multiplied by q - b sigma xi at each of n pulses."""
    for states, n, start in ((60, 31, -0.5), (120, 7, 0.3), (20, 20, 0.0)):
        b, sigma = 2 / states, 0.3
        q, way = 1 - b, BOUND * (1 - start)
        w = update(states, n, start, dense=True, sigma=sigma)
        mean = BOUND - way * q**n
        deviation = way * ((q**2 + (b * sigma) ** 2) ** n - q ** (2 * n)) ** 0.5
        assert abs(w.mean() - mean) < 4 * deviation / REPLICAS**0.5 + 1e-6
        assert w.std() == pytest.approx(deviation, rel=4 / (2 * REPLICAS) ** 0.5 + 0.003)


def test_each_device_gets_noise_of_its_own():
    w = update(120, 10, 0.0, dense=True).reshape(N_IN, N_OUT)
    for one, other in ((w[:, 1:], w[:, :-1]), (w[1:], w[:-1])):
        assert abs(np.corrcoef(one.ravel(), other.ravel())[0, 1]) < 4.5 / REPLICAS**0.5
