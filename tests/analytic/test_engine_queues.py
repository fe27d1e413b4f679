"""Servers against queueing theory."""

import numpy as np
import pytest
from engine_kit import Costs, Effects, Program, op

from twin.engine import Engine


def test_a_queue_with_poisson_arrivals_waits_as_pollaczek_and_khinchine_say():
    """M/D/1 at load 0.5: mean wait = load / (2 (1 - load)) services, within 4 standard errors of batches."""
    samples, service, load = 4000, 1000, 0.5
    gaps = np.random.default_rng(1).exponential(service / load, samples).astype(int) + 1
    work = [op([0], 0, per_pulse=1, writes="a"), op([1], service, reads="a")]
    engine = Engine(Program(work), Effects(lambda sample, _position: int(gaps[sample])), Costs(2), samples)
    engine.run(0, samples)
    rows = engine.ledger.recent()
    served = rows[rows[:, 4] == 0]
    waits = (served[:, 2] - served[:, 1]) / service
    batches = waits.reshape(20, -1).mean(axis=1)
    expected = load / (2 * (1 - load))
    assert abs(waits.mean() - expected) < 4 * batches.std(ddof=1) / np.sqrt(20)
    assert waits.mean() > 0.3  # the interval is not so wide that anything passes
    # Little's law from the table: mean number present = rate x (wait + service).
    server = engine.tables()["servers"].iloc[1]
    rate = samples / engine.now_ps
    assert server["mean_queue"] == pytest.approx(rate * (waits.mean() + 1) * service, rel=1e-12)


def test_a_closed_tandem_is_as_fast_as_its_slowest_server():
    """With n in flight on servers of 30, 50 and 20 ps: throughput min(n / 100, 1 / 50) exactly."""
    work = [op([0], 30, writes="a"), op([1], 50, reads="a", writes="b"), op([2], 20, reads="b")]
    for in_flight, period in ((1, 100), (2, 50), (4, 50)):
        engine = Engine(Program(work), Effects(), Costs(3), in_flight)
        engine.run(0, 200)
        assert engine.now_ps == pytest.approx(200 * period, rel=0.01)
