"""A file of a finished run that is damaged in any way: one line that names it, or it makes no difference."""

import random
import warnings

import pytest
from fuzz_kit import at_most, mutated, run_command

import twin
from twin.errors import TwinError
from twin.extraction.model import FINALS, load_finals, load_model
from twin.report.write import load_report
from twin.results.difference import breakdowns, changed, metrics
from twin.runs.build import build
from twin.runs.comparison import begun, planned
from twin.runs.finished import check_alike, compared, finished
from twin.runs.planning import plan_folder

LEFT_OUT = {"report.html", "report.md", "checkpoint.npz"}  # never read
PAGES = ("figures", "tables")


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Make a comparison of two runs; return its folder, an extracted model, and the files that are read of both."""
    folder = tmp_path_factory.mktemp("whole") / "made"
    algorithms, layouts = ["sgd", "ttv2"], ["four-array", "two-array"]
    runs = twin.compare("digits-mlp", algorithms, layouts, samples=20, epochs=1, out=folder)
    runs.report(folder)
    files = [
        path
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name not in LEFT_OUT and path.relative_to(folder).parts[0] not in PAGES
    ]
    assert len(files) > 30
    return folder, files


def read_all(folder):
    """Read a comparison's folder in all the ways that commands do."""
    runs = finished([folder])
    check_alike(runs)
    found = compared(runs)
    changed(found), metrics(found), breakdowns(found)
    load_report(folder)
    planned(begun(folder)[1])


def damaged(whole, seed, read):
    """Damage one file, read the folder, put the file back; return the error, if there is one, and the file."""
    folder, files = whole
    path = random.Random(seed).choice(files)
    content = path.read_bytes()
    path.write_bytes(mutated(content, seed))
    try:
        with at_most(20), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # an overflow in a sum of nonsense is none of ours
            read(folder)
    except TwinError as error:
        return str(error), path
    finally:
        path.write_bytes(content)
    return "", path


def check(whole, seed):
    error, path = damaged(whole, seed, read_all)
    assert "\n" not in error
    if error:
        named = (path.name, path.parent.name, path.stem)
        assert any(name in error for name in named), f"seed {seed}, {path}: {error}"


def test_a_damaged_file_is_one_line_that_names_it(whole):
    for seed in range(20):
        check(whole, seed)


@pytest.mark.slow
def test_files_damaged_twenty_thousand_times(whole):
    for seed in range(20_000):
        check(whole, seed)


def command_of(folder, seed):
    run = folder / "runs" / "sgd-two-array"
    return [
        ("resume", folder, "-j1"),
        ("compare", run, folder / "runs" / "ttv2-four-array", "--out", folder.parent / f"compared-{seed}"),
        ("figures", folder, "--out", folder.parent / "figures"),
        ("extract", run, "--reads", "200", "--out", folder.parent / "model.npz"),
        ("infer", folder.parent / "model.npz", run),
    ][seed % 5]


def commands(whole, seeds, monkeypatch, capsys):
    folder, _ = whole
    model = ("--reads", "200", "--out", folder.parent / "model.npz")
    assert run_command(monkeypatch, capsys, "extract", folder / "runs" / "sgd-two-array", *model)[0] == 0
    ended = []

    def perform(_):
        ended.append(run_command(monkeypatch, capsys, *command_of(folder, seed)))

    for seed in seeds:
        _, path = damaged(whole, seed, perform)
        code, err = ended.pop()
        assert code in {0, 2}, f"seed {seed}, {path}: {err}"
        assert "Traceback" not in err
        if code == 2:
            assert sum(line.startswith("error: ") for line in err.splitlines()) == 1, err


@pytest.mark.slow
def test_commands_meet_damaged_files_in_one_line(whole, monkeypatch, capsys):
    commands(whole, range(1000), monkeypatch, capsys)


def test_some_commands_meet_damaged_files_in_one_line(whole, monkeypatch, capsys):
    commands(whole, range(3, 40, 5), monkeypatch, capsys)  # extract, which is quick


@pytest.mark.parametrize("seeds", [range(12), pytest.param(range(12, 400), marks=pytest.mark.slow)], ids=len)
def test_models_and_final_weights_that_are_damaged(whole, tmp_path, seeds):
    folder, _ = whole
    run = folder / "runs" / "ttv2-four-array"
    parts = build(plan_folder(run))
    content = (run / FINALS).read_bytes()
    for seed in seeds:
        path = tmp_path / FINALS
        path.write_bytes(mutated(content, seed))
        for read in (load_model, lambda path: load_finals(parts.machine, path)):
            with at_most(20):
                said = error_of(read, path)
            assert not said or FINALS in said


def error_of(read, path):
    """Return what a reader says of a file that is none; nothing where it takes it."""
    try:
        read(path)
    except TwinError as error:
        return str(error)
    return ""
