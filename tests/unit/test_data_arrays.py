"""Are arrays of one's own read as they are meant, and is what cannot be learnt refused in one line?"""

import io
import zipfile

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pydantic import ValidationError

from twin.config.data import Data
from twin.data import load
from twin.data.checked import Samples
from twin.data.samples import dataset
from twin.errors import TwinError

RNG = np.random.default_rng(5)


def vectors(n=12, classes=3):
    return RNG.uniform(-1, 1, (n, 4)).astype(np.float32), np.arange(n) % classes


def both(train=None, test=None, **arrays):
    x, y = train or vectors()
    test_x, test_y = test or vectors(6)
    return {"x_train": x, "y_train": y, "x_test": test_x, "y_test": test_y} | arrays


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Files are named by their name in the current folder."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


def read(arrays, **keys):
    np.savez("own.npz", **arrays)
    return load(Data(set="arrays", file="own.npz", **keys), 1)


def refused(arrays, **keys):
    with pytest.raises(TwinError) as caught:
        read(arrays, **keys)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_vectors_are_read_as_they_are():
    arrays = both()
    data = read(arrays)
    np.testing.assert_array_equal(data.inputs, arrays["x_train"])
    np.testing.assert_array_equal(data.test_targets[:, 0], arrays["y_test"])
    assert (data.shape, data.classes, data.outputs) == ((4,), 3, 3)
    assert data.facts["set"] == "arrays"
    assert data.facts["name"] == f"arrays (own.npz: sha256 {str(data.facts['sha256'])[:12]})"
    assert (data.facts["training samples"], data.facts["test samples"]) == (12, 6)
    assert read(both()).facts["sha256"] != data.facts["sha256"]
    assert len(read(arrays, samples=5, test_samples=2).inputs) == 5


def test_channels_first_become_channels_last():
    x, test = RNG.random((6, 3, 4, 5)), RNG.random((2, 3, 4, 5))
    first = read(both((x, np.arange(6) % 2), (test, [0, 1])), channels="first")
    assert first.shape == (4, 5, 3)
    np.testing.assert_array_equal(first.inputs[1].reshape(4, 5, 3)[2, 4], x[1, :, 2, 4].astype(np.float32))
    last = read(
        both((x.transpose(0, 2, 3, 1), np.arange(6) % 2), (test.transpose(0, 2, 3, 1), [0, 1])), channels="last"
    )
    np.testing.assert_array_equal(last.inputs, first.inputs)
    np.testing.assert_array_equal(last.test_inputs, first.test_inputs)
    assert last.shape == first.shape


@given(hnp.arrays(np.uint8, hnp.array_shapes(min_dims=4, max_dims=4, min_side=1, max_side=5)))
@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_bytes_are_pixels_wherever_their_channels_stand(here, images):
    """Every byte of every map arrives at its place, divided by 255."""
    assert here.is_dir()
    train = np.concatenate([images, images])
    labels = (np.arange(len(train)) >= len(images)).astype(int)
    first = read(both((train.transpose(0, 3, 1, 2), labels), (images.transpose(0, 3, 1, 2), labels[: len(images)])),
                 channels="first")  # fmt: skip
    last = read(both((train, labels), (images, labels[: len(images)])), channels="last")
    expected = images.reshape(len(images), -1).astype(np.float32) / np.float32(255)
    for data in (first, last):
        assert data.shape == images.shape[1:]
        np.testing.assert_array_equal(data.test_inputs, expected)


def test_maps_without_channels_have_one():
    x = RNG.integers(0, 256, (4, 6, 7), np.uint8)
    data = read(both((x, [0, 1, 0, 1]), (x[:1], [1])))
    assert data.shape == (6, 7, 1)
    assert data.inputs.max() <= 1


