"""The engine on random programs."""

import numpy as np
from engine_kit import Costs, Effects, Program, programs
from examples_kit import examples
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.engine import Engine
from twin.engine.critical import chain


def pulses(sample, position):
    return (7 * sample + 3 * position) % 4


def new(work, in_flight):
    effects = Effects(pulses)
    return Engine(Program(*work), effects, Costs(4), in_flight), effects


def conflicts(one, two, same_slot):
    def names(operation, which):
        return {r for r in getattr(operation, which) if same_slot or not r.private}

    writes = names(one, "writes")
    return bool(writes & (names(two, "reads") | names(two, "writes")) or names(one, "reads") & names(two, "writes"))


class Recorder(Engine):
    """Remembers which operation every row is."""

    def _start(self, job, release, code):
        self.seen.append((job.run.sample, job.position))
        return super()._start(job, release, code)


@given(st.lists(programs, min_size=1, max_size=2), st.integers(1, 4), st.integers(1, 9))
@settings(max_examples=examples(80), deadline=None)
def test_random_programs_keep_every_invariant_and_the_order_of_conflicting_accesses(work, in_flight, samples):
    program = Program(*work)
    engine = Recorder(program, Effects(pulses), Costs(4), in_flight)
    engine.seen = []
    engine.run(0, samples)  # checks the invariants
    rows = engine.ledger.recent().tolist()
    time = {who: (row[1], row[3]) for who, row in zip(engine.seen, rows, strict=True)}
    order = [(s, p) for s in range(samples) for p in range(len(program.operations(s)))]
    assert sorted(time) == order
    for k, late in enumerate(order):
        for early in order[:k]:
            same_slot = early[0] % in_flight == late[0] % in_flight
            one, two = (program.operations(s)[p] for s, p in (early, late))
            if conflicts(one, two, same_slot) or early[0] <= late[0] - in_flight:
                assert time[early][1] <= time[late][0], (early, late)


@given(st.lists(programs, min_size=1, max_size=2), st.integers(1, 4), st.integers(0, 5), st.integers(1, 5))
@settings(max_examples=examples(50), deadline=None)
def test_an_interrupted_run_ends_in_the_same_bits(work, in_flight, before, after):
    straight, _ = new(work, in_flight)
    first, _ = new(work, in_flight)
    resumed, _ = new(work, in_flight)
    straight.run(0, before)
    straight.run(before, before + after)
    first.run(0, before)
    resumed.restore(first.state())
    resumed.run(before, before + after)
    for name, array in straight.state().items():
        np.testing.assert_array_equal(resumed.state()[name], array, err_msg=name)


@given(programs, st.integers(1, 3))
@settings(max_examples=examples(50), deadline=None)
def test_the_chain_that_bound_the_time_covers_the_whole_run(work, in_flight):
    engine, _ = new([work], in_flight)
    engine.run(0, 6)
    assert sum(length for _, _, length, *_ in chain(engine)) == engine.now_ps
