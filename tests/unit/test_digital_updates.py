"""Have updates of a digital matrix that are performed together the bits of the same updates one after another?"""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from twin.kernels.array import digital
from twin.kernels.simd import products
from twin.kernels.simd.lanes import HAS_COMPRESS

F32 = np.float32
LR = F32(0.02)


@pytest.mark.skipif(not HAS_COMPRESS, reason="the processor has no AVX-512")
@pytest.mark.parametrize("n_out", [1, 15, 16, 17, 48, 83, 256])
def test_vectors_add_what_words_add(n_out):
    rng, n_in = np.random.default_rng(n_out), 5
    step = n_out + 5
    d, factors = rng.standard_normal(3 + 8 * step).astype(F32), rng.standard_normal(8 * n_in).astype(F32)
    words = rng.standard_normal(n_in * n_out).astype(F32)
    vectors = words.copy()
    digital.add_eight_by_words(words, n_in, n_out, factors, d, 3, step)
    products.add_eight_by_vectors(vectors, n_in, n_out, factors, d, 3, step)
    np.testing.assert_array_equal(words, vectors)


@st.composite
def updates(draw):
    """Shapes, uses, and how many of the lines carry a signal."""
    n_in, n_out = draw(st.integers(1, 40)), draw(st.integers(1, 70))
    uses, lit = draw(st.integers(1, 35)), draw(st.sampled_from([0.0, 0.1, 0.9, 1.0]))
    rng = np.random.default_rng(draw(st.integers(0, 1000)))
    x = np.where(rng.random((uses, n_in + 3)) < lit, rng.standard_normal((uses, n_in + 3)), 0).astype(F32)
    d = rng.standard_normal((uses, n_out + 2)).astype(F32)
    return rng.standard_normal((n_in, n_out)).astype(F32), x, d


def performed(w, x, d, at_once):
    """Perform all uses, `at_once` a call."""
    w, scratch = w.copy(), np.zeros(digital.TOGETHER * len(w), F32)
    for first in range(0, len(x), at_once):
        some, errors = x[first : first + at_once], d[first : first + at_once]
        digital.unbounded_updates(
            w.ravel(), *w.shape, some.ravel(), x.shape[1], errors.ravel(), d.shape[1], len(some), LR, scratch
        )
    return w


@given(updates())
def test_updates_together_have_the_bits_of_updates_one_by_one(drawn):
    w, x, d = drawn
    together = performed(w, x, d, len(x))
    np.testing.assert_array_equal(together.view(np.int32), performed(w, x, d, 1).view(np.int32))
    exact = w + float(LR) * x[:, : w.shape[0]].astype(float).T @ d[:, : w.shape[1]].astype(float)
    np.testing.assert_allclose(together, exact, atol=2e-6 * (len(x) + 4))


def test_a_line_without_a_signal_is_left_alone_whatever_the_error():
    w = np.full((3, 20), -0.0, F32)
    x, d = np.zeros((9, 3), F32), np.full((9, 20), np.inf, F32)
    np.testing.assert_array_equal(performed(w, x, d, 9).view(np.int32), w.view(np.int32))
