"""Mean and variance of one pulsed update over 10^5 repetitions against the closed form.

An update is repeated by splitting one matrix into 100 arrays that get the same inputs and errors; each has
random streams of its own.
"""

import numpy as np
import pytest

from twin.operation import Counts, Opcode

COPIES, CALLS = 10, 1000
REPETITIONS = COPIES * COPIES * CALLS
X = np.array([1.0, -0.6, 0.25, 0.0, 0.05], np.float32)
D = np.array([-0.1, 0.07, 0.03, -0.002], np.float32)
DW_MIN = 0.002


def repeated(rig, rate, bl, *, sigma=0.0, mult_noise=True, **update):
    """Return the changes of w (repetitions, 4, 5) and the pulses per update of constant-step devices."""
    made = rig(
        "sgd",
        layers=((len(D) * COPIES, "identity", False),),
        n_inputs=len(X) * COPIES,
        settings={"learning_rate": rate, "update": {"desired_bl": bl} | update},
        device="symmetric-1200",
        device_overrides={
            "dw_min": DW_MIN,
            "dw_min_dtod": 0.0,
            "up_down_dtod": 0.0,
            "dw_min_std": sigma,
            "mult_noise": mult_noise,
        },
        chip={"tile.rows": str(len(D)), "tile.cols": str(len(X))},
        scale=0.0,
    )
    machine = made.machine
    assert len(machine.mapping.parts(0, "W")) == COPIES**2
    made.vector("x")[:] = np.tile(X, COPIES)
    made.vector("d")[:] = np.tile(D, COPIES)
    start = machine.f.copy()
    spans = [(int(p["w"]), int(p["w"]) + X.size * D.size) for p in machine.parts]
    dw = np.empty((CALLS, COPIES**2, X.size, D.size), np.float32)
    pulses = set()
    for call in range(CALLS):
        counts = made.perform(Opcode.UPDATE, sample=call)
        pulses.add(int(counts[Counts.PULSES]))
        for k, (a, b) in enumerate(spans):
            dw[call, k] = machine.f[a:b].reshape(X.size, D.size)
        machine.f[:] = start
    assert len(pulses) == 1
    return dw.reshape(REPETITIONS, X.size, D.size).transpose(0, 2, 1).astype(np.float64), pulses.pop()


def probabilities(rate, n):
    """Pulse probabilities of update management: both maxima equal; beyond n pulses the error is clipped."""
    k = rate * np.abs(X).max() * np.abs(D).max() / DW_MIN
    d_top = np.abs(D).max() * min(1.0, n / k)
    base = (rate / (DW_MIN * n)) ** 0.5
    ratio = (d_top / np.abs(X).max()) ** 0.5
    return np.minimum(np.abs(X) * base * ratio, 1), np.minimum(np.abs(D) * base / ratio, 1)


def scores(dw, mean, variance):
    """Deviations of the sample means and variances in standard errors, over entries that can move."""
    moving = variance > 1e-12 * DW_MIN**2
    still = ~moving
    np.testing.assert_allclose(dw[:, still], np.broadcast_to(mean[still], (len(dw), still.sum())), rtol=1e-5, atol=1e-9)
    n = len(dw)
    z_mean = (dw.mean(axis=0) - mean)[moving] / (variance[moving] / n) ** 0.5
    centred = (dw - mean)[:, moving]
    fourth = (centred**4).mean(axis=0)
    z_variance = ((centred**2).mean(axis=0) - variance[moving]) / ((fourth - variance[moving] ** 2) / n) ** 0.5
    return z_mean, z_variance


def assert_agrees(z):
    """Each entry within 4.5 standard errors, their mean (one number) within 3."""
    assert np.abs(z).max() < 4.5
    assert abs(z.mean()) < 3  # entries share pulse trains: their mean has at most one standard error
    assert np.sqrt((z**2).mean()) < 2.5


# rate max|x| max|d| / dw_min wants 0.8, 4.5, 30.5 pulses
RATES = [(8 * DW_MIN, 31, 1), (45 * DW_MIN, 31, 5), (305 * DW_MIN, 31, 31)]


@pytest.mark.parametrize(("sigma", "mult_noise"), [(0.0, True), (0.3, True), (0.5, False)])
@pytest.mark.parametrize(("rate", "bl", "expected"), RATES)
def test_one_update_has_the_mean_and_variance_of_its_coincidences(rig, rate, bl, expected, sigma, mult_noise):
    dw, n = repeated(rig, rate, bl, sigma=sigma, mult_noise=mult_noise)
    assert n == expected
    # n Bernoulli coincidences of probability p, each dw_min (1 + sigma xi): both kinds of noise alike here
    px, pd = probabilities(rate, n)
    p = np.outer(pd, px)
    mean = rate * np.outer(D, X).astype(np.float64)
    np.testing.assert_allclose(mean, n * p * DW_MIN * np.sign(mean), rtol=1e-6)
    variance = n * DW_MIN**2 * (p * (1 - p) + sigma**2 * p)
    z_mean, z_variance = scores(dw, mean, variance)
    assert_agrees(z_mean)
    assert_agrees(z_variance)


