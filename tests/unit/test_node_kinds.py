"""Does every kind of node compute its formula, and its gradient?"""

import pytest
from graph_kit import check, description, trained

MAP, ROWS = (6, 5, 2), (5, 4)


def dense(outputs, **more):
    return {"kind": "dense", "outputs": outputs} | more


def conv(channels, **more):
    return {"kind": "conv", "channels": channels, "kernel": 3, "padding": 1} | more


END = dense(3, activation="softmax")
ROW_START = dense(4, name="start")
QKV = [dense(4, name=name, inputs=["start"]) for name in "qkv"]

NETWORKS = {
    **{
        kind: (MAP, [conv(3), {"kind": kind}, END])
        for kind in ("relu", "gelu", "silu", "sigmoid", "tanh", "identity", "softmax", "batch-norm", "flatten")
    },
    "layer-norm": (ROWS, [ROW_START, {"kind": "layer-norm"}, {"kind": "flatten"}, END]),
    "rms-norm": (ROWS, [ROW_START, {"kind": "rms-norm"}, {"kind": "flatten"}, END]),
    "norm of rows before a token-wise layer": (
        ROWS,
        [ROW_START, {"kind": "layer-norm"}, dense(3), {"kind": "flatten"}, END],
    ),
    "max-pool": (MAP, [conv(3), {"kind": "max-pool", "size": 3, "stride": 2, "padding": 1}, END]),
    "max-pool with its layer": (MAP, [conv(3), {"kind": "relu"}, {"kind": "max-pool", "size": 2}, END]),
    "average-pool": (MAP, [conv(3), {"kind": "average-pool", "size": 3, "stride": 2, "padding": 1}, END]),
    "global-average-pool": (MAP, [conv(3), {"kind": "global-average-pool"}, END]),
    "reshape": (
        ROWS,
        [ROW_START, {"kind": "gelu"}, {"kind": "reshape", "to": [2, 10]}, dense(3), {"kind": "flatten"}, END],
    ),
    "transpose": (ROWS, [ROW_START, {"kind": "transpose"}, dense(2), {"kind": "flatten"}, END]),
    "dropout": (ROWS, [ROW_START, {"kind": "dropout", "probability": 0.0}, {"kind": "flatten"}, END]),
    "add": (
        MAP,
        [conv(2, name="a"), conv(2, name="b"), {"kind": "add", "inputs": ["a", "b"]}, {"kind": "relu"}, END],
    ),
    "multiply": (
        ROWS,
        [ROW_START, dense(4, name="b"), {"kind": "multiply", "inputs": ["start", "b"]}, {"kind": "flatten"}, END],
    ),
    "concat": (
        MAP,
        [conv(2, name="a"), conv(3, name="b"), {"kind": "concat", "inputs": ["a", "b"]}, {"kind": "tanh"}, END],
    ),
    "attention": (
        ROWS,
        [ROW_START, *QKV, {"kind": "attention", "heads": 2, "inputs": ["q", "k", "v"]}, {"kind": "flatten"}, END],
    ),
    "causal attention": (
        ROWS,
        [ROW_START, *QKV, {"kind": "attention", "heads": 1, "causal": True, "inputs": ["q", "k", "v"]}, END],
    ),
    "input taken twice": (
        MAP,
        [
            conv(2, name="a", inputs=["input"]),
            conv(2, name="b", inputs=["input"]),
            {"kind": "add", "inputs": ["a", "b"]},
            END,
        ],
    ),
    "taken three times": (
        MAP,
        [
            conv(2, name="a"),
            conv(2, name="b", inputs=["a"]),
            {"kind": "add", "name": "c", "inputs": ["a", "b"]},
            {"kind": "multiply", "inputs": ["c", "a"]},
            END,
        ],
    ),
}
TEXTS = {
    "embedding": [{"kind": "embedding", "width": 4, "std": 0.5}, dense(6, activation="softmax")],
    "positions": [
        {"kind": "embedding", "width": 4, "std": 0.5},
        {"kind": "positions", "std": 0.5},
        {"kind": "layer-norm"},
        dense(6, activation="softmax"),
    ],
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_step_follows_the_gradient_of_the_formula(name):
    shape, layers = NETWORKS[name]
    check(trained(description(*layers), shape))


@pytest.mark.parametrize("name", TEXTS)
def test_a_step_on_a_text_follows_the_gradient(name):
    check(trained(description(*TEXTS[name], steps=7), (7,), symbols=6))
