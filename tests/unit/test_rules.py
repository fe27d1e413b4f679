"""Do rules decide what they say about the matrices of nodes, and refuse what they cannot?"""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from twin.algorithms.steps import ACTIVATION_FLOPS, DERIVATIVE_FLOPS, LOSS_FLOPS
from twin.descriptions.load import load_chip, load_workload
from twin.descriptions.resolved import resolved_toml
from twin.errors import TwinError
from twin.machine.resting import magnitudes
from twin.operation import Kind
from twin.runs.build import build
from twin.runs.planning import check_all, plan_run
from twin.units import PS

LAYERS = """[
  { kind = "dense", name = "first", outputs = 12, activation = "tanh", bias = true },
  { kind = "dense", name = "middle", outputs = 11, activation = "tanh", bias = true },
  { kind = "dense", name = "head", outputs = 10, activation = "softmax", bias = true },
]"""
OWN = {"network.layers": LAYERS, "data.samples": "40", "training.epochs": "1", "data.test_samples": "20"}
TWO = """[
  { kind = "dense", name = "low", outputs = 12, activation = "tanh", bias = false },
  { kind = "dense", name = "head", outputs = 10, activation = "softmax", bias = false },
]"""
ENDS = '{ nodes = ["first", "h*d"], algorithm = "digital" }'
EXACT = {"device": '{ preset = "ideal" }', "algorithms.sgd.update.pulse_type": '"none"', "mapping.out_scaling": "1.0"}
RATES = {"algorithms.sgd.learning_rate": "0.1", "algorithms.digital.learning_rate": "0.1"}
QUIET = {f"tile.io.{key}": "0" for key in ("inp_res", "out_res", "out_bound", "out_noise")}
QUIET |= {"tile.io.bound_management": '"none"', "tile.io.noise_management": '"none"'}


def parts_of(rules="", algorithm="sgd", layout="two-array", mode="replayed", chip=QUIET, **own):
    values = {**OWN, **own} | ({"rules": f"[{rules}]"} if rules else {})
    return build(plan_run("digits-mlp", "aimc-512", layout, algorithm, mode, values, chip))


def train(parts, samples=20):
    parts.machine.set_rates(1.0)
    parts.effects.segment(0, samples)
    parts.calibration.prepare()
    parts.engine.run(0, samples)
    return [parts.machine.weights(k, parts.machine.main(k)) for k in range(len(parts.network.layers))]


def loaded(rules, **own):
    return load_workload("digits-mlp", {"network.layers": LAYERS, "rules": f"[{rules}]", **own})


def test_digital_and_analog_layers_train_alike_where_arrays_are_ideal():
    whole, mixed = train(parts_of(**EXACT, **RATES)), train(parts_of(ENDS, **EXACT, **RATES))
    for one, other in zip(whole, mixed, strict=True):
        np.testing.assert_allclose(one, other, rtol=0, atol=1e-5)


def test_a_digital_node_has_no_pulses_and_nothing_of_an_array_in_the_ledger():
    parts = parts_of(ENDS, algorithm="ttv2", layout="three-array")
    train(parts)
    table = parts.engine.tables()["operations"]
    assert {tile.layer for tile in parts.mapping.tiles} == {1}
    digital = table[table["layer"].isin([0, 2])]
    of_devices = ["driven", "conduction", "fired", "coincidences"]  # a digital mat-vec counts as one, and an update too
    assert (digital[of_devices] == 0).all(axis=None)
    assert (table.loc[table["layer"] == 1, of_devices].sum() > 0).all()
    energy = parts.engine.tables()["energy"]
    of_arrays = energy[energy["component"].isin(["drivers", "converters", "conduction", "periphery", "pulses"])]
    assert set(of_arrays.loc[of_arrays["energy_J"] > 0, "layer"]) == {1}


