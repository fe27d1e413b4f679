"""`twin compare A B`: what differs between finished runs, and does what it says add up?"""

import json
import re
import shutil
from pathlib import Path

import pandas as pd
import pytest

from twin.results.difference import breakdowns, changed, metrics
from twin.runs.finished import compared, finished
from twin.runs.folder import read_facts, write_facts
from twin.runs.planning import plan_run
from twin.runs.pool import prepare_all
from twin.runs.run import run

SHORT = {"training.epochs": "1", "data.samples": "30"}
CASES = {
    "sgd": plan_run("digits-mlp", "aimc-512", "two-array", "sgd", "replayed", SHORT),
    "ttv2": plan_run("digits-mlp", "aimc-512", "four-array", "ttv2", "replayed", SHORT, {"tile.sign_phases": "2"}),
    "seed": plan_run("digits-mlp", "aimc-512", "two-array", "sgd", "replayed", SHORT | {"training.seed": "2"}),
    "long": plan_run("digits-mlp", "aimc-512", "two-array", "sgd", "replayed", SHORT | {"data.samples": "20"}),
}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Run every case into a folder of its own, as `twin run` leaves it."""
    folder = tmp_path_factory.mktemp("made")
    for name, plan in CASES.items():
        (one,) = prepare_all([plan], folder / name)
        run(one.folder, lambda *_: None)
        content = {"schema": 1, "command": "twin run", "runs": [one.folder.name]}
        (folder / name / "comparison.json").write_text(json.dumps(content))
    return folder


@pytest.fixture(scope="module")
def pair(made):
    return compared(finished([made / "sgd", made / "ttv2"]))


@pytest.fixture
def copy(made, tmp_path):
    """Copy a case, to be damaged."""

    def copied(name):
        (tmp_path / "copies").mkdir(exist_ok=True)
        shutil.copytree(made / name, tmp_path / "copies" / name)
        (one,) = (tmp_path / "copies" / name / "runs").iterdir()
        return one

    return copied


def test_what_differs_in_the_configuration_is_said_with_both_values_and_origins(pair):
    found = {change.key: change.settings for change in changed(pair)}
    assert [setting.value for setting in found["algorithm"]] == ["sgd", "ttv2"]
    phases = found["chip.tile.sign_phases"]
    assert [setting.value for setting in phases] == ["1", "2"]
    assert phases[0].origin.startswith("architectures/aimc-512.toml:")
    assert phases[1].origin == "command line"
    assert found["layout.matrices.W.main"] == [("W_main", "architectures/two-array.toml:11"), None]
    assert all(key.split(".")[0] in {"algorithm", "layout", "chip"} for key in found)


def test_runs_of_one_identity_differ_in_nothing(made):
    one = finished([made / "sgd"])
    both = compared([*one, *one])
    assert changed(both) == []
    assert all(len(set(metric.amounts)) == 1 for metric in metrics(both))


def test_the_parts_of_every_total_add_up_to_it(pair):
    totals = {one.name: one for one in breakdowns(pair)}
    for k, item in enumerate(pair):
        result, samples = item.result, item.result.samples
        expected = {
            "time": result.makespan_s,
            "busy": result.tables["operations"]["busy_ps"].sum() * 1e-12,
            "energy-by-operation": result.energy_J,
            "energy-by-component": result.energy_J,
            "bytes": result.tables["traffic"]["bytes"].sum(),
        }
        assert totals.keys() == expected.keys()
        for name, one in totals.items():
            assert sum(part.amounts[k] for part in one.parts) == pytest.approx(one.totals[k])
            assert one.totals[k] * samples == pytest.approx(expected[name])
            change = one.totals[k] / one.totals[0] - 1
            assert sum(one.share(part, k) for part in one.parts) == pytest.approx(change, abs=1e-12)


def test_the_largest_difference_comes_first(pair):
    for one in breakdowns(pair):
        steps = [abs(part.amounts[1] - part.amounts[0]) for part in one.parts]
        assert steps == sorted(steps, reverse=True)
    moved = next(one for one in breakdowns(pair) if one.name == "bytes")
    assert moved.parts[0].names[1] == "H"  # that TTv2 moves H is what makes it move more


def test_the_command_writes_configuration_first_then_metrics_then_contributions(twin, made, tmp_path):
    code, out, err = twin("compare", made / "sgd", made / "ttv2", "--out", "here")
    assert code == 0, err
    assert out.index("chip.tile.sign_phases") < out.index("samples a second") < out.index("memory H, layer 0")
    text = (tmp_path / "here" / "difference.md").read_text()
    assert "| chip.tile.sign\\_phases | 1 | architectures/aimc-512.toml:" in text
    page = (tmp_path / "here" / "difference.html").read_text()
    assert not re.search(r'(?:src|href)="(?!#)', page)
    assert page.index("chip.tile.sign_phases") < page.index("samples a second")
    parts = pd.read_csv(tmp_path / "here" / "tables" / "contributions.csv", keep_default_na=False)
    assert set(parts["unit"]) == {"s", "J", "B"}
    assert (parts.loc[parts["run"] == "sgd two-array", "difference_per_sample"].astype(float) == 0).all()
    assert set(pd.read_csv(tmp_path / "here" / "tables" / "configuration.csv").columns) == {
        "key", "run", "value", "origin",
    }  # fmt: skip
    assert len(list((tmp_path / "here" / "figures").glob("*.svg"))) == 5


def test_finished_runs_are_compared_at_equal_area_and_until_an_error_by_their_labels(twin, made, tmp_path):
    arguments = ("compare", made / "sgd", made / "ttv2", made / "seed", "--unlike", "--out", "here")
    results = {item.label: item.result for item in compared(finished([made / "sgd", made / "ttv2", made / "seed"]))}
    errors = {label: result.curve["test_error"].iloc[-1] for label, result in results.items()}
    target = sorted(errors.values())[1]
    code, out, err = twin(*arguments, "--to-error", repr(float(target)))
    assert code == 0, err
    tables = tmp_path / "here" / "tables"
    reached = pd.read_csv(tables / "equal_accuracy.csv").set_index("run")
    assert list(reached.index) == list(errors) == list(pd.read_csv(tables / "equal_area.csv")["run"])
    for label, result in results.items():
        there = bool(errors[label] <= target)
        assert bool(reached.loc[label, "epoch"] == 1) is there
        if there:
            assert reached.loc[label, "time_s"] == result.curve["time_s"].iloc[-1]
            assert reached.loc[label, "energy_J"] == pytest.approx(result.energy_J, rel=1e-9)  # of the only epoch
    said = f"until a test error of {100 * target:.1f}"
    assert said in out
    for page in ("difference.md", "difference.html"):
        text = (tmp_path / "here" / page).read_text()
        assert said in text
        assert "One training at batch 1 gets no faster by copies" in text


@pytest.mark.usefixtures("figures_drawn")
def test_the_same_folders_are_compared_into_the_same_bits(twin, made, tmp_path):
    found = []
    for _ in range(2):
        assert twin("compare", made / "sgd", made / "ttv2")[0] == 0
        (folder,) = (tmp_path / "runs").iterdir()
        found.append({path: path.read_bytes() for path in folder.rglob("*") if path.is_file()})
    assert found[0] == found[1]


@pytest.mark.parametrize(
    ("other", "key"), [("seed", "training.seed (= 2, there 1)"), ("long", "data.samples (= 20, there 30)")]
)
def test_unlike_workloads_are_refused_in_one_line_unless_told(twin, made, other, key):
    code, out, err = twin("compare", made / "sgd", made / other)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert key in err
    assert "--unlike" in err
    code, out, err = twin("compare", made / "sgd", made / other, "--unlike", "--out", "told")
    assert code == 0, err
    assert f"sgd two-array ({other})" in out


def test_a_folder_of_many_runs_stands_for_all_of_them(made, tmp_path):
    (tmp_path / "sweep" / "runs").mkdir(parents=True)
    for name in ("sgd", "ttv2"):
        (one,) = (made / name / "runs").iterdir()
        shutil.copytree(one, tmp_path / "sweep" / "runs" / name)
    assert [item.label for item in compared(finished([tmp_path / "sweep"]))] == ["sgd two-array", "ttv2 four-array"]


def test_unfinished_runs_are_refused_with_what_finishes_them(twin, made, copy):
    one = copy("ttv2")
    (one / "summary.json").unlink()
    code, _, err = twin("compare", made / "sgd", one)
    assert (code, err.count("\n")) == (2, 1)
    assert f"is not finished; finish it with: twin resume {one.parent.parent}" in err


def _cut(path: Path) -> None:
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def _lose_a_row(path: Path) -> None:
    path.write_text("".join(path.read_text().splitlines(keepends=True)[:-1]))


@pytest.mark.parametrize(
    ("file", "damage"),
    [
        ("summary.json", _cut),
        ("run.json", _cut),
        ("columns.csv", _cut),
        ("chip.toml", _cut),
        ("energy.csv", _cut),
        ("energy.csv", _lose_a_row),
        ("traffic.csv", _lose_a_row),
        ("bound.csv", _lose_a_row),
        ("traffic.csv", Path.unlink),
    ],
    ids=lambda value: value if isinstance(value, str) else value.__name__.strip("_"),
)
def test_what_is_damaged_ends_in_one_line_that_names_it(twin, made, copy, file, damage):
    one = copy("ttv2")
    damage(one / file)
    code, out, err = twin("compare", made / "sgd", one)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert str(one) in err


@pytest.mark.parametrize(
    ("arguments", "hint"),
    [
        (("nosuch", "neither"), "nosuch: no such folder"),
        (("digits-mlp", "mnist-mlp"), "digits-mlp: no such folder"),
        (("empty", "empty"), "empty: holds no run, comparison or sweep"),
        (("empty",), "empty: holds no run, comparison or sweep"),
        (("swept", "empty"), "swept: is a sweep that kept no run; sweep once more into a new folder with --keep"),
        (("digits-mlp", "--unlike"), "--unlike: is for folders of finished runs"),
        (("empty", "swept", "--epochs", "3"), "--epochs: is for runs yet to be made"),
        (("empty", "swept", "--chip", "aimc-512"), "--chip: is for runs yet to be made"),
    ],
    ids=lambda value: value if isinstance(value, str) else " ".join(value),
)
def test_a_mistake_ends_in_one_line(twin, tmp_path, arguments, hint):
    (tmp_path / "empty").mkdir()
    (tmp_path / "swept").mkdir()
    (tmp_path / "swept" / "sweep.toml").touch()
    code, out, err = twin("compare", *arguments)
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert hint in err


def test_one_run_is_not_compared_with_itself(twin, made):
    code, _, err = twin("compare", made / "sgd")
    assert (code, err.count("\n")) == (2, 1)
    assert "holds one run; name another" in err
    assert twin("compare", made / "sgd", made / "sgd")[0] == 2


def test_an_error_that_finished_runs_cannot_reach_is_refused_in_one_line(twin, made):
    code, out, err = twin("compare", made / "sgd", made / "ttv2", "--to-error", "3")
    assert (code, out, err.count("\n")) == (2, "", 1)
    assert "--to-error (= 3): must be a fraction between 0 and 1, e.g. --to-error 0.03 for 3 %" in err


def test_a_workload_named_like_a_folder_is_the_workload(twin, tmp_path):
    (tmp_path / "digits-mlp").mkdir()
    code, _, err = twin("compare", "digits-mlp", "--algorithms", "nosuch")
    assert code == 2
    assert "--algorithms (= 'nosuch')" in err


def test_a_name_from_a_stranger_is_text(twin, made, copy):
    one = copy("sgd")
    summary = json.loads((one / "summary.json").read_text())
    summary["run"]["name"] = "<script>alert(1)</script>|x"
    (one / "summary.json").write_text(json.dumps(summary))
    write_facts(one, read_facts(one).model_copy(update={"version": "[red]0"}))
    assert twin("compare", made / "ttv2", one, "--out", "here")[0] == 0
    assert "<script>alert" not in Path("here/difference.html").read_text()
    assert not re.search(r"(?<!\\)<script", Path("here/difference.md").read_text())