def test_coincidences_share_the_pulses_of_their_lines(rig):
    """Two devices of one input line are correlated as common pulses make them, others are not."""
    rate, n = 45 * DW_MIN, 5
    dw, _ = repeated(rig, rate, 31)
    px, pd = probabilities(rate, n)
    shared = n * DW_MIN**2 * px[0] * (1 - px[0]) * pd[1] * pd[2]  # cov of |dw| on line 0
    a, b = np.abs(dw[:, 1, 0]), np.abs(dw[:, 2, 0])
    error = (a.var() * b.var() / len(dw)) ** 0.5
    assert abs(np.mean((a - a.mean()) * (b - b.mean())) - shared) < 4 * error
    apart = np.corrcoef(dw[:, 1, 0], dw[:, 2, 1])[0, 1]
    assert abs(apart) < 4.5 / len(dw) ** 0.5
    neighbours = dw.reshape(CALLS, COPIES**2, -1)[:, :, 0]
    assert abs(np.corrcoef(neighbours[:, 0], neighbours[:, 1])[0, 1]) < 4.5 / CALLS**0.5


def test_beyond_the_longest_train_the_error_is_clipped(rig):
    """Rate wants 20 pulses, 5 are allowed: an error above a quarter of the largest counts as a quarter."""
    rate, n = 200 * DW_MIN, 5
    dw, pulses = repeated(rig, rate, n)
    assert pulses == n
    clipped = np.clip(D, -0.025, 0.025)
    px, pd = probabilities(rate, n)
    p = np.outer(pd, px)
    mean = rate * np.outer(clipped, X).astype(np.float64)
    np.testing.assert_allclose(np.abs(mean), n * p * DW_MIN, rtol=1e-6)
    z_mean, z_variance = scores(dw, mean, n * DW_MIN**2 * p * (1 - p))
    assert_agrees(z_mean)
    assert_agrees(z_variance)


def test_without_update_management_both_sides_have_the_same_factor(rig):
    """A train of fixed length, too: the mean stays rate d x."""
    rate, n = 25 * DW_MIN, 31
    dw, pulses = repeated(rig, rate, n, update_management=False, update_bl_management=False)
    assert pulses == n
    base = (rate / (DW_MIN * n)) ** 0.5
    p = np.outer(np.abs(D) * base, np.abs(X) * base)
    z_mean, z_variance = scores(dw, rate * np.outer(D, X), n * DW_MIN**2 * p * (1 - p))
    assert_agrees(z_mean)
    assert_agrees(z_variance)


@pytest.mark.parametrize("wanted", [5, 20])
def test_fewest_pulses_without_update_management_keep_the_mean(rig, wanted):
    """The larger of the two vectors decides: no probability is beyond 1 (x = 1, d = 0.1 here)."""
    rate = wanted * DW_MIN
    dw, pulses = repeated(rig, rate, 31, update_management=False)
    assert pulses == wanted
    mean = rate * np.outer(D, X).astype(np.float64)
    p = np.abs(mean) / (wanted * DW_MIN)
    z_mean, z_variance = scores(dw, mean, wanted * DW_MIN**2 * p * (1 - p))
    assert_agrees(z_mean)
    assert_agrees(z_variance)


@pytest.mark.parametrize("managed", [True, False])
@pytest.mark.parametrize(("allowed", "clipped"), [(31, 0), (4, 1)])
def test_an_update_that_wants_more_pulses_than_allowed_is_counted(rig, managed, allowed, clipped):
    x, d = np.array([1.0, 0.2], np.float32), np.array([0.5, -0.3], np.float32)
    made = rig(
        "sgd",
        layers=((2, "identity", False),),
        n_inputs=2,
        settings={"learning_rate": 10 * DW_MIN, "update": {"desired_bl": allowed, "update_management": managed}},
        device="symmetric-1200",
        device_overrides={"dw_min": DW_MIN},
    )
    made.vector("x")[:], made.vector("d")[:] = x, d
    counts = made.perform(Opcode.UPDATE)
    assert counts[Counts.PULSES] == min(allowed, 5 if managed else 10)
    assert counts[Counts.CLIPPED] == clipped
