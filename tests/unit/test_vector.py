"""A vector unit for nodes without a matrix, and one format for all digital work."""

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
    chip = load_chip("aimc-512", overrides).model
    return ChipCosts(chip, map_layers([(600, 600)], load_layout("two-array").model, chip))


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
