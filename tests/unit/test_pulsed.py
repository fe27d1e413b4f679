"""Does a pulsed update fire the lines its draws say, and move each device by the coincidences it gets?"""

import numpy as np
import pytest

from twin.kernels.array import affine, coincidences
from twin.kernels.array.dense import dense_from, scratch
from twin.kernels.array.pulsed import pulsed_update
from twin.kernels.jit import kernel
from twin.kernels.records import CELL, LIMITS, MATRIX
from twin.kernels.rng import BLOCK, draw, fill_normals
from twin.kernels.simd import lists, pulses
from twin.kernels.simd.lanes import HAS_COMPRESS

F32, I32, U32, U64 = np.float32, np.int32, np.uint32, np.uint64
N_IN, N_OUT = 37, 70
KEYS = (U64(0x1234567890ABCDEF), U64(0xFEDCBA0987654321), U64(0x0F1E2D3C4B5A6978))


@kernel
def select_both(words, vectors, src, flags, ends):
    ends[0] = lists.select_by_words(words, 2, src, flags, src.size)
    ends[1] = lists.select_by_vectors(vectors, 2, src, flags, src.size)


@kernel
def nonzero_both(words, vectors, values, ends):
    ends[0] = lists.nonzero_by_words(values, words)
    ends[1] = lists.nonzero_by_vectors(values, vectors)


@kernel
def meet_both(words, vectors, lines, trains, ends):
    n = lines.size
    ends[0] = lists.meet_by_words(words[0], words[1], 3, lines, trains, n, I32(0x2A5), I32(2), I32(400))
    ends[1] = lists.meet_by_vectors(vectors[0], vectors[1], 3, lines, trains, n, I32(0x2A5), I32(2), I32(400))


@kernel
def fetch_both(w, cell, code, words, vectors):
    lists.fetch_by_words(w, cell, code, code.size, words[0], words[1], words[2])
    lists.fetch_by_vectors(w, cell, code, code.size, vectors[0], vectors[1], vectors[2])


@kernel
def list_both(words, vectors, lines, n):
    lists.list_devices_by_words(words, 2, lines, 1, n, I32(2), I32(400))
    lists.list_devices_by_vectors(vectors, 2, lines, 1, n, I32(2), I32(400))


@kernel
def put_both(words, vectors, code, new):
    lists.put_by_words(words, code, code.size, new)
    lists.put_by_vectors(vectors, code, code.size, new)


@kernel
def coincide_both(words, vectors, cell, limits, code, noise, clip_below, noise_mult, noise_add):
    affine.coincide_by_words(words, cell, limits, code, noise, clip_below, noise_mult, noise_add)
    pulses.coincide_by_vectors(vectors, cell, limits, code, noise, clip_below, noise_mult, noise_add)


with_vectors = pytest.mark.skipif(not HAS_COMPRESS, reason="the processor has no AVX-512")


@with_vectors
@pytest.mark.parametrize("share", [0.0, 0.2, 1.0])
@pytest.mark.parametrize("n", [0, 1, 15, 16, 17, 87, 256])
def test_vectors_list_what_words_list(n, share):
    rng = np.random.default_rng(n)
    ends, flags = np.zeros(2, np.int64), (rng.random(n) < share).astype(I32) * I32(-5)
    src = rng.integers(0, 1 << 30, n).astype(I32)
    words, vectors = np.full((2, n + 4), -7, I32)
    select_both(words, vectors, src, flags, ends)
    assert ends[0] == ends[1] == 2 + np.count_nonzero(flags)
    np.testing.assert_array_equal(vectors[2 : ends[1]], src[flags != 0])
    assert (vectors[ends[1] :] == -7).all()
    values = np.where(flags != 0, rng.standard_normal(n), -0.0).astype(F32)
    nonzero_both(words, vectors, values, ends)
    assert ends[0] == ends[1]
    np.testing.assert_array_equal(vectors[: ends[1]], np.flatnonzero(values))
    trains = rng.integers(0, 1 << 10, n).astype(I32) * (flags != 0).astype(I32)
    words, vectors = np.full((2, 2, n + 4), -7, I32)
    meet_both(words, vectors, np.arange(0, CELL * n, CELL, dtype=I32), trains, ends)
    met = trains & 0x2A5
    assert ends[0] == ends[1] == 3 + np.count_nonzero(met)
    np.testing.assert_array_equal(vectors[0, 3 : ends[1]], (CELL * np.flatnonzero(met) ^ 2) + 400)
    np.testing.assert_array_equal(vectors[1, 3 : ends[1]], [int(m).bit_count() for m in met if m])
    np.testing.assert_array_equal(words[:, 3 : ends[0]], vectors[:, 3 : ends[1]])


