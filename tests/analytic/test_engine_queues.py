"""Servers against queueing theory: closed forms inside 99 % confidence intervals of batch means, at fixed seeds."""

import numpy as np
import pytest
from engine_kit import Costs, Effects, Program, op
from scipy.stats import t

from twin.engine import Engine

SERVICE = 100_000  # ps on average
SAMPLES = 16_000  # three operations each are what the ledger remembers one by one
BATCHES = 16
PLACES = 300  # in flight: more than ever queue up, so that the source is never idle

LAWS = {  # services in units of their mean, and the mean of their squares
    "M/D/1": (lambda _rng, n: np.ones(n), 1.0),
    "M/M/1": (lambda rng, n: rng.exponential(1, n), 2.0),
    "two kinds of service": (lambda rng, n: np.where(rng.random(n) < 0.9, 0.5, 5.5), 3.25),
}


def batch_means(values):
    """Return the mean and the half-width of its 99 % interval; the first batch, which starts empty, is left out."""
    means = np.asarray(values, float).reshape(BATCHES, -1).mean(axis=1)[1:]
    half = t.ppf(0.995, means.size - 1) * means.std(ddof=1) / np.sqrt(means.size)
    return means.mean(), half


def assert_is(values, expected, *, precision):
    """Hold the mean of `values` against `expected`; the interval itself must be narrower than `precision`."""
    mean, half = batch_means(values)
    assert half < precision * abs(expected), (half, expected)
    assert abs(mean - expected) <= half, (mean, half, expected)


def picoseconds(times):
    return np.maximum(np.rint(SERVICE * times).astype(int), 1)


def line(*services, load, seed):
    """Run Poisson arrivals through servers 1, 2, ... one after another.

    Server 0 is the source: it holds each sample until that arrives.

    Returns
    -------
    engine : Engine
    visits : list of ndarray of int64, (SAMPLES, 3)
        Arrival, start and end at each server, in ps.
    """
    rng = np.random.default_rng(seed)
    times = [picoseconds(rng.exponential(1 / load, SAMPLES))]
    times += [picoseconds(law(rng, SAMPLES)) for law in services]
    work = [
        op([k], per_pulse=1, reads="" if k == 0 else "abcd"[k - 1], writes="abcd"[k]) for k in range(len(services) + 1)
    ]
    effects = Effects(lambda sample, position: times[position][sample])
    engine = Engine(Program(work), effects, Costs(len(work)), PLACES)
    engine.run(0, SAMPLES)
    rows = engine.ledger.recent()
    server = np.array([template.demand.occupancy[0].server for template in engine.binder.templates])[rows[:, 0]]
    visits = [rows[server == k, 1:4] for k in range(1, len(work))]
    np.testing.assert_array_equal(visits[0][:, 0], np.cumsum(times[0]))  # arrivals are what was drawn
    return engine, visits


@pytest.mark.parametrize("load", [0.5, 0.75])
@pytest.mark.parametrize("law", LAWS)
def test_a_queue_with_poisson_arrivals_waits_as_pollaczek_and_khinchine_say(law, load):
    """Mean wait = load E[S^2] / (2 (1 - load)) at mean service 1; P(no wait) = 1 - load; sojourn = wait + 1."""
    draw, square = LAWS[law]
    engine, [visits] = line(draw, load=load, seed=1)
    wait, sojourn = (visits[:, 1] - visits[:, 0]) / SERVICE, (visits[:, 2] - visits[:, 0]) / SERVICE
    expected = load * square / (2 * (1 - load))
    assert_is(wait, expected, precision=0.25)
    assert_is(sojourn, expected + 1, precision=0.2)
    assert_is(wait == 0, 1 - load, precision=0.2)
    # Little's law from the table: mean number present = arrivals a second x mean sojourn.
    server = engine.tables()["servers"].iloc[1]
    assert server["mean_queue"] == pytest.approx(SAMPLES / engine.now_ps * sojourn.mean() * SERVICE, rel=1e-12)


def test_sojourns_of_m_m_1_are_exponential():
    """The sojourn has the rate 1 - load: its median is ln 2 / (1 - load), and e^-1 last longer than the mean."""
    _, [visits] = line(LAWS["M/M/1"][0], load=0.5, seed=2)
    sojourn = (visits[:, 2] - visits[:, 0]) / SERVICE
    assert_is(sojourn > 2, np.exp(-1), precision=0.1)
    assert_is(sojourn > 2 * np.log(2), 0.5, precision=0.1)


def test_a_tandem_is_two_independent_queues():
    """Jackson and Burke: each waits as M/M/1 alone; departures of the first are Poisson; sojourns do not correlate."""
    load, faster = 0.5, 0.8
    draws = (LAWS["M/M/1"][0], lambda rng, n: faster * LAWS["M/M/1"][0](rng, n))
    _, (first, second) = line(*draws, load=load, seed=3)
    one, two = ((visits[:, 2] - visits[:, 0]) / SERVICE for visits in (first, second))
    means = 1 / (1 - load), 1 / (1 / faster - load)
    assert_is(one, means[0], precision=0.1)
    assert_is(two, means[1], precision=0.1)
    gaps = np.diff(second[:, 0], prepend=0) * load / SERVICE
    np.testing.assert_array_equal(second[:, 0], first[:, 2])  # what leaves the first arrives at the second
    assert_is(gaps, 1, precision=0.03)
    assert_is(gaps**2, 2, precision=0.1)
    for products in ((one - means[0]) * (two - means[1]), (gaps - 1) * (np.roll(gaps, 1) - 1)):
        mean, half = batch_means(products)
        assert abs(mean) <= half < 0.3 * np.prod(means)


@pytest.mark.parametrize(("servers", "in_flight"), [(2, 1), (2, 3), (3, 4)])
def test_samples_in_flight_are_a_closed_network(servers, in_flight):
    """Gordon and Newell: n customers on m exponential servers of rate 1 in a ring pass n / (n + m - 1) a second."""
    rng = np.random.default_rng(4)
    times = [picoseconds(rng.exponential(1, SAMPLES)) for _ in range(servers)]
    work = [op([k], per_pulse=1, reads="" if k == 0 else "abc"[k - 1], writes="abc"[k]) for k in range(servers)]
    engine = Engine(Program(work), Effects(lambda s, position: times[position][s]), Costs(servers), in_flight)
    engine.run(0, SAMPLES)
    rows = engine.ledger.recent()
    left = rows[rows[:, 0] == rows[:, 0].max(), 3]  # the last operation of every sample, done
    assert left.size == SAMPLES
    assert_is(np.diff(left, prepend=0) / SERVICE, (in_flight + servers - 1) / in_flight, precision=0.05)
    utilisation = engine.tables()["servers"]["utilisation"]
    np.testing.assert_allclose(utilisation, in_flight / (in_flight + servers - 1), rtol=0.05)


def test_a_closed_tandem_is_as_fast_as_its_slowest_server():
    """With n in flight on servers of 30, 50 and 20 ps: throughput min(n / 100, 1 / 50) exactly."""
    work = [op([0], 30, writes="a"), op([1], 50, reads="a", writes="b"), op([2], 20, reads="b")]
    for in_flight, period in ((1, 100), (2, 50), (4, 50)):
        engine = Engine(Program(work), Effects(), Costs(3), in_flight)
        engine.run(0, 200)
        assert engine.now_ps == pytest.approx(200 * period, rel=0.01)
