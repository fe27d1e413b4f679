"""Networks in which a kind of node stands: every kind has at least one here, and the contract of kinds tries them."""

from typing import NamedTuple

MAP, ROWS = (6, 5, 2), (5, 4)


class Example(NamedTuple):
    """A network, the shape of its samples, and for a text how many symbols it has."""

    layers: list
    shape: tuple
    symbols: int = 0


def dense(outputs, **more):
    return {"kind": "dense", "outputs": outputs} | more


def conv(channels, **more):
    return {"kind": "conv", "channels": channels, "kernel": 3, "padding": 1} | more


def cell(kind, **more):
    return {"kind": kind, "hidden": 3, "bias": True} | more


END = dense(3, activation="softmax")
LAST = {"kind": "last"}
FLAT = {"kind": "flatten"}
START = dense(4, name="start")
QKV = [dense(4, name=name, inputs=["start"]) for name in "qkv"]
SYMBOLS = dense(6, activation="softmax")


def on_map(*layers):
    return Example([conv(3), *layers, END], MAP)


def on_rows(*layers):
    return Example([START, *layers, FLAT, END], ROWS)


def on_text(*layers):
    return Example([*layers, SYMBOLS], (7,), 6)


def window(kind):
    return on_map({"kind": kind, "size": 3, "stride": 2, "padding": 1})


def attention(**more):
    return on_rows(*QKV, {"kind": "attention", "inputs": ["q", "k", "v"]} | more)


def spiking(*layers):
    return Example([*layers, {"kind": "global-average-pool"}, {"kind": "softmax"}], (7,))


LIF = {"kind": "lif", "decay": 0.8, "threshold": 0.4, "slope": 5.0}
EXAMPLES = {
    "dense": [on_map(), on_rows(dense(3, activation="tanh"))],
    "conv": [
        on_map(conv(2, activation="sigmoid")),
        on_map({"kind": "gelu"}, conv(6, kernel=[3, 2], stride=[1, 2], dilation=[2, 1], groups=3)),
    ],
    "lstm": [
        on_text({"kind": "lstm", "hidden": 3, "bias": True}, {"kind": "lstm", "hidden": 2, "bias": True}),
        Example([cell("lstm"), cell("rnn"), {"kind": "gelu"}, FLAT, END], ROWS),
        on_map({"kind": "reshape", "to": [6, 15]}, cell("lstm"), LAST),
    ],
    "rnn": [on_text({"kind": "rnn", "hidden": 3, "bias": False})],
    "gru": [
        on_text({"kind": "gru", "hidden": 3, "bias": True}, {"kind": "gru", "hidden": 2, "bias": False}),
        on_text(cell("gru"), {"kind": "layer-norm"}, {"kind": "gelu"}),
        on_rows(cell("gru"), cell("lstm"), {"kind": "gelu"}),
        Example([cell("gru", bias=False), LAST, END], ROWS),
    ],
    "last": [on_rows(cell("rnn"), LAST)],
    **{kind: [on_map({"kind": kind})] for kind in ("relu", "silu", "sigmoid", "tanh", "identity", "softmax")},
    "gelu": [on_map({"kind": "gelu"}), on_rows({"kind": "gelu", "approximate": "none"})],
    "batch-norm": [on_map({"kind": "batch-norm"})],
    "layer-norm": [on_rows({"kind": "layer-norm"})],
    "rms-norm": [on_rows({"kind": "rms-norm"})],
    "max-pool": [window("max-pool")],
    "average-pool": [window("average-pool")],
    "global-average-pool": [
        on_map({"kind": "global-average-pool"}),
        Example([conv(3), {"kind": "global-average-pool"}, {"kind": "softmax"}], MAP),
    ],
    "flatten": [on_map(FLAT)],
    "reshape": [on_rows({"kind": "gelu"}, {"kind": "reshape", "to": [2, 10]}, dense(3))],
    "transpose": [on_rows({"kind": "transpose"}, dense(2))],
    "dropout": [on_rows({"kind": "dropout", "probability": 0.0})],
    "add": [on_map(conv(3, name="b", inputs=["input"]), {"kind": "add", "inputs": ["conv-0", "b"]}, {"kind": "relu"})],
    "multiply": [on_rows(dense(4, name="b", inputs=["input"]), {"kind": "multiply", "inputs": ["start", "b"]})],
    "concat": [
        on_map(conv(2, name="b", inputs=["input"]), {"kind": "concat", "inputs": ["conv-0", "b"]}, {"kind": "tanh"})
    ],
    "embedding": [on_text({"kind": "embedding", "width": 4, "std": 0.5})],
    "positions": [on_text({"kind": "embedding", "width": 4, "std": 0.5}, {"kind": "positions", "std": 0.5})],
    "bias": [on_map({"kind": "bias"}), on_rows({"kind": "bias"})],
    "time-steps": [
        spiking({"kind": "time-steps", "steps": 3}, dense(4)),
        on_map({"kind": "gelu"}, {"kind": "time-steps", "steps": 3}, dense(4)),
    ],
    "lif": [
        spiking({"kind": "time-steps", "steps": 5}, dense(6), LIF, dense(4), LIF | {"reset": "zero", "slope": 2.0}),
        on_rows({"kind": "gelu"}, LIF, dense(3)),
    ],
    "attention": [attention(heads=2), attention(heads=1, causal=True)],
}
"""By kind."""
