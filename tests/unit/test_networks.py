"""Are a network's layers and its dataflow graph what the formulas of a training step say?"""

import networkx as nx
import pytest

from twin.config.data import SHAPES, Data
from twin.data import load
from twin.descriptions.load import load_workload
from twin.errors import TwinError
from twin.networks.description import Network as NetworkConfig
from twin.networks.layers import Conv, Dense, Recurrent
from twin.networks.network import Network


def network_of(*layers, inputs=(64,), loss="cross-entropy"):
    tables = [{"kind": "dense", "outputs": n, "activation": f, "bias": b} for n, f, b in layers]
    return Network.from_config(NetworkConfig.model_validate({"loss": loss, "layers": tables}), inputs)


def kinds(graph):
    return {(a, b): kind for a, b, kind in graph.edges(data="kind")}


def test_shapes_count_the_bias_line():
    network = network_of((48, "sigmoid", True), (20, "tanh", False), (10, "softmax", True))
    assert list(network.shapes) == [(65, 48), (48, 20), (21, 10)]
    assert [layer.index for layer in network.layers] == [0, 1, 2]
    assert [layer.n_inputs for layer in network.layers] == [64, 48, 20]


def test_the_graph_is_acyclic_and_weights_end_it():
    graph = network_of((48, "sigmoid", True), (20, "tanh", False), (10, "softmax", True)).graph()
    assert nx.is_directed_acyclic_graph(graph)
    assert {node for node in graph if graph.out_degree(node) == 0} == {"W0", "W1", "W2"}
    assert {node for node in graph if graph.in_degree(node) == 0} == {"x0"}
    assert graph.nodes["W0"] == {"rows": 48, "columns": 65, "reuse": 1}
    assert graph.nodes["W2"] == {"rows": 10, "columns": 21, "reuse": 1}


def test_every_edge_is_an_operation():
    graph = network_of((5, "relu", True), (10, "softmax", True)).graph()
    assert kinds(graph) == {
        ("x0", "z0"): "forward",
        ("z0", "x1"): "activation",
        ("x1", "z1"): "forward",
        ("z1", "x2"): "activation",
        ("x2", "d1"): "loss",
        ("d1", "e1"): "backward",
        ("e1", "d0"): "derivative",
        ("d1", "W1"): "update",
        ("x1", "W1"): "update",
        ("d0", "W0"): "update",
        ("x0", "W0"): "update",
    }
    assert graph.edges["x0", "z0"]["matrix"] == "W0"
    assert graph.edges["z0", "x1"]["function"] == "relu"
    assert graph.edges["x2", "d1"]["function"] == "cross-entropy"


@pytest.mark.parametrize("depth", [1, 2, 6])
def test_the_longest_path_goes_up_and_down_once(depth):
    layers = [(10, "tanh", True)] * (depth - 1) + [(10, "identity", False)]
    graph = network_of(*layers, loss="squared-error").graph()
    assert nx.dag_longest_path_length(graph) == 2 * depth + 1 + 2 * (depth - 1) + 1


# -- convolutions ----------------------------------------------------------------------------------------------


def described(*layers, inputs=(28, 28, 1), steps=0, symbols=0):
    table = {"loss": "cross-entropy", "layers": layers, "steps": steps}
    return Network.from_config(NetworkConfig.model_validate(table), inputs, symbols)


def conv(channels, kernel, **more):
    return {"kind": "conv", "channels": channels, "kernel": kernel, "activation": "tanh", "bias": True} | more


SOFTMAX = {"kind": "dense", "outputs": 10, "activation": "softmax", "bias": True}
POOL = {"kind": "max-pool", "size": 2}


def test_lenet_has_the_arrays_of_the_papers():
    # Gokmen 2017: 16 x 26, 32 x 401, 128 x 513, 10 x 129, used 576, 64, 1 and 1 times an image.
    network = Network.from_config(load_workload("mnist-lenet").model.network, (28, 28, 1))
    assert list(network.shapes) == [(26, 16), (401, 32), (513, 128), (129, 10)]
    assert [layer.uses for layer in network.layers] == [576, 64, 1, 1]
    assert [layer.size for layer in network.layers] == [12 * 12 * 16, 4 * 4 * 32, 128, 10]
    assert (network.timed, network.steps) == (False, 1)
    graph = network.graph()
    assert graph.nodes["W0"] == {"rows": 16, "columns": 26, "reuse": 576}
    assert nx.is_directed_acyclic_graph(graph)


