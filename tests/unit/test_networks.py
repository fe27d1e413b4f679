"""Is a network's dataflow graph what the formulas of a training step say?"""

import networkx as nx
import pytest

from twin.config.network import Network as NetworkConfig
from twin.networks.network import Network


def network_of(*layers, inputs=64, loss="cross-entropy"):
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
    assert graph.nodes["W0"] == {"rows": 48, "columns": 65}
    assert graph.nodes["W2"] == {"rows": 10, "columns": 21}


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
