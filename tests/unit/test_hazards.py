"""Which operations of a sample wait for those of the one before: no more than needed, and none left out."""

import simpy
from engine_kit import Costs, Effects, Program, op
from hypothesis import given
from hypothesis import strategies as st

from twin.engine import Engine
from twin.engine.binding import Binder
from twin.engine.hazards import N_EDGES, Crossing, Edge, ancestors, between, local_edges, needed


def bound(*operations):
    return Binder(Program(list(operations)), Costs(2), 2).bind(0)


def crossings(before, after):
    written = {use.resource: use for use in before.shared if use.first_writer >= 0}
    return [one for use in after.shared for one in between(written[use.resource], use)]


def test_only_the_outermost_readers_of_a_sample_meet_others():
    it = bound(op(reads="A", writes="x"), op(reads="Ax", writes="y"), op(reads="Ay"), op(reads="A"))
    assert it.shared == ((0, (0, 3), -1, -1, (2, 3)),)


def test_a_resource_that_is_used_between_the_uses_of_another_needs_no_edge_of_its_own():
    # Digital training: W is loaded, the loaded copy is read, a new W is computed and stored.
    it = bound(op(reads="W", writes="L"), op(reads="L", writes="N"), op(reads="N", writes="W"))
    assert len(crossings(it, it)) == 5
    assert needed(crossings(it, it), it.older, it.older) == [Crossing(2, 0, 0 * N_EDGES + Edge.RAW)]


def test_of_two_edges_between_the_same_operations_the_last_stays():
    it = bound(op(reads="AB", writes="AB"))
    assert needed(crossings(it, it), it.older, it.older) == [Crossing(0, 0, 1 * N_EDGES + Edge.RAW)]


letters = st.sets(st.sampled_from("ABC"), max_size=2).map("".join)
programs = st.lists(st.tuples(letters, letters), min_size=1, max_size=6)


def ordered(edges, length):
    """All pairs of operations that the edges keep in order."""
    older = ancestors([{source: 0 for source, later in edges if later == k} for k in range(length)])
    return {(source, later) for later in range(length) for source in range(later) if older[later] >> source & 1}


@given(programs, programs)
def test_edges_inside_and_between_samples_keep_the_order_of_one_long_program(one, other):
    first, length = len(one), len(one) + len(other)
    accesses = [tuple(frozenset(map(ord, letters)) for letters in uses) for uses in one + other]
    whole = [(source, k) for k, sources in enumerate(local_edges(accesses)) for source in sources]

    work = [[op(reads=reads, writes=writes) for reads, writes in uses] for uses in (one, other)]
    binder = Binder(Program(*work), Costs(0), 2)
    before, after = binder.bind(0), binder.bind(1)
    edges = [(k, to) for k, _, _, successors, _ in before.steps for to, _ in successors]
    edges += [(first + k, first + to) for k, _, _, successors, _ in after.steps for to, _ in successors]
    uses = {use.resource: use for use in before.shared}
    found = [one for use in after.shared if use.resource in uses for one in meet(uses[use.resource], use)]
    edges += [(one.earlier, first + one.later) for one in needed(found, before.older, after.older)]
    assert ordered(edges, length) == ordered(whole, length)


def meet(earlier, later):
    if earlier.first_writer >= 0:
        return between(earlier, later)
    return [Crossing(reader, later.first_writer, 0) for reader in earlier.last_readers if later.first_writer >= 0]


def test_the_engine_enters_a_completion_as_simpy_does():
    """`Engine._start` pushes what `Environment.schedule` would; should SimPy change that, this says so."""
    effects, entered = Effects(), []
    engine = Engine(Program([op([0], 7), op([1], 5, effect=True)]), effects, Costs(2), 1)
    effects.pulses = lambda *_: entered.extend(engine._env._queue) or 1
    engine.run(0, 1)
    simply = simpy.Environment()
    simply.schedule(simpy.Event(simply), delay=7)
    assert [entry[:3] for entry in entered] == [entry[:3] for entry in simply._queue]
