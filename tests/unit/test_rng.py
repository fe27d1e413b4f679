"""Are the counter-based random numbers uniform, normal, uncorrelated and a function of their key alone?"""

import numpy as np
import pytest
from scipy import stats

from twin.kernels.rng import BLOCK, draw, fill_normals, fill_normals_to, stream_key

U32, U64 = np.uint32, np.uint64
MASK = (1 << 64) - 1
N = 1 << 18


def key_of(seed, array, purpose, index):
    return int(stream_key(U64(seed), np.int64(array), purpose, np.int64(index)))


def mix32(x):
    x = x ^ (x >> U32(16))
    x = x * U32(0x7FEB352D)
    x = x ^ (x >> U32(15))
    x = x * U32(0x846CA68B)
    return x ^ (x >> U32(16))


def words(key, n=N, start=0):
    """Draws `start` on of a stream, by NumPy."""
    at = (np.arange(n, dtype=np.int64) + start).astype(U32)
    return mix32(mix32(at * U32(0x9E3779B9) + U32(key & 0xFFFFFFFF)) ^ U32(key >> 32))


def normals(key, n, counter=0):
    out = np.empty(n, np.float32)
    fill_normals(out, n, U64(key), counter)
    return out


def compiled(key, n):
    return int(draw(U32(key & 0xFFFFFFFF), U32(key >> 32), U32(n)))


KEYS = [key_of(*k) for k in ((1, 0, 0, 0), (1, 0, 0, 1), (1, 0, 1, 0), (1, 1, 0, 0), (2, 0, 0, 0))]


def test_compiled_draws_are_the_published_mixer():
    for key in KEYS:
        expected = words(key, 300)
        assert [compiled(key, n) for n in range(300)] == expected.tolist()


def test_a_draw_depends_on_its_key_and_number_alone():
    order = np.random.default_rng(1).permutation(500)
    drawn = {int(n): compiled(KEYS[0], n) for n in order}
    assert [drawn[n] for n in range(500)] == words(KEYS[0], 500).tolist()
    assert key_of(1, 2, 3, 4) == key_of(1, 2, 3, 4)


@pytest.mark.parametrize("changed", [(8, 5, 3, 9), (7, 6, 3, 9), (7, 5, 4, 9), (7, 5, 3, 10), (7, 5, 3, ~9)])
def test_streams_of_neighbouring_keys_are_uncorrelated(changed):
    one, other = key_of(7, 5, 3, 9), key_of(*changed)
    assert (one & 0xFFFFFFFF) != (other & 0xFFFFFFFF)
    assert one >> 32 != other >> 32
    a, b = words(one) / 2**32, words(other) / 2**32
    for lag in (0, 1, 2):
        r = np.corrcoef(a[: N - lag], b[lag:])[0, 1]
        assert abs(r) < 4.5 / N**0.5


def test_keys_of_many_streams_are_all_different():
    keys = {
        key_of(seed, (layer << 24) + (matrix << 16) + part, purpose, index)
        for seed in (0, 1)
        for layer in range(3)
        for matrix in (65, 67)
        for part in range(4)
        for purpose in (*range(8), 19, 20, 21)
        for index in (*range(40), *range(-40, 0))
    }
    assert len(keys) == 2 * 3 * 2 * 4 * 11 * 80


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("shift", [0, 8, 24])
def test_draws_are_uniform(key, shift):
    """Chi-square over 256 cells of low, middle and high bits."""
    cells = np.bincount((words(key) >> U32(shift)) & U32(255), minlength=256)
    assert stats.chisquare(cells).pvalue > 1e-4


def test_serial_pairs_are_uniform():
    a = words(KEYS[0], 1 << 20) >> U32(27)
    cells = np.bincount(a[:-1] * U32(32) + a[1:], minlength=1024)
    assert stats.chisquare(cells).pvalue > 1e-4


def test_the_first_draws_of_successive_samples_are_uniform():
    """What a pulse train sees: the same draw number, sample after sample."""
    first = np.array([words(key_of(1, 5 << 16, 3, index), 1)[0] for index in range(20_000)])
    assert stats.chisquare(np.bincount(first >> U32(26), minlength=64)).pvalue > 1e-4
    value = first / 2**32
    assert abs(np.corrcoef(value[1:], value[:-1])[0, 1]) < 4.5 / len(value) ** 0.5


