"""ONNX models in which a kind of node stands: by kind the shape of the input, what builds it, and its values."""

import numpy as np
from onnx_kit import PARTS, Sketch


def on_vector(op, **attributes):
    return (6,), lambda s: s.node(op, dense(s, "x", 6, 5), **attributes), 5


def on_map(op, size, **attributes):
    def build(s):
        return s.node("Flatten", s.node(op, conv(s, "x"), **attributes))

    return (2, 6, 5), build, size


def on_rows(op, more=lambda _: (), **attributes):
    def build(s):
        rows = patches(s)
        return s.node("ReduceMean", s.node(op, rows, *more(s), **attributes), s.fixed(np.array([1])), keepdims=0)

    return (2, 6, 4), build, 4


def dense(s, x, n_in, n_out, name="d"):
    return s.node("Gemm", x, s.weight(f"{name}.weight", n_out, n_in), s.weight(f"{name}.bias", n_out), transB=1)


def conv(s, x, name="c"):
    return s.node("Conv", x, s.weight(f"{name}.weight", 3, 2, 3, 3), s.weight(f"{name}.bias", 3), pads=[1, 1, 1, 1])


def patches(s):
    """Six positions of four features."""
    tiles = s.node("Conv", "x", s.weight("p.weight", 4, 2, 2, 2), strides=[2, 2])
    return s.node("Transpose", s.node("Reshape", tiles, s.fixed(np.array([0, 4, -1]))), perm=[0, 2, 1])


def pair(op, size=5, **attributes):
    return (6,), lambda s: s.node(op, dense(s, "x", 6, 5), dense(s, "x", 6, 5, "e"), **attributes), size


def norm_of_channels(s):
    return s.node("Flatten", s.node("BatchNormalization", conv(s, "x"), *(s.weight(f"n.{part}", 3) for part in PARTS)))


WINDOW = {"kernel_shape": [3, 3], "strides": [2, 2], "pads": [1, 1, 1, 1]}
MODELS = {
    "dense": ((6,), lambda s: dense(s, "x", 6, 5), 5),
    "conv": ((2, 6, 5), lambda s: s.node("Flatten", conv(s, "x")), 90),
    "relu": on_vector("Relu"),
    "gelu": on_vector("Gelu", approximate="tanh"),
    "sigmoid": on_rows("Sigmoid"),
    "tanh": on_rows("Tanh"),
    "softmax": on_rows("Softmax", axis=-1),
    "batch-norm": ((2, 6, 5), norm_of_channels, 90),
    "layer-norm": on_rows("LayerNormalization", lambda s: (s.weight("n.weight", 4), s.weight("n.bias", 4))),
    "max-pool": on_map("MaxPool", 27, **WINDOW),
    "average-pool": on_map("AveragePool", 27, **WINDOW),
    "global-average-pool": on_map("GlobalAveragePool", 3),
    "flatten": on_map("Identity", 90),
    "dropout": on_vector("Dropout"),
    "add": pair("Add"),
    "multiply": pair("Mul"),
    "concat": pair("Concat", 10, axis=1),
    "positions": on_rows("Add", lambda s: (s.weight("places", 1, 6, 4),)),
    "bias": ((6,), lambda s: s.node("Add", s.node("Tanh", dense(s, "x", 6, 5)), s.weight("b.weight", 5)), 5),
    "embedding": ((5,), lambda s: s.node("Tanh", s.node("Gather", s.weight("e.weight", 7, 6), "x")), 6),
}
ELSEWHERE = {"identity", "reshape", "transpose", "silu", "rms-norm", "attention", "lstm", "gru", "rnn"}
"""Kinds that come from patterns of ops, or of newer opsets; tests/unit/test_onnx.py has those."""
WITHOUT = {"time-steps", "lif", "last"}
"""Kinds for which ONNX has no op of their own, and no pattern that is read."""
SYMBOLS = {"embedding": 7}


def model_of(kind):
    """Return a model that ends in a dense layer, the shape of its input, and how many symbols it reads."""
    dims, build, size = MODELS[kind]
    symbols = SYMBOLS.get(kind, 0)
    s = Sketch(*dims, integers=bool(symbols))
    x = build(s)
    if symbols:  # at every position
        return s.model(s.node("MatMul", x, s.weight("out.weight", size, symbols)), 20), dims, symbols
    return s.model(dense(s, x, size, 3, "out"), 20), dims, symbols
