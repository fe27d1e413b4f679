"""One-parameter regression: y = slope x + intercept + N(0, noise), x uniform in [-1, 1] (Onen 2021; Lee 2022)."""

from typing import TYPE_CHECKING

import numpy as np

from twin.data.dataset import Dataset, sha256

if TYPE_CHECKING:
    from twin.config.data import Data

SAMPLES = 2000
TEST_SAMPLES = 500


def make(config: "Data", seed: int) -> Dataset:
    """Draw the training and test samples of a workload's line."""
    rng = np.random.Generator(np.random.Philox(np.random.SeedSequence([seed, 1])))
    n = SAMPLES + TEST_SAMPLES
    x = rng.uniform(-1.0, 1.0, n).astype(np.float32)[:, None]
    noise = rng.standard_normal(n).astype(np.float32)[:, None]
    y = np.float32(config.slope) * x + np.float32(config.intercept) + np.float32(config.noise) * noise
    facts = {"sha256": sha256(x, y)}
    return Dataset(x[:SAMPLES], y[:SAMPLES], x[SAMPLES:], y[SAMPLES:], facts=facts)