def test_normals_have_the_moments_shape_and_tails_of_a_normal():
    n = 1_000_000
    x = normals(KEYS[0], n).astype(np.float64)
    assert abs(x.mean()) < 4 / n**0.5
    assert abs(x.var() - 1) < 4 * (2 / n) ** 0.5
    assert abs(stats.skew(x)) < 4 * (6 / n) ** 0.5
    assert abs(stats.kurtosis(x)) < 4 * (24 / n) ** 0.5
    assert stats.kstest(x, "norm").pvalue > 1e-3
    for level in (2.0, 3.0, 4.0):
        expected = 2 * stats.norm.sf(level) * n
        assert abs(np.sum(np.abs(x) > level) - expected) < 4.5 * expected**0.5
    assert 4.5 < np.abs(x).max() <= (34 * np.log(2)) ** 0.5 + 1e-5


def test_normals_are_box_muller_of_the_draws():
    """The upper half of a draw gives the radius and its lowest bit a sign, the lower half the angle."""
    n = 2000
    h = words(KEYS[1], n)
    upper = (h >> U32(16)).astype(np.int64)
    r = np.sqrt(-2 * np.log((upper + 0.5) / 2**16))
    angle = np.pi * h.astype(np.uint16).astype(np.int16).astype(np.float64) / 2**16
    out = normals(KEYS[1], 2 * n)
    unit = np.maximum(r, 1.0)
    np.testing.assert_allclose(out[:n] / unit, (1 - 2 * (upper & 1)) * r * np.cos(angle) / unit, atol=1e-4)
    np.testing.assert_allclose(out[n:] / unit, r * np.sin(angle) / unit, atol=1e-4)


def test_halves_and_neighbours_of_a_block_of_normals_are_uncorrelated():
    x = normals(KEYS[2], N).astype(np.float64)
    bound = 4.5 / (N / 2) ** 0.5
    assert abs(np.corrcoef(x[: N // 2], x[N // 2 :])[0, 1]) < bound
    assert abs(np.corrcoef(x[:-1], x[1:])[0, 1]) < bound
    assert abs(np.corrcoef(np.abs(x[: N // 2]), np.abs(x[N // 2 :]))[0, 1]) < bound


@pytest.mark.parametrize("n", [1, 2, 7, BLOCK])
def test_normals_continue_from_their_counter_and_touch_nothing_else(n):
    out = np.full(n + 3, 9.0, np.float32)
    fill_normals(out, n, U64(KEYS[3]), 0)
    assert (out[n:] == 9.0).all()
    used = -(-n // 2)
    following = normals(KEYS[3], n, counter=used)
    whole = normals(KEYS[3], 4 * used)
    np.testing.assert_array_equal(np.sort(following[: n // 2]), np.sort(whole[used : used + n // 2]))
    assert not set(out[:n].tolist()) & set(following.tolist())
    odd = n % 2
    if odd:
        pairs = normals(KEYS[3], n + 1)
        half = n // 2
        np.testing.assert_array_equal(out[:half], pairs[:half])
        assert out[n - 1] == pairs[half]


@pytest.mark.parametrize("wanted", [(0, 1), (3, 16, 17, 40), (128, 129), (100, 300), (127, BLOCK), (5, 5, 200)])
def test_a_block_drawn_by_and_by_has_the_normals_of_one_drawn_at_once(wanted):
    whole = normals(KEYS[3], BLOCK, counter=3 * BLOCK)
    block, there = np.full(BLOCK, 9.0, np.float32), 0
    for number in wanted:
        there = fill_normals_to(block, there, number, U64(KEYS[3]), 3 * BLOCK)
        assert min(number, BLOCK) <= there <= max(BLOCK // 2, -(-number // 16) * 16) or there == BLOCK
        np.testing.assert_array_equal(block[:there], whole[:there])
    assert (block[there:] == 9.0).sum() >= BLOCK - 2 * there  # nobody asked for the rest: it is not drawn
