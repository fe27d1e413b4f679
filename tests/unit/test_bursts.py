"""Have the uses of a burst, which read the weights together, the bits and the counts of one use after another?"""

import numpy as np
import pytest
from graph_kit import description, trained
from hypothesis import given
from hypothesis import strategies as st
from network_kit import ideal, tiles

from twin.data import Dataset
from twin.kernels.array.bursts import LEAST, TOGETHER, draw_noise
from twin.kernels.jit import kernel
from twin.kernels.records import INSTRUCTION
from twin.kernels.rng import fill_normals, stream_key
from twin.kernels.simd import bursts, rows
from twin.kernels.simd.lanes import HAS_COMPRESS
from twin.networks.layers import Conv, Dense, Windows
from twin.networks.network import Network
from twin.operation import N_COUNTS, Counts, Opcode

F32, I32 = np.float32, np.int32
SAMPLE = 7
CONVERTERS = {"inp_res": "126", "out_res": "510", "out_bound": "12.0", "out_noise": "0.06"}
OF_WEIGHTS = CONVERTERS | {"w_noise": "0.02"}
CLIPPING = CONVERTERS | {"out_bound": "0.4"}  # most outputs: bound management repeats
with_vectors = pytest.mark.skipif(not HAS_COMPRESS, reason="the processor has no AVX-512")


def io(values):
    return {f"tile.io.{key}": value for key, value in values.items()}


# -- sums ----------------------------------------------------------------------------------------------------


@st.composite
def products(draw):
    """Weights and the vectors of some uses on both sides."""
    n_in, n_out, uses = draw(st.integers(1, 90)), draw(st.integers(1, 150)), draw(st.integers(1, 19))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    x = np.where(rng.random((uses, n_in + 3)) < 0.7, rng.standard_normal((uses, n_in + 3)), 0).astype(F32)
    return rng.standard_normal((n_in, n_out)).astype(F32), x, rng.standard_normal((uses, n_out + 5)).astype(F32)


@with_vectors
@given(products())
def test_products_of_several_uses_have_the_bits_of_one(drawn):
    w, x, d = drawn
    n_in, n_out = w.shape
    uses, step = len(x), max(n_in, n_out) + 2
    index = np.zeros(n_in + 64, I32)
    y, z, alone = np.zeros((3, uses, step), F32)
    turned, stack = np.zeros(bursts.turned(n_in, n_out), F32), np.zeros(bursts.STACK, F32)
    bursts.multiply(y.ravel(), step, w.ravel(), n_in, n_out, x.ravel(), 0, n_in + 3, uses, index)
    bursts.turn(w.ravel(), n_in, n_out, turned)
    bursts.dots(z.ravel(), step, w.ravel(), turned, n_in, n_out, d.ravel(), 0, n_out + 5, uses, stack)
    for use in range(uses):
        rows.accumulate_rows(w.ravel(), n_out, x[use, :n_in].copy(), index, alone[use])
    np.testing.assert_array_equal(y, alone)
    alone[:] = 0
    for use in range(uses):
        rows.dot_rows(w.ravel(), n_in, n_out, d[use], alone[use])
    np.testing.assert_array_equal(z, alone)
    np.testing.assert_allclose(y[:, :n_out], x[:, :n_in].astype(float) @ w, atol=2e-6 * (n_in + 1))
    np.testing.assert_allclose(z[:, :n_in], d[:, :n_out].astype(float) @ w.T, atol=2e-6 * (n_out + 1))


@kernel
def key_of(number):
    return stream_key(np.uint64(5), 3, 1, number)


