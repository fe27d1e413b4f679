"""When operations start and complete: hazards, servers, places in flight."""

import cProfile
import gc
import pstats
import tracemalloc

import numpy as np
import pytest
from engine_kit import Costs, Effects, Program, counts, op

from twin.chip import ChipCosts
from twin.engine import Engine, ledger
from twin.engine.critical import chain
from twin.engine.hazards import N_EDGES, Edge, local_edges
from twin.engine.jobs import Job, Run
from twin.engine.ledger import COLUMNS, Ledger
from twin.errors import TwinError
from twin.runs.build import build
from twin.runs.planning import plan_run


def run(*operations, samples=1, in_flight=1, pulses=lambda _sample, _position: 1, servers=3):
    engine = Engine(Program(list(operations)), Effects(pulses), Costs(servers), in_flight)
    engine.run(0, samples)
    return engine


def times(engine):
    """(ready, start, done) of every operation in the order in which they became ready."""
    return [tuple(row) for row in engine.ledger.recent()[:, 1:4].tolist()]


def test_an_operation_completes_after_its_time_and_latency():
    assert times(run(op([0], 40, latency=3))) == [(0, 0, 43)]


def test_a_server_is_free_again_before_the_latency_has_passed():
    engine = run(op([0], 40, latency=3), op([0], 10))
    assert times(engine) == [(0, 0, 43), (0, 40, 50)]


def test_read_after_write_is_blocked_one_picosecond_before_the_writer_is_done():
    assert times(run(op([0], 40, latency=3, writes="C"), op([1], 10, reads="C")))[1] == (43, 43, 53)


def test_write_after_read_waits_for_the_reader():
    assert times(run(op([0], 40, reads="C"), op([1], 10, writes="C")))[1] == (40, 40, 50)


def test_write_after_write_waits_for_the_writer():
    assert times(run(op([0], 40, writes="C"), op([1], 10, writes="C")))[1] == (40, 40, 50)


def test_two_readers_do_not_wait_for_each_other():
    assert times(run(op([0], 40, reads="C"), op([1], 10, reads="C")))[1] == (0, 0, 10)


def test_a_writer_waits_for_every_reader_since_the_last_write():
    engine = run(op([0], 40, reads="C"), op([1], 70, reads="C"), op([2], 1, writes="C"))
    assert times(engine)[2] == (70, 70, 71)


def test_a_gang_starts_when_its_last_server_is_free_and_keeps_the_others_waiting():
    # s1 is busy until 30; the gang holds s0 from 30 although s0 is idle, and what follows on s0 waits.
    engine = run(op([1], 30), op([0, 1], 20), op([0], 5))
    assert times(engine) == [(0, 0, 30), (0, 30, 50), (0, 50, 55)]
    servers = engine.tables()["servers"].set_index("server")
    assert servers.loc["s0", ["served", "busy_ps", "wait_ps"]].tolist() == [2, 25, 80]
    assert servers.loc["s1", ["served", "busy_ps", "wait_ps"]].tolist() == [2, 50, 30]


def test_time_follows_the_counts_of_the_effect():
    assert times(run(op([0], 0, per_pulse=5), pulses=lambda _s, _p: 31)) == [(0, 0, 155)]


def test_an_update_without_pulses_takes_no_time_and_waits_for_no_server():
    engine = run(op([0], 40), op([0], 0, per_pulse=5, latency=9), pulses=lambda _s, _p: 0)
    assert times(engine) == [(0, 0, 40), (0, 0, 0)]
    assert engine.tables()["servers"]["served"].tolist() == [1, 0, 0]


def test_operations_of_no_time_pass_the_word_on_at_once():
    engine = run(op(writes="a"), op(reads="a", writes="b"), op([0], 7, reads="b"))
    assert times(engine) == [(0, 0, 0), (0, 0, 0), (0, 0, 7)]


def test_one_sample_in_flight_takes_the_sum_of_all_times():
    work = [op([0], 40, writes="A"), op([1], 10, reads="A"), op([2], 5, writes="A")]
    engine = run(*work, samples=7)
    assert engine.now_ps == 7 * 55 == engine.ledger.serial_ps == engine.critical_ps


def test_a_sample_is_let_in_when_the_one_whose_slot_it_takes_is_complete():
    # Even samples are long: sample 1 is complete at 10, but slot 0 is free at 100 only.
    engine = Engine(Program([op([0], 100)], [op([1], 10)]), Effects(), Costs(2), 2)
    engine.run(0, 4)
    assert times(engine) == [(0, 0, 100), (0, 0, 10), (100, 100, 200), (100, 100, 110)]


def test_samples_order_on_shared_resources_and_not_on_private_ones():
    shared = run(op([0], 10, writes="C"), op([1], 10, reads="C"), samples=2, in_flight=2)
    private = run(op([0], 10, writes="c"), op([1], 10, reads="c"), samples=2, in_flight=2)
    assert shared.now_ps == 40
    assert private.now_ps == 30


def test_a_read_waits_for_the_write_of_an_earlier_sample_only():
    # Sample 1 reads W while sample 0 is still before its write: program order says it must wait.
    engine = run(op([0], 10, reads="W"), op([1], 50, writes="W"), samples=2, in_flight=2)
    assert times(engine)[2] == (60, 60, 70)


def test_effects_happen_once_each_and_only_where_there_is_one():
    effects = Effects()
    work = [op([0], 5, effect=True, writes="A"), op([0], 5), op([1], 5, effect=True, reads="A")]
    Engine(Program(work), effects, Costs(2), 2).run(0, 3)
    assert sorted(effects.calls) == [(s, p) for s in range(3) for p in (0, 2)]