@with_vectors
def test_vectors_fetch_what_words_fetch():
    rng = np.random.default_rng(1)
    w, cell = rng.standard_normal(400).astype(F32), rng.standard_normal(1600).astype(F32)
    code = (CELL * rng.permutation(400)[:93] + 2 * rng.integers(0, 2, 93)).astype(I32)
    words, vectors = np.zeros((2, 3, 93), F32)
    fetch_both(w, cell, code, words, vectors)
    np.testing.assert_array_equal(vectors[0], w[code // CELL])
    np.testing.assert_array_equal(vectors[2], cell[code + 1])
    step = np.where(code & 2, -1, 1) * cell[code] - cell[code + 1] * w[code // CELL]
    np.testing.assert_allclose(vectors[1], step, atol=1e-6)
    np.testing.assert_allclose(words, vectors, atol=1e-6)


@with_vectors
@pytest.mark.parametrize("n", [0, 1, 16, 87])
def test_vectors_name_and_set_the_devices_that_words_do(n):
    rng = np.random.default_rng(n)
    lines = (CELL * rng.permutation(n + 1) + 2 * rng.integers(0, 2, n + 1)).astype(I32)
    words, vectors = np.full((2, n + 4), -7, I32)
    list_both(words, vectors, lines, n)
    np.testing.assert_array_equal(vectors, words)
    np.testing.assert_array_equal(vectors[2 : n + 2], (lines[1:] ^ 2) + 400)
    assert (vectors[[0, 1, n + 2, n + 3]] == -7).all()
    words, new = np.full(n + 1, 9, F32), rng.standard_normal(n).astype(F32)
    vectors = words.copy()
    put_both(words, vectors, lines[:n].copy(), new)
    np.testing.assert_array_equal(vectors, words)
    np.testing.assert_array_equal(vectors[lines[:n] // CELL], new)


@with_vectors
@pytest.mark.parametrize("bounded", ["free", "rare", "always"])
@pytest.mark.parametrize("n", [0, 1, 16, 93])
def test_vectors_pulse_as_words_do(n, bounded):
    rng = np.random.default_rng(n)
    cell = np.abs(rng.normal(0.05, 0.02, 1600)).astype(F32)
    limits = np.tile(np.array([-0.5, 0.5, 0.05, 0], F32), (400, 1)).ravel()
    code = (CELL * rng.permutation(400)[:n] + 2 * rng.integers(0, 2, n)).astype(I32)
    words, noise = rng.uniform(-0.6, 0.6, 400).astype(F32), rng.standard_normal(n).astype(F32)
    vectors, before = words.copy(), words.copy()
    below = {"free": -np.inf, "rare": -1.0, "always": np.inf}[bounded]
    coincide_both(words, vectors, cell, limits, code, noise, F32(below), F32(0.3), F32(0.5))
    np.testing.assert_allclose(vectors, words, rtol=0, atol=1e-7)
    assert np.count_nonzero(vectors != before) == n
    inside = np.abs(vectors[code // CELL]) <= 0.5
    assert inside[noise < below].all()
    assert inside.all() == (bounded == "always") or n < 2


class Update:
    """One array, its inputs and errors, and the update's settings."""

    def __init__(self, seed=1, *, sigma=0.3, additive=0.0, dense=0.0):
        rng = np.random.default_rng(seed)
        n = N_IN * N_OUT
        self.w = rng.uniform(-0.4, 0.4, n).astype(F32)
        self.cell = np.abs(0.01 * (1 + 0.3 * rng.standard_normal((n, CELL)))).astype(F32)
        self.cell[:, 1::2] = self.cell[:, ::2] / 0.6
        self.limits = np.tile(np.array([-0.6, 0.6, 0.01, 0], F32), (n, 1))
        self.x = np.where(rng.random(N_IN) < 0.6, rng.uniform(-1, 1, N_IN), 0).astype(F32)
        self.d = rng.uniform(-1, 1, N_OUT).astype(F32)
        self.m = np.zeros(1, MATRIX)
        self.m["noise_mult"], self.m["noise_add"] = sigma, additive
        self.m["clip_below"] = np.inf if additive or not sigma else -1 / sigma
        self.m["dense_from"] = dense

    def run(self, n, px, pd):
        words, reals = scratch(N_IN, N_OUT)
        w = self.w.copy()
        scratches = np.zeros(words, I32), np.zeros(reals, F32)
        flat = self.cell.ravel(), self.limits.ravel()
        sides = self.x, self.d, n, F32(px), F32(pd)
        counts = pulsed_update(w, *flat, np.zeros(0, np.float32), N_IN, N_OUT, *sides, self.m[0], KEYS, *scratches)
        return w.reshape(N_IN, N_OUT), counts

    def pulses(self, values, factor, key, n):
        """Which lines fire in which slot, by NumPy."""
        halves = U32(int(key) & 0xFFFFFFFF), U32(int(key) >> 32)
        words = [[int(draw(*halves, U32(s * values.size + k))) >> 8 for k in range(values.size)] for s in range(n)]
        p = np.minimum(np.abs(values) * F32(factor), F32(1))
        return np.array(words) < (p * F32(1 << 24)).astype(np.int64)

    def by_numpy(self, n, px, pd):
        """Slot by slot, firing row by firing row, one normal number a coincidence in this order."""
        rows, columns = self.pulses(self.x, px, KEYS[0], n), self.pulses(self.d, pd, KEYS[1], n)
        coincidences = int((rows.sum(axis=1) * columns.sum(axis=1)).sum())
        blocks = coincidences // BLOCK + 1
        noise = np.zeros((blocks, BLOCK), F32)
        for k in range(blocks):
            fill_normals(noise[k], BLOCK, KEYS[2], k * BLOCK)
        noise = iter(noise.ravel())
        w = self.w.astype(np.float64).reshape(N_IN, N_OUT)
        cell, limits = self.cell.reshape(N_IN, N_OUT, CELL), self.limits.reshape(N_IN, N_OUT, LIMITS)
        for s in range(n):
            for j in np.flatnonzero(rows[s]):
                for i in np.flatnonzero(columns[s]):
                    xi, up = next(noise), self.x[j] * self.d[i] > 0
                    a, b = cell[j, i, :2] if up else cell[j, i, 2:]
                    change = ((a if up else -a) - b * w[j, i]) * (1 + self.m["noise_mult"][0] * xi)
                    w[j, i] += change + self.m["noise_add"][0] * xi * limits[j, i, 2]
                    w[j, i] = np.clip(w[j, i], limits[j, i, 0], limits[j, i, 1])
        return w, (int(rows.sum() + columns.sum()), coincidences)


@pytest.mark.parametrize("kind", [{}, {"sigma": 0.0, "additive": 1.0}, {"sigma": 2.0}])
@pytest.mark.parametrize(("n", "px", "pd"), [(1, 0.5, 0.5), (7, 0.3, 0.2), (31, 0.8, 1.5)])
def test_slot_by_slot_equals_numpy(n, px, pd, kind):
    update = Update(**kind)
    w, counts = update.run(n, px, pd)
    expected, expected_counts = update.by_numpy(n, px, pd)
    assert counts == expected_counts
    np.testing.assert_allclose(w, expected, atol=2e-6)


@pytest.mark.parametrize("n", [2, 31, 70])
def test_both_paths_fire_alike_and_without_noise_move_alike(n):
    """70 slots are three rounds of the dense path."""
    for kind in ({"sigma": 0.0}, {"sigma": 1e-6}):  # bounds watched or not
        one, counts = Update(**kind).run(n, 0.7, 0.9)
        other, dense_counts = Update(**kind, dense=1e-6).run(n, 0.7, 0.9)
        assert counts == dense_counts
        np.testing.assert_allclose(other, one, atol=3e-6)
    noisy, noisy_counts = Update(dense=1e-6).run(n, 0.7, 0.9)
    assert noisy_counts == counts
    still = Update().w.reshape(N_IN, N_OUT) == noisy
    np.testing.assert_array_equal(still, Update().w.reshape(N_IN, N_OUT) == one)


def test_the_path_is_chosen_by_expected_coincidences_per_device():
    update = Update()
    sparse, _ = update.run(5, 0.3, 0.3)
    active = np.abs(update.x[update.x != 0]).mean() * 0.3, np.abs(update.d).mean() * 0.3
    mean = 5 * active[0] * active[1]
    for factor, equal in ((1.01, True), (0.99, False)):
        update.m["dense_from"] = mean * factor
        assert np.array_equal(update.run(5, 0.3, 0.3)[0], sparse) == equal
    update.m["dense_from"] = np.inf
    assert np.array_equal(update.run(5, 0.3, 0.3)[0], sparse)


def test_where_the_dense_path_gains():
    assert dense_from(-1 / 0.3, 60, 0.3) == pytest.approx(0.15)
    assert dense_from(np.inf, 1200, 0.3) == pytest.approx(0.4)
    assert dense_from(np.inf, 15, 1.0) == np.inf


@pytest.mark.parametrize("n", [3, 40])
def test_pulses_are_counted_per_device(n):
    update = Update()
    words, _ = scratch(N_IN, N_OUT)
    pulses = np.zeros(N_IN * N_OUT, F32)
    sides = update.x, update.d, n, F32(0.7), F32(0.9)
    for _ in range(2):
        coincidences.count_pulses(pulses, N_IN, N_OUT, *sides, KEYS, np.zeros(words, I32))
    rows, columns = update.pulses(update.x, 0.7, KEYS[0], n), update.pulses(update.d, 0.9, KEYS[1], n)
    np.testing.assert_array_equal(pulses.reshape(N_IN, N_OUT), 2 * rows.T.astype(int) @ columns.astype(int))
    assert pulses.sum() == 2 * update.run(n, 0.7, 0.9)[1][1]
