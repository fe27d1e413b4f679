"""`twin import scalesim` and `neurosim`: tables of layers become networks with the table's shapes and weights."""

from math import prod
from pathlib import Path

import pytest
from command_kit import run_main
from hypothesis import given
from hypothesis import strategies as st

from twin.descriptions.load import load_workload
from twin.errors import TwinError
from twin.imports.topologies.network import network_of
from twin.imports.topologies.rows import Row, Table, neurosim, scalesim
from twin.networks.graph import Graph

HEADING = "Layer name, IFMAP Height, IFMAP Width, Filter Height, Filter Width, Channels, Num Filter, Strides,"
RESIDUAL = """
Stem,56,56,7,7,3,16,2,
A1,14,14,3,3,16,32,2,
A2,7,7,3,3,32,32,1,
Short,14,14,1,1,16,32,2,
B1,7,7,3,3,32,32,1,
FC,1,1,1,1,32,10,1,
"""
INCEPTION = """
Stem,28,28,3,3,3,16,1,
One,28,28,1,1,16,8,1,
Reduce,28,28,1,1,16,8,1,
Three,28,28,3,3,8,12,1,
Next,14,14,1,1,20,6,1,
FC,1,1,1,1,1176,5,1,
"""
DEPTHWISE = """
Stem,32,32,3,3,3,8,2,
Apart,16,16,3,3,1,1,1,#dw
Point,16,16,1,1,8,16,1,
Apart2,16,16,3,3,16,1,2,
Point2,8,8,1,1,16,24,1,
"""
VGG = """32,32,3,3,3,16,0,1
32,32,16,3,3,16,1,1
16,16,16,3,3,32,1,1
1,1,2048,1,1,64,0,1
1,1,64,1,1,10,0,1
"""


def table(path, text):
    path.write_text(text)
    return path


def topology(tmp_path, body):
    return scalesim(table(tmp_path / "net.csv", HEADING + body))


def kinds(found):
    return [node["kind"] for node in found.nodes if node["kind"] != "relu"]


def test_branches_of_one_shape_are_added_up_and_a_shortcut_starts_where_its_shape_is(tmp_path):
    found = network_of(topology(tmp_path, RESIDUAL))
    by_name = {node["name"]: node for node in found.nodes}
    assert kinds(found) == ["conv", "max-pool", "conv", "conv", "conv", "add", "conv", "global-average-pool", "dense"]
    assert by_name["Short"]["inputs"] == ["Stem-relu-pool"]
    assert by_name["Short-relu-sum"]["inputs"] == ["A2-relu", "Short-relu"]
    assert found.shapes["Stem"] == (28, 28, 16)
    assert by_name["Stem"]["padding"] == [2, 3, 2, 3]
    assert "A2-relu and Short-relu added up" in found.said


def test_open_branches_are_joined_where_their_channels_add_up(tmp_path):
    found = network_of(topology(tmp_path, INCEPTION))
    by_name = {node["name"]: node for node in found.nodes}
    joined = by_name["Three-relu-joined"]
    assert joined["inputs"] == ["One-relu", "Three-relu"]
    assert by_name["Reduce"]["inputs"] == ["Stem-relu"]
    assert found.shapes["Three-relu-joined-pool"] == (14, 14, 20)
    assert "global-average-pool" not in kinds(found)  # 14 x 14 x 6 is 1176


def test_a_filter_a_channel_is_a_convolution_with_groups(tmp_path):
    found = network_of(topology(tmp_path, DEPTHWISE))
    groups = [node.get("groups", 1) for node in found.nodes if node["kind"] == "conv"]
    assert groups == [1, 8, 1, 16, 1]


def test_a_network_of_neurosim_pools_where_its_table_says(tmp_path):
    found = network_of(neurosim(table(tmp_path / "NetWork.csv", VGG)))
    assert kinds(found) == ["conv", "conv", "max-pool", "conv", "max-pool", "dense", "dense"]
    assert found.nodes[-1]["activation"] == "softmax"


def test_a_kernel_without_padding_is_seen_by_the_layer_after_it(tmp_path):
    found = network_of(topology(tmp_path, "\nA,224,224,11,11,3,8,4,\nB,27,27,5,5,8,8,1,\n"))
    assert found.shapes["A"] == (54, 54, 8)  # (224 - 11) / 4 + 1, not 56
    assert "padding" not in found.nodes[0]