@pytest.mark.parametrize(
    ("window", "output"),
    [
        ({}, (6, 6)),
        ({"stride": 2}, (3, 3)),
        ({"stride": 3}, (2, 2)),
        ({"padding": 1}, (8, 8)),
        ({"padding": 3, "stride": 2}, (6, 6)),
        ({"stride": 6}, (1, 1)),
    ],
)
def test_output_positions_are_where_windows_fit(window, output):
    layer = described(conv(2, 3, **window), {"kind": "flatten"}, SOFTMAX, inputs=(8, 8, 1)).layers[0]
    assert (layer.out_height, layer.out_width) == output
    assert layer.uses == output[0] * output[1]
    assert layer.pooled == (*output, 2)


def test_rows_and_columns_that_fill_no_pooling_window_are_dropped():
    network = described(conv(2, 2), {"kind": "max-pool", "size": 3}, SOFTMAX, inputs=(9, 9, 1))
    assert network.layers[0].pooled == (2, 2, 2)
    assert network.layers[1].n_in == 9


def test_channels_of_one_layer_are_inputs_of_the_next():
    network = described(conv(3, 3), POOL, conv(5, 2, bias=False), SOFTMAX, inputs=(8, 8, 1))
    assert [type(layer) for layer in network.layers] == [Conv, Conv, Dense]
    assert list(network.shapes) == [(10, 3), (12, 5), (21, 10)]


def test_maps_need_be_neither_square_nor_grey():
    network = described(conv(4, 3), POOL, SOFTMAX, inputs=(8, 5, 3))
    assert (network.layers[0].n_in, network.layers[0].uses) == (3 * 3 * 3 + 1, 6 * 3)
    assert network.layers[0].pooled == (3, 1, 4)
    assert network.layers[1].n_in == 3 * 1 * 4 + 1


@pytest.mark.parametrize(
    ("layers", "inputs", "words"),
    [
        ([conv(2, 9), SOFTMAX], (8, 8, 1), ["network.layers.0 (conv-0, of 8 x 8 x 1)", "kernel (= 9)", "use"]),
        (
            [conv(2, 3), POOL, conv(2, 4), SOFTMAX],
            (8, 8, 1),
            ["network.layers.2 (conv-2, of 3 x 3 x 2)", "kernel (= 4)"],
        ),
        ([conv(2, 6), SOFTMAX], (8, 5, 3), ["network.layers.0 (conv-0, of 8 x 5 x 3)", "kernel (= 6)"]),
        (
            [conv(2, 5), {"kind": "max-pool", "size": 5}, SOFTMAX],
            (8, 8, 1),
            ["network.layers.1 (max-pool-1, of 4 x 4 x 2)", "size (= 5)"],
        ),
        ([conv(2, 3), SOFTMAX], (64,), ["network.layers.0 (conv-0, of 64)", "needs a map"]),
    ],
)
def test_windows_that_do_not_fit_are_refused(layers, inputs, words):
    with pytest.raises(TwinError) as caught:
        described(*layers, inputs=inputs)
    message = str(caught.value)
    assert "\n" not in message
    assert [word for word in words if word not in message] == []


# -- sequences -------------------------------------------------------------------------------------------------

SYMBOLS = {"kind": "dense", "activation": "softmax", "bias": True}


def block(hidden, kind="lstm", **more):
    return {"kind": kind, "hidden": hidden, "bias": True} | more


def test_the_lstm_has_the_arrays_of_the_papers():
    # Gokmen 2018 and 2021, LSTM2-64-WP with 87 symbols: 256 x 152, 256 x 129 and 87 x 65, used at all 100 steps.
    network = Network.from_config(load_workload("lstm-wp").model.network, (100,), 87)
    assert list(network.shapes) == [(152, 256), (129, 256), (65, 87)]
    assert [layer.uses for layer in network.layers] == [100, 100, 100]
    assert (network.timed, network.steps) == (True, 100)
    graph = network.graph()
    assert graph.nodes["W1"] == {"rows": 256, "columns": 129, "reuse": 100}
    assert graph.edges["z1", "x1"]["kind"] == "recurrence"
    assert not graph.has_edge("z2", "x2")


