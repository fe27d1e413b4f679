"""The 8 x 8 digits that scikit-learn embeds (UCI, Alpaydin & Kaynak 1998): 1,797 images, 10 classes."""

import numpy as np

from twin.data.dataset import Dataset, sha256

SHAPE = 8, 8, 1
CLASSES = 10
TEST_EVERY = 5  # every fifth image is a test image: 1,437 to train, 360 to test


def read() -> Dataset:
    """Return the digits, pixels scaled to [0, 1]."""
    from sklearn.datasets import load_digits  # noqa: PLC0415 - a second of import

    raw = load_digits()
    images = (raw.data / 16.0).astype(np.float32)
    labels = raw.target.astype(np.float32)[:, None]
    test = np.arange(len(images)) % TEST_EVERY == 0
    facts = {"sha256": sha256(images, labels)}
    return Dataset(images[~test], labels[~test], images[test], labels[test], SHAPE, CLASSES, facts=facts)
