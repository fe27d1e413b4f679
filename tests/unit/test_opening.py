"""The first services of a run: are they those that the ledger sums, each with its sample?"""

from engine_kit import Costs, Effects, Program, counts, op

from twin.chip.channels import channels
from twin.descriptions.load import load_chip
from twin.engine import Engine
from twin.engine.opening import OPERATIONS, VISITS


def run(program, samples, in_flight=2, servers=3, setup=()):
    engine = Engine(program, Effects(setup=setup), Costs(servers), in_flight)
    engine.run(0, samples)
    return engine


def test_services_of_a_short_run_add_up_to_the_load_of_every_server():
    program = Program(
        (op([0, 1], 7, writes="a"), op([2], 5, reads="a", latency=3), op([1], 2, per_pulse=4, effect=True))
    )
    engine = run(program, 20)
    table = engine.tables()["schedule"]
    assert len(table) == 20 * 4
    busy = (table["end_ps"] - table["start_ps"]).groupby(table["server"]).sum()
    servers = engine.tables()["servers"].set_index("server")["busy_ps"]
    assert busy.to_dict() == servers.to_dict()


def test_every_service_has_its_sample_and_starts_where_its_server_is_free():
    program = Program((op([0], 7), op([1], 5)), (op([1], 9), op([0], 2, effect=True, per_pulse=1)))
    table = run(program, 12, in_flight=3).tables()["schedule"]
    assert table["sample"].value_counts().to_dict() == dict.fromkeys(range(12), 2)
    for _, own in table.sort_values("start_ps").groupby("server"):
        assert (own["start_ps"].to_numpy()[1:] >= own["end_ps"].to_numpy()[:-1]).all()


def test_the_set_up_is_left_out_and_the_first_sample_starts_after_it():
    program = Program((op([0], 7),), setup=(op([0], 100),))
    table = run(program, 2, setup=[counts(1)]).tables()["schedule"]
    assert table[["sample", "start_ps", "end_ps"]].to_numpy().tolist() == [[0, 100, 107], [1, 107, 114]]


def test_a_long_run_keeps_no_more_than_its_first_services():
    engine = run(Program((op([0, 1, 2], 7),)), OPERATIONS + 50, in_flight=4)
    table = engine.tables()["schedule"]
    assert len(table) == VISITS
    assert table["sample"].tolist() == [k // 3 for k in range(VISITS)]
    assert not engine.ledger.opening.open


def test_the_peak_of_a_dram_is_what_its_data_buses_carry():
    found = {row.path: row for row in channels(load_chip("aimc-512-lpddr5").model)}
    dram = load_chip("aimc-512-lpddr5").model.memory
    assert found["memory"].peak_Bps == dram.channels * dram.burst_bytes / (dram.nBL * dram.tCK)
    assert found["memory"].count == dram.channels
    assert found["host"].peak_Bps == load_chip("aimc-512-lpddr5").model.host.bandwidth
