"""Identical blocks simulated once give what simulating all of them gives, to the picosecond and the joule."""

from math import floor

import pytest
from blocks_kit import TEXT, small, timed
from hypothesis import given
from hypothesis import strategies as st

from twin.errors import TwinError
from twin.runs.statistics import spread

RUNS = [
    ("sgd", "two-array"),
    ("shd", "four-array"),
    ("ttv2", "four-array"),
    ("ttv2", "three-array"),
    ("cttv2", "three-array"),
]


def totals(parts):
    """Everything that adds up over a run, without the layers' numbers."""
    tables = parts.clock.tables()
    operations = tables["operations"].drop(columns=["layer", "matrix"]).groupby("kind").sum()
    return {
        "time": parts.clock.now_ps,
        "operations": operations[["count", "uses", "busy_ps", "wait_ps", "latency_ps"]].to_dict("index"),
        "bytes": tables["traffic"].groupby(["path", "stream"])["bytes"].sum().to_dict(),
        "area": {row.part: row.count for row in parts.costs.area()},
        "counts": operations[["mvms", "pulses", "part_mvms", "part_pulses"]].to_dict("index"),
    }


@pytest.mark.parametrize("repeat", [1, 2, pytest.param(4, marks=pytest.mark.slow), 8])
def test_reused_blocks_take_the_time_of_all_blocks_to_the_picosecond(tmp_path, repeat):
    path = small(tmp_path, repeat)
    runs = [timed(path, "ttv2", "three-array", samples=3, reuse=reuse) for reuse in (True, False)]
    assert totals(runs[0]) == totals(runs[1])


@pytest.mark.parametrize(("algorithm", "layout"), RUNS)
def test_every_algorithm_and_layout_takes_the_time_of_all_blocks_to_the_picosecond(tmp_path, algorithm, layout):
    path = small(tmp_path, 3)
    runs = [timed(path, algorithm, layout, samples=2, reuse=reuse) for reuse in (True, False)]
    assert totals(runs[0]) == totals(runs[1])


@pytest.mark.parametrize(("algorithm", "layout"), RUNS[1:4:2])
def test_reused_blocks_take_the_joules_of_all_blocks(tmp_path, algorithm, layout):
    path = small(tmp_path, 4)
    tables = [timed(path, algorithm, layout, samples=2, reuse=reuse).clock.tables() for reuse in (True, False)]
    for by in ("component", "kind"):
        once, every = (table["energy"].groupby(by)["energy_J"].sum().to_dict() for table in tables)
        assert once == pytest.approx(every, rel=1e-12)
    once, every = (table["bins"].drop(columns=["t0_ps", "t1_ps"]).sum().to_dict() for table in tables)
    assert once == pytest.approx(every, rel=1e-9)


def test_the_servers_of_reused_blocks_stand_for_all(tmp_path):
    path = small(tmp_path, 4)
    once, every = (timed(path, "ttv2", "four-array", reuse=reuse).clock.tables()["servers"] for reuse in (True, False))
    assert once["copies"].sum() == len(every)
    for column in ("served", "busy_ps", "wait_ps"):
        assert (once[column] * once["copies"]).sum() == every[column].sum()
    assert (once["energy_J"] * once["copies"]).sum() == pytest.approx(every["energy_J"].sum(), rel=1e-12)


def test_what_bound_the_time_is_the_same_with_and_without_reuse(tmp_path):
    path = small(tmp_path, 4)
    once, every = (timed(path, "ttv2", "four-array", reuse=reuse).clock.tables()["bound"] for reuse in (True, False))
    shares = [table.groupby("kind")["share"].sum().to_dict() for table in (once, every)]
    assert shares[0] == pytest.approx(shares[1], rel=1e-9)


def test_simulated_operations_grow_by_the_same_number_with_every_block_and_not_at_all_with_reuse(tmp_path):
    every = [timed(small(tmp_path, n), "ttv2", "three-array", reuse=False).events for n in (1, 2, 4, 8)]
    once = {timed(small(tmp_path, n), "ttv2", "three-array").events for n in (1, 2, 4, 8)}
    block = every[1] - every[0]
    assert block > 0
    assert every == [every[0] + block * more for more in (0, 1, 3, 7)]
    assert once == {every[0]}


def test_the_same_phase_of_another_sample_is_not_simulated_again(tmp_path):
    path = small(tmp_path, 2, TEXT.replace("1.37", "1.0").replace("2.61", "2.0"))
    assert timed(path, "sgd", "two-array", samples=5).events == timed(path, "sgd", "two-array").events


def test_several_samples_in_flight_are_simulated_in_full(tmp_path):
    path = small(tmp_path, 2)
    free = {"consistency": '"none"'}  # else a sample waits for the updates of the one before it
    alone = timed(path, "ttv2", "four-array", samples=4, reuse=False, **free)
    together = timed(path, "ttv2", "four-array", samples=4, in_flight=4, **free)
    assert together.events == alone.events
    assert together.clock.now_ps < alone.clock.now_ps


def test_reuse_is_refused_where_parameters_are_still_fetched_when_a_sample_arrives(tmp_path):
    port = {"system.bandwidth": "10 GB/s", "system.latency": "1 us"}
    path = small(tmp_path, 1)
    with pytest.raises(TwinError, match=r"timing\.reuse=false"):
        timed(path, "sgd", "two-array", chip_overrides=port)
    assert timed(path, "sgd", "two-array", chip_overrides=port, reuse=False).clock.now_ps > 0


@given(st.floats(0, 50), st.lists(st.integers(1, 500), max_size=20))
def test_whole_counts_of_a_mean_add_up_to_it_whatever_the_runs_of_updates(mean, runs):
    done = total = 0
    for n in runs:
        total += spread(mean, done, n)
        done += n
    assert total == floor(done * mean)


IDLE = {"power.tile": '{ idle = 0.1, lines = "used", clock = "1 mW", controller = "2 mW", controller_area = "1 um^2" }'}
GATED = {"power.tile": '{ idle = 0.1, gate_after = "1 us", wake_time = "100 ns", wake_energy = "1 nJ", gated = 0.1 }'}


def test_reused_blocks_take_the_idle_joules_and_the_controllers_of_all_blocks(tmp_path):
    path = small(tmp_path, 4)
    runs = [timed(path, "ttv2", "four-array", reuse=reuse, chip_overrides=IDLE) for reuse in (True, False)]
    assert totals(runs[0]) == totals(runs[1])
    once, every = (run.clock.tables()["energy"].groupby("component")["energy_J"].sum().to_dict() for run in runs)
    assert {"idle", "clock", "controller"} < set(once)
    assert once == pytest.approx(every, rel=1e-12)


def test_reused_blocks_are_not_gated_and_say_so(tmp_path):
    path = small(tmp_path, 4)
    awake, once, every = (
        timed(path, "ttv2", "four-array", reuse=reuse, chip_overrides=GATED | more)
        for reuse, more in ((True, {"power.tile.gate_after": "1 s"}), (True, {}), (False, {}))
    )
    assert totals(once) == totals(awake)
    assert any("power.memory: nothing is gated where equal blocks" in line for line in once.warnings)
    assert not any("gated" in line for line in every.warnings)
    found = [run.clock.tables()["energy"].groupby("component")["energy_J"].sum() for run in (once, every)]
    assert "wake" not in found[0]
    assert found[1]["wake"] > 0
    assert found[1]["idle"] < 0.9 * found[0]["idle"]
    assert every.clock.now_ps > once.clock.now_ps
