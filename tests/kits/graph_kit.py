"""Networks that are graphs in float64 NumPy, written from their formulas and sharing no numerics with twin."""

from dataclasses import dataclass

import numpy as np
import pytest
from network_kit import ideal
from reference_networks import FUNCTIONS, Cell, softmax, step_forward
from scipy.special import erf

from twin.chip import ChipCosts
from twin.config.optimiser import Optimiser
from twin.data import Dataset
from twin.engine import Engine
from twin.machine.replay import Encoder
from twin.networks.description import Network as Description
from twin.networks.graph import Graph
from twin.networks.kinds.node import Node
from twin.networks.network import Network


def description(*layers, loss="cross-entropy", steps=0):
    """Return a description; a dense layer that says nothing else is linear and has a bias."""
    plain = {"activation": "identity", "bias": True}
    whole = [plain | one if one["kind"] in {"dense", "conv"} else one for one in layers]
    return Description.model_validate({"loss": loss, "steps": steps, "layers": whole})


def gelu(x):
    return 0.5 * x * (1 + np.tanh(np.sqrt(2 / np.pi) * (x + 0.044715 * x**3)))


def exact_gelu(x):
    return 0.5 * x * (1 + erf(x / np.sqrt(2)))


ONE = FUNCTIONS | {"gelu": gelu, "silu": lambda x: x / (1 + np.exp(-x)), "softmax": softmax}


