"""Are CIFAR's records and folders of one's own images read as colour maps, channels last, and damage told in a line?"""

import hashlib
from dataclasses import replace
from pathlib import Path

import numpy as np
import pooch
import pytest
from PIL import Image
from pydantic import ValidationError

from twin.config.data import CLASSES, Data
from twin.data import load
from twin.data.cifar import CIFAR_10, CIFAR_100
from twin.data.pictures import FORMATS
from twin.errors import TwinError

RNG = np.random.default_rng(8)
SETS = [CIFAR_10, CIFAR_100]


def fill(where, cifar, n=4):
    """Write n records into each binary file; return the pixels, channels first, and the classes of the first file."""
    where.mkdir(parents=True, exist_ok=True)
    first = None
    for file in cifar.files:
        pixels, labels = RNG.integers(0, 256, (n, 3, 32, 32), np.uint8), RNG.integers(0, cifar.classes, n)
        heads = np.zeros((n, cifar.label_bytes), np.uint8)
        heads[:, -1] = labels
        (where / file).write_bytes(np.concatenate([heads, pixels.reshape(n, -1)], axis=1).tobytes())
        first = first or (pixels, labels)
    return first


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """Data lie in the current folder, and TWIN_DATA_DIR names it too."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("TWIN_DATA_DIR", str(tmp_path))
    return tmp_path


def refused(**keys):
    with pytest.raises(TwinError) as caught:
        load(Data(**keys), 1)
    assert "\n" not in str(caught.value)
    return str(caught.value)


# -- CIFAR -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cifar", SETS, ids=lambda cifar: cifar.name)
def test_records_become_maps_with_their_colours_last(here, cifar):
    for place in (cifar.folder, cifar.name):
        pixels, labels = fill(here / place, cifar)
        data = load(Data(set=cifar.name), 1)
        assert (data.shape, data.classes) == ((32, 32, 3), CLASSES[cifar.name])
        assert (len(data.inputs), len(data.test_inputs)) == (4 * (len(cifar.files) - 1), 4)
        np.testing.assert_array_equal(data.targets[:4, 0], labels)
        expected = pixels.transpose(0, 2, 3, 1).reshape(4, -1) / np.float32(255)
        np.testing.assert_array_equal(data.inputs[:4], expected)
    few = load(Data(set=cifar.name, samples=2, test_samples=1), 1)
    np.testing.assert_array_equal(few.inputs, data.inputs[:2])
    assert len(few.test_inputs) == 1


@pytest.mark.parametrize("cifar", SETS, ids=lambda cifar: cifar.name)
def test_other_files_are_not_called_by_the_name_of_the_set(here, cifar):
    fill(here / cifar.name, cifar)
    facts = cifar.read().facts
    assert facts["name"] == f"{cifar.name} (other files: sha256 {facts['sha256'][:12]})"
    found = {name: hashlib.sha256((here / cifar.name / name).read_bytes()).hexdigest() for name in cifar.files}
    assert replace(cifar, files=found).read().facts["name"] == cifar.name


@pytest.mark.parametrize("cifar", SETS, ids=lambda cifar: cifar.name)
def test_damaged_files_give_one_line(here, cifar):
    fill(here / cifar.name, cifar)
    file = here / cifar.name / next(iter(cifar.files))
    whole = file.read_bytes()
    file.write_bytes(whole[:-1])
    assert "no whole records" in refused(set=cifar.name)
    file.write_bytes(b"")
    assert "0 bytes are no whole records" in refused(set=cifar.name)
    file.write_bytes(whole[: cifar.label_bytes - 1] + bytes([cifar.classes]) + whole[cifar.label_bytes :])
    assert f"record 0 has the class {cifar.classes}, not 0 to {cifar.classes - 1}" in refused(set=cifar.name)
    file.unlink()
    assert f"no {cifar.name}/{file.name} under TWIN_DATA_DIR" in refused(set=cifar.name)


@pytest.mark.parametrize("cifar", SETS, ids=lambda cifar: cifar.name)
def test_the_archive_is_fetched_by_hash_where_there_are_no_files(here, monkeypatch, cifar):
    asked = []

    def note(url, known_hash, fname, path, processor):
        asked.append((url, known_hash, fname))
        assert Path(path).name == cifar.name
        fill(here / "cache", cifar)
        return [str(here / "cache" / Path(member).name) for member in sorted(processor.members, reverse=True)]

    monkeypatch.setattr(pooch, "retrieve", note)
    data = cifar.read()
    assert asked == [(cifar.address, cifar.sha256, cifar.address.rpartition("/")[2])]
    assert len(data.test_inputs) == 4

    def fail(*_args, **_keys):
        raise ConnectionError("no network\nhere")

    monkeypatch.setattr(pooch, "retrieve", fail)
    assert f"no {cifar.folder}/" in refused(set=cifar.name)


# -- folders ---------------------------------------------------------------------------------------------------


def paint(path, value, size=(5, 4), mode="RGB", **options):
    """Write an image of `size` (width, height) in one colour; return its pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new(mode, size, value)
    image.save(path, **options)
    return np.asarray(image)


