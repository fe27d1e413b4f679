"""Networks that are timed and not trained: shapes, digital work, statistics, systems of chips."""

import csv
from math import prod

import pandas as pd
import pytest
from blocks_kit import TEXT, small, timed

from twin.descriptions.load import load_chip, load_layout, load_workload
from twin.descriptions.measured import measured
from twin.descriptions.statistics import with_statistics
from twin.errors import TwinError
from twin.mapping import map_layers
from twin.mapping.chips import place_on_chips
from twin.networks.work import cost
from twin.operation import Counts, Kind, Stream
from twin.runs.networks import graph_of
from twin.runs.planning import plan_run
from twin.runs.sections import sectioned
from twin.runs.statistics import statistics_of
from twin.runs.timed import build_timed

SHIPPED = ("resnet-18", "resnet-50", "bert-base", "gpt2-small", "gpt3-175b", "nano-gpt")


def laid(name, *, folded=True):
    return sectioned(load_workload(name).model, folded=folded)


# -- published totals ------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("resnet-18", 11_689_512),  # torchvision's resnet18
        ("resnet-50", 25_557_032),  # torchvision's resnet50; He 2016 gives no total
        ("bert-base", 109_514_298 - 2 * 768),  # bert-base-uncased with its masked-token head, less its two segments
        ("gpt2-small", 124_439_808),  # the released model; Radford 2019 says 117M, corrected
        ("nano-gpt", 6 * 12 * 384**2 + (65 + 256) * 384 + 13 * 2 * 384),  # no biases; 10.65M without positions, shifts
    ],
)
def test_a_network_has_the_published_parameters(name, parameters):
    assert laid(name).parameters == parameters


def test_resnet_50_has_the_published_multiplications():
    layers = laid("resnet-50", folded=False).layers
    assert len(layers) == 54
    multiplications = sum(layer.n_inputs * layer.n_out * layer.uses for layer in layers)
    assert multiplications == pytest.approx(4.09e9, rel=0.001)  # 3.8e9 in He 2016, whose stride is in the 1 x 1


def test_gpt3_has_the_published_parameters_and_training_work():
    found = laid("gpt3-175b")
    assert found.parameters == pytest.approx(175e9, rel=0.003)
    # Brown 2020, Table D.1: 3.14e23 operations for 300e9 tokens: 6 a parameter and token, without attention.
    matrices = sum(6 * n * one.n_in * one.n_out for n, one in zip(found.times, found.layers, strict=True))
    assert matrices * 300e9 == pytest.approx(3.14e23, rel=0.01)


def test_gpt3_attention_is_the_work_of_its_formula():
    graph = graph_of(load_workload("gpt3-175b").model)
    node = next(one for one in graph.nodes if one.node.kind == "attention")
    positions, width = graph.shapes[node.name]
    attention = cost("attention", positions, width, heads=node.node.heads, causal=node.node.causal)
    pairs = 2048 * 2049 // 2
    assert attention.forward == 4 * pairs * 12288 + 7 * pairs * 96
    assert attention.backward == 10 * pairs * 12288 + 11 * pairs * 96
    assert attention.kept == 3 * 2048 * 12288


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("bias", (12, 12 + 8, 0, 4)),
        ("positions", (12, 12 + 24, 0, 12)),
        ("layer-norm", (84, 132 + 16, 12, 8)),
        ("gelu", (180, 240, 12, 0)),
        ("softmax-loss", (96, 0, 0, 0)),
    ],
)
def test_digital_work_of_three_positions_of_four_elements(kind, expected):
    assert cost(kind, 3, 4) == expected


def test_pools_compare_or_add_every_element_of_a_window():
    assert cost("max-pool", 2, 5, window=3) == (80, 10, 0, 0)
    assert cost("average-pool", 2, 5, window=3) == (90, 90, 0, 0)


# -- programs ----------------------------------------------------------------------------------------------------


