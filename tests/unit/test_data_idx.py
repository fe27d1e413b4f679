"""Are pairs of idx files of one's own images and labels, gzipped or not?"""

import gzip
import struct

import numpy as np
import pytest
from pydantic import ValidationError

from twin.config.data import Data
from twin.data import load
from twin.errors import TwinError

RNG = np.random.default_rng(3)
IMAGES, TEST_IMAGES = RNG.integers(0, 256, (6, 4, 5), np.uint8), RNG.integers(0, 256, (3, 4, 5), np.uint8)
LABELS, TEST_LABELS = np.array([0, 1, 2, 0, 1, 2], np.uint8), np.array([2, 1, 0], np.uint8)
PAIR = {"file": "images", "label_file": "labels"}
FOUR = PAIR | {"test_file": "test-images", "test_label_file": "test-labels"}


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Hold four idx files in the current folder."""
    monkeypatch.chdir(tmp_path)
    for name, array in (
        ("images", IMAGES),
        ("labels", LABELS),
        ("test-images", TEST_IMAGES),
        ("test-labels", TEST_LABELS),
    ):
        write(tmp_path / name, array)
    return tmp_path


def write(path, array, pack=bytes):
    header = bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}i", *array.shape)
    path.write_bytes(pack(header + array.tobytes()))


def refused(**keys):
    with pytest.raises(TwinError) as caught:
        load(Data(set="idx", **keys), 1)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("pack", [bytes, gzip.compress])
def test_images_need_not_be_square_or_packed(here, pack):
    write(here / "images", IMAGES, pack)
    data = load(Data(set="idx", **FOUR), 1)
    assert (data.shape, data.classes) == ((4, 5, 1), 3)
    np.testing.assert_array_equal(data.inputs, IMAGES.reshape(6, -1) / np.float32(255))
    np.testing.assert_array_equal(data.test_targets[:, 0], TEST_LABELS)
    assert str(data.facts["name"]).startswith("idx (images: sha256 ")


def test_one_pair_is_split():
    data = load(Data(set="idx", **PAIR, test_share=0.5, split="last"), 1)
    np.testing.assert_array_equal(data.test_targets[:, 0], LABELS[3:])


def test_four_axes_are_maps_with_channels(here):
    write(here / "images", RNG.integers(0, 256, (6, 3, 4, 5), np.uint8))
    assert "data.channels" in refused(**PAIR, test_share=0.5)
    assert load(Data(set="idx", **PAIR, test_share=0.5, channels="first"), 1).shape == (4, 5, 3)


def test_what_does_not_fit_is_refused(here):
    assert "data.label_file (= 'none'): no such file" in refused(file="images", label_file="none")
    assert "has 3 targets for 6 samples" in refused(file="images", label_file="test-labels", test_share=0.5)
    assert "data.test_share (= 0)" in refused(**PAIR)
    write(here / "test-images", TEST_IMAGES[:, :3])
    assert "data.test_file (= 'test-images') (of shape (3, 3, 5, 1))" in refused(**FOUR)
    write(here / "test-labels", TEST_LABELS + 1)
    write(here / "test-images", TEST_IMAGES)
    assert "data.test_label_file (= 'test-labels')[0] (= 3)" in refused(**FOUR)
    (here / "images").write_bytes(b"\x89PNG")
    assert "neither gzip nor an idx file" in refused(**FOUR)
    (here / "images").write_bytes(b"\x1f\x8bPNG")
    assert "not a readable gzip file" in refused(**FOUR)
    write(here / "images", np.zeros((6, 4, 4), np.uint8))
    (here / "images").write_bytes((here / "images").read_bytes()[:-1])
    assert "needs 96" in refused(**FOUR)


def test_a_file_of_labels_needs_one_of_images():
    with pytest.raises(ValidationError, match="needs label_file"):
        Data(set="idx", file="images")
    with pytest.raises(ValidationError, match="beside test_file"):
        Data(set="idx", **PAIR, test_file="x")