@pytest.mark.parametrize("n", [1, 2, 16, 33, 401])
@pytest.mark.parametrize("uses", [3, 16])
def test_noise_of_several_uses_has_the_bits_of_one(n, uses):
    step = n + 3
    keys = np.array([key_of(use) for use in range(TOGETHER)], np.uint64)
    halves = np.concatenate([keys & 0xFFFFFFFF, keys >> 32]).astype(np.uint32).view(I32)
    noise, alone = np.zeros((2, TOGETHER, step), F32)
    draw_noise(noise.ravel(), step, n, halves, uses, np.zeros(2 * TOGETHER * (n // 2 + 1), F32))
    for use in range(uses):
        fill_normals(alone[use], n, keys[use], 0)
    np.testing.assert_array_equal(noise, alone)
    assert len(np.unique(noise[:uses, :n])) > 0.9 * uses * n


# -- layers --------------------------------------------------------------------------------------------------


def convolution(algorithm, chip, *, groups=1, padding=(1, 0, 0, 2)):
    windows = Windows((3, 3), (1, 1), padding, (1, 1))
    layer = Conv(0, 6, 5, 2, 4, bias=True, activation="tanh", windows=windows, pool=1, groups=groups)
    network = Network((layer, Dense(1, layer.size, 3, bias=True, activation="softmax")), "cross-entropy")
    inputs = np.random.default_rng(1).uniform(-1, 1, (1, 60)).astype(F32)
    data = Dataset(inputs, np.zeros((1, 1)), inputs, np.zeros((1, 1)))
    return ideal(network, data, algorithm, chip=chip, initial=3.0).machine


def tokens(algorithm, chip):
    """Return a machine whose first layer is used once for each of 19 positions."""
    listed = (
        {"kind": "dense", "name": "a", "outputs": 6, "activation": "tanh", "bias": True},
        {"kind": "flatten"},
        {"kind": "dense", "outputs": 3, "activation": "softmax", "bias": True},
    )
    return trained(description(*listed), (19, 5), algorithm=algorithm, chip=chip).ideal.machine


def performed(machine, opcode, pieces):
    """Perform an operation of the first layer in instructions of so many uses; return the arena and their counts."""
    program = np.zeros(len(pieces), INSTRUCTION)
    program["opcode"], program["sample"] = int(opcode), SAMPLE
    program["uses"], program["first"] = pieces, np.cumsum([0, *pieces[:-1]])
    counts = np.zeros((len(pieces), N_COUNTS))
    machine.execute(program, counts)
    layer = machine.network.layers[0]
    if isinstance(layer, Conv):  # the scratch of one use, which bursts leave alone
        for name, size in (("window", layer.n_in), ("sums", layer.n_out if layer.groups > 1 else 0)):
            at = int(machine.layers[0][name])
            machine.f[at : at + size] = 0
    return machine.f.copy(), counts.sum(axis=0)


MACHINES = {
    "convolution": convolution,
    "groups": lambda algorithm, chip: convolution(algorithm, chip, groups=2),
    "tokens": tokens,
}


@pytest.mark.parametrize("opcode", [Opcode.FORWARD, Opcode.BACKWARD])
@pytest.mark.parametrize(
    ("algorithm", "chip"),
    [
        pytest.param("digital", {}, id="digital"),
        pytest.param("sgd", io(CONVERTERS), id="converters"),
        pytest.param("sgd", io(OF_WEIGHTS), id="noise of weights"),
        pytest.param("sgd", io(CLIPPING) | tiles(4), id="clipping, several arrays"),
        pytest.param("sgd", io(CLIPPING | {"noise_management": "none"}), id="no noise management"),
    ],
)
@pytest.mark.parametrize("kind", list(MACHINES))
def test_a_burst_is_its_uses_one_by_one(kind, algorithm, chip, opcode):
    machine = MACHINES[kind](algorithm, chip)
    layer, rng = machine.network.layers[0], np.random.default_rng(2)
    assert layer.uses >= 2 * LEAST
    machine.execute(instruction(Opcode.INPUT), np.zeros((1, N_COUNTS)))
    if opcode is Opcode.BACKWARD:
        at = int(machine.layers[0]["d"])
        errors = rng.standard_normal((layer.uses, layer.n_out)).astype(F32)
        errors[3] = 0  # a use without a signal
        machine.f[at : at + errors.size] = errors.ravel()
    before = machine.f.copy()
    together, counted = performed(machine, opcode, [layer.uses])
    machine.f[:] = before
    alone, expected = performed(machine, opcode, [1] * layer.uses)
    np.testing.assert_array_equal(together.view(I32), alone.view(I32))
    assert not np.array_equal(together, before)
    np.testing.assert_allclose(counted, expected, rtol=1e-12)
    whole = np.arange(N_COUNTS) != Counts.CONDUCTION
    np.testing.assert_array_equal(counted[whole], expected[whole])
    if chip.get("tile.io.out_bound") == CLIPPING["out_bound"]:
        repeated = counted[Counts.MVMS] > layer.uses  # forward, where bounds are managed
        assert repeated or counted[Counts.CLIPPED] > 0


def instruction(opcode):
    one = np.zeros(1, INSTRUCTION)
    one["opcode"], one["uses"] = int(opcode), 1
    return one
