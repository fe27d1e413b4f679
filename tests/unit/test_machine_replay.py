"""Do replayed and coupled effects, and any order that the hazards allow, give the same bits?"""

from itertools import pairwise

import numpy as np
import pytest

from twin.data import Dataset
from twin.machine.replay import Coupled, Replayed
from twin.operation import N_COUNTS, Counts, Opcode

SAMPLES = 26
LAYERS = ((9, "sigmoid", True), (7, "tanh", False), (5, "softmax", True))
IO = {
    "tile.io.inp_res": "126",
    "tile.io.out_res": "510",
    "tile.io.out_bound": "2.0",
    "tile.io.out_noise": "0.06",
    "tile.rows": "6",
    "tile.cols": "5",
}
TRANSFER = {"transfer_lr": 5.0, "fast_lr": 3.0}
CASES = {
    "digital": ("digital", {}, None),
    "sgd": ("sgd", {"learning_rate": 0.1}, None),
    "shd": ("shd", TRANSFER | {"threshold": 0.0, "transfer_every": 2}, None),
    "shd column gamma": ("shd", TRANSFER | {"gamma": 0.3, "transfer_axis": "column"}, "three-array"),
    "shd hadamard": ("shd", TRANSFER | {"transfer_vectors": "hadamard", "threshold": 0.0}, None),
    "ttv2": ("ttv2", TRANSFER, None),
    "ttv2 column": (
        "ttv2",
        TRANSFER | {"transfer_axis": "column", "transfer_every": 3, "transfer_lr": 50.0},
        "three-array",
    ),
}
each_case = pytest.mark.parametrize("case", CASES)


def random_data():
    rng = np.random.default_rng(8)
    inputs = rng.uniform(0, 1, (20, 11)).astype(np.float32)
    labels = rng.integers(0, 5, (20, 1)).astype(np.float32)
    return Dataset(inputs, labels, inputs, labels)


def trained(rig, case, in_flight=1, **more):
    algorithm, settings, layout = CASES[case]
    options = {"chip": IO, "device": "gokmen-60", "seed": 3} | more
    return rig(
        algorithm,
        layers=LAYERS,
        loss="cross-entropy",
        data=random_data(),
        settings=settings,
        layout=layout,
        in_flight=in_flight,
        scale=2.0,
        **options,
    )


def perform_all(effects, program, samples):
    """Perform the effects of samples in program order; return their counts."""
    return [
        list(effects.counts(sample, position))
        for sample in samples
        for position, operation in enumerate(program.operations(sample))
        if operation.opcode is not Opcode.NONE
    ]


@each_case
@pytest.mark.parametrize("in_flight", [1, 4])
def test_replayed_and_coupled_give_the_same_bits(rig, case, in_flight):
    coupled, replayed = (trained(rig, case, in_flight) for _ in range(2))
    one = Coupled(coupled.machine, coupled.program, coupled.encoder)
    many = Replayed(replayed.machine, replayed.program, replayed.encoder)
    start = coupled.machine.f.copy()
    np.testing.assert_array_equal(start, replayed.machine.f)
    many.segment(0, SAMPLES)
    counts = [perform_all(e, r.program, range(SAMPLES)) for e, r in ((one, coupled), (many, replayed))]
    assert counts[0] == counts[1]
    np.testing.assert_array_equal(coupled.machine.f, replayed.machine.f)
    assert one.losses == many.losses
    assert len(one.losses) == SAMPLES
    for layer in range(len(LAYERS)):
        for matrix in coupled.machine.designs[0].algorithm.matrices:
            before = trained(rig, case, in_flight).machine.weights(layer, matrix)
            assert (coupled.machine.weights(layer, matrix) != before).any()


@each_case
def test_segments_and_samples_in_flight_do_not_change_the_weights(rig, case):
    whole, pieces = trained(rig, case), trained(rig, case, in_flight=3)
    whole.run(0, SAMPLES)
    effects = Replayed(pieces.machine, pieces.program, pieces.encoder)
    for first, last in ((0, 1), (1, 14), (14, SAMPLES)):
        effects.segment(first, last)
        perform_all(effects, pieces.program, range(first, last))
    for layer in range(len(LAYERS)):
        for matrix in whole.machine.designs[0].algorithm.matrices:
            np.testing.assert_array_equal(whole.machine.weights(layer, matrix), pieces.machine.weights(layer, matrix))


