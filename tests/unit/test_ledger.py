"""What the ledger sums, that its invariants can fail, and that it can be put down and taken up."""

import numpy as np
import pytest
from engine_kit import Costs, Effects, Program, counts, op

from twin.chip import Path
from twin.engine import Engine, InvariantError
from twin.engine.bins import Bins
from twin.engine.ledger import COLUMNS, Ledger
from twin.errors import TwinError
from twin.operation import Counts


def engine(in_flight=2, setup=()):
    """Three samples of an update whose pulses differ, a move and a read on two servers."""
    work = [
        op([0], 4, per_pulse=5, writes="A"),
        op([0, 1], 30, latency=2, reads="A", writes="v", moves=True),
        op([1], 10, reads="v"),
    ]
    effects = Effects(lambda sample, _position: sample % 3, setup=[counts(2)] * len(setup))
    return Engine(Program(work, setup=setup), effects, Costs(2), in_flight)


def ran(samples=6):
    it = engine()
    it.run(0, samples)
    return it


def test_operations_are_summed_by_kind_layer_and_matrix():
    table = ran().tables()["operations"]
    assert len(table) == 1
    row = table.iloc[0]
    assert (row["kind"], row["layer"], row["count"]) == ("update", 0, 18)
    assert row["busy_ps"] == 4 * 4 + 2 * (5 + 10) + 6 * 30 + 6 * 10
    assert row["pulses"] == row["fired"] == 6
    assert row["latency_ps"] == 12


def test_energy_is_linear_in_number_and_counts_and_leakage_in_time():
    it = ran()
    table = it.tables()["energy"].set_index("component")["energy_J"]
    assert table["digital"] == pytest.approx(6 * 44e-12)
    assert table["pulses"] == pytest.approx(6 * 2e-12)
    assert table["leakage"] == pytest.approx(0.5 * it.now_ps * 1e-12)


def test_energy_by_server_is_that_of_its_operations_shared_equally_where_there_are_several():
    servers = ran().tables()["servers"].set_index("server")["energy_J"]
    moved, pulses = 6 * 30e-12, 6 * 2e-12
    assert servers["s0"] == pytest.approx(6 * 4e-12 + pulses + moved / 2)
    assert servers["s1"] == pytest.approx(moved / 2 + 6 * 10e-12)


def test_bytes_are_counted_by_path_and_in_time():
    tables = ran().tables()
    assert tables["traffic"].to_dict("records") == [{"path": "link", "stream": "H", "layer": 0, "bytes": 180}]
    assert tables["bins"]["H"].sum() == pytest.approx(180)


def test_bins_hold_all_energy_and_cover_the_run():
    it = ran()
    tables = it.tables()
    assert tables["bins"]["energy_J"].sum() == pytest.approx(tables["energy"]["energy_J"].sum(), rel=1e-12)
    assert tables["bins"]["t1_ps"].iloc[-1] == it.now_ps


def test_bins_spread_an_operation_evenly_and_merge_when_they_run_out():
    bins = Bins(1)
    one = np.ones(1)

    def add(start, done, joules):
        bins.add(np.array([start]), np.array([done]), joules * one, 8 * one, np.zeros(1, np.int64))

    add(500, 2500, 4.0)
    assert bins.energy_J[:4].tolist() == [1, 2, 1, 0]
    add(7000, 7000, 3.0)
    assert bins.energy_J[7] == 3
    add(256_000, 256_000, 5.0)
    assert bins.width_ps == 2000
    assert bins.energy_J[[0, 1, 3, 128]].tolist() == [3, 1, 3, 5]
    assert bins.n_bytes.sum() == 24


def test_chunks_change_no_sum(monkeypatch):
    whole = ran(40)
    monkeypatch.setattr(Ledger, "CHUNK", 9)
    pieces = ran(40)
    for name, array in whole.state().items():
        np.testing.assert_allclose(pieces.state()[name], array, rtol=1e-12, err_msg=name)


