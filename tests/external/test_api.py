"""Python's side of the twin: what is promised of `import twin` and of every public name."""

import inspect
import json
import pkgutil
import re
import shlex
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest

import twin
from twin.cli.app import main

HEAVY = ("numba", "numpy", "pandas", "matplotlib", "scipy", "simpy", "sklearn", "networkx", "pydantic", "typer", "rich")
SMALL = {"epochs": 1, "samples": 40}
DEVICES = {
    "workload": "digits-mlp",
    "algorithm": "sgd",
    "seeds": [1],
    "axes": [{"key": "device.dw_min", "values": [0.01, -1.0]}],
    "fixed": {"training.epochs": 1, "data.samples": 20},
}
UNITS = re.compile(r"\bunits?\b|\b(s|ps|J|B|m²|m2)\b")


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """Two small runs, kept in a folder."""
    out = tmp_path_factory.mktemp("api") / "runs"
    return twin.compare("digits-mlp", ["sgd", "ttv2"], ["two-array", "three-array"], out=out, **SMALL), out


# -- import and public names ------------------------------------------------------------------------------------


def test_import_loads_nothing_heavy():
    script = f"import sys, twin; print([name for name in {HEAVY} if name in sys.modules], len(sys.modules))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("[] ")


def test_no_public_name_is_also_a_module_of_the_package():
    modules = {module.name for module in pkgutil.iter_modules(twin.__path__)}
    assert modules.isdisjoint(twin.__all__)
    assert set(twin.__all__) <= set(dir(twin))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'simulat'"):
        twin.simulat  # noqa: B018


def public():
    """Every public name, and every public method or property of the classes among them."""
    for name in twin.__all__:
        thing = getattr(twin, name)
        yield name, thing
        if inspect.isclass(thing) and thing is not twin.TwinError:
            yield from (
                (f"{name}.{key}", member)
                for key, member in vars(thing).items()
                if not key.startswith("_") and (inspect.isfunction(member) or isinstance(member, property))
            )


def test_every_public_name_has_a_docstring_that_says_units_and_every_argument():
    for name, thing in public():
        text = inspect.getdoc(thing)
        assert text, name
        assert name == "TwinError" or UNITS.search(text), f"{name} says no unit"
        if inspect.isfunction(thing) and "." not in name:
            signature = inspect.signature(thing)
            assert signature.return_annotation is not inspect.Signature.empty, name
            for argument, parameter in signature.parameters.items():
                assert re.search(rf"\b{argument}\b", text), f"{name}({argument})"
                assert parameter.annotation is not inspect.Parameter.empty, f"{name}({argument})"


# -- runs -------------------------------------------------------------------------------------------------------


def test_a_comparison_is_a_frame_with_units_and_a_table_in_a_notebook(runs):
    found, _ = runs
    assert list(found.table.index) == ["sgd two-array", "ttv2 three-array"]
    assert set(found.table.columns) == set(found.units)
    assert found.units["makespan_s"] == "s"
    assert found.table["energy_J"].iloc[1] == found["ttv2 three-array"].energy_J == found[1].energy_J
    assert set(found.curves["run"]) == set(found.table.index)
    shown = found._repr_html_()
    assert "energy (µJ/sample)" in shown
    assert "ttv2 three-array" in shown
    assert "what bound the time" in found[0]._repr_html_()


def test_every_table_of_a_run_has_a_unit_for_every_column(runs):
    run = runs[0][0]
    for name, frame in run.frames().items():
        assert set(run.units(name)) == set(frame.columns)
    assert run.units("operations")["busy_ps"] == "ps"
    with pytest.raises(twin.TwinError, match=r"table .= 'energies'.: is not one of this run"):
        run.units("energies")


def test_what_a_folder_holds_is_not_run_again(runs, monkeypatch):
    found, out = runs
    monkeypatch.setattr("twin.runs.run.run", lambda *_: pytest.fail("was run again"))
    again = twin.compare("digits-mlp", ["sgd", "ttv2"], ["two-array", "three-array"], out=out, **SMALL)
    pd.testing.assert_frame_equal(again.table, found.table, check_exact=True)
    pd.testing.assert_frame_equal(twin.load(out).table, found.table, check_exact=True)
    assert twin.load(out / "runs" / "sgd-two-array")[0].makespan_s == found[0].makespan_s
    with pytest.raises(twin.TwinError, match=r"out .*: holds other runs"):
        twin.compare("digits-mlp", ["sgd"], out=out, **SMALL)


def test_the_report_names_the_command_of_the_same_runs(runs, tmp_path, monkeypatch):
    found, out = runs
    page = found.report(tmp_path / "report")
    assert found.command in page.with_suffix(".md").read_text()
    assert page.stat().st_size < 1_000_000
    monkeypatch.setattr(sys, "argv", [*shlex.split(found.command), "--out", str(tmp_path / "command")])
    monkeypatch.setattr("twin.cli.running.finish", lambda *_, **__: None)  # what it would run is enough
    with pytest.raises(SystemExit, match="0"):
        main()
    ids = [
        {path.parent.name: json.loads(path.read_text())["id"] for path in (folder / "runs").glob("*/run.json")}
        for folder in (out, tmp_path / "command")
    ]
    assert ids[0] == ids[1]
    assert len(ids[0]) == 2