def legal_order(program, in_flight, rng):
    """Draw an order of (sample, position) that respects RAW, WAR, WAW and the bound on samples in flight."""
    nodes, needs = [], []
    writer, readers, done = {}, {}, {}
    for sample in range(SAMPLES):
        mine = []
        for position, operation in enumerate(program.operations(sample)):
            at = len(nodes)
            before = set(done.get(sample - in_flight, ()))
            for resource in operation.reads:
                key = (resource.name, sample) if resource.private else resource.name
                before.add(writer.get(key))
                readers.setdefault(key, set()).add(at)
            for resource in operation.writes:
                key = (resource.name, sample) if resource.private else resource.name
                before.add(writer.get(key))
                before |= readers.pop(key, set())
                writer[key] = at
            nodes.append((sample, position, operation.opcode))
            needs.append(before - {None, at})
            mine.append(at)
        done[sample] = mine
    order, ready = [], [at for at, before in enumerate(needs) if not before]
    followers = [[] for _ in nodes]
    for at, before in enumerate(needs):
        for other in before:
            followers[other].append(at)
    left = [len(before) for before in needs]
    while ready:
        at = ready.pop(rng.integers(len(ready)))
        order.append(nodes[at])
        for other in followers[at]:
            left[other] -= 1
            if left[other] == 0:
                ready.append(other)
    assert len(order) == len(nodes)
    return order


@each_case
@pytest.mark.parametrize("seed", [1, 2, 3])
def test_any_order_that_the_hazards_allow_gives_the_same_bits(rig, case, seed):
    """Operations must declare everything their effects touch."""
    program_order, shuffled = (trained(rig, case, in_flight=4) for _ in range(2))
    program_order.run(0, SAMPLES)
    effects = Coupled(shuffled.machine, shuffled.program, shuffled.encoder)
    order = legal_order(shuffled.program, 4, np.random.default_rng(seed))
    assert any(b[0] < a[0] for a, b in pairwise(order))
    for sample, position, _ in order:
        effects.counts(sample, position)
    np.testing.assert_array_equal(program_order.machine.f, shuffled.machine.f)


@each_case
def test_the_seed_decides_every_bit(rig, case):
    first, again, other = (trained(rig, case, seed=seed) for seed in (3, 3, 4))
    counts = [made.run(0, SAMPLES)[1] for made in (first, again, other)]
    np.testing.assert_array_equal(counts[0], counts[1])
    np.testing.assert_array_equal(first.machine.f, again.machine.f)
    assert (counts[0][:, Counts.LOSS] != counts[2][:, Counts.LOSS]).any()


def test_evaluation_changes_no_matrix_and_repeats_itself(rig):
    made = trained(rig, "ttv2")
    made.run(0, 5)
    weights = [made.machine.weights(layer, m) for layer in range(3) for m in ("A", "C")]
    first = made.machine.evaluate(0)
    assert made.machine.evaluate(0) == first
    assert made.machine.evaluate(1) != first  # fresh noise
    assert 0 <= first[1] <= 1
    after = [made.machine.weights(layer, m) for layer in range(3) for m in ("A", "C")]
    np.testing.assert_array_equal(
        np.concatenate(list(map(np.ravel, weights))), np.concatenate(list(map(np.ravel, after)))
    )


def test_evaluation_between_samples_leaves_training_as_it_was(rig):
    plain, watched = (trained(rig, "shd column gamma", in_flight=2) for _ in range(2))
    plain.run(0, 20)
    watched.run(0, 10)
    watched.machine.evaluate(0, most=7)
    watched.run(10, 20)
    for layer in range(3):
        np.testing.assert_array_equal(plain.machine.weights(layer, "C"), watched.machine.weights(layer, "C"))


def test_operations_without_an_effect_have_no_counts(rig):
    made = trained(rig, "sgd")
    effects = Coupled(made.machine, made.program, made.encoder)
    for position, operation in enumerate(made.program.operations(0)):
        counts = effects.counts(0, position)
        assert len(counts) == N_COUNTS
        if operation.opcode is Opcode.NONE:
            assert not any(counts)


def test_digital_training_ignores_analog_physics(rig):
    quiet = trained(rig, "digital", chip={}, device="ideal")
    noisy = trained(rig, "digital")
    quiet.run(0, SAMPLES)
    noisy.run(0, SAMPLES)
    for layer in range(3):
        np.testing.assert_array_equal(quiet.machine.weights(layer, "W"), noisy.machine.weights(layer, "W"))