def test_the_set_up_runs_once_before_the_first_sample():
    program = Program([op([0], 10)], setup=[op([0], 0, per_pulse=3), op([0], 0, per_pulse=2)])
    engine = Engine(program, Effects(setup=[counts(4), counts(5)]), Costs(1), 1)
    engine.run(0, 2)
    engine.run(2, 3)
    assert engine.setup_ps == 22
    assert times(engine) == [(0, 0, 12), (0, 12, 22), (22, 22, 32), (32, 32, 42), (42, 42, 52)]


def test_set_up_counts_must_match_the_set_up_program():
    with pytest.raises(ValueError, match="1 rows of set-up counts for 0 operations"):
        Engine(Program([]), Effects(setup=[counts(1)]), Costs(1), 1).run(0, 1)


def test_in_flight_must_be_positive():
    with pytest.raises(TwinError, match=r"training.in_flight \(= 0\)"):
        Engine(Program([]), Effects(), Costs(1), 0)


def test_every_sample_is_announced_when_complete():
    seen = []
    Engine(Program([op([0], 9)], [op([1], 1)]), Effects(), Costs(2), 2, seen.append).run(0, 4)
    assert seen == [1, 0, 3, 2]


def test_two_runs_continue_the_clock():
    engine = run(op([0], 10), samples=2)
    engine.run(2, 3)
    assert engine.now_ps == 30


def test_the_bound_names_hazards_servers_and_places_in_flight():
    work = [op([0], 30, writes="x"), op([1], 10, reads="x")]
    table = run(*work, samples=2).tables()["bound"]
    assert table.set_index("cause")["share"].round(6).to_dict() == {
        "RAW on x": 0.75,
        "in_flight": 0.125,
        "end": 0.125,
    }
    table = run(*work, samples=3, in_flight=3).tables()["bound"]
    assert table.set_index("cause")["share"].round(6).to_dict() == {"s0": 0.6, "RAW on x": 0.3, "end": 0.1}


def test_edges_inside_a_sample_name_the_hazard_and_leave_out_what_follows_from_others():
    work = [op(writes="A"), op(reads="A", writes="B"), op(reads="AB"), op(reads="A", writes="A")]
    letters = "AB"
    accesses = [tuple(frozenset(letters.index(r.name) for r in used) for used in (o.reads, o.writes)) for o in work]
    names = [
        {source: f"{Edge(code % N_EDGES).name} {letters[code // N_EDGES]}" for source, code in e.items()}
        for e in local_edges(accesses)
    ]
    assert names == [{}, {0: "RAW A"}, {1: "RAW B"}, {2: "WAR A"}]


def test_updates_of_one_matrix_by_two_samples_are_read_after_write():
    causes = run(op([0], 30, reads="A", writes="A"), samples=2, in_flight=2).tables()["bound"]["cause"]
    assert set(causes) == {"RAW on A", "end"}


def test_memory_of_past_samples_is_let_go():
    engine = run(op([0], 3, reads="A", writes="A"), op([1], 2, reads="A"), samples=300, in_flight=3)
    kept = [job for job in gc.get_objects() if isinstance(job, Job) and job.template in engine.binder.templates]
    assert len(kept) < 20


def test_memory_does_not_grow_with_the_run(monkeypatch):
    """Four times the samples, the same number of objects and of bytes, once the ledger's window of rows is full."""
    monkeypatch.setattr(Ledger, "CHUNK", 50 * COLUMNS)
    monkeypatch.setattr(ledger, "RECENT", 200)
    work = [op([0], 3, reads="A", writes="x"), op([0, 1], 2, reads="x"), op([1], per_pulse=2, writes="A")]
    effects = Effects()
    effects.counts = lambda sample, _position: counts(sample % 3)  # the kit's own remember every call
    engine = Engine(Program(work), effects, Costs(2), 2)
    objects, held, done = [], [], 0
    tracemalloc.start()
    try:
        for samples in (500, 2000):
            engine.advance(done, samples)
            done = samples
            gc.collect()
            objects.append(sum(type(one) in {Job, Run, tuple, list, np.ndarray} for one in gc.get_objects()))
            held.append(tracemalloc.get_traced_memory()[0])
    finally:
        tracemalloc.stop()
    engine.check()
    assert engine.index == 6000
    assert objects[1] / objects[0] < 1.01
    assert held[1] / held[0] < 1.5  # the window is filled by whole chunks


@pytest.mark.parametrize(
    ("algorithm", "layout"), [("digital", "digital"), ("sgd", "two-array"), ("ttv2", "four-array")]
)
def test_an_operation_on_the_shipped_chip_takes_no_more_than_twelve_calls(algorithm, layout):
    """It took 11 before parts of chips could be switched off, 14 when every operation went through lists of these."""
    parts = build(plan_run("digits-mlp", "aimc-512", layout, algorithm))
    effects, found = Effects(), counts(3)
    effects.counts = lambda *_: found
    engine = Engine(parts.program, effects, ChipCosts(parts.chip, parts.mapping), 1)
    engine.run(0, 64)
    before, profile = engine.index, cProfile.Profile()
    profile.runcall(engine.run, 64, 320)
    calls = pstats.Stats(profile).total_calls / (engine.index - before)
    assert 5 < calls < 12


def test_the_bound_leaves_the_set_up_out():
    program = Program([op([0], 10)], setup=[op([0], 0, per_pulse=300)])
    engine = Engine(program, Effects(setup=[counts(4)]), Costs(1), 1)
    engine.run(0, 2)
    assert sum(length for _, _, length, *_ in chain(engine)) == engine.now_ps - engine.setup_ps == 20
