"""Servers that are switched off when idle: when, what that saves, and what waking takes."""

import numpy as np
import pytest
from engine_kit import Ahead, Costs, Effects, Program, op, programs
from examples_kit import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.chip import Component
from twin.chip.power import Gate, Standing
from twin.engine import Engine
from twin.engine.critical import chain
from twin.units import PS

SAVED = {Component.LEAKAGE: 0.25, Component.IDLE: 1.0}
WAKE_J = 3e-12


class Gated(Costs):
    def __init__(self, gates, n_servers=4):
        super().__init__(n_servers)
        self.standing = Standing({Component.LEAKAGE: 2.0, Component.IDLE: 4.0}, gates)


def gate(after, wake):
    return Gate(after, wake, WAKE_J, SAVED)


def pulses(sample, position):
    return (7 * sample + 3 * position) % 4


def ran(operations, gates, samples=1, found=pulses, in_flight=1):
    engine = Engine(Program(operations), Effects(found), Gated(gates), in_flight)
    engine.run(0, samples)  # checks the invariants
    return engine


def energy(engine):
    return engine.tables()["energy"].groupby("component")["energy_J"].sum()


def there_and_back(away_ps):
    """10 ps on server 0, `away_ps` on server 1, 10 ps on server 0."""
    return [op([0], 10, writes="A"), op([1], away_ps, reads="A", writes="B"), op([0], 10, reads="B")]


def test_a_server_that_is_off_after_30_ps_idle_pays_once_for_waking():
    engine = ran(there_and_back(100), {0: gate(30, 7)})
    assert engine.now_ps == 10 + 100 + 7 + 10
    assert engine.ledger.gating.off_until(engine.now_ps).tolist() == [100 - 30, 0, 0, 0]
    found = energy(engine)
    assert found["wake"] == WAKE_J
    assert found["leakage"] == pytest.approx((2.0 * 127 - 0.25 * 70) * PS, rel=1e-12)
    assert found["idle"] == pytest.approx((4.0 * 127 - 1.0 * 70) * PS, rel=1e-12)


@pytest.mark.parametrize(("away_ps", "woken"), [(30, 0), (31, 1)])
def test_a_server_is_still_on_at_the_picosecond_at_which_it_would_be_switched_off(away_ps, woken):
    engine = ran(there_and_back(away_ps), {0: gate(30, 7)})
    assert engine.now_ps == 20 + away_ps + 7 * woken
    assert engine.ledger.gating.wake_ups().tolist() == [woken, 0, 0, 0]


def test_a_server_that_stays_idle_is_off_until_the_end():
    engine = ran(there_and_back(100), {2: gate(30, 7)})
    assert engine.now_ps == 120
    assert engine.ledger.gating.off_until(120).tolist() == [0, 0, 90, 0]
    assert "wake" not in energy(engine)


def test_a_server_that_is_reserved_stays_awake_while_it_waits_for_others():
    later = [op([1], 100, writes="A"), op([0, 1], 10, writes="B")]
    engine = ran(later, {0: gate(30, 7)})
    assert engine.now_ps == 110  # reserved at 0, in use from 100
    assert engine.ledger.gating.off_until(110).tolist() == [0, 0, 0, 0]


def test_servers_wake_side_by_side():
    engine = ran([op([2], 100, writes="A"), op([0, 1], 10, reads="A")], {0: gate(30, 7), 1: gate(50, 9)})
    assert engine.now_ps == 100 + 9 + 10
    assert energy(engine)["wake"] == 2 * WAKE_J
    assert engine.ledger.gating.off_until(119).tolist() == [70, 50, 0, 0]


def test_an_operation_without_pulses_wakes_nothing():
    operations = [op([1], 100, writes="A"), op([0], reads="A", writes="B", per_pulse=4), op([1], 50, reads="B")]
    engine = ran(operations, {0: gate(30, 7)}, found=lambda *_: 0)
    assert engine.now_ps == 150
    assert engine.ledger.gating.off_until(150).tolist() == [120, 0, 0, 0]


@pytest.mark.parametrize(("gates", "woken"), [({}, 0), ({0: gate(30, 7)}, 1), ({0: gate(30, 7), 1: gate(0, 7)}, 2)])
def test_only_operations_that_find_servers_off_take_the_longer_way(monkeypatch, gates, woken):
    taken = []
    longer = Engine._wake_and_start
    monkeypatch.setattr(Engine, "_wake_and_start", lambda *given: taken.append(given) or longer(*given))
    engine = ran(there_and_back(100), gates)
    assert len(taken) == woken
    assert (engine.ledger.gating is None) == (not gates)