@pytest.mark.parametrize(
    ("command", "text", "weights"),
    [
        ("scalesim", HEADING + RESIDUAL, None),
        ("scalesim", HEADING + DEPTHWISE, 9 * 3 * 8 + 9 * 8 + 8 * 16 + 9 * 16 + 16 * 24),
        ("neurosim", VGG, 9 * (3 * 16 + 16 * 16 + 16 * 32) + 2048 * 64 + 64 * 10),
    ],
)
def test_the_file_is_a_workload_with_the_weights_of_the_table(tmp_path, monkeypatch, capsys, command, text, weights):
    path, out = table(tmp_path / "net.csv", text), tmp_path / "net.toml"
    code, said, err = run_main(monkeypatch, capsys, "import", command, path, "--out", out)
    assert (code, err) == (0, "")
    assert f"time it: twin compare --timing-only {out}" in said
    rows = (scalesim if command == "scalesim" else neurosim)(path).rows
    expected = weights or sum(prod(row.kernel) * row.channels * row.filters for row in rows)
    model = load_workload(str(out)).model
    graph = Graph.of(model.network, model.data.shape)
    assert sum(row.parameters for row in graph.rows() if row.home == "arrays") == expected


@given(st.lists(st.tuples(st.sampled_from([1, 3, 5]), st.integers(2, 9), st.booleans()), min_size=1, max_size=6))
def test_a_chain_of_neurosim_comes_back_as_it_was(layers):
    side, channels, rows = 64, 3, []
    for line, (kernel, filters, pool) in enumerate(layers, 1):
        rows.append(Row(line, f"layer-{line}", side, side, channels, (kernel, kernel), filters, 1, pool))
        side, channels = side // (2 if pool else 1), filters
    rows.append(Row(9, "last", 1, 1, side * side * channels, (1, 1), 7, 1))
    if side == 1 or channels == side * side * channels:
        return
    found = network_of(Table("net", tuple(rows)))
    assert [node["channels"] for node in found.nodes if node["kind"] == "conv"] == [one for _, one, _ in layers]
    assert kinds(found).count("max-pool") == sum(pool for *_, pool in layers)
    assert found.shapes["last"] == (7,)


MISTAKES = {
    "empty": ("", "has no layers"),
    "products": ("Layer,M,N,K,\nQKT,1024,1024,64,\n", "a list of matrix products (M, N, K) is no network"),
    "short": (HEADING + "\nA,1,2,3\n", ":2: A, 1, 2, 3: must be a name and 7 numbers, and has 3"),
    "zero": (HEADING + "\nA,8,8,3,3,0,4,1\n", ":2: '0': must be a whole number from 1"),
    "fraction": (HEADING + "\nA,8,8,3,3,1.5,4,1\n", ":2: '1.5': must be a whole number from 1"),
    "lost": (HEADING + "\nA,8,8,3,3,1,4,1\nB,9,9,3,3,5,4,1\n", ":3: B: takes 9 x 9 x 5, which nothing before it gives"),
    "loose": (HEADING + "\nA,8,8,3,3,2,4,1\nB,8,8,3,3,2,5,1\n", "several branches lead nowhere (A-relu, B)"),
    "no text": (b"\xff\xfe1,2", "is no UTF-8"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_one_line(mistake, tmp_path, monkeypatch, capsys):
    text, expected = MISTAKES[mistake]
    path = tmp_path / "net.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    code, _, err = run_main(monkeypatch, capsys, "import", "scalesim", path, "--out", tmp_path / "net.toml")
    assert (code, err.count("\n"), (tmp_path / "net.toml").exists()) == (2, 1, False)
    assert expected in err


@given(st.text(max_size=200), st.sampled_from([scalesim, neurosim]))
def test_any_text_is_a_network_or_one_line(tmp_path_factory, text, read):
    path = Path(tmp_path_factory.getbasetemp() / "any.csv")
    path.write_text(text, encoding="utf-8", errors="replace")
    try:
        said = "".join(network_of(read(path)).said)
    except TwinError as error:
        said = str(error)
    assert "\n" not in said
