"""Do a residual CNN with batch norm and a two-block transformer train as in PyTorch?"""

import numpy as np
import pytest
from graph_kit import description, trained

from twin.config.optimiser import Optimiser
from twin.networks.kinds.matrices import Conv

torch = pytest.importorskip("torch", reason="PyTorch is no dependency; pip install torch to hold training against it")
functional = torch.nn.functional

STEPS, T, V, D = 20, 6, 7, 8
CONV = {"kind": "conv", "channels": 4, "kernel": 3, "padding": 1, "bias": False}
RESIDUAL = [
    CONV | {"name": "stem"},
    {"kind": "batch-norm", "name": "norm"},
    {"kind": "relu", "name": "first"},
    CONV | {"name": "a"},
    {"kind": "batch-norm", "name": "na"},
    {"kind": "relu"},
    CONV | {"name": "b"},
    {"kind": "batch-norm", "name": "nb"},
    {"kind": "add", "name": "sum", "inputs": ["first", "nb"]},
    {"kind": "relu"},
    {"kind": "global-average-pool"},
    {"kind": "dense", "outputs": 3, "activation": "softmax"},
]


def block(number, below):
    """Return a block of a transformer, layer norm before: a bias of keys would have no gradient, so there is none."""
    n = f"{number}-"
    return [
        {"kind": "layer-norm", "name": f"{n}ln1", "inputs": [below]},
        *({"kind": "dense", "name": n + one, "outputs": D, "bias": False, "inputs": [f"{n}ln1"]} for one in "qkv"),
        {"kind": "attention", "name": f"{n}mix", "heads": 2, "causal": True, "inputs": [n + one for one in "qkv"]},
        {"kind": "dense", "name": f"{n}out", "outputs": D},
        {"kind": "add", "name": f"{n}mid", "inputs": [below, f"{n}out"]},
        {"kind": "layer-norm", "name": f"{n}ln2"},
        {"kind": "dense", "name": f"{n}up", "outputs": 2 * D},
        {"kind": "gelu", "name": f"{n}gelu", "approximate": "none"},
        {"kind": "dense", "name": f"{n}down", "outputs": D},
        {"kind": "add", "name": f"{n}end", "inputs": [f"{n}mid", f"{n}down"]},
    ]


TRANSFORMER = [
    {"kind": "embedding", "width": D, "std": 0.5},
    {"kind": "positions", "name": "place", "std": 0.5},
    *block(0, "place"),
    *block(1, "0-end"),
    {"kind": "layer-norm"},
    {"kind": "dense", "outputs": V, "activation": "softmax"},
]
NETWORKS = {"residual": (RESIDUAL, (6, 5, 2), 0), "transformer": (TRANSFORMER, (T,), V)}
OPTIMISERS = {
    "sgd": (Optimiser(kind="sgd", learning_rate=0.1), lambda w: torch.optim.SGD(w, lr=0.1)),
    "momentum": (
        Optimiser(kind="momentum", learning_rate=0.02, momentum=0.9),
        lambda w: torch.optim.SGD(w, lr=0.02, momentum=0.9),
    ),
    "adamw": (
        Optimiser(kind="adamw", learning_rate=0.003, weight_decay=0.01),
        lambda w: torch.optim.AdamW(w, lr=0.003, weight_decay=0.01),
    ),
}


def forward(made, weights, learnt, x):
    """Return the scores of a batch by PyTorch's own functions; maps have the channels first."""
    values, weights, learnt = {"input": x}, iter(weights), iter(learnt)
    for node, name, inputs, *_ in made.graph.nodes:
        given = [values[one] for one in inputs]
        values[name] = by_torch(node, given, weights, learnt)
    return values[made.graph.nodes[-1].name]


def by_torch(node, given, weights, learnt):
    if node.kind in {"conv", "dense"}:
        return of_matrix(node, given[0], next(weights))
    if node.kind in {"batch-norm", "layer-norm", "embedding", "positions"}:
        return of_learnt(node, given[0], next(learnt))
    return of_values(node, given)


def of_matrix(node, x, w):
    w, bias = (w[:, :-1], w[:, -1]) if node.bias else (w, None)
    if isinstance(node, Conv):
        whole = w.reshape(w.shape[0], *node.kernel, -1).permute(0, 3, 1, 2)
        return functional.conv2d(x, whole, bias, node.stride, node.padding[0], node.dilation, node.groups)
    return functional.linear(x, w, bias)


def of_learnt(node, x, learnt):
    if node.kind == "embedding":
        return functional.embedding(x, learnt.reshape(-1, node.width))
    if node.kind == "positions":
        return x + learnt.reshape(x.shape[1:])
    scale, shift = learnt.chunk(2)
    if node.kind == "batch-norm":
        return functional.batch_norm(x, None, None, scale, shift, training=True, eps=node.epsilon)
    return functional.layer_norm(x, scale.shape, scale, shift, node.epsilon)


def of_values(node, given):
    x = given[0]
    if node.kind == "attention":
        q, k, v = (one.unflatten(-1, (node.heads, -1)).transpose(1, 2) for one in given)
        mixed = functional.scaled_dot_product_attention(q, k, v, is_causal=node.causal)
        return mixed.transpose(1, 2).flatten(2)
    plain = {
        "add": lambda: given[0] + given[1],
        "relu": lambda: torch.relu(x),
        "gelu": lambda: functional.gelu(x, approximate=node.approximate),
        "global-average-pool": lambda: x.mean((2, 3)),
    }
    return plain[node.kind]()


@pytest.mark.parametrize("optimiser", OPTIMISERS)
@pytest.mark.parametrize("batch", [1, 8])
@pytest.mark.parametrize("network", NETWORKS)
def test_twenty_steps_give_pytorchs_losses_and_weights(network, batch, optimiser):
    layers, shape, symbols = NETWORKS[network]
    described = description(*layers, steps=T if symbols else 0)
    own, theirs = OPTIMISERS[optimiser]
    options = {"samples": STEPS * batch, "symbols": symbols, "batch": batch, "optimiser": own, "optimised": True}
    made = trained(described, shape, rate=own.learning_rate, **options)
    weights, learnt = (
        [torch.tensor(one, dtype=torch.float64, requires_grad=True) for one in many]
        for many in (made.weights(), made.learnt())
    )
    stepped, losses = theirs([*weights, *learnt]), []
    for step in range(STEPS):
        samples = [made.sample(k) for k in range(step * batch, (step + 1) * batch)]
        x = torch.tensor(np.array([one for one, _ in samples]), dtype=torch.int64 if symbols else torch.float64)
        x = x if symbols else x.permute(0, 3, 1, 2)
        target = torch.tensor(np.array([one for _, one in samples]), dtype=torch.int64).ravel()
        scores = forward(made, weights, learnt, x)
        loss = functional.cross_entropy(scores.reshape(-1, scores.shape[-1]), target, reduction="sum") / batch
        stepped.zero_grad()
        loss.backward()
        stepped.step()
        losses.append(float(loss.detach()) / made.network.losses)
    found = np.reshape(made.ideal.train(0, STEPS), (STEPS, batch)).mean(axis=1)
    assert found == pytest.approx(losses, abs=1e-4)
    for one, other in zip([*made.weights(), *made.learnt()], [*weights, *learnt], strict=True):
        assert one == pytest.approx(other.detach().numpy(), abs=1e-4)
