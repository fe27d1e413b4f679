"""Does a graph of several kinds of nodes follow its gradient, however they are joined?"""

import pytest
from graph_kit import check, description, trained
from node_examples import END, FLAT, MAP, ROWS, START, conv, dense

ADD, MULTIPLY = ({"kind": kind} for kind in ("add", "multiply"))
NETWORKS = {
    "norm of rows before a token-wise layer": (ROWS, [START, {"kind": "layer-norm"}, dense(3), FLAT, END]),
    "max-pool with its layer": (MAP, [conv(3), {"kind": "relu"}, {"kind": "max-pool", "size": 2}, END]),
    "input taken twice": (
        MAP,
        [conv(2, name="a", inputs=["input"]), conv(2, name="b", inputs=["input"]), ADD | {"inputs": ["a", "b"]}, END],
    ),
    "taken three times": (
        MAP,
        [
            conv(2, name="a"),
            conv(2, name="b", inputs=["a"]),
            ADD | {"name": "c", "inputs": ["a", "b"]},
            MULTIPLY | {"inputs": ["c", "a"]},
            END,
        ],
    ),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_follows_the_gradient_of_the_formula(name):
    shape, layers = NETWORKS[name]
    check(trained(description(*layers), shape))


def test_positions_and_a_norm_of_a_text_follow_the_gradient():
    layers = [
        {"kind": "embedding", "width": 4, "std": 0.5},
        {"kind": "positions", "std": 0.5},
        {"kind": "layer-norm"},
        dense(6, activation="softmax"),
    ]
    check(trained(description(*layers, steps=7), (7,), symbols=6))
