"""Do data sets have the shapes and ranges the arrays expect, and does a damaged file give one clear line?"""

import gzip
import hashlib
import os
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pooch
import pytest

from twin.config.data import Data
from twin.data import Dataset, digits, linear, load
from twin.data.images import FASHION_MNIST, MNIST
from twin.descriptions.load import load_workload
from twin.errors import TwinError

TRAIN_IMAGES, TRAIN_LABELS, TEST_IMAGES, TEST_LABELS = MNIST.files


def idx(values):
    array = np.asarray(values, np.uint8)
    return bytes([0, 0, 8, array.ndim]) + struct.pack(f">{array.ndim}i", *array.shape) + array.tobytes()


def fill(where):
    """Write four small idx files."""
    where.mkdir()
    rng = np.random.default_rng(2)
    for images, labels, n in ((TRAIN_IMAGES, TRAIN_LABELS, 7), (TEST_IMAGES, TEST_LABELS, 3)):
        (where / images).write_bytes(gzip.compress(idx(rng.integers(0, 256, (n, 28, 28)))))
        (where / labels).write_bytes(gzip.compress(idx(np.arange(n) % 10)))
    return where


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """Hold four small idx files under TWIN_DATA_DIR; return their folder."""
    monkeypatch.setenv("TWIN_DATA_DIR", str(tmp_path))
    return fill(tmp_path / "mnist")


def message_of(where, name, content, *, compress=True, named=True):
    (where / name).write_bytes(gzip.compress(content) if compress else content)
    with pytest.raises(TwinError) as caught:
        MNIST.read()
    text = str(caught.value)
    assert "\n" not in text
    assert name in text if named else "mnist" in text
    return text


def check(data, inputs, classes):
    for x, t in ((data.inputs, data.targets), (data.test_inputs, data.test_targets)):
        assert x.dtype == t.dtype == np.float32
        assert x.flags.c_contiguous
        assert t.flags.c_contiguous
        assert x.shape == (len(t), inputs)
        assert t.shape[1] == 1
        assert x.min() >= 0
        assert x.max() <= 1
        assert set(t[:, 0]) == set(range(classes))


def test_digits_are_1797_images_of_64_pixels_and_10_classes():
    data = digits.read()
    check(data, 64, 10)
    assert (len(data.inputs), len(data.test_inputs)) == (1437, 360)
    assert data.inputs.max() == 1.0
    train = {row.tobytes() for row in data.inputs}
    assert not any(row.tobytes() in train for row in data.test_inputs)


def test_sets_know_the_shape_of_a_sample_and_their_classes(folder, tmp_path):
    fill(tmp_path / "fashion-mnist")
    line = {"slope": 1, "intercept": 0, "noise": 0}
    known = {"digits": ((8, 8, 1), 10), "mnist": ((28, 28, 1), 10), "fashion-mnist": ((28, 28, 1), 10)}
    for name, (shape, classes) in (known | {"linear": ((1,), 0)}).items():
        data = load(Data(set=name, samples=5, **(line if name == "linear" else {})), 1)
        assert (data.shape, data.classes, data.outputs) == (shape, classes, classes or 1)
        assert data.inputs.shape == (5, np.prod(shape))
    assert folder.is_dir()


def test_samples_limits_the_training_set_only():
    data = load(Data(set="digits", samples=50), 1)
    whole = load(Data(set="digits"), 1)
    np.testing.assert_array_equal(data.inputs, whole.inputs[:50])
    assert len(data.targets) == 50
    assert len(data.test_inputs) == 360
    assert len(load(Data(set="digits", samples=10**6), 1).inputs) == 1437


def test_test_samples_limits_the_test_set_only():
    data = load(Data(set="digits", test_samples=40), 1)
    whole = load(Data(set="digits"), 1)
    np.testing.assert_array_equal(data.test_inputs, whole.test_inputs[:40])
    np.testing.assert_array_equal(data.test_targets, whole.test_targets[:40])
    np.testing.assert_array_equal(data.inputs, whole.inputs)
    assert len(load(Data(set="linear", slope=1, intercept=0, noise=0, test_samples=3), 1).test_inputs) == 3


def test_limits_keep_what_else_is_known_of_the_data():
    row = np.zeros((3, 2))
    data = Dataset(row, row, row, row, symbols=("a", "b"), sequential=True, facts={"characters": 9}).limited(1, 2)
    assert (len(data.inputs), len(data.test_inputs)) == (1, 2)
    assert (data.symbols, data.sequential, data.facts) == (("a", "b"), True, {"characters": 9})


def test_data_without_order_are_no_sequences():
    assert not load(Data(set="digits"), 1).sequential
    with pytest.raises(TwinError, match=r"^data.set \(= 'digits'\): has no sequences .*pydoc-topics"):
        load(Data(set="digits"), 1, steps=100)