def flowers(top, per_class=4):
    for k in range(per_class):
        paint(top / "rose" / f"{k}.png", (200 + k, 10, 20))
        paint(top / "daisy" / f"{k}.png", (250, 240 - k, 30))


def test_folders_are_classes_and_images_maps(here):
    flowers(here / "flowers")
    (here / "flowers" / ".DS_Store").write_bytes(b"of the system")
    (here / "flowers" / "rose" / ".hidden").write_bytes(b"of the system")
    data = load(Data(set="image-folder", file="flowers", test_share=0.25, split="last"), 1)
    assert (data.shape, data.classes, data.facts["classes"]) == ((4, 5, 3), 2, "daisy, rose")
    np.testing.assert_array_equal(data.targets[:, 0], [0, 1, 0, 1, 0, 1])  # in turns
    np.testing.assert_allclose(data.inputs[3].reshape(4, 5, 3)[2, 2] * 255, [201, 10, 20], rtol=1e-6)
    assert str(data.facts["name"]).startswith("image-folder (flowers: sha256 ")
    grey = load(Data(set="image-folder", file="flowers", test_share=0.25, colour=False), 1)
    assert grey.shape == (4, 5, 1)


def test_train_and_test_may_have_folders_of_their_own(here):
    flowers(here / "flowers" / "train")
    paint(here / "flowers" / "test" / "rose" / "deeper" / "a.png", (1, 2, 3))
    data = load(Data(set="image-folder", file="flowers"), 1)
    assert (len(data.inputs), data.test_targets.tolist()) == (8, [[1]])
    paint(here / "flowers" / "test" / "tulip" / "a.png", (1, 2, 3))
    assert "train has no folder 'tulip'" in refused(set="image-folder", file="flowers")


def test_images_are_scaled_to_a_stated_size_only(here):
    flowers(here / "flowers")
    paint(here / "flowers" / "rose" / "9.png", (1, 2, 3), (6, 7))
    message = refused(set="image-folder", file="flowers", test_share=0.25)
    assert "9.png: is 7 x 6 pixels, and 0.png 4 x 5; set data.size = [4, 5]" in message
    assert load(Data(set="image-folder", file="flowers", test_share=0.25, size=[2, 3]), 1).shape == (2, 3, 3)


@pytest.mark.parametrize("form", FORMATS)
def test_every_format_that_is_named_is_read(here, form):
    for k, name in enumerate("ab"):
        paint(here / "own" / name / f"x.{form.lower()}", (40, 40 + 90 * k, 90), format=form)
        paint(here / "own" / name / f"y.{form.lower()}", (40, 40 + 90 * k, 90), format=form)
    data = load(Data(set="image-folder", file="own", test_share=0.5, split="last"), 1)
    np.testing.assert_allclose(data.inputs[:, 1] * 255, [40, 130], atol=8)  # JPEG and GIF round


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"some notes", ["is no image that is read", "PNG"]),
        (b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 5 4\n", ["is no image that is read"]),
        (b"", ["is no image that is read"]),
        ("cut", ["cannot be decoded"]),
        ("deep", ["more than 8 bits"]),
    ],
)
def test_a_file_that_is_no_image_is_refused(here, content, words):
    flowers(here / "flowers")
    file = here / "flowers" / "rose" / "x.png"
    if content == "deep":
        paint(file, 40_000, mode="I;16")
    elif content == "cut":
        noise = Image.fromarray(RNG.integers(0, 256, (4, 5, 3), np.uint8))
        noise.save(file)
        file.write_bytes(file.read_bytes()[:70])
    else:
        file.write_bytes(content)
    message = refused(set="image-folder", file="flowers", test_share=0.5)
    assert [word for word in ["x.png", *words] if word not in message] == []


def test_folders_that_are_no_classes_are_refused(here):
    assert "no such folder" in refused(set="image-folder", file="none")
    (here / "own" / "a").mkdir(parents=True)
    assert "has 1 folders of images" in refused(set="image-folder", file="own")
    (here / "own" / "b").mkdir()
    assert "own/a: has no images" in refused(set="image-folder", file="own")
    with pytest.raises(ValidationError, match=r"must be \[height, width\]"):
        Data(set="image-folder", file="own", size=[4])
    with pytest.raises(ValidationError, match="belongs to set"):
        Data(set="arrays", file="own", colour=False)