def test_every_layer_learns_by_its_own_algorithm_on_its_own_layout_and_devices():
    rules = (
        '{ nodes = ["first"], algorithm = "ttv2", layout = "three-array", device = { preset = "gokmen-60" } }, '
        '{ nodes = ["middle"], algorithm = "mixed-precision", out_scaling = "weights" }, '
        '{ nodes = ["head"], algorithm = "digital" }'
    )
    parts = parts_of(rules)
    train(parts)
    assert [one.algorithm.name for one in parts.designs] == ["ttv2", "mixed-precision", "digital"]
    assert [tile.name for tile in parts.mapping.tiles] == ["0.AC", "1.W"]
    operations = parts.engine.tables()["operations"]
    kinds = {layer: set(rows["kind"]) for layer, rows in operations.groupby("layer")}
    assert Kind.READ_OUT in kinds[0]
    assert Kind.FILTER in kinds[1]
    assert kinds[1].isdisjoint({Kind.READ_OUT, Kind.UPDATE})
    device = parts.designs[1].devices["W"]
    drawn = np.abs(parts.machine.weights(1, "W")).max()
    assert parts.machine.layers["scale"][1] != 1.0
    assert drawn <= 2 * device.dw_min * device.states


def test_time_of_a_digital_and_an_analog_layer_is_that_of_their_parts_in_a_row():
    parts = parts_of('{ nodes = ["low"], algorithm = "digital" }', **{"network.layers": TWO})
    train(parts, 1)
    chip = parts.chip
    buffer, link = chip.buffer.bandwidth, chip.link.bandwidth
    late, far = chip.buffer.latency, chip.buffer.latency + chip.link.latency
    work = 2 * 64 * 12 / chip.digital.rate  # a multiplication and an addition a weight
    read = chip.tile.integration_time + 1 / chip.tile.converter.rate  # 64 converters do all lines at once
    table = parts.engine.tables()["operations"].set_index(["kind", "layer"])
    for kind, layer, expected in (
        ("forward", 0, work),
        ("update", 0, work),
        ("forward", 1, read),
        ("backward", 1, read),
    ):
        assert table.loc[(kind, layer), "busy_ps"].sum() * PS == pytest.approx(expected, abs=2 * PS)
    arrived = (table.loc[("input", -1), "busy_ps"] + table.loc[("input", -1), "latency_ps"]).sum() * PS
    first = work + weights_s(buffer) + vector_s(buffer) + late  # y waits for the load of W
    middle = vector_s(link) + far + read + loss_s(chip) + read + vector_s(link) + far
    derivative = 12 * DERIVATIVE_FLOPS["tanh"] / chip.digital.rate
    last = vector_s(buffer) + late + derivative + work + weights_s(buffer) + late
    expected = arrived + first + middle + last
    assert parts.engine.now_ps * PS == pytest.approx(expected, abs=20 * PS)


def weights_s(bandwidth):
    return 4 * 64 * 12 / bandwidth


def vector_s(bandwidth):
    """A byte a word: `placement.activation_word` and `error_word` of the chip."""
    return 12 / bandwidth


def loss_s(chip):
    """A tile's slice of a unit works out softmax and loss of 10 outputs."""
    return 10 * (ACTIVATION_FLOPS["softmax"] + LOSS_FLOPS) * chip.digital.tiles / chip.digital.rate


def test_servers_are_the_tiles_of_analog_layers_and_a_digital_unit_of_its_own():
    parts = parts_of('{ nodes = ["low"], algorithm = "digital" }', **{"network.layers": TWO})
    names = [server.name for server in parts.engine.costs.servers if server.kind in {"tile", "digital"}]
    assert names == ["tile 1.W", "digital 1.W", "digital"]
    alone = parts_of(**{"network.layers": TWO})
    units = [
        next(row.count for row in one.engine.costs.area() if row.part == "digital units") for one in (alone, parts)
    ]
    assert units == [1, 2]  # four tiles share a unit


@pytest.mark.parametrize(
    "rules", [ENDS, '{ nodes = ["middle"], algorithm = "ttv2" }, { nodes = ["head"], algorithm = "agad" }']
)
def test_replayed_and_coupled_runs_of_a_mixed_design_have_the_same_bits_and_time(rules):
    runs = [parts_of(rules, mode=mode, chip={}) for mode in ("replayed", "coupled")]
    weights = [train(parts) for parts in runs]
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)
    assert runs[0].engine.now_ps == runs[1].engine.now_ps


