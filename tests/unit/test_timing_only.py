"""Networks that are timed and not trained: shapes, digital work, statistics, systems of chips."""

import csv

import pytest
from blocks_kit import TEXT, small, timed

from twin.descriptions.load import load_chip, load_layout, load_timing_only
from twin.descriptions.measured import measured
from twin.errors import TwinError
from twin.mapping import map_layers
from twin.mapping.chips import place_on_chips
from twin.networks.blocks import BlockNetwork, costs
from twin.networks.work import cost
from twin.operation import Counts, Kind, Stream

SHIPPED = ("resnet-50", "bert-base", "gpt2-small", "gpt3-175b")


def network(name, *, expand=False):
    return BlockNetwork.of(load_timing_only(name).model.network, expand=expand)


# -- published totals ------------------------------------------------------------------------------------------


def test_resnet_50_has_the_published_parameters_and_multiplications():
    found = network("resnet-50")
    assert found.parameters == 25_557_032  # torchvision's resnet50; He 2016 gives no total
    every = network("resnet-50", expand=True)
    multiplications = sum(layer.n_in * layer.n_out * layer.uses for layer in every.layers)
    assert len(every.layers) == 54
    assert multiplications == pytest.approx(4.09e9, rel=0.001)  # 3.8e9 in He 2016, whose stride is in the 1 x 1


def test_bert_base_has_the_published_parameters():
    found = load_timing_only("bert-base").model.network
    head = found.blocks[-1]
    extra = sum(0 if layer.tied else layer.n_in * layer.n_out for layer in head.layers)
    extra += sum(one.parameters for layer in head.layers for one in costs(layer))
    assert network("bert-base").parameters - extra == 109_482_240  # bert-base-uncased; "110M" in Devlin 2019


def test_gpt2_small_has_the_published_parameters():
    assert network("gpt2-small").parameters == 124_439_808  # the released model; Radford 2019 says 117M, corrected


def test_gpt3_has_the_published_parameters_and_training_work():
    found = network("gpt3-175b", expand=True)
    assert found.parameters == pytest.approx(175e9, rel=0.003)
    # Brown 2020, Table D.1: 3.14e23 operations for 300e9 tokens: 6 a parameter and token, without attention.
    matrices = sum(6 * layer.n_in * layer.n_out for layer in found.layers if not layer.one_hot)
    assert matrices * 300e9 == pytest.approx(3.14e23, rel=0.01)


def test_gpt3_attention_is_the_work_of_its_formula():
    qkv = load_timing_only("gpt3-175b").model.network.blocks[1].layers[0]
    attention = costs(qkv)[1]
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


def test_a_layer_does_the_digital_work_of_its_formulas(tmp_path):
    parts = timed(small(tmp_path, 1), "sgd", "two-array")
    layer = parts.network.layers[1]
    own = [op for op in parts.program.operations(0) if op.layer == 1]
    activation = next(op for op in own if op.kind is Kind.ACTIVATION)
    derivative = next(op for op in own if op.kind is Kind.DERIVATIVE)
    split = sum(part.out0 == 0 for part in parts.program.layers[1].mapping.parts(1, "W")) - 1
    assert activation.flops == layer.forward_flops + split * 1800 * 30
    assert derivative.flops == layer.backward_flops
    kept = [op for op in own if op.words == 3 * 30 * 600]
    assert [op.kind for op in kept[:2]] == [Kind.STORE, Kind.LOAD]


def test_blocks_send_what_they_hand_on_and_back(tmp_path):
    parts = timed(small(tmp_path, 2), "sgd", "two-array", reuse=False)
    sends = [op for op in parts.program.operations(0) if op.kind is Kind.SEND]
    forward = [op.words for op in sends if op.stream is Stream.ACTIVATIONS]
    backward = [op.words for op in sends if op.stream is Stream.ERRORS]
    assert set(forward) == {30 * 600}
    assert set(backward) == {30 * 600}
    moved = parts.clock.tables()["traffic"]
    assert moved.loc[moved["path"] == "chip_link", "bytes"].sum() == sum(forward) + sum(backward)


def test_a_send_takes_its_share_of_bandwidth_and_the_latency_to_the_picosecond(tmp_path):
    port = {"system.bandwidth": "10 GB/s", "system.latency": "1 us"}
    parts = timed(small(tmp_path, 1), "sgd", "two-array", chip_overrides=port)
    send = next(op for op in parts.program.operations(0) if op.kind is Kind.SEND and op.layer == 0)
    demand = parts.costs.demand(send)
    assert [one.fixed_ps for one in demand.occupancy] == [30 * 600 * 100]
    assert demand.latency_ps == 1_000_000


def test_every_block_begins_on_chips_of_its_own():
    chip, layout = load_chip("aimc-512").model, load_layout("four-array").model
    found = network("gpt2-small", expand=True)
    mapping = map_layers(found.shapes, layout, chip)
    placement = place_on_chips(mapping, found.blocks, 50)
    for number, layers in enumerate(found.blocks):
        chips = {placement.chip[t] for t, tile in enumerate(mapping.tiles) if tile.layer in layers}
        assert {placement.block[k] for k in chips} == {number}
    assert max(placement.chip.count(k) for k in set(placement.chip)) == 50


