"""What strict, bounded and no consistency let samples in flight do to a weight matrix, to the picosecond."""

import pytest
from engine_kit import Costs, Effects, Program

from twin.engine import Engine, InvariantError
from twin.engine.consistency import Consistency
from twin.operation import Kind, Opcode, Operation, Resource, Unit
from twin.runs import build as building
from twin.runs.planning import plan_run

W = Resource("0.W", private=False)
X = Resource("x", private=True)
STRICT, NONE = Consistency(), Consistency("none")


def use(kind, server, time, *, reads=(), writes=()):
    return Operation(kind, Unit.TILE, 0, reads, writes, opcode=Opcode.UPDATE, matrix="W", parts=(server,), words=time)


def forward(time=10, server=0):
    return use(Kind.FORWARD, server, time, reads=(W,), writes=(X,))


def update(time=100, server=1):
    return use(Kind.UPDATE, server, time, reads=(X,), writes=(W,))


def run(consistency, *programs, samples=4, in_flight=4):
    engine = Engine(Program(*programs), Effects(), Costs(2), in_flight, consistency=consistency)
    engine.run(0, samples)
    return engine


def starts(engine, kind):
    """Return (ready, start) of every operation of a kind, in the order of samples."""
    rows = engine.ledger.recent().tolist()
    return [(row[1], row[2]) for row in rows if engine.binder.templates[row[0]].operation.kind is kind]


def histogram(engine):
    found = {}
    for (_, samples), n in engine.staleness.reads.items():
        found[samples] = found.get(samples, 0) + n
    return found


def test_strict_reads_wait_for_the_update_before():
    engine = run(STRICT, [forward(), update()])
    assert starts(engine, Kind.FORWARD) == [(0, 0), (110, 110), (220, 220), (330, 330)]
    assert histogram(engine) == {0: 4}


def test_a_read_of_bounded_staleness_waits_for_the_update_of_s_plus_one_samples_before_and_no_other():
    engine = run(Consistency("bounded", 1), [forward(), update()])
    # sample 1 need not see update 0; sample 2 is blocked until update 0 is done at 110, sample 3 until update 1 at 210
    assert starts(engine, Kind.FORWARD) == [(0, 0), (0, 10), (110, 110), (210, 210)]
    assert starts(engine, Kind.UPDATE) == [(10, 10), (110, 110), (210, 210), (310, 310)]
    # updates 1 and 2 start at the very moments of forwards 2 and 3, and were asked for first
    assert histogram(engine) == {0: 3, 1: 1}


def test_updates_stay_in_order_where_the_later_one_could_go_first():
    slow, fast = [forward(50, server=0), update(10)], [forward(5, server=1), update(10)]
    engine = run(Consistency("bounded", 3), slow, fast, samples=2)
    assert starts(engine, Kind.UPDATE) == [(50, 50), (60, 60)]
    assert starts(run(NONE, slow, fast, samples=2), Kind.UPDATE) == [(5, 5), (50, 50)]


def test_without_consistency_only_servers_order_samples():
    engine = run(NONE, [forward(), update()])
    assert starts(engine, Kind.FORWARD) == [(0, 0), (0, 10), (0, 20), (0, 30)]
    assert starts(engine, Kind.UPDATE) == [(10, 10), (20, 110), (30, 210), (40, 310)]
    # all four were in the queue before the first update was ready
    assert histogram(engine) == {0: 1, 1: 1, 2: 1, 3: 1}


def test_a_write_waits_for_reads_of_samples_that_may_not_see_it():
    reading, writing = [forward(100)], [update(10)]
    for consistency, ready in (
        (STRICT, 100),
        (Consistency("bounded", 0), 100),
        (Consistency("bounded", 1), 0),
        (NONE, 0),
    ):
        assert starts(run(consistency, reading, writing, samples=2), Kind.UPDATE) == [(ready, ready)]


def test_a_read_that_sees_a_later_sample_counts_as_negative():
    # the input of sample 0 takes 30, so that update 1 happens before forward 0
    late = [use(Kind.INPUT, 0, 30, writes=(X,)), use(Kind.FORWARD, 0, 1, reads=(W, X))]
    engine = run(Consistency("bounded", 1), late, [update(10)], samples=2)
    assert histogram(engine) == {-1: 1}


def test_an_effect_happens_as_of_the_start_of_service_and_never_while_another_is_in_service():
    engine = Engine(Program([update(100, 0), forward(10, 0)]), effects := Effects(), Costs(1), 2, consistency=NONE)
    seen = []
    effects.pulses = lambda sample, position: seen.append((sample, position, engine.start_ps)) or 1
    engine = Engine(Program([update(100, 0), forward(10, 0)]), effects, Costs(1), 2, consistency=NONE)
    engine.run(0, 2)
    assert seen == [(0, 0, 0), (1, 0, 100), (0, 1, 200), (1, 1, 210)]


@pytest.mark.parametrize("samples", [3, -3])
def test_weights_older_or_newer_than_allowed_are_a_bug(samples):
    engine = run(Consistency("bounded", 2), [forward(), update()])
    engine.staleness.reads[next(iter(engine.staleness.reads))[0], samples] = 1
    with pytest.raises(InvariantError, match=f"{samples} samples old, but bounded consistency allows 2"):
        engine.check()


def test_strict_ttv2_overlaps_everything_up_to_its_next_write_of_c(monkeypatch):
    own = {"data.samples": "40", "training.epochs": "1", "training.in_flight": "8"}
    own |= {"algorithms.ttv2.transfer_every": "5"}
    names = []

    class Recorder(Engine):
        def _start(self, job, *why):
            names.append((job.run.sample, job.position))
            return super()._start(job, *why)

    monkeypatch.setattr(building, "Engine", Recorder)
    parts = building.build(plan_run("digits-mlp", "aimc-512", "four-array", "ttv2", "coupled", own, {}))
    engine = parts.engine
    parts.machine.set_rates(1.0)
    parts.effects.segment(0, 40)
    engine.run(0, 40)
    rows = dict(zip(names, engine.ledger.recent().tolist(), strict=True))
    overlapping = 0
    for sample in range(40):
        operations = list(parts.program.operations(sample))
        for position, operation in enumerate(operations):
            if operation.kind is not Kind.FORWARD:
                continue
            loaded = next(k for k, o in enumerate(operations) if set(o.writes) & set(operation.reads))
            done = [rows[sample, loaded][3]]
            for before in range(sample):
                earlier = list(parts.program.operations(before))
                ends = {o.kind: rows[before, k][3] for k, o in enumerate(earlier) if o.layer == operation.layer}
                done.append(ends.get(Kind.TRANSFER, 0))
                overlapping += before == sample - 1 and rows[sample, position][2] < ends[Kind.UPDATE]
            # ready the very picosecond its input is there and the last write of C is done: nothing else holds it
            assert rows[sample, position][1] == max(done)
    assert (
        overlapping >= 2 * 8 * 3
    )  # in every stretch of five samples most mat-vecs start before A's update of the last
