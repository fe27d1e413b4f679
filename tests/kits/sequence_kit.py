"""Stacks of recurrent layers on a text, for twin and for NumPy."""

import numpy as np
from reference_networks import Cell, Full

from twin.data import Dataset
from twin.networks.kinds.matrices import Recurrent as RecurrentNode
from twin.networks.layers import Dense
from twin.networks.lowering import cells
from twin.networks.network import Network

STACKS = {
    "lstm": [Cell("lstm", 4), Full("softmax")],
    "lstm-lstm": [Cell("lstm", 5), Cell("lstm", 3), Full("softmax")],
    "rnn": [Cell("rnn", 6), Full("softmax")],
    "rnn-lstm": [Cell("rnn", 3, bias=False), Cell("lstm", 4, bias=False), Full("softmax", bias=False)],
    "gru": [Cell("gru", 4), Full("softmax")],
    "gru-gru": [Cell("gru", 5), Cell("gru", 3, bias=False), Full("softmax")],
    "lstm-gru-rnn": [Cell("lstm", 3), Cell("gru", 4), Cell("rnn", 2), Full("softmax")],
    "lstm-dense": [Cell("lstm", 4), Full("sigmoid"), Full("softmax")],
}


def network_of(layers, symbols, steps):
    """Return twin's description of the same layers."""
    made, width = [], symbols
    for k, one in enumerate(layers):
        if isinstance(one, Cell):
            node = RecurrentNode(kind=one.kind, hidden=one.hidden, bias=one.bias)
            made += cells(len(made), node, width, steps, one_hot=k == 0)
        else:
            outputs = symbols if k == len(layers) - 1 else 4
            made.append(Dense(len(made), width, outputs, one.bias, one.function, steps))
        width = made[-1].size
    return Network(tuple(made), "cross-entropy")


def text_of(symbols, steps, sequences, seed=1):
    """Return a text in which a symbol tells something about the next."""
    rng = np.random.default_rng(seed)
    jumps = rng.integers(1, 3, steps * sequences + 1)
    codes = np.cumsum(jumps) % symbols
    inputs, targets = codes[:-1].reshape(sequences, steps), codes[1:].reshape(sequences, steps)
    names = tuple(map(chr, range(65, 65 + symbols)))
    return Dataset(inputs, targets, inputs[:2], targets[:2], symbols=names, sequential=True)


def whole(layers, weights):
    """Return the weights a layer; a GRU has two matrices."""
    left = iter(weights)
    return [np.concatenate([next(left) for _ in range(1 + (getattr(one, "kind", "") == "gru"))]) for one in layers]
