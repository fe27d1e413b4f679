"""Sampled timing: exact where it says so, inside its interval elsewhere, and the same bits however it is cut."""

import numpy as np
import pytest
from engine_kit import Ahead, Costs, Program, op, programs
from examples_kit import examples
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from twin.chip.demand import Occupancy
from twin.engine import Engine
from twin.engine.sampler import Sampler
from twin.engine.sampling import Sampling, Window
from twin.errors import TwinError
from twin.runs.build import build
from twin.runs.folder import prepare
from twin.runs.planning import plan_run
from twin.runs.run import run
from twin.runs.trained import clockwork

EXACT = ("n", "busy_ps", "latency_ps", "requested")


class Uneven(Costs):
    """Server 0 counts, server 1 does not: which is the slower depends on the count."""

    def demand(self, operation):
        demand = super().demand(operation)
        paces = {0: (0, 5), 1: (12, 0)}
        object.__setattr__(demand, "occupancy", tuple(Occupancy(s, *paces[s]) for s, _, _ in demand.occupancy))
        return demand


def pulses(sample, position):
    return (7 * sample + 3 * position) % 4


def sampled(work, in_flight, warmup, measured, gap, *, costs=None, setup=()):
    """Return a new engine and its sampler; the period leaves `gap` samples more than needed between windows."""
    program = Program(*work, setup=setup)
    effects = Ahead(program, pulses, setup=[[1.0] * 12] * len(setup))
    engine = Engine(program, effects, costs or Costs(4), in_flight)
    window = 2 * in_flight + warmup + measured
    return engine, Sampler(engine, effects, in_flight, warmup, measured, 2 * window + gap)


def segments(lengths):
    """Return the consecutive (first, last) of these lengths."""
    ends = np.cumsum(lengths).tolist()
    return list(zip([0, *ends[:-1]], ends, strict=True))


shapes = {
    "work": st.lists(programs, min_size=1, max_size=2),
    "in_flight": st.integers(1, 3),
    "warmup": st.integers(0, 2),
    "measured": st.integers(1, 3),
    "gap": st.integers(0, 9),
    "lengths": st.lists(st.integers(1, 60), min_size=1, max_size=4),
}


@settings(max_examples=examples(60), deadline=None)
@given(**shapes)
def test_sums_are_those_of_a_full_run(work, in_flight, warmup, measured, gap, lengths):
    one, sampler = sampled(work, in_flight, warmup, measured, gap)
    full, _ = sampled(work, in_flight, warmup, measured, gap)
    for first, last in segments(lengths):
        sampler.run(first, last)  # checks the invariants
        full.run(first, last)
    assert [t.operation for t in one.binder.templates] == [t.operation for t in full.binder.templates]
    for name in EXACT:
        np.testing.assert_array_equal(getattr(one.ledger, name), getattr(full.ledger, name), err_msg=name)
    np.testing.assert_allclose(one.ledger.counts, full.ledger.counts, rtol=1e-12)
    for mine, theirs in zip(one.ledger.visits()[:2], full.ledger.visits()[:2], strict=True):
        np.testing.assert_array_equal(mine, theirs)
    assert one.ledger.serial_ps + one.ledger.skipped.serial_ps == full.ledger.serial_ps
    np.testing.assert_allclose(one.ledger.bins.n_bytes.sum(axis=0), full.ledger.bins.n_bytes.sum(axis=0))
    estimate = one.sampling.estimate()
    assert estimate.timed + estimate.skipped == sum(lengths)


@settings(max_examples=examples(40), deadline=None)
@given(cut=st.integers(0, 3), **shapes)
def test_an_interrupted_run_ends_in_the_same_bits(cut, work, in_flight, warmup, measured, gap, lengths):
    (straight, one), (first, two), (resumed, three) = (
        sampled(work, in_flight, warmup, measured, gap) for _ in range(3)
    )
    parts = segments(lengths)
    for begin, end in parts:
        one.run(begin, end)
    for begin, end in parts[:cut]:
        two.run(begin, end)
    resumed.restore(first.state())
    for begin, end in parts[cut:]:
        three.run(begin, end)
    for name, array in straight.state().items():
        np.testing.assert_array_equal(resumed.state()[name], array, err_msg=name)
    assert resumed.tables()["bound"].equals(straight.tables()["bound"])