def test_one_pair_is_split_by_the_stated_share():
    x, y = vectors(50)
    drawn = read({"x": x, "y": y}, test_share=0.2)
    last = read({"x": x, "y": y}, test_share=0.2, split="last")
    assert (len(drawn.inputs), len(drawn.test_inputs)) == (len(last.inputs), len(last.test_inputs)) == (40, 10)
    np.testing.assert_array_equal(last.test_inputs, x[40:])
    rows = {row.tobytes() for row in drawn.inputs} | {row.tobytes() for row in drawn.test_inputs}
    assert rows == {row.tobytes() for row in x}
    assert (drawn.test_inputs != last.test_inputs).any()
    again = load(Data(set="arrays", file="own.npz", test_share=0.2), 99)  # another seed, the same test
    np.testing.assert_array_equal(again.test_inputs, drawn.test_inputs)


def test_values_to_fit_may_be_several():
    x, _ = vectors(12)
    y = RNG.normal(5, 3, (12, 2))
    data = read({"x": x, "y": y}, test_share=0.25, split="last", targets="values")
    assert (data.classes, data.outputs) == (0, 2)
    np.testing.assert_array_equal(data.targets, y[:9].astype(np.float32))
    one = read({"x": x, "y": y[:, 0]}, test_share=0.25, targets="values")
    assert one.targets.shape == (9, 1)


def test_scaling_is_that_of_the_training_samples():
    x = RNG.normal(5, 3, (40, 3)) * [1, 10, 0]
    data = read({"x": x, "y": x[:, :2]}, test_share=0.5, split="last", targets="values", scaling="standard",
                target_scaling="standard")  # fmt: skip
    np.testing.assert_allclose(data.inputs[:, :2].mean(axis=0), 0, atol=1e-6)
    np.testing.assert_allclose(data.inputs[:, :2].std(axis=0), 1, atol=1e-6)
    assert not data.inputs[:, 2].any()  # a constant feature
    offset = [float(word) for word in str(data.facts["target offset"]).split(", ")]
    scale = [float(word) for word in str(data.facts["target scale"]).split(", ")]
    np.testing.assert_allclose(data.test_targets * scale + offset, x[20:, :2], rtol=1e-5, atol=1e-5)
    most = read({"x": x, "y": x[:, :2]}, test_share=0.5, split="last", targets="values", scaling="maximum")
    np.testing.assert_allclose(np.abs(most.inputs).max(axis=0), [1, 1, 0])


X, Y = vectors()
LONG = np.where(np.arange(12) == 7, 5, Y)


@pytest.mark.parametrize(
    ("arrays", "keys", "words"),
    [
        ({"x_train": X, "y_train": Y}, {}, ["has no x_test", "x_train, y_train", "or x and y"]),
        ({"a": X}, {}, ["has no x_train, but a"]),
        ({"x": X}, {"test_share": 0.5}, ["has no y, but x"]),
        ({"x": X, "y": Y}, {}, ["data.test_share (= 0)", "no test part", "0.2"]),
        ({"x": X, "y": Y}, {"test_share": 0.01}, ["data.test_share (= 0.01)", "12 samples"]),
        (both(), {"test_share": 0.5}, ["data.test_share (= 0.5)", "leave it out"]),
        (both(y_train=Y[:5]), {}, ["y_train: has 5 targets for 12 samples"]),
        (both(x_test=X[:6, :3]), {}, ["x_test (of shape (6, 3))", "(4,)"]),
        (both(y_train=np.stack([Y, Y], 1)), {}, ["y_train (of shape (12, 2))", "argmax"]),
        (both(y_train=Y + 1), {}, ["y_train: the classes are 1 to 3", "subtract 1"]),
        (both(y_train=Y * 0), {}, ["every sample is of class 0", "two classes"]),
        (both(y_train=Y - 1), {}, ["y_train[0] (= -1)", "whole number"]),
        (both(y_train=Y + 0.5), {}, ["y_train[0] (= 0.5)", 'data.targets = "values"']),
        (both(test=(X, LONG)), {}, ["y_test[7] (= 5)", "0 to 2"]),
        (both(y_train=np.where(np.arange(12) == 3, np.nan, Y)), {}, ["y_train[3] (= nan)", "finite"]),
        (both(x_train=np.where(X[2, 1] == X, np.nan, X)), {}, ["x_train[2, 1] (= nan)", "finite"]),
        (both(x_test=X.astype(float) * 1e300), {}, ["x_test[0, 0]", "finite in float32"]),
        (both(x_train=np.array([["a"] * 4] * 12)), {}, ["x_train (of type <U1)", "numbers"]),
        (both(y_train=np.array(["cat"] * 12)), {}, ["y_train (of type <U3)", "number the classes from 0"]),
        (both(y_train=Y.astype("datetime64[D]")), {}, ["y_train (of type datetime64[D])", "number the classes from 0"]),
        (both(y_train=Y.astype(complex)), {}, ["y_train (of type complex128)", "number the classes from 0"]),
        (both(x_train=X[0]), {}, ["x_train (of shape (4,))", "reshape"]),
        (both(x_train=X[:0], y_train=Y[:0]), {}, ["x_train (of shape (0, 4))"]),
        (both(x_train=X.reshape(12, 4, 1, 1)), {}, ["needs data.channels", '"last"', "if there are 1"]),
        (both(x_train=np.zeros((12, 3, 8, 8))), {}, ["needs data.channels", '"first"', "if there are 3"]),
        (both(), {"channels": "last"}, ["data.channels (= 'last')", "without channels", "leave it out"]),
        (both(y_train=Y.reshape(3, 2, 2)), {}, ["y_train (of shape (3, 2, 2))"]),
    ],
)  # fmt: skip
def test_what_cannot_be_learnt_is_refused(arrays, keys, words):
    message = refused(arrays, **keys)
    assert [word for word in words if word not in message] == []
    assert "own.npz" in message