def test_a_section_sends_one_tensor_on_and_one_error_back(tmp_path):
    parts = timed(small(tmp_path, 2), "sgd", "two-array", reuse=False)
    sends = [op for op in parts.program.operations(0) if op.kind is Kind.SEND]
    section = [number for number, layers in enumerate(parts.laid.sections) for _ in layers]
    nodes = parts.network.flow.nodes
    across = [
        (section[parts.network.flow.host(one.inputs[0])], section[one.host])
        for one in nodes
        if one.kind == "send" and section[parts.network.flow.host(one.inputs[0])] != section[one.host]
    ]
    assert across == [(0, 1), (1, 2), (2, 3)]
    assert {op.words for op in sends} == {30 * 600}
    moved = parts.clock.tables()["traffic"]
    assert moved.loc[moved["path"] == "chip_link", "bytes"].sum() == sum(op.words for op in sends)
    assert {op.stream for op in sends} == {Stream.ACTIVATIONS, Stream.ERRORS}


def test_a_send_takes_its_share_of_bandwidth_and_the_latency_to_the_picosecond(tmp_path):
    port = {"system.bandwidth": "10 GB/s", "system.latency": "1 us"}
    parts = timed(small(tmp_path, 1), "sgd", "two-array", chip_overrides=port, reuse=False)
    send = next(op for op in parts.program.operations(0) if op.kind is Kind.SEND and op.layer == 0)
    demand = parts.costs.demand(send)
    assert [one.fixed_ps for one in demand.occupancy] == [30 * 600 * 100]
    assert demand.latency_ps == 1_000_000


def test_every_block_begins_on_chips_of_its_own():
    chip, layout = load_chip("aimc-512").model, load_layout("four-array").model
    found = laid("gpt2-small", folded=False)
    mapping = map_layers(found.shapes, layout, chip)
    placement = place_on_chips(mapping, found.sections, 50)
    for number, layers in enumerate(found.sections):
        chips = {placement.chip[t] for t, tile in enumerate(mapping.tiles) if tile.layer in layers}
        assert {placement.block[k] for k in chips} == {number}
    assert max(placement.chip.count(k) for k in set(placement.chip)) == 50


def test_streams_that_do_not_fit_the_buffer_go_to_memory_and_the_run_says_so(tmp_path):
    tight = timed(small(tmp_path, 1), "sgd", "two-array", chip_overrides={"buffer.size": "1 KiB"})
    assert sum("leave the buffer for the memory" in line for line in tight.warnings) == 3  # parameters of nodes, too
    moved = tight.clock.tables()["traffic"]
    assert set(moved.loc[moved["stream"] == "activations", "path"]) == {"link", "memory", "chip_link"}
    with pytest.raises(TwinError, match=r"more than memory\.size"):
        timed(small(tmp_path, 1), "sgd", "two-array", chip_overrides={"buffer.size": "1 B", "memory.size": "1 B"})


def test_one_chip_is_enough_where_it_holds_all_tiles_or_the_network_is_digital():
    tiles = timed("bert-base", "sgd", "two-array", chip="rpu-4096", chip_overrides={"system.tiles": "8"}).costs.tiles
    for per_chip, chips in ((tiles, 1), (tiles - 1, 13)):  # 12 encoders, the first with what is before it, and the head
        given = {"system.tiles": str(per_chip)}
        assert timed("bert-base", "sgd", "two-array", chip="rpu-4096", chip_overrides=given).chips == chips
    given = {"memory.size": '"64 GiB"', "placement.weights": "memory"}
    digital = timed("bert-base", "digital", "digital", chip="rpu-4096", chip_overrides=given)
    assert digital.chips == 1
    assert digital.clock.now_ps > 0


# -- statistics ----------------------------------------------------------------------------------------------------


