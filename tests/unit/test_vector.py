"""A vector unit for nodes without a matrix, and one format for all digital work."""

from dataclasses import replace

import pytest
from blocks_kit import small, timed

from twin.chip import ChipCosts, Component, Path
from twin.descriptions.load import load_chip, load_layout
from twin.errors import TwinError
from twin.mapping import map_layers
from twin.operation import Kind, Opcode, Operation, Stream, Unit

UNIT = {"vector.rate": '"8 TFLOP/s"'}
# Stillmaker & Baas at 0.8 V: 14 nm over 45 nm; Horowitz at 45 nm: mean of + and x in FP16, area of both
SCALED = (0.2363 * 0.64 - 0.09675 * 0.8 + 0.02239) / (1.103 * 0.64 - 0.362 * 0.8 + 0.2767)
FLOP_J = (0.4e-12 + 1.1e-12) / 2 * SCALED
LANE_M2 = (1360 + 1640) * 1e-12 * 0.17


def costs(**overrides):
    return costs_of("aimc-512", overrides, [(600, 600)])


def costs_of(name, overrides, layers):
    chip = load_chip(name, overrides).model
    return ChipCosts(chip, map_layers(layers, load_layout("two-array").model, chip))


def served(it, operation):
    """Kinds of servers with their picoseconds, and joules by component."""
    demand = it.demand(operation)
    times = [(it.servers[one.server].kind, one.fixed_ps) for one in demand.occupancy]
    joules = demand.energy_J[:, 0]
    return times, {component: joules[component] for component in Component if joules[component]}, demand


def work(opcode, flops=4_000):
    return Operation(Kind.ACTIVATION, Unit.DIGITAL, 0, opcode=opcode, matrix="W", flops=flops, node=3)


@pytest.mark.parametrize("opcode", [Opcode.NODE_FORWARD, Opcode.NODE_BACKWARD, Opcode.NODE_LOSS])
def test_work_of_nodes_takes_every_picosecond_and_joule_of_the_hand_computation(opcode):
    times, joules, demand = served(costs(**UNIT), work(opcode))
    assert times == [("vector", 500)]  # 4000 FLOP / 8 TFLOP/s
    assert joules == {Component.DIGITAL: pytest.approx(4_000 * FLOP_J, rel=1e-9)}
    assert demand.latency_ps == 0


@pytest.mark.parametrize("opcode", [Opcode.ACTIVATION, Opcode.DERIVATIVE, Opcode.FILTER, Opcode.NODE_STEP])
def test_what_belongs_to_a_matrix_and_steps_of_parameters_stay_with_the_slices(opcode):
    times, _, _ = served(costs(**UNIT), work(opcode))
    # 600 x 600 lie on 4 tiles, each of which has a quarter of 700 GFLOP/s: 1000 FLOP / 175 GFLOP/s
    assert times == [("digital", 5_714)] * 4


def test_words_of_nodes_pass_the_buffer_and_no_link():
    move = Operation(Kind.LOAD, Unit.MOVE, 0, matrix="W", words=6_400, stream=Stream.ACTIVATIONS, node=3)
    with_unit, joules, demand = served(costs(**UNIT), move)
    without, _, _ = served(costs(), Operation(**{**{k: getattr(move, k) for k in move.__slots__}, "node": -1}))
    assert [kind for kind, _ in with_unit] == ["buffer"]
    assert [kind for kind, _ in without] == ["link"] * 4 + ["buffer"]
    assert with_unit == without[-1:]
    assert set(joules) == {Component.BUFFER}
    assert demand.traffic == ((Path.BUFFER, Stream.ACTIVATIONS, 6_400),)


def test_area_and_leakage_are_of_lanes_for_the_rate():
    rows = {row.part: row for row in costs(**UNIT).area()}
    assert rows["vector unit"].count == 1
    assert rows["vector unit"].area_m2 == pytest.approx(8e12 / 2e9 * LANE_M2, rel=1e-9)
    assert rows["vector unit"].leakage_W == pytest.approx(0.1 * 8e12 * FLOP_J, rel=1e-9)
    assert "vector unit" not in {row.part for row in costs().area()}


def test_literals_of_the_unit_stay():
    given = {"vector.energy": '"2 pJ/FLOP"', "vector.area": '"3 mm^2"', "vector.leakage": '"4 mW"'}
    unit = load_chip("aimc-512", UNIT | given).model.vector
    assert (unit.energy, unit.area, unit.leakage) == pytest.approx((2e-12, 3e-6, 4e-3))


def test_a_network_with_attention_is_faster_with_the_unit_and_the_same_with_its_blocks_simulated_once(tmp_path):
    path = small(tmp_path, 2)
    plain = timed(path, "sgd", "two-array")
    once, every = (timed(path, "sgd", "two-array", reuse=reuse, chip_overrides=UNIT) for reuse in (True, False))
    assert once.clock.now_ps == every.clock.now_ps < plain.clock.now_ps
    energy = [parts.clock.tables()["energy"]["energy_J"].sum() for parts in (once, every)]
    assert energy[0] == pytest.approx(energy[1], rel=1e-12)
    area = [{row.part: row.count for row in parts.costs.area()} for parts in (once, every, plain)]
    assert area[0]["vector unit"] == area[1]["vector unit"] == once.chips
    assert "vector unit" not in area[2]


@pytest.mark.parametrize(("name", "rate", "word"), [("fp8", 700e9, 1), ("fp16", 350e9, 2), ("fp32", 175e9, 4)])
def test_one_key_sets_rate_and_words_and_the_energy_of_its_format(name, rate, word):
    pJ = {"fp8": (0.178 + 0.327) / 2, "fp16": 0.75, "fp32": 2.3}[name]
    chip = load_chip("aimc-512", {"digital.format": name} | UNIT).model
    assert chip.digital.rate == rate
    words = chip.placement.activation_word, chip.placement.error_word, chip.placement.weight_word
    assert words == (word, word, word)
    for unit in (chip.digital, chip.vector):
        assert unit.energy == pytest.approx(pJ * 1e-12 * SCALED, rel=1e-9)


