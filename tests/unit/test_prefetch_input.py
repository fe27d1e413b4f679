"""Input that comes from the host while earlier samples are under way: every picosecond by hand, and nothing else."""

from dataclasses import replace

import numpy as np
import pytest
from engine_kit import Costs, Effects, Program, op
from hypothesis import given, settings
from hypothesis import strategies as st

import twin
from twin.engine.engine import Engine
from twin.operation import Kind

HOST, TILE, OTHER = 0, 1, 2


def arrival(time):
    return replace(op([HOST], time, writes="x"), kind=Kind.INPUT)


def starts(work, samples, ahead, in_flight=1):
    """Run the same work for every sample; return when each operation starts, (samples, operations), and the end."""
    engine = Engine(Program(work), Effects(), Costs(3), in_flight, ahead=ahead)
    engine.run(0, samples)
    rows = engine.ledger.recent().tolist()
    found = [sorted(row[2] for row in rows if engine.binder.templates[row[0]].operation == one) for one in work]
    return np.array(found).T.tolist(), engine.now_ps


def test_a_sample_comes_while_the_one_before_is_worked_on():
    work = [arrival(30), op([TILE], 100, reads="x")]
    assert starts(work, 3, 0) == ([[0, 30], [130, 160], [260, 290]], 390)
    # sample 1 comes from 30 to 60 and waits for sample 0, which leaves at 130; then there is room for sample 2
    assert starts(work, 3, 1) == ([[0, 30], [30, 130], [130, 230]], 330)


def test_a_slow_host_is_always_busy_and_bounds_the_time():
    work = [arrival(150), op([TILE], 100, reads="x")]
    assert starts(work, 3, 0) == ([[0, 150], [250, 400], [500, 650]], 750)
    # sample 2 may come from 250 on, when sample 0 has left, and does so when the host is free at 300
    assert starts(work, 3, 1) == ([[0, 150], [150, 300], [300, 450]], 550)


def test_nothing_but_the_arrival_begins_before_the_sample_before_has_left():
    work = [arrival(30), op([OTHER], 40, writes="y"), op([TILE], 100, reads="xy")]
    assert starts(work, 2, 0) == ([[0, 0, 40], [140, 140, 180]], 280)
    assert starts(work, 2, 1) == ([[0, 0, 40], [30, 140, 180]], 280)  # the other root takes longer than the arrival


def test_two_buffers_let_two_samples_come_and_no_third():
    work = [arrival(10), op([TILE], 100, reads="x")]
    assert starts(work, 4, 2) == ([[0, 10], [10, 110], [20, 210], [110, 310]], 410)


def test_with_two_samples_in_flight_a_third_comes():
    work = [arrival(10), op([TILE], 100, reads="x"), op([OTHER], 70, writes="W")]
    # tiles take turns; W is written by one sample after another; sample 2 comes at 20 and sample 3 when sample 0 leaves
    assert starts(work, 4, 1, in_flight=2) == ([[0, 10, 0], [10, 110, 70], [20, 210, 140], [110, 310, 210]], 410)


@settings(deadline=None, max_examples=25)
@given(
    times=st.tuples(*[st.integers(0, 60)] * 4), ahead=st.integers(0, 3), in_flight=st.integers(1, 3),
    samples=st.integers(1, 8),
)  # fmt: skip
def test_every_operation_runs_once_and_no_more_samples_are_worked_on_than_in_flight(times, ahead, in_flight, samples):
    come, other, read, write = times
    work = [arrival(come), op([OTHER], other, writes="y"), op([TILE], read, reads="xyW", effect=True),
            op([TILE], write, reads="x", writes="W", effect=True)]  # fmt: skip
    engine = Engine(Program(work), effects := Effects(), Costs(3), in_flight, ahead=ahead)
    engine.run(0, samples)  # with all invariants
    assert effects.calls == [(sample, k) for sample in range(samples) for k in (2, 3)]  # W orders them
    busy = engine.tables()["servers"]["busy_ps"].tolist()
    assert busy == [samples * come, samples * (read + write), samples * other]
    rows = [row for row in engine.ledger.recent().tolist() if engine.binder.templates[row[0]].operation != work[0]]
    ends = sorted(row[3] for row in rows)
    for k, row in enumerate(sorted(rows, key=lambda row: row[2])):
        if k >= 3 * in_flight:
            assert row[2] >= ends[0]


@pytest.fixture(scope="module")
def runs():
    def run(ahead, mode="replayed"):
        own = {"training.in_flight": 1, "training.epochs": 1, "chip.placement.prefetch_input": ahead}
        return twin.simulate("digits-mlp", "ttv2", samples=60, overrides=own, mode=mode, progress=False)

    return [run(0), run(1), run(1, "coupled")]


def test_a_chip_with_double_buffered_input_learns_the_same_in_less_time(runs):
    without, ahead, coupled = runs
    assert ahead.curve["train_loss"].tolist() == without.curve["train_loss"].tolist()
    assert coupled.curve["train_loss"].tolist() == without.curve["train_loss"].tolist()
    assert coupled.makespan_s == ahead.makespan_s
    columns = ["path", "stream", "layer", "bytes"]
    assert ahead.tables["traffic"][columns].equals(without.tables["traffic"][columns])
    table = without.tables["operations"].set_index("kind")
    arrival_ps = (table.loc["input", "busy_ps"] + table.loc["input", "latency_ps"]) / 60
    saved_ps = (without.makespan_s - ahead.makespan_s) * 1e12
    assert saved_ps == pytest.approx(59 * arrival_ps, rel=1e-9)  # all but the first come unseen