def test_a_rule_that_says_what_the_run_says_changes_no_bit():
    plain, ruled = parts_of(chip={}), parts_of('{ kind = "dense", algorithm = "sgd", layout = "two-array" }', chip={})
    for one, other in zip(train(plain), train(ruled), strict=True):
        np.testing.assert_array_equal(one, other)
    assert plain.engine.now_ps == ruled.engine.now_ps
    assert plain.engine.tables()["energy"]["energy_J"].sum() == ruled.engine.tables()["energy"]["energy_J"].sum()


def test_resolved_rules_load_to_the_same_model(tmp_path):
    rules = loaded(
        f'{ENDS}, {{ nodes = ["middle"], algorithm = "ttv2", device = {{ preset = "ecram", dw_min = 0.01 }} }}'
    )
    text = resolved_toml(rules)
    (tmp_path / "w.toml").write_text(text, encoding="utf-8")
    assert load_workload(str(tmp_path / "w.toml")).model == rules.model


@pytest.mark.parametrize(
    ("rules", "message"),
    [
        (
            '{ nodes = ["hed"], algorithm = "digital" }',
            "rules.0.nodes: matches no node with a matrix (did you",
        ),
        (
            '{ kind = "conv", algorithm = "digital" }',
            "rules.0.kind (= conv): matches no node with a",
        ),
        ('{ kind = "dense", algorithm = "digitl" }', "rules.0.algorithm (= digitl): no such algorithm (did you mean"),
        ('{ kind = "dense", algorithm = "ttv2", layout = "two-array" }', "two-array does not have what ttv2 needs"),
        ('{ kind = "dense", layout = "nope" }', "rules.0.layout (= nope): must be the name or the path of a layout"),
        (f'{ENDS}, {{ kind = "dense", algorithm = "sgd" }}', "rules.0: decides about no node"),
        ('{ kind = "dense" }', "rules.0: decides nothing"),
        ('{ algorithm = "sgd" }', "rules.0.nodes: is missing"),
        ('{ kind = "dense", algorithm = "digital", out_scaling = 2.0 }', "rules.0.out_scaling (= 2.0): is for arrays"),
        ('{ kind = "dense", device = { preset = "ideall" } }', "rules.0.device.preset (= ideall)"),
    ],
)
def test_what_a_rule_cannot_say_is_refused_in_one_line(rules, message):
    with pytest.raises(TwinError) as caught:
        loaded(rules)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_extraction_and_digital_rules_exclude_each_other():
    plan = plan_run(
        "digits-mlp",
        "aimc-512",
        "two-array",
        "sgd",
        "replayed",
        OWN | {"rules": f"[{ENDS}]", "extraction.reads": "20"},
        {},
    )
    with pytest.raises(TwinError, match=r"extraction: reads arrays, and rules.0 keeps the matrix of first"):
        check_all([plan])


ALGORITHMS = ("digital", "sgd", "shd", "ttv2", "cttv2", "agad", "mixed-precision", "digital-shd")


@settings(max_examples=8, deadline=None)
@given(st.tuples(*[st.sampled_from(ALGORITHMS)] * 3), st.sampled_from(("sgd", "ttv2")), st.integers(1, 2))
def test_any_rules_keep_the_invariants_and_have_the_same_bits_in_both_modes(names, run, in_flight):
    rules = ", ".join(
        f'{{ nodes = ["{node}"], algorithm = "{name}" }}'
        for node, name in zip(("first", "middle", "head"), names, strict=True)
    )
    layout = {"sgd": "two-array", "ttv2": "three-array"}[run]
    weights = []
    for mode in ("replayed", "coupled"):
        parts = parts_of(rules, run, layout, mode, {}, **{"training.in_flight": str(in_flight)})
        weights.append(train(parts, 6))  # the engine checks its invariants when it ends
        assert {tile.layer for tile in parts.mapping.tiles} == {
            k for k, name in enumerate(names) if not name.startswith("digital")
        }
    for one, other in zip(*weights, strict=True):
        np.testing.assert_array_equal(one, other)