gates_on = st.dictionaries(
    st.integers(0, 3), st.builds(gate, st.sampled_from([0, 1, 5, 40]), st.sampled_from([0, 3, 9]))
)


def by_hand(engine, gates):
    """Return wake-ups, time off by server, and starts of operations, from rows and demands alone."""
    since, off, wakes = [0] * 4, [0] * 4, [0] * 4
    for template, ready, start, _, count, *_ in engine.ledger.recent().tolist():
        demand = engine.binder.templates[template].demand
        if demand.column >= 0 and not count:
            continue
        soonest = ready
        for server in (one.server for one in demand.occupancy):
            idle = ready - since[server]
            if server in gates and idle > gates[server].after_ps:
                off[server] += idle - gates[server].after_ps
                wakes[server] += 1
                soonest = max(soonest, ready + gates[server].wake_ps)
            soonest = max(soonest, since[server])
        assert start == soonest
        for server, fixed, each in demand.occupancy:
            since[server] = start + fixed + each * count
    for server in gates:
        off[server] += max(0, engine.now_ps - since[server] - gates[server].after_ps)
    return wakes, off


@given(programs, gates_on, st.integers(1, 4), st.integers(1, 9))
@settings(max_examples=examples(80), deadline=None)
def test_random_programs_are_gated_as_by_hand_and_their_energy_adds_up(work, gates, in_flight, samples):
    engine = ran(work, gates, samples, in_flight=in_flight)
    wakes, off = by_hand(engine, gates)
    if gates:
        assert engine.ledger.gating.wake_ups().tolist() == wakes
        assert engine.ledger.gating.off_until(engine.now_ps).tolist() == off
    tables = engine.tables()
    found = energy(engine)
    assert found.get("wake", 0.0) == pytest.approx(WAKE_J * sum(wakes))
    assert found["leakage"] == pytest.approx((2.0 * engine.now_ps - 0.25 * sum(off)) * PS)
    totals = [tables["energy"].groupby(by)["energy_J"].sum().sum() for by in ("component", "layer", "kind")]
    totals += [tables["bins"]["energy_J"].sum()]
    totals += [tables["servers"]["energy_J"].sum() + nowhere_J(engine) + found["leakage"] + found["idle"]]
    assert np.ptp(totals) <= 1e-9 * max(totals), totals
    assert (tables["bins"]["energy_J"] >= -1e-24).all()
    assert sum(length for _, _, length, *_ in chain(engine)) == engine.now_ps


def nowhere_J(engine):
    spent = engine.ledger.energy_J().sum(axis=1)
    return sum(joules for joules, one in zip(spent, engine.ledger.templates, strict=True) if not one.servers)


@given(programs, gates_on, st.integers(1, 4), st.integers(0, 5), st.integers(1, 5))
@settings(max_examples=examples(50), deadline=None)
def test_an_interrupted_run_is_gated_to_the_same_bits(work, gates, in_flight, before, after):
    straight, first, resumed = (Engine(Program(work), Effects(pulses), Gated(gates), in_flight) for _ in range(3))
    straight.run(0, before)
    straight.run(before, before + after)
    first.run(0, before)
    resumed.restore(first.state())
    resumed.run(before, before + after)
    for name, array in straight.state().items():
        np.testing.assert_array_equal(resumed.state()[name], array, err_msg=name)


def test_skipped_samples_are_off_and_woken_as_often_as_those_that_were_run():
    program = Program(there_and_back(100))
    engine = Engine(program, Ahead(program), Gated({0: gate(30, 7)}), 1)
    engine.advance(0, 10)
    run_ps, tallies = engine.now_ps, engine.tallies()
    for _, groups in Ahead(program).skip(10, 20):
        for sample, rows in groups:
            tallies.add(sample, rows)
    engine.skip(tallies.stretch(), run_ps)
    engine.check()
    assert engine.ledger.gating.wake_ups().tolist() == [20, 0, 0, 0]
    assert engine.ledger.gating.off_until(engine.now_ps)[0] == pytest.approx(2 * 10 * 70, abs=1)
    assert energy(engine)["wake"] == pytest.approx(20 * WAKE_J)