def test_counts_over_a_run_are_those_of_the_statistics(tmp_path):
    table = timed(small(tmp_path, 2), "ttv2", "four-array", samples=5).clock.tables()["operations"]
    sums = table.groupby("kind").sum(numeric_only=True)
    layers, uses = 10, 5 * 30
    assert sums.loc["forward", "mvms"] == layers * int(uses * 1.37)
    assert sums.loc["update", "pulses"] == layers * int(uses * 1.31)
    assert sums.loc["transfer", "count"] == layers * (uses // 7)
    assert sums.loc["transfer", "pulses"] == layers * int(uses // 7 * 0.7)


def test_mixed_precision_pulses_the_lines_of_its_busiest_array(tmp_path):
    text = TEXT.replace("[statistics.shd]", "[statistics.mixed-precision]")
    parts = timed(small(tmp_path, 1, text), "mixed-precision", "two-array", samples=4, reuse=False)
    table = parts.clock.tables()["operations"]
    row = table[(table["kind"] == "transfer") & (table["layer"] == 1)].iloc[0]
    assert row["pulses"] == 3 * 300 * 14 // 10  # 600 lines are on two arrays


def test_statistics_of_an_algorithm_without_any_are_asked_for(tmp_path):
    workload = load_workload(small(tmp_path, 1)).model
    with pytest.raises(TwinError, match=r"statistics\.mixed-precision: is missing"):
        statistics_of(workload, "mixed-precision")


def run_folder(folder, rows, shapes):
    """Write the two tables that statistics are measured from."""
    names = ["kind", "layer", "matrix", "count", "uses", *(column.name.lower() for column in Counts)]
    with (folder / "operations.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, names, restval="0")
        writer.writeheader()
        writer.writerows(rows)
    with (folder / "diagnostics.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["layer", "matrix", "what", "value", "unit"])
        for layer, (n_in, n_out) in enumerate(shapes):
            writer.writerow([layer, "", "input lines", n_in, "lines"])
            writer.writerow([layer, "", "output lines", n_out, "lines"])
    return str(folder)


def test_statistics_are_measured_from_the_tables_of_a_run(tmp_path):
    forward = {"kind": "forward", "layer": 0, "matrix": "C", "count": 10, "uses": 50, "mvms": 60, "part_mvms": 120}
    forward |= {"driven": 300, "converted": 240, "conduction": 480}
    update = {"kind": "update", "layer": 0, "matrix": "A", "count": 10, "uses": 50, "pulses": 100}
    update |= {"fired": 200, "coincidences": 400}
    read = {"kind": "read_out", "layer": 0, "matrix": "A", "count": 5, "uses": 5, "converted": 40}
    transfer = {"kind": "transfer", "layer": 0, "matrix": "C", "count": 5, "uses": 5, "pulses": 4, "coincidences": 8}
    found = measured(run_folder(tmp_path, [forward, update, read, transfer], [(10, 4)]))
    assert found["forward_mvms"] == 60 / 50
    assert found["forward_driven"] == 300 / (60 * 10 * 2)  # two arrays share the outputs
    assert found["forward_conduction"] == 480 / (60 * 40)
    assert found["backward_mvms"] == found["forward_mvms"]  # the only layer has no backward pass
    assert found["pulses"] == 100 / 50
    assert found["fired"] == 200 / (100 * (10 * 2 + 4))
    assert found["coincidences"] == 400 / (100 * 40)
    assert found["transfer_pulses"] == 4 / 5
    assert found["transfer_coincidences"] == 8 / (4 * 8)


def stepped(path, algorithm, layout, rules=(), tiles=400):
    own = {"rules": f"[{', '.join(rules)}]"} if rules else {}
    parts = build_timed(plan_run(path, "aimc-512", layout, algorithm, "replayed", own, {"system.tiles": str(tiles)}))
    parts.advance(0)
    return parts.clock.now_ps, parts.clock.tables()


def test_rules_that_decide_what_the_run_does_anyway_change_no_picosecond(tmp_path):
    path = small(tmp_path, 2)
    plain, ruled = (
        stepped(path, "ttv2", "four-array"),
        stepped(path, "sgd", "two-array", ['{kind="dense", algorithm="ttv2"}']),
    )
    assert ruled[0] == plain[0]
    pd.testing.assert_frame_equal(ruled[1]["operations"], plain[1]["operations"])
    digital = stepped(path, "sgd", "two-array", ['{kind="dense", algorithm="digital"}'])
    assert digital[0] == stepped(path, "digital", "digital")[0]


def pulses_of(table):
    return table[table["kind"] == "update"].sort_values("layer")["pulses"].tolist()


def test_layers_of_a_rule_have_the_statistics_of_its_algorithm(tmp_path):
    path = small(tmp_path, 2)
    rules = ['{nodes=["block.1.*"], algorithm="shd"}', '{nodes=["head"], algorithm="digital"}']
    table = stepped(path, "ttv2", "four-array", rules)[1]["operations"]
    alone = [stepped(path, name, "four-array")[1]["operations"] for name in ("ttv2", "shd")]
    mixed, ttv2, shd = (pulses_of(one) for one in (table, *alone))
    assert mixed[:5] == ttv2[:5] != shd[:5]
    assert mixed[5:] == [*shd[5:9], 0]  # the head is digital and has no pulses


def test_rules_need_one_chip_that_holds_all_tiles(tmp_path):
    with pytest.raises(TwinError, match=r"rules\.0: layers of several designs .* raise chip\.system\.tiles"):
        stepped(small(tmp_path, 2), "ttv2", "four-array", ['{nodes=["head"], algorithm="digital"}'], tiles=7)


@pytest.mark.parametrize(("axis", "lines"), [("row", 4), ("column", 5)])
def test_statistics_of_whole_matrices_are_those_of_a_line(tmp_path, axis, lines):
    """10 x 4 on two arrays of 5 inputs each, written 3 times with 6 slots in all and 24 steps."""
    forward = {"kind": "forward", "layer": 0, "matrix": "W", "count": 5, "uses": 5, "mvms": 5, "part_mvms": 10}
    forward |= {"driven": 20, "converted": 40, "conduction": 100}
    write = {"kind": "transfer", "layer": 0, "matrix": "W", "count": 3, "uses": 3, "pulses": 6, "coincidences": 24}
    folder = run_folder(tmp_path, [forward, write], [(10, 4)])
    (tmp_path / "run.json").write_text('{"plan": {"algorithm": "mixed-precision"}}')
    (tmp_path / "workload.toml").write_text(f'[algorithms.mixed-precision]\ntransfer_axis = "{axis}"\n')
    found = measured(folder)
    assert found["transfer_pulses"] == 6 / (3 * lines)
    assert found["transfer_coincidences"] == 24 / (6 / lines * 40)
    assert found["pulses"] == found["fired"] == found["coincidences"] == 0.0


def test_a_run_stands_for_numbers_in_the_description(tmp_path):
    row = {"kind": "forward", "layer": 0, "matrix": "W", "count": 5, "uses": 5, "mvms": 5, "part_mvms": 5}
    row |= {"driven": 20, "converted": 20, "conduction": 100}
    update = {"kind": "update", "layer": 0, "matrix": "W", "count": 5, "uses": 5, "pulses": 15, "fired": 30}
    folder = run_folder(tmp_path, [row, update], [(10, 4)])
    loaded = load_workload("gpt2-small", {"statistics.sgd": f'{{ run = "{folder}", forward_mvms = 2.0 }}'})
    own = loaded.model.statistics["sgd"]
    assert (own.pulses, own.forward_mvms, own.measured) == (3.0, 2.0, folder)
    with pytest.raises(TwinError, match=r"statistics\.sgd\.run .*must name the folder of a finished run"):
        load_workload("gpt2-small", {"statistics.sgd": f'{{ run = "{tmp_path}/nowhere" }}'})


def test_statistics_that_a_workload_leaves_out_are_those_that_ship():
    loaded = load_workload("gpt2-small", {"statistics.ttv2.pulses": "2.5"})
    own = with_statistics(with_statistics(loaded, "agad"), "sgd")
    assert (own.model.statistics["ttv2"].pulses, own.model.statistics["ttv2"].forward_mvms) == (2.5, 1.181)
    assert own.model.statistics["sgd"].pulses == 1.166
    assert own.sources["statistics.sgd.pulses"][0] == "D"
    assert set(own.model.statistics) == {"ttv2", "sgd"}  # AGAD takes those of TTv2


# -- descriptions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("shape = [30, 100]", "shape = [30, 100]\nsymbols = 3", "needs shape or symbols"),
        ("shape = [30, 100]", "symbols = 3", "data.symbols (= 3): must be given where network.steps is"),
        ('set = "none"', 'set = "digits"', 'data.shape: belongs to set = "none"'),
        ("statistics =", "statistics.sdg =", "sources.statistics.sdg"),
    ],
)
def test_mistakes_in_what_is_only_timed_are_named(tmp_path, old, new, message):
    with pytest.raises(TwinError) as error:
        load_workload(small(tmp_path, 3, TEXT.replace(old, new)))
    assert message in str(error.value)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_network_is_timed_without_being_asked(name):
    assert plan_run(name, "aimc-512", "two-array", "sgd").only_timed


# -- sections and copies ---------------------------------------------------------------------------------------------


def test_copies_of_a_block_that_are_alike_stand_for_each_other():
    assert laid("gpt2-small").copies == (1, 11, 1)  # the first decoder has the embedding beside it
    assert laid("resnet-50").copies == (1, 1, 2, 1, 3, 1, 5, 1, 2, 1)
    assert laid("gpt2-small", folded=False).copies == (1,) * 13
    once, every = laid("resnet-50"), laid("resnet-50", folded=False)
    assert sum(once.times) == len(every.layers) == 54


def test_a_block_that_changes_its_tensor_is_not_folded(tmp_path):
    text = TEXT.replace('name = "out", outputs = 600', 'name = "out", outputs = 300')
    text = text.replace('{{ kind = "add", name = "sum", inputs = ["gelu", "input"] }},', "")
    assert sectioned(load_workload(small(tmp_path, 3, text)).model, folded=True).copies == (1, 1, 2, 1)


def test_gpt3_simulates_few_of_its_decoders():
    plan = plan_run("gpt3-175b", "rpu-4096", "two-array", "sgd", chip_overrides={"memory.size": '"64 GiB"'})
    parts = build_timed(plan)
    parts.advance(0)
    decoder = len([op for op in parts.program.operations(0) if op.layer in parts.laid.sections[1]])
    assert parts.chips > 2 * 96
    assert parts.laid.copies == (1, 95, 1)
    assert 0 < parts.events - 2 * decoder < decoder  # beside two of them the embedding and the output


# -- networks that are trained ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("workload", ["digits-mlp", "digits-cnn", "char-transformer"])
def test_any_workload_is_timed_and_its_work_is_counted(workload):
    plan = plan_run(workload, "aimc-512", "two-array", "sgd", "replayed", {"timing.samples": "3"}, timing_only=True)
    parts = build_timed(plan)
    parts.advance(0)
    table = parts.clock.tables()["operations"]
    uses = table[table["kind"] == "update"].set_index("layer")["uses"].sort_index()
    assert uses.tolist() == [3 * layer.uses for layer in parts.network.layers]
    assert parts.laid.parameters == graph_of(load_workload(workload).model).parameters


def test_layers_are_those_that_are_trained():
    parts = build_timed(plan_run("digits-cnn", "aimc-512", "two-array", "sgd", timing_only=True))
    graph = graph_of(load_workload("digits-cnn").model)
    assert [prod(shape) for shape in parts.network.shapes] == [row.parameters for row in graph.rows() if row.uses]