ALL = '{{ kind = "dense", {own} }}'


@pytest.mark.parametrize(
    ("own", "instead", "chip"),
    [
        ('device = { preset = "ecram" }', {"device": '{ preset = "ecram" }'}, {}),
        ('io = { out_noise = 0.5, noise_management = "none" }', {}, {"out_noise": "0.5", "noise_management": '"none"'}),
    ],
)
def test_what_a_rule_gives_all_nodes_is_what_the_run_would_give_them(own, instead, chip):
    ruled = parts_of(ALL.format(own=own), algorithm="ttv2", layout="four-array", chip={})
    io = {f"tile.io.{key}": value for key, value in chip.items()}
    plain = parts_of(algorithm="ttv2", layout="four-array", chip=io, **instead)
    for one, other in zip(train(ruled), train(plain), strict=True):
        np.testing.assert_array_equal(one, other)
    assert ruled.engine.now_ps == plain.engine.now_ps
    for name in ("energy", "area"):
        assert ruled.engine.tables()[name].equals(plain.engine.tables()[name])


def test_tiles_of_a_node_have_the_pulses_of_its_devices_and_the_energy_of_its_converters():
    rule = '{ nodes = ["middle"], device = { preset = "ecram", pulse_time = "50 ns" }, io = { out_res = 62 } }'
    parts = parts_of(rule, chip={})
    train(parts)
    own = load_chip("aimc-512", {"tile.io.out_res": "62"}).model
    tables, chip = parts.engine.tables(), parts.plan.chip.model
    energy = tables["energy"].groupby(["layer", "component"])["energy_J"].sum()
    converted = tables["operations"].groupby("layer")["converted"].sum()
    for layer, one in ((0, chip), (1, own), (2, chip)):
        assert energy[layer, "converters"] == pytest.approx(converted[layer] * one.tile.converter.energy)
    assert own.tile.converter.energy < 0.5 * chip.tile.converter.energy
    updates = tables["operations"].query("kind == 'update'").set_index("layer")
    slots = [updates.loc[layer, "busy_ps"] / updates.loc[layer, "pulses"] for layer in range(3)]
    assert slots[0] == slots[2] == pytest.approx(chip.tile.pulse_time * chip.tile.sign_phases / PS)
    assert slots[1] == pytest.approx(50e-9 * chip.tile.sign_phases / PS)


def test_areas_of_tiles_are_summed_by_their_own_converters():
    rule = '{ nodes = ["middle"], io = { out_res = 62 } }'
    chips = [load_chip("aimc-512", {"tile.io.out_res": str(steps)}).model for steps in (510, 62)]
    areas = [2 * one.tile.converter.count * one.tile.converter.area for one in chips]  # on both sides
    area = parts_of(rule, chip={}).engine.tables()["area"].set_index("part")["area_m2"]
    assert area["converters"] == pytest.approx(2 * areas[0] + areas[1])


@pytest.mark.parametrize(
    ("io", "words"),
    [
        ("out_rse = 62", "rules.0.io.out_rse (= 62): tile.io has no such key (did you mean out_res?)"),
        ("out_res = 63", "rules.0.io.out_res (= 63): must be even"),
        ('noise_management = "no"', 'rules.0.io.noise_management (= no): must be "abs_max" or "none"'),
    ],
)
def test_io_that_no_tile_can_have_is_refused(io, words):
    with pytest.raises(TwinError) as error:
        parts_of(ALL.format(own=f"io = {{ {io} }}"), chip={})
    assert words in str(error.value)
    assert "\n" not in str(error.value)


def test_what_is_read_of_a_layer_is_the_main_matrix_of_its_own_algorithm():
    parts = parts_of('{ nodes = ["middle"], algorithm = "ttv2", layout = "three-array" }', chip={})
    found = magnitudes(parts.machine, 0)
    alike = parts_of(algorithm="ttv2", layout="three-array", chip={})
    assert found[1] == magnitudes(alike.machine, 0)[1] > 0
    assert (found > 0).all()