def windows(node, x, fill):
    """Yield each output position of a pool, and the part of the map that it covers."""
    step, pad = node.stride or node.size, node.padding
    height, width = ((side + 2 * pad - node.size) // step + 1 for side in x.shape[:2])
    padded = np.pad(x, ((pad, pad), (pad, pad), (0, 0)), constant_values=fill)
    for i in range(height):
        for j in range(width):
            yield (i, j), padded[i * step : i * step + node.size, j * step : j * step + node.size], (height, width)


def pooled(node, x, fill, function):
    found = {at: function(part, axis=(0, 1)) for at, part, _ in windows(node, x, fill)}
    height, width = max(found)
    return np.array([[found[i, j] for j in range(width + 1)] for i in range(height + 1)])


def conv(node, x, w):
    """Return a convolution: pixels of a window are every `dilation`th, outputs of a group see its channels only."""
    top, bottom, left, right = node.padding
    padded = np.pad(x, ((top, bottom), (left, right), (0, 0)))
    (tall, wide), (down, across) = node.kernel, node.stride
    rows, columns = (np.arange(n) * gap for n, gap in zip((tall, wide), node.dilation, strict=True))
    height, width = (padded.shape[0] - rows[-1] - 1) // down + 1, (padded.shape[1] - columns[-1] - 1) // across + 1
    own, outputs = x.shape[2] // node.groups, w.shape[0] // node.groups
    out = np.zeros((height, width, w.shape[0]))
    for i, j, g in np.ndindex(height, width, node.groups):
        part = padded[np.ix_(i * down + rows, j * across + columns, np.arange(g * own, (g + 1) * own))].ravel()
        group = slice(g * outputs, (g + 1) * outputs)
        out[i, j, group] = w[group] @ (np.append(part, 1.0) if node.bias else part)
    return out


def dense(node, x, w):
    rows = x if x.ndim == 2 else x.reshape(1, -1)
    if node.bias:
        rows = np.concatenate([rows, np.ones((len(rows), 1))], axis=1)
    out = rows @ w.T
    return out if x.ndim == 2 else out[0]


def normed(kind, x, p, epsilon):
    rows = x.reshape(-1, x.shape[-1])
    axis = 0 if kind == "batch-norm" else 1
    mean = 0.0 if kind == "rms-norm" else rows.mean(axis=axis, keepdims=True)
    hat = (rows - mean) / np.sqrt(((rows - mean) ** 2).mean(axis=axis, keepdims=True) + epsilon)
    width = x.shape[-1]
    return (hat * p[:width] + (0.0 if kind == "rms-norm" else p[width:])).reshape(x.shape)


def attention(node, q, k, v):
    count, width = q.shape[0], q.shape[1] // node.heads
    out = np.zeros_like(q)
    for h in range(node.heads):
        part = slice(h * width, (h + 1) * width)
        scores = q[:, part] @ k[:, part].T / np.sqrt(width)
        if node.causal:
            scores = np.where(np.tril(np.ones((count, count))) > 0, scores, -np.inf)
        out[:, part] = softmax(scores) @ v[:, part]
    return out


def recurrent(node, x, w):
    """Return the states at all steps of a text (codes) or of what another recurrent layer gave, from zero."""
    cell, state, out = Cell(node.kind, node.hidden, node.bias), (np.zeros(node.hidden),) * 2, []
    if x.ndim == 1:
        x = np.eye(w.shape[1] - node.hidden - node.bias)[np.asarray(x, int)]
    for row in x:
        h, state, _ = step_forward(cell, w, row, state)
        out.append(h)
    return np.array(out)


def spikes(node, x, there):
    """Return the spikes of all steps; `there` gets the membranes, or has those of the point where slopes are sought.

    From that point on a spike follows the fast sigmoid of its surrogate, and what it resets stays as it is there.
    """
    rest, out, known = np.zeros(x.shape[1]), [], bool(there)
    for step, current in enumerate(x):
        u = node.decay * rest + current
        if not known:
            there.append(u)
        spike = (there[step] >= node.threshold).astype(float)
        rest = u * (1 - spike) if node.reset == "zero" else u - node.threshold * spike
        over, base = u - node.threshold, there[step] - node.threshold
        out.append(spike + over / (1 + node.slope * abs(over)) - base / (1 + node.slope * abs(base)))
    return np.array(out)


MATRICES = {"dense": dense, "conv": conv, "lstm": recurrent, "rnn": recurrent, "gru": recurrent}


def evaluated(graph, weights, learnt, x, target, membranes=None):
    """Return the loss of one sample, summed over its positions; parameters as of `evaluated_batch`."""
    return evaluated_batch(graph, weights, learnt, [x], [target], membranes)


def evaluated_batch(graph, weights, learnt, xs, targets, membranes=None):
    """Return the losses of a batch, summed over samples and positions; parameters as of `values_of`."""
    last, loss = graph.nodes[-1], 0.0
    of_loss = last.node.kind == "softmax" and graph.loss == "cross-entropy"
    outputs = values_of(graph, weights, learnt, xs, membranes)[last.inputs[0] if of_loss else last.name]
    for out, target in zip(outputs, targets, strict=True):
        rows = np.atleast_2d(out)
        if graph.loss == "squared-error":
            loss += 0.5 * np.sum((out.ravel() - target) ** 2)
        else:
            chosen = np.asarray(target, int).reshape(-1)
            loss -= np.sum(np.log(softmax(rows)[np.arange(len(rows)), chosen]))
    return loss


def values_of(graph, weights, learnt, xs, membranes=None):
    """Return the outputs of all nodes for all samples of a batch, by name.

    Parameters
    ----------
    graph : Graph
    weights : list of (outputs, inputs)
        Of matrices in the order of their nodes.
    learnt : list of vectors
        Of nodes with digital parameters, in order.
    xs : list of arrays
        A sample each.
    membranes : dict or None
        Of spiking neurons at the point where slopes are sought; empty before that.
    """
    values, weights, learnt = {"input": xs}, iter(weights), iter(learnt)
    membranes = {} if membranes is None else membranes
    for node, name, inputs, *_ in graph.nodes:
        given, kind = list(zip(*(values[one] for one in inputs), strict=True)), node.kind
        matrices = [next(weights) for _ in range(2 if kind == "gru" else kind in MATRICES)]
        own = np.concatenate(matrices) if matrices else next(learnt) if learns(node) else None
        if kind == "batch-norm":
            rows = [x.reshape(-1, x.shape[-1]) for (x,) in given]
            found = np.split(normed(kind, np.concatenate(rows), own, node.epsilon), len(rows))
            values[name] = [out.reshape(x.shape) for out, (x,) in zip(found, given, strict=True)]
        elif kind == "lif":
            values[name] = [spikes(node, x, membranes.setdefault((name, k), [])) for k, (x,) in enumerate(given)]
        else:
            values[name] = [computed(node, one, own) for one in given]
    return values


def learns(node):
    """Return whether a node has digital parameters."""
    return type(node).parameters is not Node.parameters


def computed(node, given, own):
    """Return the output of a node on one sample."""
    kind = node.kind
    if kind in MATRICES:
        out = MATRICES[kind](node, given[0], own)
        activation = getattr(node, "activation", "softmax")  # that of a cell is part of it, a softmax of the loss
        return out if activation == "softmax" else FUNCTIONS[activation](out)
    if kind in ONE:
        return exact_gelu(given[0]) if getattr(node, "approximate", "") == "none" else ONE[kind](given[0])
    if kind in {"layer-norm", "rms-norm"}:
        return normed(kind, given[0], own, node.epsilon)
    return OTHERS[kind](node, given, own)


OTHERS = {
    "add": lambda _, x, __: x[0] + x[1],
    "multiply": lambda _, x, __: x[0] * x[1],
    "concat": lambda _, x, __: np.concatenate(x, axis=-1),
    "flatten": lambda _, x, __: x[0].ravel(),
    "reshape": lambda node, x, _: x[0].reshape(node.to),
    "transpose": lambda _, x, __: x[0].T,
    "last": lambda _, x, __: x[0][-1],
    "dropout": lambda _, x, __: x[0],
    "max-pool": lambda node, x, _: pooled(node, x[0], -np.inf, np.max),
    "average-pool": lambda node, x, _: pooled(node, x[0], np.nan, np.nanmean),
    "global-average-pool": lambda _, x, __: x[0].reshape(-1, x[0].shape[-1]).mean(axis=0),
    "embedding": lambda node, x, learnt: learnt.reshape(-1, node.width)[np.asarray(x[0], int)],
    "positions": lambda _, x, learnt: x[0] + learnt.reshape(x[0].shape),
    "bias": lambda _, x, learnt: x[0] + learnt,
    "attention": lambda node, x, _: attention(node, *x),
    "time-steps": lambda node, x, _: np.tile(x[0].ravel(), (node.steps, 1)),
}


@dataclass
class Trained:
    """A machine with ideal devices for a graph, and what its NumPy counterpart needs."""

    graph: Graph
    ideal: object
    data: Dataset

    @property
    def network(self):
        return self.ideal.machine.network

    def learnt(self):
        """Return the digital parameters of all nodes that have some, in the order of the description."""
        nodes = [node for node in self.network.flow.nodes if node.parameters] if self.network.flow else []
        machine = self.ideal.machine
        places = [(int(machine.nodes[node.index]["p"]), node.parameters) for node in nodes]
        return [machine.f[at : at + n].astype(float) for at, n in places]

    def weights(self):
        """Return the matrices."""
        return [one.astype(float) for one in self.ideal.weights()]

    def sample(self, number):
        """Return a sample in its shape, and its target."""
        x = self.data.inputs[number].astype(float)
        return x if self.data.symbols else x.reshape(self.data.shape), self.data.targets[number]


def trained(described, shape, *, samples=4, symbols=0, seed=3, rate=0.1, optimiser=None, **options):
    """Build a machine for a graph on random data."""
    draw = np.random.default_rng(seed)
    graph = Graph.of(described, shape, symbols)
    outputs = graph.shapes[graph.nodes[-1].name]
    size = int(np.prod(shape))
    inputs = draw.integers(0, symbols, (samples, size)) if symbols else draw.uniform(-1, 1, (samples, size))
    positions = outputs[0] if len(outputs) > 1 else 1
    if described.loss == "cross-entropy":
        targets = draw.integers(0, outputs[-1], (samples, positions))
    else:
        targets = draw.uniform(-1, 1, (samples, int(np.prod(outputs))))
    names = tuple(map(chr, range(97, 97 + symbols)))
    data = Dataset(inputs, targets, inputs, targets, tuple(shape), symbols=names, sequential=bool(symbols))
    network = Network.from_config(described, shape, symbols)
    optimiser = optimiser or Optimiser(kind="sgd", learning_rate=rate)
    made = ideal(network, data, options.pop("algorithm", "digital"), rate=rate, optimiser=optimiser, **options)
    return Trained(graph, made, data)


def slopes(function, values, count, draw, step=1e-5):
    """Return some elements of a list of arrays, and the derivative of `function` of the list by each."""
    found = []
    for number, array in enumerate(values):
        for flat in draw.choice(array.size, min(count, array.size), replace=False):
            at = np.unravel_index(flat, array.shape)
            low, high = ([one.copy() for one in values] for _ in range(2))
            low[number][at] -= step
            high[number][at] += step
            found.append((number, at, (function(high) - function(low)) / (2 * step)))
    return found


def check(made, tolerance=2e-3):
    """Hold the loss and the step of a sample against NumPy's and its finite differences."""
    x, target = made.sample(0)
    weights, learnt = made.weights(), made.learnt()
    values, membranes = [*weights, *learnt], {}

    def loss(changed):
        return evaluated(made.graph, changed[: len(weights)], changed[len(weights) :], x, target, membranes)

    (found,) = made.ideal.train(0, 1)
    assert found == pytest.approx(loss(values) / made.network.losses, rel=1e-4)
    after = [*made.weights(), *made.learnt()]
    for number, at, slope in slopes(loss, values, 12, np.random.default_rng(1)):
        step = (values[number][at] - after[number][at]) / 0.1
        assert step == pytest.approx(slope, rel=tolerance, abs=2e-5), (number, at)


def engine_of(made, performs, in_flight):
    """Put an engine around a machine."""
    ideal = made.ideal
    examples = len(made.data.inputs)
    encoder = Encoder(ideal.encoder.program, in_flight, lambda sample: sample % examples)
    effects = performs(ideal.machine, ideal.encoder.program, encoder)
    effects.segment(0, 10**6)
    engine = Engine(ideal.encoder.program, effects, ChipCosts(ideal.chip, ideal.machine.mapping), in_flight)
    return Watched(engine, effects)


class Watched:
    """An engine that says to its effects what it runs next."""

    def __init__(self, engine, effects):
        self._engine, self._effects = engine, effects

    def __getattr__(self, name):
        return getattr(self._engine, name)

    def run(self, first, last):
        self._effects.segment(first, last)
        self._engine.run(first, last)

    @property
    def effects_losses(self):
        return list(self._effects.losses)
