"""When recurrent and convolutional layers run on the chip: a wavefront of steps, and bursts of mat-vecs."""

import numpy as np
import pytest
from network_kit import ideal, tiles

from twin.data import Dataset
from twin.networks.layers import Conv, Dense, Recurrent, Windows
from twin.networks.network import Network

STEPS = 8


@pytest.fixture(scope="module", params=[1, 3])
def wave(request):
    """Run two blocks of LSTM cells below a softmax, with so many samples in flight; return every operation."""
    cells = [Recurrent(k, "lstm", n, 32, bias=True, uses=STEPS, one_hot=k == 0) for k, n in enumerate((20, 32, 32))]
    network = Network((*cells[:2], Dense(2, 32, 20, bias=True, activation="softmax", uses=STEPS)), "cross-entropy")
    codes = np.random.default_rng(0).integers(0, 20, (4, STEPS))
    data = Dataset(codes, np.roll(codes, 1), codes, codes, symbols=tuple(map(chr, range(65, 85))), sequential=True)
    _, table = ideal(network, data, in_flight=request.param).timed(4)
    return table


def times(table, kind, layer, sample=0):
    """Return start and done of one layer's operations of a kind, by time step."""
    rows = table[(table["kind"] == kind) & (table["layer"] == layer) & (table["sample"] == sample)]
    rows = rows.sort_values("first")
    return rows["start"].to_numpy(), rows["done"].to_numpy()


@pytest.mark.parametrize("sample", [0, 3])
def test_a_step_waits_for_the_cells_below_and_before(wave, sample):
    for layer in (0, 1, 2):
        start, done = times(wave, "forward", layer, sample)
        assert len(start) == STEPS
        if layer:
            _, below = times(wave, "activation", layer - 1, sample)
            assert np.all(start > below)
        if layer < 2:
            cell, before = times(wave, "activation", layer, sample)
            assert np.all(cell >= done)
            assert np.all(start[1:] > before[:-1])


def test_layers_work_as_a_wavefront(wave):
    for layer in (1, 2):
        start, done = times(wave, "forward", layer)
        _, cells = times(wave, "activation", layer - 1)
        assert start[0] < cells[1]
        below_start, below_done = times(wave, "forward", layer - 1)
        together = (start[:, None] < below_done) & (below_start < done[:, None])
        assert together.sum() >= STEPS / 2  # both tiles are busy at once, at most steps
    start, _ = times(wave, "forward", 1)
    _, cells = times(wave, "activation", 0)
    assert np.all(start[:-1] < cells[1:])


def test_the_way_back_is_a_wavefront_too(wave):
    for layer in (0, 1):
        start, _ = times(wave, "derivative", layer)
        _, above = times(wave, "backward", layer + 1)
        assert np.all(start > above)
        if layer:
            start, done = times(wave, "backward", layer)
            derived, later = times(wave, "derivative", layer)
            assert np.all(start >= later)
            assert np.all(derived[:-1] > done[1:])
            assert np.all(np.diff(start) < 0)
    one, _ = times(wave, "backward", 1)
    _, other = times(wave, "derivative", 0)
    assert other[-1] < one[0]  # layer 0 is at its last step before layer 1 is back at its first
    # The errors of the outputs need no later step: they go back while steps still go forward.
    top, _ = times(wave, "backward", 2)
    _, forward = times(wave, "forward", 1)
    assert top[0] < forward[-1]


def test_updates_follow_the_way_back_and_come_before_the_next_sequence(wave):
    for layer in (0, 1, 2):
        start, done = times(wave, "update", layer)
        _, back = times(wave, "backward", layer)
        assert start.min() >= back.max()
        assert np.all(start[1:] >= done[:-1])
        following, _ = times(wave, "forward", layer, sample=1)
        assert following.min() >= done.max()


def test_the_state_comes_before_the_next_sequence(wave):
    for layer in (0, 1):
        _, done = times(wave, "activation", layer)
        start, _ = times(wave, "forward", layer, sample=1)
        assert start[0] > done[-1]


# -- convolutions ----------------------------------------------------------------------------------------------


def lenet_layers(shape=(28, 28, 1)):
    first = Conv(0, *shape, 16, bias=True, activation="tanh", windows=Windows.square(5), pool=2)
    second = Conv(1, *first.pooled, 32, bias=True, activation="tanh", windows=Windows.square(5), pool=2)
    return Network((first, second, Dense(2, second.size, 10, bias=True, activation="softmax")), "cross-entropy")


