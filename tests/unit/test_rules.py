"""Do rules decide what they say about the matrices of nodes, and refuse what they cannot?"""

import numpy as np
import pytest

from twin.descriptions.load import load_workload
from twin.descriptions.resolved import resolved_toml
from twin.errors import TwinError
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
    assert digital["pulses"].sum() == digital["mvms"].sum() == digital["coincidences"].sum() == 0
    assert table.loc[table["layer"] == 1, "pulses"].sum() > 0
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
    layers = """[
      { kind = "dense", name = "low", outputs = 12, activation = "tanh", bias = false },
      { kind = "dense", name = "head", outputs = 10, activation = "softmax", bias = false },
    ]"""
    parts = parts_of('{ nodes = ["low"], algorithm = "digital" }', **{"network.layers": layers})
    train(parts, 1)
    table = parts.engine.tables()["operations"]
    chip = parts.chip

    def busy(layer, kind):
        return float(table.loc[(table["layer"] == layer) & (table["kind"] == kind), "busy_s"].sum())

    for kind in ("forward", "update"):  # 64 x 12 weights, a multiplication and an addition each
        expected = 2 * 64 * 12 / chip.digital.rate
        assert busy(0, kind) == pytest.approx(expected, abs=1.01 * PS)
    converted = -(-10 // chip.tile.converter.per_tile) / chip.tile.converter.rate if chip.tile.converter else 0.0
    assert busy(1, "forward") >= max(converted, chip.tile.integration_time) * 0.99
    names = [server.name for server in parts.engine.costs.servers]
    assert {"digital", "tile 1.W"} <= set(names)
    assert "tile 0.W" not in names


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