@settings(max_examples=examples(40), deadline=None)
@given(work=programs, warmup=st.integers(0, 2), measured=st.integers(1, 4), gap=st.integers(0, 50))
def test_one_sample_in_flight_takes_its_serial_share(work, warmup, measured, gap):
    """Samples that are all alike and do not overlap take equally long: the estimate is right but for rounding."""
    (one, sampler), (full, _) = (sampled([work], 1, warmup, measured, gap) for _ in range(2))
    for engine in (one, full):
        engine._effects.pulses = lambda _sample, position: position % 3
    sampler.run(0, 300)
    full.run(0, 300)
    estimate = one.sampling.estimate()
    assert abs(one.now_ps - full.now_ps) <= estimate.half_width_ps <= 2 * one.sampling.jumps + 1e-6 * full.now_ps + 1


def test_a_full_pipeline_is_neither_filled_nor_drained_in_between():
    """Three servers in a row, all busy without end: a sample each 30 ps, and two more of them at either end."""
    work = [op([0], 30, writes="x"), op([1], 30, reads="x", writes="y"), op([2], 30, reads="y")]
    engine, sampler = sampled([work], 3, 1, 4, 10)
    sampler.run(0, 500)
    assert engine.now_ps == 500 * 30 + 60
    assert sampler.window == 11
    assert engine.sampling.estimate()[:3] == (16, 16 * 11, 500 - 16 * 11)
    sampler.run(500, 510)  # too short for a window: skipped, but it fills and drains
    assert engine.now_ps == 510 * 30 + 120


def test_servers_of_different_pace_are_summed_sample_by_sample():
    work = [op([0, 1], per_pulse=1, writes="A"), op([1], 3)]
    engine, sampler = sampled([work], 1, 0, 1, 5, costs=Uneven(2))
    full, _ = sampled([work], 1, 0, 1, 5, costs=Uneven(2))
    sampler.run(0, 200)
    full.run(0, 200)
    np.testing.assert_array_equal(engine.ledger.busy_ps, full.ledger.busy_ps)


def test_waiting_of_skipped_samples_is_that_of_the_others_on_average_and_set_up_stands_for_itself():
    setup = (op([0], 1, per_pulse=40), op([0], 2, per_pulse=40))
    work = [op([0], 20), op([0], 10)]
    (one, sampler), (full, _) = (sampled([work], 2, 1, 3, 5, setup=setup) for _ in range(2))
    sampler.run(0, 400)
    full.run(0, 400)
    for table, keys in (("servers", ["server"]), ("operations", ["kind", "layer", "matrix"])):
        mine, theirs = (engine.tables()[table].set_index(keys) for engine in (one, full))
        np.testing.assert_allclose(mine["wait_ps"], theirs["wait_ps"], rtol=0.2)
    servers = one.tables()["servers"]
    assert (servers["mean_queue"] * one.now_ps).to_numpy() == pytest.approx(servers["busy_ps"] + servers["wait_ps"])


def test_the_interval_is_that_of_batch_means():
    sampling = Sampling()
    assert sampling.estimate().half_width_ps == 0
    sampling.windows = [Window(60, 100, 0, 1000), Window(70, 100, 0, 1000), Window(80, 100, 0, 2000)]
    sampling.skipped, sampling.jumps, sampling.drains_ps = 30, 3, 50
    # ratios 0.6, 0.7, 0.8: s = 0.1; weights 1000, 1000, 2000; t(0.975, 2) = 4.302653
    assert sampling.estimate().half_width_ps == pytest.approx(4.302653 * 0.1 * 6e6**0.5 + 6 + 50, rel=1e-6)
    sampling.windows = sampling.windows[:1]
    assert np.isnan(sampling.estimate().half_width_ps)