def test_linear_is_the_line_with_its_noise_and_follows_the_seed():
    config = Data(set="linear", slope=0.5, intercept=0.25, noise=0.05)
    data = linear.make(config, 1)
    x, y = (np.concatenate(pair)[:, 0] for pair in ((data.inputs, data.test_inputs), (data.targets, data.test_targets)))
    assert np.abs(x).max() <= 1
    assert abs(x.mean()) < 4 / (3 * len(x)) ** 0.5
    slope, intercept = np.polyfit(x, y, 1)
    error = 0.05 / len(x) ** 0.5
    assert slope == pytest.approx(0.5, abs=4 * 3**0.5 * error)
    assert intercept == pytest.approx(0.25, abs=4 * error)
    assert np.std(y - 0.5 * x - 0.25) == pytest.approx(0.05, rel=4 / (2 * len(x)) ** 0.5)
    np.testing.assert_array_equal(linear.make(config, 1).inputs, data.inputs)
    assert (linear.make(config, 2).inputs != data.inputs).any()
    quiet = linear.make(Data(set="linear", slope=0.5, intercept=0.25, noise=0.0), 1)
    np.testing.assert_array_equal(quiet.inputs, data.inputs)
    np.testing.assert_allclose(quiet.targets, 0.5 * quiet.inputs + 0.25, atol=1e-6)


def test_shipped_workloads_name_data_that_fits_their_network():
    for name in ("digits-mlp", "linear"):
        workload = load_workload(name).model
        data = load(workload.data, workload.training.seed)
        assert data.targets.shape[1] == 1
        assert workload.network.layers[-1].outputs == (10 if name == "digits-mlp" else 1)


def test_idx_files_are_read_and_scaled(folder):
    data = MNIST.read()
    assert data.inputs.shape == (7, 784)
    assert data.test_inputs.shape == (3, 784)
    raw = gzip.decompress((folder / TRAIN_IMAGES).read_bytes())
    np.testing.assert_allclose(data.inputs.ravel() * 255, np.frombuffer(raw, np.uint8, -1, 16), atol=1e-4)
    np.testing.assert_array_equal(data.targets[:, 0], np.arange(7))
    assert data.targets.dtype == data.inputs.dtype == np.float32


