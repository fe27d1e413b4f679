"""No command writes onto what it reads, onto a run's own files, or two outputs onto one another."""

import os
import shutil

import pytest

from twin.errors import TwinError
from twin.files import check_outputs, same_file

TRAINS = "pulse,conductance,direction\n" + "".join(f"{k},{0.1 * k:.3f},up\n" for k in range(1, 30))


@pytest.fixture
def measured(tmp_path):
    path = tmp_path / "c.toml"  # the suffix of --into, so that nothing else refuses it
    path.write_text(TRAINS)
    return path


def test_a_measurement_is_not_overwritten_by_what_is_fitted_to_it(twin, measured):
    for option in ("--into", "--plot"):
        own = measured if option == "--into" else shutil.copy(measured, measured.with_suffix(".svg"))
        code, out, err = twin("device", "fit", str(own), option, str(own))
        assert (code, out) == (2, "")
        assert err == f"error: {option} (= {own}): is the measurement {own} that is read; name another file\n"
    assert measured.read_text() == TRAINS


@pytest.mark.parametrize("link", ["relative", "symbolic", "hard", "up and down"])
def test_other_ways_to_the_same_file_are_seen_through(twin, measured, tmp_path, monkeypatch, link):
    monkeypatch.chdir(tmp_path)
    other = tmp_path / "other.toml"
    match link:
        case "relative":
            other = "c.toml"
        case "symbolic":
            other.symlink_to(measured)
        case "hard":
            os.link(measured, other)
        case "up and down":
            (tmp_path / "x").mkdir()
            other = tmp_path / "x" / ".." / "c.toml"
    code, _, err = twin("device", "fit", str(measured), "--into", str(other))
    assert code == 2
    assert f"is the measurement {measured} that is read" in err
    assert measured.read_text() == TRAINS


def test_a_run_keeps_its_files_when_a_model_is_extracted(twin, tmp_path):
    assert twin("run", "digits-mlp", "--algorithm", "sgd", "--samples", "30", "--epochs", "1", "--out", "made")[0] == 0
    run = tmp_path / "made" / "runs" / "sgd-two-array"
    before = (run / "weights.npz").read_bytes()
    code, out, err = twin("extract", str(run), "--out", str(run / "weights.npz"))
    assert (code, out) == (2, "")
    assert "is a file of the run; name one outside of" in err
    os.link(run / "weights.npz", tmp_path / "linked.npz")
    assert twin("extract", str(run), "--out", "linked.npz")[0] == 2
    assert (run / "weights.npz").read_bytes() == before
    assert (
        twin("extract", str(run), "--reads", "2000", "--out", str(run / "mine.npz"))[0] == 0
    )  # new, so nothing is lost


@pytest.mark.parametrize("path", [".", "folder.toml", "folder.toml/"])
def test_a_folder_is_no_file(twin, measured, tmp_path, path):
    (tmp_path / "folder.toml").mkdir()
    code, out, err = twin("device", "fit", str(measured), "--into", path)
    assert (code, out) == (2, "")
    assert err.startswith(f"error: --into (= {path.rstrip('/')}): ")
    assert len(err.splitlines()) == 1


def test_two_outputs_are_two_files(tmp_path):
    one = tmp_path / "same"
    with pytest.raises(TwinError, match=r"--out \(= .*same\): is the file of --plot too; name two files"):
        check_outputs({"--plot": one, "--out": tmp_path / "x" / ".." / "same"}, {})
    check_outputs({"--plot": one, "--out": tmp_path / "other"}, {"measurement": tmp_path / "third"})
    check_outputs({"--plot": None, "--out": one}, {"measurement": None})
    assert not same_file(one, tmp_path / "other")