@pytest.mark.parametrize("overlap", [False, True])
@pytest.mark.parametrize("lines", [512, 9])
def test_a_burst_takes_the_time_of_its_mat_vecs_to_the_picosecond(overlap, lines):
    images = np.random.default_rng(0).uniform(0, 1, (2, 784)).astype(np.float32)
    labels = np.array([[1.0], [2.0]])
    own = {"tile.integration_time": '"30 ns"', "tile.conversion_overlap": str(overlap).lower()}
    own |= {"tile.converter.count": "4", "tile.converter.rate": '"1 GHz"'}
    twin = ideal(lenet_layers(), Dataset(images, labels, images, labels), chip=own | tiles(lines))
    _, table = twin.timed(2)

    def took(kind, layer):
        start, done = times(table, kind, layer)
        assert len(start) == 1
        return int(done[0] - start[0])

    def burst(repeats, converted):
        """Mat-vecs of 30 ns, and a nanosecond for each four of the lines that the busiest array converts."""
        chunk = -(-converted // -(-converted // lines))
        conversion, integration = -(-chunk // 4) * 1000, 30_000
        if overlap:
            return repeats * max(conversion, integration) + min(conversion, integration)
        return repeats * (conversion + integration)

    assert took("forward", 0) == burst(576, 16)
    assert took("forward", 1) == burst(64, 32)
    assert took("forward", 2) == burst(1, 10)
    assert took("backward", 1) == burst(64, 401)
    assert took("backward", 2) == burst(1, 513)


def test_a_convolution_starts_when_its_whole_input_is_there():
    images = np.random.default_rng(0).uniform(0, 1, (3, 784)).astype(np.float32)
    labels = np.array([[1.0], [2.0], [3.0]])
    _, table = ideal(lenet_layers(), Dataset(images, labels, images, labels), in_flight=3).timed(3)
    for sample in range(3):
        for layer in (1, 2):
            start, _ = times(table, "forward", layer, sample)
            _, below = times(table, "activation", layer - 1, sample)
            assert start[0] > below[0]
    # The updates of a burst are one operation, and the next image waits for them.
    for layer in (0, 1, 2):
        start, done = times(table, "update", layer)
        assert len(start) == 1
        following, _ = times(table, "forward", layer, sample=1)
        assert following[0] >= done[0]


# -- what is moved and converted -------------------------------------------------------------------------------


@pytest.mark.parametrize("lines", [512, 16])
def test_no_error_of_the_symbols_is_converted_or_moved(lines):
    cell = Recurrent(0, "lstm", 40, 8, bias=True, uses=3, one_hot=True)
    network = Network((cell, Dense(1, 8, 40, bias=True, activation="softmax", uses=3)), "cross-entropy")
    codes = np.array([[1, 2, 3]])
    data = Dataset(codes, codes, codes, codes, symbols=tuple(map(chr, range(65, 105))), sequential=True)
    twin = ideal(network, data, chip=tiles(lines))
    engine, _ = twin.timed(1)
    found = [(t.operation, t.demand) for t in engine.binder.templates if t.operation.layer == 0]
    [(backward, demand)] = [(op, demand) for op, demand in found if op.kind == "backward"]
    # 40 lines of symbols, 8 of the state, 1 of the bias; by 16: 13, 12, 12, 12, of which the last alone is read.
    assert backward.lines == 9
    arrays = twin.machine.mapping.parts(0, "W")
    assert len(demand.occupancy) == sum(part.in1 > 40 for part in arrays)
    assert [op.words for op, _ in found if op.kind == "store" and op.stream == "errors"] == [8]


def test_a_convolution_loads_the_activations_it_stored():
    images, labels = np.zeros((1, 784)), np.zeros((1, 1))
    engine, _ = ideal(lenet_layers(), Dataset(images, labels, images, labels)).timed(1)
    operations = [t.operation for t in engine.binder.templates]
    kept = [op.words for op in operations if op.kind == "store" and op.stream == "activations"]
    assert kept == [12 * 12 * 16, 4 * 4 * 32]
    loaded = [op.words for op in operations if op.kind == "load" and op.reads[0].name in {"x1", "x2"}]
    # For the mat-vec and the update every window, for the derivative what was stored.
    assert sorted(set(loaded)) == sorted({64 * 401, 513, *kept})
