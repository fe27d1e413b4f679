"""Do the bits of a graph's training depend on where its vectors lie in the arena?"""

import numpy as np
import pytest
from graph_kit import description, trained

from twin.kernels.simd import sums
from twin.kernels.simd.lanes import HAS_COMPRESS
from twin.machine.arena import ALIGNMENT, Arena

F32 = np.float32
GRAPHS = {
    "convolutions": (
        (
            {"kind": "conv", "name": "a", "channels": 5, "kernel": 3, "padding": 1, "activation": "tanh", "bias": True},
            {"kind": "batch-norm", "name": "b"},
            {"kind": "relu", "name": "c"},
            {"kind": "add", "inputs": ["b", "c"]},
            {"kind": "average-pool", "size": 2},
            {"kind": "dense", "outputs": 11, "activation": "softmax", "bias": True},
        ),
        (6, 6, 2),
    ),
    "attention": (
        (
            {"kind": "dense", "name": "q", "outputs": 20, "activation": "identity", "bias": True},
            {"kind": "layer-norm", "name": "n"},
            {"kind": "rms-norm", "name": "m"},
            {"kind": "attention", "heads": 2, "causal": True, "inputs": ["q", "n", "m"]},
            {"kind": "gelu"},
            {"kind": "dense", "outputs": 11, "activation": "softmax", "bias": True},
        ),
        (9, 7),
    ),
    "softmax": (
        (
            {"kind": "dense", "outputs": 13, "activation": "sigmoid", "bias": True},
            {"kind": "softmax"},
            {"kind": "silu"},
            {"kind": "dense", "outputs": 11, "activation": "softmax", "bias": True},
        ),
        (9,),
    ),
}


def moved(monkeypatch, gaps):
    """Make arenas leave gaps[k % len(gaps)] words free before their k-th segment."""
    take, number = Arena.take, [0]

    def take_behind_a_gap(self, words):
        self.size += gaps[number[0] % len(gaps)]
        number[0] += 1
        offset = self.size
        take(self, words)
        return offset

    monkeypatch.setattr(Arena, "take", take_behind_a_gap)


def learnt(graph):
    layers, shape = GRAPHS[graph]
    made = trained(description(*layers), shape, rate=0.3, in_flight=2)
    losses = made.ideal.train(0, 8)
    return losses, [*made.weights(), *made.learnt()]


@pytest.mark.parametrize("graph", list(GRAPHS))
@pytest.mark.parametrize("gaps", [(1,), (3, 5, 7, 1001), (2000, 1)], ids=str)
def test_odd_offsets_change_no_bit(monkeypatch, graph, gaps):
    expected, weights = learnt(graph)
    moved(monkeypatch, gaps)
    losses, found = learnt(graph)
    np.testing.assert_array_equal(losses, expected)
    for one, other in zip(found, weights, strict=True):
        np.testing.assert_array_equal(one, other)


def test_the_gaps_are_odd_offsets(monkeypatch):
    moved(monkeypatch, (3,))
    arena = Arena()
    assert [arena.take(5) % ALIGNMENT, arena.take(5) % ALIGNMENT] == [3, 6]


@pytest.mark.parametrize("n", [1, 7, 8, 15, 16, 64, 83, 87, 200])
def test_a_total_is_the_sum_in_the_order_that_is_written_down(n):
    values = np.random.default_rng(n).standard_normal(n).astype(F32)
    buffer = np.zeros(n + 40, F32)
    found = set()
    for at in (0, 1, 3, 17):
        buffer[at : at + n] = values
        found.add(float(sums.total(buffer[at : at + n])))
    assert len(found) == 1
    assert found.pop() == pytest.approx(values.astype(float).sum(), abs=1e-6 * n)
    if HAS_COMPRESS:
        assert sums.total(values) == in_strips(values)


def in_strips(values):
    """Four sums of sixteen lanes over strips of 64, then one of eight over eights, then the rest."""
    total = F32(0)
    strips = len(values) // 64 * 64
    if strips:
        lanes = np.zeros((4, 16), F32)
        for strip in values[:strips].reshape(-1, 4, 16):
            lanes += strip
        total = halved(((lanes[0] + lanes[1]) + lanes[2]) + lanes[3])
    eights = len(values) // 8 * 8
    if eights > strips:
        lanes = np.zeros(8, F32)
        lanes[0] = total
        for eight in values[strips:eights].reshape(-1, 8):
            lanes += eight
        total = halved(lanes)
    for value in values[eights:]:
        total += value
    return total


def halved(lanes):
    while len(lanes) > 1:
        lanes = lanes[: len(lanes) // 2] + lanes[len(lanes) // 2 :]
    return lanes[0]
