"""Are sums over rows and products with them those of NumPy, by words and by vectors, whatever the shape?"""

import numpy as np
import pytest

from twin.kernels.jit import kernel
from twin.kernels.simd import rows
from twin.kernels.simd.lanes import HAS_COMPRESS

F32, I32 = np.float32, np.int32
SHAPES = [(1, 1), (3, 7), (4, 8), (5, 16), (26, 16), (9, 63), (64, 64), (65, 83), (129, 10), (7, 131), (129, 256)]
with_vectors = pytest.mark.skipif(not HAS_COMPRESS, reason="the processor has no AVX-512")


@kernel
def four_both(words, vectors, w, starts, factors):
    rows.add_four_by_words(words, words.size, w, starts, factors)
    rows.add_four_by_vectors(vectors, vectors.size, w, starts, factors)


@kernel
def one_both(words, vectors, w, start, factor):
    rows.add_one_by_words(words, words.size, w, start, factor)
    rows.add_one_by_vectors(vectors, vectors.size, w, start, factor)


@kernel
def dot_both(w, n_in, n_out, d, words, vectors):
    rows.dot_rows_by_words(w, n_in, n_out, d, words)
    rows.dot_rows_by_vectors(w, n_in, n_out, d, vectors)


@with_vectors
@pytest.mark.parametrize("n", [1, 15, 16, 17, 83, 256])
def test_vectors_add_the_rows_that_words_add(n):
    rng = np.random.default_rng(n)
    w, factors = rng.standard_normal(6 * n).astype(F32), tuple(rng.standard_normal(4).astype(F32))
    words = rng.standard_normal(n).astype(F32)
    vectors = words.copy()
    four_both(words, vectors, w, (0, 3 * n, n, 5 * n), factors)
    one_both(words, vectors, w, 4 * n, factors[0])
    np.testing.assert_array_equal(words, vectors)


@with_vectors
@pytest.mark.parametrize(("n_in", "n_out"), SHAPES)
def test_vectors_multiply_as_words_do(n_in, n_out):
    rng = np.random.default_rng(n_in + n_out)
    w, d = rng.standard_normal(n_in * n_out).astype(F32), rng.standard_normal(n_out).astype(F32)
    words, vectors = np.zeros((2, n_in), F32)
    dot_both(w, n_in, n_out, d, words, vectors)
    np.testing.assert_allclose(words, vectors, rtol=0, atol=2e-6 * n_out)


@pytest.mark.parametrize(("n_in", "n_out"), SHAPES)
def test_both_products_are_those_of_numpy(n_in, n_out):
    rng = np.random.default_rng(n_in * n_out)
    w = rng.standard_normal((n_in, n_out)).astype(F32)
    x = np.where(rng.random(n_in) < 0.7, rng.standard_normal(n_in), 0).astype(F32)
    d = rng.standard_normal(n_out).astype(F32)
    y, z, index = np.full(n_out + 1, 7, F32), np.full(n_in + 1, 7, F32), np.zeros(n_in + 64, I32)
    assert rows.accumulate_rows(w.ravel(), n_out, x, index, y) == np.count_nonzero(x)
    rows.dot_rows(w.ravel(), n_in, n_out, d, z)
    np.testing.assert_allclose(y[:-1], x.astype(float) @ w, atol=2e-6 * n_in)
    np.testing.assert_allclose(z[:-1], w.astype(float) @ d, atol=2e-6 * n_out)
    assert y[-1] == z[-1] == 7


def test_a_row_is_the_same_whatever_rows_are_taken_with_it():
    rng = np.random.default_rng(1)
    w, d = rng.standard_normal((7, 83)).astype(F32), rng.standard_normal(83).astype(F32)
    together, alone = np.zeros(7, F32), np.zeros(1, F32)
    rows.dot_rows(w.ravel(), 7, 83, d, together)
    for j in range(7):
        rows.dot_rows(w[j].copy(), 1, 83, d, alone)
        assert alone[0] == together[j]


def test_lines_without_a_signal_change_no_bit():
    rng = np.random.default_rng(2)
    w, x = rng.standard_normal((40, 70)).astype(F32), rng.standard_normal(40).astype(F32)
    x[rng.random(40) < 0.5] = 0
    lit = np.flatnonzero(x)
    all_lines, lit_lines, index = np.zeros(70, F32), np.zeros(70, F32), np.zeros(104, I32)
    rows.accumulate_rows(w.ravel(), 70, x, index, all_lines)
    rows.accumulate_rows(w[lit].ravel(), 70, x[lit].copy(), index, lit_lines)
    np.testing.assert_array_equal(all_lines, lit_lines)
