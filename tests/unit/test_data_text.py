"""Are texts cut into sequences that follow each other, with the counts that are published?"""

import hashlib
import os
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from twin.config.data import CLASSES, TEXTS, Data
from twin.data import load
from twin.data.text import Text
from twin.data.texts import MAX_BYTES, PRINTABLE, pydoc_topics, war_and_peace
from twin.errors import TwinError


@pytest.fixture
def written(tmp_path, monkeypatch):
    """Write a text file into the current folder."""
    monkeypatch.chdir(tmp_path)

    def write(content, name="novel.txt"):
        (tmp_path / name).write_bytes(content if isinstance(content, bytes) else content.encode())
        return name

    return write


def spelt(data, array):
    return "".join(data.symbols[int(code)] for code in array.ravel())


def refused(config, steps=5):
    with pytest.raises(TwinError) as caught:
        load(config, 1, steps)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def invalid(**keys):
    with pytest.raises(ValidationError) as caught:
        Data(**keys)
    return str(caught.value)


@given(st.text(alphabet="ab\n\u00e9\u4e2d\U0001f600", min_size=2, max_size=60), st.integers(1, 7), st.integers(0, 30))
def test_sequences_spell_the_text_in_order(text, steps, tested):
    n_test = tested or -(-len(text) // 10)
    train, test = text[: len(text) - n_test], text[max(0, len(text) - n_test) :]
    if len(set(text)) < 2 or n_test >= len(text) or min(len(train), len(test)) <= steps:
        with pytest.raises(TwinError):
            Text("here", text.encode(), "utf-8").sequences(steps, tested)
        return
    data = Text("here", text.encode(), "utf-8").sequences(steps, tested)
    assert data.sequential
    assert data.symbols == tuple(sorted(set(text)))
    for part, inputs, targets, name in (
        (train, data.inputs, data.targets, "training"),
        (test, data.test_inputs, data.test_targets, "test"),
    ):
        used = (len(part) - 1) // steps * steps
        assert inputs.dtype == targets.dtype == np.float32
        assert inputs.flags.c_contiguous
        assert targets.flags.c_contiguous
        assert inputs.shape == targets.shape == (used // steps, steps)
        assert spelt(data, inputs) == part[:used]
        assert spelt(data, targets) == part[1 : used + 1]
        assert data.facts[f"{name} characters"] == len(part)
        assert data.facts[f"{name} characters dropped"] == len(part) - used - 1


def test_limits_count_sequences(written):
    name = written("abcdefghij" * 20)
    data = load(Data(set="text", file=name, samples=3, test_samples=1), 1, steps=5)
    whole = load(Data(set="text", file=name), 1, steps=5)
    assert (data.inputs.shape, data.test_inputs.shape) == ((3, 5), (1, 5))
    np.testing.assert_array_equal(data.inputs, whole.inputs[:3])
    assert data.symbols == whole.symbols == tuple("abcdefghij")
    assert data.facts["training characters"] == 180


def test_a_text_file_is_utf_8_with_any_line_ends_and_mark(written):
    sets = []
    for content in ("a\u00e9\nb\n" * 20, "a\u00e9\r\nb\r\n" * 20, "a\u00e9\rb\r" * 20, "\ufeff" + "a\u00e9\nb\n" * 20):
        sets.append(load(Data(set="text", file=written(content)), 1, steps=5))
        assert sets[-1].symbols == ("\n", "a", "b", "\u00e9")
    assert len({data.facts["sha256"] for data in sets}) == 1
    assert sets[0].facts["sha256"] == hashlib.sha256(("a\u00e9\nb\n" * 20).encode()).hexdigest()
    assert "python" not in sets[0].facts


def test_a_file_is_found_from_the_current_folder_by_a_whole_path_and_from_home(written, tmp_path, monkeypatch):
    name = written("ab" * 50)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("USERPROFILE", str(tmp_path))
    for file in (name, str(tmp_path / name), f"~/{name}"):
        assert load(Data(set="text", file=file), 1, steps=5).inputs.shape == (17, 5)


def test_a_file_that_cannot_be_used_gives_one_line(written, tmp_path):
    missing = refused(Data(set="text", file="nowhere.txt"))
    assert "data.file (= 'nowhere.txt')" in missing
    assert str(tmp_path) in missing
    assert "current folder" in missing
    refused(Data(set="text", file="no\nwhere\0"))
    refused(Data(set="text", file="."))
    refused(Data(set="text", file="~nobody-of-this-name/x"))
    latin = refused(Data(set="text", file=written("ab\ncaf\u00e9 ".encode("latin-1") * 9)))
    assert "0xe9 in line 2" in latin
    assert "iconv" in latin


def test_a_file_of_absurd_size_is_not_read(written, tmp_path):
    name = written("")
    with (tmp_path / name).open("r+b") as file:
        file.truncate(MAX_BYTES + 1)
    assert str(MAX_BYTES) in refused(Data(set="text", file=name))


@pytest.mark.parametrize(("content", "rule"), [("", "too few"), ("a", "too few"), ("a" * 99, "one character only")])
def test_a_text_without_anything_to_learn_gives_one_line(written, content, rule):
    assert rule in refused(Data(set="text", file=written(content)))


def test_a_text_too_short_says_which_part_and_how_long_it_is(written):
    name = written("ab" * 20)
    assert "4 test characters" in refused(Data(set="text", file=name))
    assert "5 training characters" in refused(Data(set="text", file=name, test_characters=35))
    assert load(Data(set="text", file=name, test_characters=34), 1, steps=5).inputs.shape == (1, 5)
    assert "below the 40 characters" in refused(Data(set="text", file=name, test_characters=40))


def test_a_text_needs_a_network_with_memory():
    for name in TEXTS:
        assert "recurrent" in refused(Data(set=name, file="x" if name == "text" else ""), steps=0)
    assert not TEXTS & set(CLASSES)


def test_keys_of_another_set_are_refused():
    assert "needs file" in invalid(set="text")
    assert 'belongs to set = "text"' in invalid(set="digits", file="x")
    assert 'belongs to set = "war-and-peace"' in invalid(set="pydoc-topics", newline="crlf")
    assert 'belongs to set = "pydoc-topics" or "text" or "war-and-peace"' in invalid(set="mnist", test_characters=5)
    assert 'belongs to set = "linear"' in invalid(set="text", file="x", slope=1.0)
    assert "lf" in invalid(set="war-and-peace", newline="cr")
    Data(set="digits", file="", newline="lf", test_characters=0)  # as a resolved description writes it


def test_pydoc_topics_need_no_file_and_have_one_alphabet(monkeypatch):
    monkeypatch.delenv("TWIN_DATA_DIR", raising=False)
    data = load(Data(set="pydoc-topics"), 1, steps=100)
    assert data.symbols == tuple(sorted(PRINTABLE))
    assert len(data.symbols) == data.facts["symbols"] == 96
    assert data.facts["characters"] > 300_000
    assert data.facts["python"] == ".".join(str(part) for part in sys.version_info[:3])
    assert data.inputs.shape == (data.inputs.size // 100, 100)
    assert len(np.unique(data.inputs)) > 80
    assert data.inputs.max() <= 95
    text = pydoc_topics().raw
    assert data.facts["sha256"] == hashlib.sha256(text).hexdigest()
    assert set(text.decode()) <= set(PRINTABLE)
    assert b"import" in text


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("ends", ["\n", "\r", "\r\n"])
def test_the_novel_is_the_same_however_its_lines_end(tmp_path, monkeypatch, mark, ends):
    lines = 'Well,\nPrince\n\nAndr\u00e9 \u00e0 la "guerre".\n\n'
    (tmp_path / "war-and-peace.txt").write_bytes((mark + lines.replace("\n", ends)).encode())
    monkeypatch.setenv("TWIN_DATA_DIR", str(tmp_path))
    assert war_and_peace("lf").raw == lines.encode()
    assert war_and_peace("crlf").raw == ("\ufeff" + lines[:-2].replace("\n", "\r\n")).encode()
    data = load(Data(set="war-and-peace", test_characters=15), 1, steps=5)
    assert data.facts["characters"] == len(lines.encode()) == len(lines) + 2
    assert {"\u00c3", "\u00a9", "\u00a0"} < set(data.symbols)  # the bytes of two accented letters


def test_a_novel_that_is_not_there_gives_one_line(tmp_path, monkeypatch):
    monkeypatch.delenv("TWIN_DATA_DIR", raising=False)
    unset = refused(Data(set="war-and-peace"))
    assert "TWIN_DATA_DIR (unset)" in unset
    assert "war-and-peace.txt" in unset
    assert "pydoc-topics" in unset
    monkeypatch.setenv("TWIN_DATA_DIR", str(tmp_path))
    assert str(tmp_path) in refused(Data(set="war-and-peace"))


def no_novel():
    folder = os.environ.get("TWIN_DATA_DIR")
    if not folder:
        return "TWIN_DATA_DIR is not set: no novel to read"
    return "" if (Path(folder) / "war-and-peace.txt").is_file() else "TWIN_DATA_DIR has no war-and-peace.txt"


@pytest.mark.skipif(bool(no_novel()), reason=no_novel() or "present")
@pytest.mark.parametrize(
    ("newline", "tested", "symbols", "train", "test"),
    [("lf", 0, 83, 2_876_607, 319_624), ("crlf", 325_000, 87, 2_933_246, 325_000)],  # crlf: Gokmen 2021, Methods
)
def test_the_novel_has_the_published_counts(newline, tested, symbols, train, test):
    data = load(Data(set="war-and-peace", newline=newline, test_characters=tested), 1, steps=100)
    assert len(data.symbols) == symbols
    assert (data.facts["training characters"], data.facts["test characters"]) == (train, test)
    assert len(data.inputs) == (train - 1) // 100
    assert len(data.test_inputs) == (test - 1) // 100