def test_what_is_set_beside_the_format_stays_and_the_file_has_its_values_without_one():
    both = load_chip("aimc-512", {"digital.format": "fp8", "digital.rate": '"1 TFLOP/s"'}).model
    assert (both.digital.rate, both.placement.weight_word) == (1e12, 1)
    plain = load_chip("aimc-512").model
    assert (plain.digital.rate, plain.placement.weight_word, plain.placement.error_word) == (7e11, 4, 1)


@pytest.mark.parametrize(
    ("key", "value", "message"),
    [
        ("digital.format", "fp64", "fp32"),
        ("placement.errors", "registers", r"placement\.errors.*vector"),
    ],
)
def test_what_is_not_described_is_refused_in_one_line(key, value, message):
    with pytest.raises(TwinError, match=message) as caught:
        load_chip("aimc-512", UNIT | {key: value})
    assert "\n" not in str(caught.value)


SLEEPS = '{clock = "30 mW", gate_after = "3 ns", wake_time = "2 ns", wake_energy = "5 pJ", gated = 0.25}'
LEAKS_W = 0.1 * 8e12 * FLOP_J


def test_a_clock_and_a_gate_of_the_unit_are_those_of_power_vector():
    plain, gated = costs(**UNIT), costs(**UNIT, **{"power.vector": SLEEPS})
    clocks = [it.standing.watts[Component.CLOCK] for it in (plain, gated)]
    assert clocks[1] - clocks[0] == pytest.approx(30e-3)
    (number,) = [number for number, server in enumerate(gated.servers) if server.kind == "vector"]
    gate = gated.standing.gates[number]
    assert gate[:3] == (3_000, 2_000, 5e-12)
    assert gate.saved_W == pytest.approx({Component.CLOCK: 30e-3, Component.LEAKAGE: 0.75 * LEAKS_W})
    assert number not in plain.standing.gates


def test_a_unit_that_sleeps_between_nodes_saves_its_clock_and_pays_for_waking(tmp_path):
    path, one_chip = small(tmp_path, 1), UNIT | {"system.tiles": "40"}
    awake, sleeps = (
        timed(path, "sgd", "two-array", reuse=False, chip_overrides=one_chip | {"power.vector": power}).clock
        for power in ('{clock = "30 mW"}', SLEEPS)
    )
    gating = sleeps.ledger.gating
    (number,) = [number for number, server in enumerate(sleeps.costs.servers) if server.kind == "vector"]
    woken, off_s = gating.wake_ups()[number], gating.off_until(sleeps.now_ps)[number] * 1e-12
    assert woken > 3  # positions, a norm, attention, a loss: forward or back
    assert awake.now_ps < sleeps.now_ps <= awake.now_ps + 2_000 * woken
    spent = [clock.tables()["energy"].groupby("component")["energy_J"].sum() for clock in (awake, sleeps)]
    assert spent[1]["wake"] == pytest.approx(5e-12 * woken)
    for name, saved_W in (("clock", 30e-3), ("leakage", 0.75 * LEAKS_W)):
        watts = awake.costs.standing.watts[Component[name.upper()]]
        assert spent[0][name] == pytest.approx(watts * awake.now_ps * 1e-12)
        assert spent[1][name] == pytest.approx(watts * sleeps.now_ps * 1e-12 - saved_W * off_s)


@pytest.mark.parametrize(("name", "layer", "chip"), [("aimc-512-mesh", 0, 0), ("aimc-512-cluster", 1, 1)])
def test_on_a_network_words_of_nodes_pass_the_buffer_of_their_chip_and_no_router(name, layer, chip):
    it = costs_of(name, UNIT, [(600, 600)] * 2)
    number = f" {chip}" if chip else ""
    demand = it.demand(replace(work(Opcode.NODE_FORWARD), layer=layer))
    assert [(it.servers[one.server].name, one.fixed_ps) for one in demand.occupancy] == [(f"vector{number}", 500)]
    load = Operation(Kind.LOAD, Unit.MOVE, layer, matrix="W", words=6_400, stream=Stream.ACTIVATIONS, node=3)
    moved = it.demand(load)
    assert [it.servers[one.server].name for one in moved.occupancy] == [f"buffer{number}"]
    assert moved.traffic == ((Path.BUFFER, Stream.ACTIVATIONS, 6_400),)
    assert Path.NETWORK in {path for path, *_ in it.demand(replace(load, node=-1)).traffic}


def test_every_chip_of_a_cluster_has_a_unit_with_its_silicon_and_clock():
    it = costs_of("aimc-512-cluster", UNIT | {"power.vector": SLEEPS}, [(600, 600)] * 2)
    without = costs_of("aimc-512-cluster", {}, [(600, 600)] * 2)
    (row,) = [row for row in it.area() if row.part == "vector unit"]
    assert (row.count, row.leakage_W) == (4, pytest.approx(4 * LEAKS_W))
    numbers = [number for number, server in enumerate(it.servers) if server.kind == "vector"]
    assert [it.chip_of_servers()[number] for number in numbers] == [0, 1, 2, 3]
    clocks = [one.standing.watts.get(Component.CLOCK, 0.0) for one in (it, without)]
    assert clocks[0] - clocks[1] == pytest.approx(4 * 30e-3)
    assert [it.standing.gates[number].saved_W[Component.CLOCK] for number in numbers] == pytest.approx([30e-3] * 4)
