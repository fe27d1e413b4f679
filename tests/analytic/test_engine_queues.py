"""Servers against queueing theory."""

import numpy as np
import pytest

from twin.algorithms.operation import N_COUNTS, Counts, Kind, Opcode, Operation, Resource, Stream, Unit
from twin.chip import Component, Demand, Path, Server
from twin.chip.demand import Occupancy, no_energy
from twin.engine import Engine


class Costs:
    """Servers by number: an operation's `parts` are its servers, `words` their time, `lines` the time
    per pulse, `flops` its latency."""

    def __init__(self, n_servers):
        self.servers = tuple(Server(f"s{k}", "tile") for k in range(n_servers))

    def demand(self, operation):
        energy = no_energy()
        energy[Component.DIGITAL, 0] = 1e-12 * operation.words
        energy[Component.PULSES, 1 + Counts.FIRED] = 2e-12
        column = Counts.PULSES if operation.lines else -1
        occupancy = tuple(Occupancy(s, operation.words, operation.lines) for s in operation.parts or ())
        moved = ((Path.LINK, Stream.H, operation.words),) if operation.stream else ()
        payload = (Stream.H, operation.words) if operation.stream else None
        return Demand(occupancy, column, operation.flops, energy, moved, payload)

    def area(self):
        return []

    def leakage_W(self):
        return 0.5


class Program:
    """The same operations for every sample, or one list per `sample % len(programs)`."""

    def __init__(self, *programs, setup=()):
        self.programs, self._setup = programs, setup

    def key(self, sample):
        return sample % len(self.programs)

    def operations(self, sample):
        return self.programs[self.key(sample)]

    def setup(self):
        return self._setup


class Effects:
    """Notes who asks when; `pulses` says how many each operation finds."""

    def __init__(self, pulses=lambda _sample, _position: 1, setup=()):
        self.pulses, self.rows, self.calls = pulses, setup, []

    def setup_counts(self):
        return self.rows

    def counts(self, sample, position):
        self.calls.append((sample, position))
        return counts(self.pulses(sample, position))


def counts(pulses):
    row = [0.0] * N_COUNTS
    row[Counts.PULSES] = row[Counts.FIRED] = float(pulses)
    return row


def op(servers=(), time=0, *, latency=0, reads="", writes="", per_pulse=0, effect=False, moves=False):
    """An operation; resources are letters, private ones lower case."""
    return Operation(
        Kind.UPDATE,
        Unit.TILE,
        0,
        tuple(Resource(r, r.islower()) for r in reads),
        tuple(Resource(r, r.islower()) for r in writes),
        Opcode.UPDATE if effect or per_pulse else Opcode.NONE,
        parts=tuple(servers),
        words=time,
        flops=latency,
        lines=per_pulse,
        stream=Stream.H if moves else None,
    )


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