def test_pickled_arrays_are_never_read():
    assert "Python objects" in refused(both(y_train=np.array([{}] * 12, object)))


def test_a_file_that_is_none_is_refused(here):
    (here / "own.npz").write_bytes(b"PK\x03\x04 no more")
    config = Data(set="arrays", file="own.npz")
    with pytest.raises(TwinError, match=r"own\.npz: cannot be read.*np\.savez"):
        load(config, 1)
    with pytest.raises(TwinError, match=r"^data\.file \(= 'none\.npz'\): no such file"):
        load(Data(set="arrays", file="none.npz"), 1)


def test_a_header_that_claims_ten_gigabytes_is_refused(here):
    header = io.BytesIO()
    np.lib.format.write_array_header_1_0(header, {"descr": "<f4", "fortran_order": False, "shape": (10**6, 2500)})
    with zipfile.ZipFile(here / "own.npz", "w") as archive:
        archive.writestr("x_train.npy", header.getvalue() + bytes(16))
    with pytest.raises(TwinError, match="claims the shape"):
        load(Data(set="arrays", file="own.npz"), 1)


@pytest.mark.parametrize(
    ("keys", "rule"),
    [
        ({"set": "arrays"}, "needs file"),
        ({"set": "digits", "targets": "values"}, 'belongs to set = "arrays"'),
        ({"set": "digits", "test_share": 0.5}, 'belongs to set = "arrays"'),
        ({"set": "arrays", "file": "x", "slope": 1.0}, 'belongs to set = "linear"'),
        ({"set": "arrays", "file": "x", "target_scaling": "standard"}, 'belongs to targets = "values"'),
        ({"set": "arrays", "file": "x", "test_share": 1.0}, "less than 1"),
    ],
)
def test_keys_that_mean_nothing_are_refused(keys, rule):
    with pytest.raises(ValidationError, match=rule):
        Data(**keys)


@settings(max_examples=40, deadline=None)
@given(st.integers(2, 300), st.floats(0.01, 0.99))
def test_no_sample_is_lost_or_used_twice_by_a_split(n, share):
    x = np.arange(n, dtype=np.float32)[:, None]
    config = Data(set="arrays", file="x", test_share=share, targets="values")
    if not 0 < round(share * n) < n:
        return
    data = dataset(config, "x", [Samples("x", x, "y", x)])
    assert sorted([*data.inputs[:, 0], *data.test_inputs[:, 0]]) == list(range(n))
    np.testing.assert_array_equal(data.inputs, data.targets)
