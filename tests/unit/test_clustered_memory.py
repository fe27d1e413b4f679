"""Chips of a cluster with a DRAM each: who serves what, when, and what the memories cost together."""

import pytest
from engine_kit import Effects, Program

from twin.chip import ChipCosts
from twin.descriptions.load import load_chip, load_layout
from twin.engine import Engine
from twin.mapping import map_layers
from twin.operation import Kind, Operation, Stream, Unit

CHIP = "aimc-512-cluster"  # four chips of four tiles


def costs():
    chip = load_chip(CHIP, {"placement.activations": '"memory"'}).model
    return ChipCosts(chip, map_layers([(4, 4)] * 10, load_layout("two-array").model, chip))


def load(layer, n_bytes=4096):
    return Operation(Kind.LOAD, Unit.MOVE, layer, matrix="W", words=n_bytes, stream=Stream.ACTIVATIONS)


def done_ps(*operations):
    engine = Engine(Program(list(operations)), Effects(), costs(), 1)
    engine.run(0, 1)  # checks every invariant
    return [row[3] for row in engine.ledger.recent().tolist()]


def test_layers_use_the_memory_of_their_chip():
    it = costs()
    names = [it.servers[it.demand(load(layer)).occupancy[-1].server].name for layer in range(10)]
    assert names == ["memory"] * 4 + ["memory 1"] * 4 + ["memory 2"] * 2


def test_memories_of_different_chips_work_at_the_same_time_and_that_of_one_chip_in_turn():
    (alone,) = done_ps(load(0))
    # the same bytes on two routes of equal length: both memories are as fast as if the other were not there
    assert done_ps(load(0), load(4)) == [alone, alone]
    first, second = done_ps(load(0), load(1))
    assert first == alone < second


def test_the_memories_carry_on_where_they_were_put_down():
    one, other = costs(), costs()
    accesses = [[it.demand(load(layer)).access for layer in (0, 4, 8)] for it in (one, other)]
    assert accesses[0] == accesses[1] == [0, 1, 2]
    for number, start_ps in ((0, 0), (1, 5_000), (0, 900_000)):
        one.stateful.serve(number, start_ps)
    one.stateful.skip(2, 3)
    one.stateful.jump(1_000)
    other.stateful.restore(one.stateful.state())
    for number in range(3):
        assert one.stateful.serve(number, 2_000_000) == other.stateful.serve(number, 2_000_000)
    assert one.stateful.nominal(0) == costs_nominal()


def costs_nominal():
    it = costs()
    return it.stateful.nominal(it.demand(load(0)).access)


def test_every_chip_has_a_memory_that_leaks_and_is_refreshed():
    it = costs()
    rows = {row.part: row for row in it.area()}
    assert (rows["memory"].count, rows["memory refresh"].count) == (4, 4)
    assert rows["memory"].leakage_W == pytest.approx(4 * it.moves.stores["memory"].sheet().background_W)
    assert rows["memory refresh"].leakage_W == pytest.approx(4 * it.moves.stores["memory"].sheet().refresh_W)