def test_streams_that_do_not_fit_the_buffer_go_to_memory_and_the_run_says_so(tmp_path):
    tight = timed(small(tmp_path, 1), "sgd", "two-array", chip_overrides={"buffer.size": "1 KiB"})
    assert sum("leave the buffer for the memory" in line for line in tight.warnings) == 2
    moved = tight.clock.tables()["traffic"]
    assert set(moved.loc[moved["stream"] == "activations", "path"]) == {"link", "memory", "chip_link"}
    with pytest.raises(TwinError, match=r"more than memory\.size"):
        timed(small(tmp_path, 1), "sgd", "two-array", chip_overrides={"buffer.size": "1 B", "memory.size": "1 B"})


def test_one_chip_is_enough_where_it_holds_all_tiles_or_the_network_is_digital():
    tiles = timed("bert-base", "sgd", "two-array", chip="rpu-4096", chip_overrides={"system.tiles": "8"}).costs.tiles
    for per_chip, chips in ((tiles, 1), (tiles - 1, 15)):  # embedding, 12 encoders, pooler, head
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
    layers, uses = 6, 5 * 30
    assert sums.loc["forward", "mvms"] == layers * int(uses * 1.37)
    assert sums.loc["update", "pulses"] == layers * int(uses * 1.31)
    assert sums.loc["transfer", "count"] == layers * (uses // 7)
    assert sums.loc["transfer", "pulses"] == layers * int(uses // 7 * 0.7)


def test_a_one_hot_input_drives_one_line(tmp_path):
    table = timed(small(tmp_path, 1), "sgd", "two-array").clock.tables()["operations"]
    row = table[(table["kind"] == "forward") & (table["layer"] == 0)].iloc[0]
    assert row["driven"] == pytest.approx(row["mvms"] * 2)  # 600 outputs are two arrays, each drives the line


def test_mixed_precision_pulses_all_its_lines(tmp_path):
    text = TEXT.replace("[statistics.shd]", "[statistics.mixed-precision]")
    parts = timed(small(tmp_path, 1, text), "mixed-precision", "two-array", samples=4, reuse=False)
    table = parts.clock.tables()["operations"]
    row = table[(table["kind"] == "transfer") & (table["layer"] == 1)].iloc[0]
    assert row["pulses"] == 3 * 1800 * 14 // 10


def test_missing_statistics_are_asked_for(tmp_path):
    with pytest.raises(TwinError, match=r"statistics\.mixed-precision: is missing"):
        timed(small(tmp_path, 1), "mixed-precision", "two-array")


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


def test_a_run_stands_for_numbers_in_the_description(tmp_path):
    row = {"kind": "forward", "layer": 0, "matrix": "W", "count": 5, "uses": 5, "mvms": 5, "part_mvms": 5}
    row |= {"driven": 20, "converted": 20, "conduction": 100}
    update = {"kind": "update", "layer": 0, "matrix": "W", "count": 5, "uses": 5, "pulses": 15, "fired": 30}
    folder = run_folder(tmp_path, [row, update], [(10, 4)])
    loaded = load_timing_only("gpt2-small", {"statistics.sgd": f'{{ run = "{folder}", forward_mvms = 2.0 }}'})
    own = loaded.model.statistics["sgd"]
    assert (own.pulses, own.forward_mvms, own.measured) == (3.0, 2.0, folder)
    with pytest.raises(TwinError, match=r"statistics\.sgd\.run .*must name the folder of a finished run"):
        load_timing_only("gpt2-small", {"statistics.sgd": f'{{ run = "{tmp_path}/nowhere" }}'})


# -- descriptions --------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("heads = 4", "heads = 0", "work.1.heads (= 0): must be at least 1"),
        ('kind = "gelu"', 'kind = "gelu", causal = true', "causal (= true): belongs to"),
        ('kind = "gelu"', 'kind = "gelu", window = 2', "window (= 2): belongs to"),
        ('name = "head"', 'name = "block"', "blocks.2.name (= block): is the name of a block above"),
        ('name = "head"', 'name = "head"\nrepeat = 2', "blocks.2.repeat (= 2): must be 1 in the first and the last"),
        ('name = "dense"', 'name = "qkv"', "layers.1.name (= qkv): is the name of a layer above"),
        ('statistics = "assumption: made up', 'nothing = "assumption: made up', "has no source"),
        ('statistics = "assumption: made up', 'statistics = "made up', "must begin with a status"),
    ],
)
def test_mistakes_in_shapes_are_named_by_line_and_key(tmp_path, old, new, message):
    with pytest.raises(TwinError) as error:
        load_timing_only(small(tmp_path, 3, TEXT.replace(old, new)))
    assert message in str(error.value)


@pytest.mark.parametrize("name", SHIPPED)
def test_every_shipped_network_names_the_statistics_of_the_default_algorithms(name):
    assert set(load_timing_only(name).model.statistics) == {"sgd", "shd", "ttv2"}


def test_gpt3_simulates_one_of_its_decoders():
    plan = {"chip": "rpu-4096", "chip_overrides": {"memory.size": '"64 GiB"'}}
    parts = timed("gpt3-175b", "sgd", "two-array", **plan)
    decoder = len([op for op in parts.program.operations(0) if op.layer in parts.network.blocks[1]])
    assert parts.chips > 2 * 96
    assert parts.network.copies == (1, 96, 1)
    assert 0 < parts.events - decoder < decoder  # beside it the embedding and the output