@pytest.mark.parametrize("name", MNIST.files)
def test_a_file_that_is_not_gzip_gives_one_line(folder, name):
    assert "gzip" in message_of(folder, name, b"<html>404</html>", compress=False)
    whole = gzip.compress(idx(np.zeros((5, 28, 28))))
    for cut in (1, 5, len(whole) // 2, len(whole) - 1):
        message_of(folder, name, whole[:cut], compress=False)


@pytest.mark.parametrize("content", [b"", b"\0", b"\0\0\x0d\x03", b"PK\x03\x04 and so on", b"\0\0\x08"])
def test_a_wrong_magic_number_gives_one_line(folder, content):
    assert "idx" in message_of(folder, TRAIN_IMAGES, content)


def test_missing_or_surplus_data_give_one_line(folder):
    images = idx(np.zeros((7, 28, 28)))
    assert "5488" in message_of(folder, TRAIN_IMAGES, images[:-1])
    message_of(folder, TRAIN_IMAGES, images + b"\0")
    message_of(folder, TRAIN_IMAGES, images[:16])


@pytest.mark.parametrize("kept", [4, 7, 8, 12, 15])
def test_a_header_that_ends_early_gives_one_line(folder, kept):
    message_of(folder, TRAIN_IMAGES, idx(np.zeros((7, 28, 28)))[:kept])


def test_files_that_do_not_fit_each_other_give_one_line(folder):
    """More images than labels would read labels out of bounds in a kernel."""
    message_of(folder, TRAIN_LABELS, idx(np.arange(6)), named=False)


def test_a_label_beyond_the_classes_gives_one_line(folder):
    message_of(folder, TRAIN_LABELS, idx([0, 1, 2, 3, 200, 5, 6]), named=False)


@pytest.mark.parametrize("values", [np.zeros((7, 28, 28)), np.zeros((7, 1)), np.uint8(3)])
def test_labels_of_the_wrong_shape_give_one_line(folder, values):
    message_of(folder, TRAIN_LABELS, idx(values), named=False)


@pytest.mark.parametrize("shape", [(7, 27, 28), (7,), (0, 28, 28)])
def test_images_of_the_wrong_shape_give_one_line(folder, shape):
    message_of(folder, TRAIN_IMAGES, idx(np.zeros(shape)), named=False)


def test_an_absent_file_that_cannot_be_fetched_gives_one_line(folder, monkeypatch):
    def refuse(*_args, **_kwargs):
        raise ConnectionError("no network\nhere")

    monkeypatch.setattr(pooch, "retrieve", refuse)
    (folder / TEST_LABELS).unlink()
    with pytest.raises(TwinError) as caught:
        MNIST.read()
    assert "\n" not in str(caught.value)
    assert "TWIN_DATA_DIR" in str(caught.value)


def test_fashion_mnist_has_a_folder_of_its_own(folder):
    where = fill(folder.parent / "fashion-mnist")
    (where / TEST_LABELS).write_bytes(gzip.compress(idx([4, 5, 6])))
    data = load(Data(set="fashion-mnist"), 1)
    assert data.inputs.shape == (7, 784)
    np.testing.assert_array_equal(data.test_targets[:, 0], [4, 5, 6])
    (where / TEST_LABELS).write_bytes(gzip.compress(idx([4, 5])))
    with pytest.raises(TwinError, match=r"^fashion-mnist: images"):
        FASHION_MNIST.read()


def test_every_set_says_its_name_hash_and_sizes(folder, tmp_path):
    (tmp_path / "a.txt").write_text("ab\n" * 40)
    hashes = {}
    for config, seed, steps, train, test in (
        (Data(set="digits", samples=9), 1, 0, 9, 360),
        (Data(set="mnist"), 1, 0, 7, 3),
        (Data(set="linear", slope=1.0, intercept=0.0, noise=0.1), 1, 0, 2000, 500),
        (Data(set="linear", slope=1.0, intercept=0.0, noise=0.1), 2, 0, 2000, 500),
        (Data(set="text", file=str(tmp_path / "a.txt"), test_samples=1), 1, 5, 21, 1),
    ):
        facts = load(config, seed, steps).facts
        assert (facts["set"], facts["training samples"], facts["test samples"]) == (config.set, train, test)
        assert str(facts["name"]).startswith(config.set)
        hashes[config.set, seed] = facts["sha256"]
    assert facts["name"] == f"text (a.txt: sha256 {str(facts['sha256'])[:12]})"
    assert len(set(hashes.values())) == len(hashes) == 5
    assert load(Data(set="digits"), 7).facts["sha256"] == hashes["digits", 1]
    headers = (16, 8, 16, 8)
    raw = [gzip.decompress((folder / name).read_bytes())[n:] for name, n in zip(MNIST.files, headers, strict=True)]
    assert hashes["mnist", 1] == hashlib.sha256(b"".join(raw)).hexdigest()


def test_both_sets_of_images_are_fetched_by_hash_into_different_files(tmp_path, monkeypatch):
    calls = []

    def note(url, known_hash, fname, path):
        calls.append((url, known_hash, Path(path) / fname))
        source = tmp_path / "source"
        if not source.exists():
            fill(source)
        return str(source / fname)

    monkeypatch.delenv("TWIN_DATA_DIR", raising=False)
    monkeypatch.setattr(pooch, "retrieve", note)
    for images in (MNIST, FASHION_MNIST):
        assert images.read().inputs.shape == (7, 784)
    assert len({path for *_, path in calls}) == len({url for url, *_ in calls}) == 8
    assert all(len(known) == 64 for _, known, _ in calls)
    assert len({known for _, known, _ in calls}) == 8


def missing(images):
    """Say why the real files cannot be read; empty where they can."""
    folder = os.environ.get("TWIN_DATA_DIR")
    if not folder:
        return f"TWIN_DATA_DIR is not set: no real {images.name} to read"
    absent = [name for name in images.files if not (Path(folder) / images.name / name).is_file()]
    return f"TWIN_DATA_DIR has no {images.name}/{absent[0]}" if absent else ""


@pytest.mark.skipif(bool(missing(FASHION_MNIST)), reason=missing(FASHION_MNIST) or "present")
def test_real_fashion_mnist_has_its_published_shape():
    data = FASHION_MNIST.read()
    check(data, 784, 10)
    assert (len(data.inputs), len(data.test_inputs)) == (60_000, 10_000)
    assert np.bincount(data.targets[:, 0].astype(int)).tolist() == [6000] * 10


@pytest.mark.skipif(bool(missing(MNIST)), reason=missing(MNIST) or "present")
def test_real_mnist_has_its_published_shape():
    data = MNIST.read()
    check(data, 784, 10)
    assert (len(data.inputs), len(data.test_inputs)) == (60_000, 10_000)
    assert data.inputs.mean() == pytest.approx(0.1307, abs=1e-4)
    assert np.bincount(data.targets[:, 0].astype(int))[:2].tolist() == [5923, 6742]
    assert data.facts["name"] == "mnist"


@pytest.mark.parametrize("images", [MNIST, FASHION_MNIST])
def test_other_files_in_the_folder_of_a_set_are_named_as_such(tmp_path, monkeypatch, images):
    monkeypatch.setenv("TWIN_DATA_DIR", str(tmp_path))
    where = fill(tmp_path / images.name)
    facts = load(Data(set=images.name), 1).facts
    assert facts["name"] == f"{images.name} (other files: sha256 {facts['sha256'][:12]})"
    raw = [gzip.decompress((where / name).read_bytes()) for name in images.files]
    found = tuple(hashlib.md5(content, usedforsecurity=False).hexdigest() for content in raw)
    known = replace(images, contents=found)
    assert known.read().facts["name"] == images.name
    for name in images.files:  # packed in another way they are the same files
        content = gzip.decompress((where / name).read_bytes())
        (where / name).write_bytes(gzip.compress(content, 1))
    assert known.read().facts["name"] == images.name
    (where / TEST_LABELS).write_bytes(gzip.compress(idx([4, 5, 6])))  # one of the four is enough
    assert str(known.read().facts["name"]).startswith(f"{images.name} (other files: sha256 ")