def test_skipped_samples_are_spread_evenly_over_the_jump():
    it, run = ran(3), ran(6)
    tallies = it.tallies()
    rows = np.array([[counts(sample % 3), counts(0), counts(0)] for sample in (3, 4, 5)])[:, :1]
    tallies.add(3, rows)
    before, now_ps = it.ledger.bins.energy_J.copy(), it.now_ps
    it.skip(tallies.stretch(), 2000)
    assert it.now_ps == now_ps + 2000
    np.testing.assert_allclose(it.ledger.energy_J(), run.ledger.energy_J(), rtol=1e-12)
    added = (it.ledger.bins.energy_J - before)[: it.now_ps // 1000 + 1]
    width = np.diff(np.clip(np.arange(added.size + 1) * 1000, now_ps, it.now_ps))
    np.testing.assert_allclose(added, (3 * 44e-12 + 3 * 2e-12) * width / 2000)


def test_only_a_drained_engine_can_skip():
    it = ran()
    stretch = it.tallies().stretch()
    it._running[7] = None
    with pytest.raises(ValueError, match="1 samples are in flight; only a drained engine can skip"):
        it.skip(stretch, 1)


def corrupt_energy(it):
    it.ledger.bins.energy_J[0] += 1e-15


def corrupt_traffic(it):
    it.ledger.requested[Path.LINK, 0] += 1


def corrupt_capacity(it):
    it.ledger.queues.busy_ps[1] = it.now_ps + 1


def corrupt_overlap(it):
    it.ledger.queues.add(*(np.array([k]) for k in (0, 0, 0, 1)), it.now_ps)


def corrupt_queue(it):
    it.ledger.queues.content_ps[0] += 1


def corrupt_critical_path(it):
    it.critical_ps = it.now_ps + 1


def corrupt_serial(it):
    it.ledger.serial_ps = it.now_ps - 1


def corrupt_number(it):
    it.index += 1


def corrupt_flight(it):
    it._running[7] = None


def corrupt_sign(it):
    it.ledger.counts[0, Counts.FIRED] = -1e9


@pytest.mark.parametrize(
    ("corrupt", "message"),
    [
        (corrupt_energy, "energy differs: by component"),
        (corrupt_traffic, "bytes moved"),
        (corrupt_capacity, "s1 was busy for"),
        (corrupt_overlap, "s0 served two operations at once, 1 times"),
        (corrupt_queue, "s0: the queue integral is"),
        (corrupt_critical_path, "the makespan of"),
        (corrupt_serial, "the makespan of"),
        (corrupt_number, "19 operations were started but 18 are in the ledger"),
        (corrupt_flight, "1 samples are still in flight"),
        (corrupt_sign, "an energy is negative"),
    ],
)
def test_each_invariant_can_fail_and_says_that_it_is_a_bug(corrupt, message):
    it = ran()
    it.check()
    corrupt(it)
    with pytest.raises(InvariantError, match=message) as raised:
        it.check()
    assert "bug in twin" in str(raised.value)


@pytest.mark.parametrize("earlier_ps", [-1, 1])
def test_littles_law_fails_when_one_arrival_in_the_ledger_is_a_picosecond_off(monkeypatch, earlier_ps):
    """The invariant of every run, by which the queue's integral is held against what the engine reserved."""
    summed = Ledger.flush

    def tampered(self, now_ps):
        if self.rows:
            self.rows[COLUMNS + 1] -= earlier_ps  # when the second operation of the first sample was ready
        summed(self, now_ps)

    ran()
    monkeypatch.setattr(Ledger, "flush", tampered)
    with pytest.raises(InvariantError, match="s0: the queue integral is"):
        ran()


@pytest.mark.parametrize("setup", [(), (op([0], 1, per_pulse=3),)])
def test_a_restored_engine_goes_on_to_the_same_bits(setup):
    straight, first, second = (engine(setup=setup) for _ in range(3))
    straight.run(0, 5)
    straight.run(5, 11)
    first.run(0, 5)
    second.restore(first.state())
    second.run(5, 11)
    assert second.now_ps == straight.now_ps
    for name, array in straight.state().items():
        np.testing.assert_array_equal(second.state()[name], array, err_msg=name)
    assert second.tables()["bound"].equals(straight.tables()["bound"])


def test_state_is_a_copy():
    it = ran()
    before = it.state()["n"].copy()
    state = it.state()
    it.run(6, 9)
    np.testing.assert_array_equal(state["n"], before)


def test_a_state_of_another_program_or_chip_is_refused():
    state = ran().state()
    other = Engine(Program([op([0], 1)]), Effects(), Costs(2), 1)
    with pytest.raises(TwinError, match="kinds of operation"):
        other.restore(state)
    with pytest.raises(TwinError, match="checkpoint: 2 servers, but the chip has 3"):
        Engine(Program([op([0], 1)]), Effects(), Costs(3), 1).restore(state)