# -- real runs -----------------------------------------------------------------------------------------------

SAMPLED = {"timing.mode": '"sampled"', "timing.period": "97", "timing.measured": "5"}


def trained(algorithm, layout, workload):
    parts = build(plan_run("digits-mlp", "aimc-512", layout, algorithm, "replayed", workload, {}))
    parts.machine.set_rates(1.0)
    advance = clockwork(parts)
    for first in range(0, 3000, 1000):
        advance(first, first + 1000)
    return parts


@pytest.mark.parametrize("in_flight", [1, 4])
@pytest.mark.parametrize(("algorithm", "layout"), [("sgd", "two-array"), ("ttv2", "four-array")])
def test_the_exact_time_lies_in_the_interval_and_everything_else_is_the_same(algorithm, layout, in_flight):
    own = {"training.epochs": "3", "data.samples": "1000", "training.in_flight": str(in_flight)}
    exact, quick = (trained(algorithm, layout, own | timing) for timing in ({}, SAMPLED))
    assert quick.machine.f.tobytes() == exact.machine.f.tobytes()
    assert quick.effects.losses == exact.effects.losses
    one, other = exact.engine, quick.engine
    estimate = other.sampling.estimate()
    assert estimate.windows == 31
    assert estimate.half_width_ps < 0.03 * one.now_ps
    assert abs(one.now_ps - other.now_ps) <= estimate.half_width_ps
    np.testing.assert_array_equal(other.ledger.n, one.ledger.n)
    np.testing.assert_allclose(other.ledger.counts, one.ledger.counts, rtol=1e-12)
    np.testing.assert_allclose(other.ledger.energy_J(), one.ledger.energy_J(), rtol=1e-12)
    np.testing.assert_array_equal(other.ledger.delivered(), one.ledger.delivered())
    servers, mine = one.tables()["servers"], other.tables()["servers"]
    assert mine["served"].equals(servers["served"])
    assert mine["busy_ps"].equals(servers["busy_ps"])


PIECES = SAMPLED | {"training.epochs": "2", "data.samples": "200", "training.checkpoint_every": "70"}


class Stopped(BaseException):
    """Ends a run in the middle as Ctrl-C does."""


def stop_at(sample):
    def progress(done, total):  # noqa: ARG001
        if done >= sample:
            raise Stopped

    return progress


def quiet(done, total):
    pass


def contents(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Run once without interruption: the plan and the files."""
    folder = tmp_path_factory.mktemp("whole")
    plan = plan_run("digits-mlp", "aimc-512", "three-array", "ttv2", "replayed", PIECES, {})
    prepare(plan, folder)
    run(folder, quiet)
    return plan, contents(folder)


@settings(max_examples=examples(8), deadline=None, suppress_health_check=list(HealthCheck))
@given(stops=st.lists(st.integers(1, 400), min_size=1, max_size=3))
def test_a_sampled_run_interrupted_anywhere_ends_in_the_same_files(tmp_path_factory, whole, stops):
    plan, expected = whole
    folder = tmp_path_factory.mktemp("pieces")
    prepare(plan, folder)
    for stop in sorted(stops):
        with pytest.raises(Stopped):
            run(folder, stop_at(stop))
    run(folder, quiet)
    assert contents(folder) == expected


@pytest.mark.parametrize(
    ("mode", "timing", "message"),
    [
        ("coupled", {}, r"timing.mode \(= sampled\): needs mode \"replayed\""),
        ("replayed", {"timing.period": "27"}, r"timing.period \(= 27\): must be at least 30, twice a window"),
    ],
)
def test_what_cannot_be_sampled_is_refused(mode, timing, message):
    own = SAMPLED | timing | {"data.samples": "20"}
    with pytest.raises(TwinError, match=message):
        clockwork(build(plan_run("digits-mlp", "aimc-512", "two-array", "sgd", mode, own, {})))