def test_without_a_folder_nothing_stays_behind(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    run = twin.simulate(algorithm="sgd", **SMALL)
    assert run.samples == 40
    assert list(tmp_path.iterdir()) == []
    other = twin.simulate(algorithm="sgd", seed=2, progress=False, **SMALL)
    assert other.curve["train_loss"].iloc[0] != run.curve["train_loss"].iloc[0]


def test_a_sweep_gives_frames_and_a_row_for_the_point_that_cannot_be(tmp_path):
    found = twin.run_sweep(DEVICES, out=tmp_path / "sweep")
    assert list(found.table["status"]) == ["done", "refused"]
    assert found.missing == 0
    assert len(found.means) == 1
    assert set(found.units) == {*found.table.columns, *found.means.columns}
    assert found.best.empty
    assert found.trials.empty
    assert "2 points: 1 done, 1 refused" in found._repr_html_()


def test_a_search_gives_the_best_values_and_every_trial():
    axis = {"key": "training.in_flight", "low": 1, "high": 3, "integer": True}
    search = {"objective": "makespan_s", "trials": 2, "seeds": [5], "sampler": "random", "axes": [axis]}
    point = {"key": "algorithm", "values": ["sgd"]}
    found = twin.run_sweep({**DEVICES, "axes": [point], "search": search}, progress=False)
    assert list(found.trials["trial"]) == [0, 1]
    assert list(found.trials["seed"]) == [5, 5]
    assert list(found.trials["reason"]) == ["", ""]
    best = found.best.iloc[0]
    trial = found.trials.loc[found.trials["makespan_s"].idxmin()]
    assert best["makespan_s_found"] == trial["makespan_s"]
    assert best["training.in_flight"] == trial["training.in_flight"] == found.table["training.in_flight"][0]
    assert best["makespan_s_mean"] == found.table["makespan_s"][0]
    every = (found.table, found.means, found.best, found.trials)
    assert set(found.units) == {name for frame in every for name in frame.columns}
    assert found.units["makespan_s_found"] == "s"
    assert found.missing == 0


def test_a_notebook_sees_how_far_a_long_run_is_and_then_nothing(monkeypatch):
    seen = []
    handle = SimpleNamespace(update=lambda content: seen.append(content.data))
    monkeypatch.setattr("IPython.display.display", lambda content, **_: seen.append(content.data) or handle)
    monkeypatch.setattr("twin.api.progress._in_notebook", lambda: True)
    monkeypatch.setattr("twin.api.progress.QUIET_S", 0.0)
    twin.simulate(algorithm="sgd", **SMALL)
    assert seen[0].startswith("<code>sgd-two-array: ")
    assert seen[-2:] == ["<code>sgd-two-array: 40 of 40</code>", ""]


# -- mistakes ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda: twin.simulate(algorithm="sgdd"), "algorithms (= 'sgdd'): no such algorithm (did you mean sgd?)"),
        (lambda: twin.simulate(epochs=0), "overrides: training.epochs (= 0): must be greater than or equal to 1"),
        (lambda: twin.simulate(mode="x"), "mode (= 'x'): must be 'replayed' or 'coupled'"),
        (lambda: twin.simulate(overrides={"training.epoch": 3}), "unknown key (did you mean epochs?)"),
        (lambda: twin.simulate(overrides={"chip.tile.pulse_time": 5}), 'needs a unit, e.g. "5 ns"'),
        (lambda: twin.simulate(overrides={"device": b"x"}), "device (= b'x'): must be text, a number"),
        (lambda: twin.simulate(sampled=True, mode="coupled"), 'leave mode="coupled" out'),
        (lambda: twin.compare(algorithms=[1]), "algorithms (= 1): must be names"),
        (lambda: twin.compare(jobs=0), "jobs (= 0): must be at least 1"),
        (lambda: twin.simulate(trace="0:2"), "trace: is a file beside a run; name a folder with out="),
        (lambda: twin.load("nowhere"), "nowhere: holds no comparison"),
        (lambda: twin.available("chip"), "kind (= 'chip'): must be one of chips, layouts"),
        (lambda: twin.describe("aimc-51"), "did you mean aimc-512?"),
        (lambda: twin.run_sweep({"workload": "digits-mlp"}), "description: seeds: is missing"),
        (lambda: twin.run_sweep({"axes": {1, 2}}), "description: {1, 2}: cannot be written as TOML"),
    ],
)
def test_a_mistake_is_one_line_in_words_of_python(call, message):
    with pytest.raises(twin.TwinError) as found:
        call()
    text = str(found.value)
    assert message in text
    assert "\n" not in text
    assert "--" not in text
    assert found.value._render_traceback_() == [f"TwinError: {text}"]


# -- examples of the documentation -----------------------------------------------------------------------------


def cells(page):
    return "\n\n".join(re.findall(r"^```\{code-cell\}[^\n]*\n(?::[^\n]*\n)*(.*?)^```", page, re.MULTILINE | re.DOTALL))


def test_mypy_strict_passes_on_the_examples_and_the_interface_is_known_to_it(tmp_path):
    pages = sorted((Path(__file__).parents[2] / "docs" / "examples").glob("[!i]*.md"))
    assert len(pages) >= 2
    files = [tmp_path / f"{page.stem.replace('-', '_')}.py" for page in pages]
    for file, page in zip(files, pages, strict=True):
        file.write_text(cells(page.read_text(encoding="utf-8")), encoding="utf-8")
    wrong = tmp_path / "wrong.py"
    wrong.write_text("import twin\ntwin.simulate(epoch=3)\nx: int = twin.load('a').table\n", encoding="utf-8")
    api = pytest.importorskip("mypy.api")
    root = Path(__file__).parents[2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shown, errors, code = api.run(
            ["--strict", "--config-file", str(root / "pyproject.toml"), "--cache-dir", str(root / ".mypy_cache")]
            + [str(file) for file in (*files, wrong)]
        )
    assert code == 1, errors
    # by name: mypy repeats what it remembers of the same bytes with the folder of the run before
    places = {Path(line.partition(":")[0]).name for line in shown.splitlines() if ": error:" in line}
    assert places == {wrong.name}, shown
    assert 'Unexpected keyword argument "epoch"' in shown
