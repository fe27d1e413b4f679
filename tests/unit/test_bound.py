"""What bound the time: summed by part, work and node, and what a part twice as fast would save."""

from dataclasses import replace

import pandas as pd
import pytest
from blocks_kit import small, timed
from engine_kit import Costs, Effects, Program, op

from twin.chip import Server
from twin.chip.demand import Occupancy
from twin.engine import Engine
from twin.results.bound import bound_line, savings, shares_by
from twin.runs.bound import name_nodes

COLUMNS = ["what", "layer", "kind", "cause", "part", "work", "node", "share", "saved"]
ROWS = [
    ("digital 0.W", 0, "derivative", "RAW on n3.g0", "digital", "attention", "block.attention", 0.5, 0.25),
    ("digital 0.W", 0, "activation", "RAW on z1.17", "digital", "layer-norm", "block.norm", 0.1, 0.05),
    ("move 0.W", 0, "load", "RAW on 0.A2", "memory", "load", "block.q", 0.3, 0.1),
    ("tile 0.A2", 0, "forward", "RAW on 0.A2", "tile", "forward", "block.q", 0.1, 0.05),
]


def test_the_line_names_parts_with_their_largest_work_the_change_that_helps_most_and_waits():
    assert bound_line(pd.DataFrame(ROWS, columns=COLUMNS)) == (
        "digital units 60 % (attention 50 %), memory 30 % (load); digital units twice as fast: at most -30 %; "
        "waits: data 60 %, RAW on 0.A2 40 %"
    )


def test_nothing_bounds_a_run_of_no_time():
    assert bound_line(pd.DataFrame([], columns=COLUMNS)) == "nothing took time"


def engine_of(kinds, *work, samples=1):
    costs = Costs(len(kinds))
    costs.servers = tuple(Server(f"s{k}", kind) for k, kind in enumerate(kinds))
    engine = Engine(Program(list(work)), Effects(), costs, 1)
    engine.run(0, samples)
    return engine


def test_the_part_is_what_set_the_time_and_saves_half_or_until_another_is_as_long():
    """Ps by hand: a tile for 100; a link for 40; a memory for 60 with a buffer for 50 of them; a port for 1.

    Twice as fast, the memory is no longer what the last but one waits for: it takes 50 then, and saves 10 and not 30.
    """
    moves = op([2, 3], 0, reads="y", writes="z")
    costs = Costs(5)
    costs.servers = tuple(Server(f"s{k}", kind) for k, kind in enumerate(["tile", "link", "memory", "buffer", "port"]))
    plain = costs.demand

    def demand(operation):
        both = (Occupancy(2, 60, 0), Occupancy(3, 50, 0))
        return replace(plain(operation), occupancy=both) if operation.parts == (2, 3) else plain(operation)

    costs.demand = demand
    work = op([0], 100, writes="x"), op([1], 40, reads="x", writes="y"), moves, op([4], 1, reads="z")
    engine = Engine(Program(list(work)), Effects(), costs, 1)
    engine.run(0, 1)
    table = engine.tables()["bound"]
    ps = {row.part: (round(201 * row.share), round(201 * row.saved)) for row in table.itertuples()}
    assert ps == {"tile": (100, 50), "memory": (60, 10), "link": (40, 20), "port": (1, 1)}


def bound(parts):
    """The named table of what bound the time of a run that is only timed."""
    table = parts.clock.tables()["bound"]
    name_nodes(table, parts.network)
    return table


def test_copies_of_a_block_and_digital_nodes_have_one_name(tmp_path):
    table = bound(timed(small(tmp_path, 3), "sgd", "two-array", reuse=False))
    nodes, works = shares_by(table, "node"), shares_by(table, "work")
    assert {"block.attention", "block.q", "entry", "head", "positions"} <= set(nodes)
    assert works["attention"] == pytest.approx(nodes["block.attention"])
    for found in (nodes, works, shares_by(table, "part")):
        assert sum(found.values()) == pytest.approx(1)


@pytest.mark.parametrize(
    ("part", "key", "rate"),
    [("digital units", "digital.rate", '"1.4 TFLOP/s"'), ("tile links", "link.bandwidth", '"51.2 GB/s"')],
)
def test_a_run_timed_again_with_a_part_twice_as_fast_saves_no_more_than_its_path_says(tmp_path, part, key, rate):
    path = small(tmp_path, 2)
    before = timed(path, "sgd", "two-array")
    said = savings(bound(before))[part]
    after = timed(path, "sgd", "two-array", chip_overrides={key: rate})
    saved = 1 - after.clock.now_ps / before.clock.now_ps
    assert 0.5 * said < saved <= said