def test_only_the_first_block_sees_single_symbols():
    network = described(block(4), block(3), SYMBOLS, steps=5, symbols=20)
    assert [layer.one_hot for layer in network.layers[:2]] == [True, False]
    assert [layer.n_in for layer in network.layers] == [20 + 4 + 1, 4 + 3 + 1, 3 + 1]
    assert [layer.loaded for layer in network.layers] == [1 + 4 + 1, 4 + 3 + 1, 4]
    assert [layer.n_out for layer in network.layers] == [16, 12, 20]
    assert [layer.fan for layer in network.layers] == [4, 3, 3]


def test_a_plain_cell_has_one_gate():
    network = described(block(6, "rnn", bias=False), SYMBOLS, steps=2, symbols=9)
    assert isinstance(network.layers[0], Recurrent)
    assert network.shapes[0] == (15, 6)


def test_a_gru_is_two_matrices_of_which_the_second_waits_for_the_first():
    network = described(block(4, "gru"), block(3, "gru"), SYMBOLS, steps=5, symbols=20)
    assert list(network.shapes) == [(25, 8), (25, 4), (8, 6), (8, 3), (4, 20)]
    assert [layer.loaded for layer in network.layers] == [1 + 4 + 1, 1 + 4 + 1, 8, 8, 4]
    assert [layer.joined for layer in network.layers[:4]] == [True, False, True, False]
    assert network.timed


def test_a_recurrent_layer_takes_positions_and_is_followed_by_any_node():
    network = described(block(4, "gru"), {"kind": "last"}, SOFTMAX, inputs=(7, 3))
    assert list(network.shapes) == [(8, 8), (8, 4), (5, 10)]
    assert [layer.uses for layer in network.layers] == [7, 7, 1]
    assert (network.timed, network.carried, network.losses) == (False, False, 1)
    assert network.flow.wanted == (False, True, True)  # the sample wants no error, r h does


def test_dense_layers_above_recurrent_ones_are_used_at_every_step():
    hidden = {"kind": "dense", "outputs": 7, "activation": "relu", "bias": True}
    network = described(block(6), hidden, SYMBOLS, steps=3, symbols=9)
    assert [layer.uses for layer in network.layers] == [3, 3, 3]
    assert list(network.shapes)[1:] == [(7, 7), (8, 9)]


@pytest.mark.parametrize(
    ("layers", "given", "words"),
    [
        ([block(4), SYMBOLS], {"steps": 3}, ["network.layers.0 (lstm-0, of 28 x 28 x 1)", "text"]),
        (
            [block(4), {"kind": "last"}, {"kind": "last"}, SOFTMAX],
            {"inputs": (3, 4)},
            ["layers.2", "of 4)", "features"],
        ),
        ([SOFTMAX], {"symbols": 10}, ["network.layers", "recurrent"]),
        ([block(4), SOFTMAX], {"steps": 3, "symbols": 11}, ["network.layers.1.outputs (= 10)", "11 symbols"]),
        ([block(4, "gru"), SOFTMAX], {"steps": 3, "symbols": 11}, ["network.layers.1.outputs (= 10)", "11 symbols"]),
    ],
)
def test_networks_that_do_not_fit_their_data_are_refused(layers, given, words):
    with pytest.raises(TwinError) as caught:
        described(*layers, **given)
    message = str(caught.value)
    assert "\n" not in message
    assert [word for word in words if word not in message] == []


@pytest.mark.parametrize(
    ("layers", "steps", "word"),
    [
        ([SOFTMAX], 3, "belongs to"),
        ([block(2)], 3, 'must be "softmax" in the last layer'),
        ([SYMBOLS | {"activation": "tanh"}, SOFTMAX], 0, "must be given"),
    ],
)
def test_layers_in_an_order_that_means_nothing_are_refused(layers, steps, word):
    with pytest.raises(ValueError, match=word):
        described(*layers, steps=steps, symbols=9)


def refuse(*_, **__):
    raise OSError("not fetched")


@pytest.mark.parametrize("name", sorted(SHAPES))
def test_the_shapes_of_shipped_images_are_those_of_their_data(name, monkeypatch):
    monkeypatch.setattr("pooch.retrieve", refuse)  # nothing is fetched for a test
    try:
        data = load(Data(set=name, samples=2, test_samples=2), 1)
    except TwinError as error:
        pytest.skip(str(error))
    assert data.shape == SHAPES[name]
