"""Studies: is everything made that is named, once, whatever happens, and does what is shown say what was measured?"""

import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from figure_kit import drawing, undrawn
from small_study import LEAN, SHOWN, SMALL
from study_kit import Here, planned, shown

from twin.cli import study as commands_study
from twin.config.place import Places
from twin.config.resources import find
from twin.descriptions.load import load_study
from twin.study import write as writing
from twin.study.plan import plan_study
from twin.study.run import Store
from twin.study.tables import drawn_rows


def made(patch, executor, cache=None):
    """Make the study that lies here with an executor."""
    patch.setattr(commands_study, "executor_of", lambda *_: executor)
    commands_study.study(
        description="small.toml", out=Path("out"), cache=cache, jobs=1, scheduler="", memory="", retry=False
    )


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Make the small study without interruption; give its folder, executor and files."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("small.toml").write_text(SMALL)
        executor = Here()
        patch.setattr(writing, "write_pages", undrawn()(writing.write_pages))
        with drawing():
            made(patch, executor)
    return SimpleNamespace(folder=folder / "out", executor=executor, files=shown(folder / "out"))


@pytest.fixture(scope="module")
def lean_files(whole, tmp_path_factory):
    """Make the lean study from the runs of the small one; give its files as if the runs had been its own."""
    folder = tmp_path_factory.mktemp("lean")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("small.toml").write_text(LEAN)
        made(patch, Here(stop_after=0), whole.folder / "cache")
    files = shown(folder / "out")
    page = files[Path("README.md")].decode()
    return files | {Path("README.md"): page.replace(f" --cache {whole.folder / 'cache'}", "").encode()}


@pytest.fixture
def lean(lean_files, twin):  # noqa: ARG001 - `twin` goes into an empty folder
    """Write the lean study here; give the files that it leaves."""
    Path("small.toml").write_text(LEAN)
    return lean_files


def test_everything_that_is_named_is_made(whole):
    for name in SHOWN[:5]:
        assert len(pd.read_csv(whole.folder / f"{name}.csv")) >= 1
        assert (whole.folder / f"{name}.md").read_text().startswith("# ")
    for name in SHOWN[5:]:
        drawing = (whole.folder / f"{name}.svg").read_text()
        assert drawing.startswith("<?xml")
        assert "mathdefault" not in drawing  # what a logarithmic axis would write for want of mathematical text
        assert (whole.folder / f"{name}.pdf").read_bytes().startswith(b"%PDF")
    for name in ("report.html", "report.md", "summary.json"):
        assert (whole.folder / "pair" / name).stat().st_size > 0
    assert "a100" in (whole.folder / "pair" / "report.md").read_text()


def test_the_readme_has_text_tables_and_figures_in_the_order_of_the_text(whole):
    page = (whole.folder / "README.md").read_text()
    places = [page.index(words) for words in ("# A small study", "Before.", "throughput.svg", "Between.", "**Costs.**")]
    assert places == sorted(places)
    assert page.index("**Means.**") > places[-1]
    assert "Chosen rows.**" not in page
    assert "[chosen.csv](chosen.csv)" in page
    assert "{{" not in page
    assert "    twin study small.toml --out out\n" in page
    assert "makes 5 runs with twin" in page
    links = re.findall(r"\]\(([^)]+)\)", page)
    assert links
    assert all((whole.folder / link).exists() for link in links)


def test_a_run_that_is_named_twice_is_made_once(whole):
    assert len(whole.executor.ran) == len(set(whole.executor.ran)) == 5  # 2 and 2 x 2, of which one is the same


def test_tables_hold_what_was_measured_in_the_units_they_name(whole):
    rows = pd.concat([pd.read_csv(path) for path in (whole.folder / "cache" / "results").glob("*.csv")])
    table = pd.read_csv(whole.folder / "means.csv")
    assert list(table.columns) == [
        "in flight", "seeds", "throughput (million samples/s)", "± throughput (million samples/s)",
        "test_loss", "± test_loss",
    ]  # fmt: skip
    assert list(table["seeds"]) == [2, 2]
    for value in table["throughput (million samples/s)"]:
        assert (rows["samples_per_s"] * 1e-6 - value).abs().min() < 1e-4
    chosen = pd.read_csv(whole.folder / "chosen.csv")
    assert list(chosen["data"]) == ["pair", "pair", "overlap", "overlap"]
    assert set(chosen["seed"]) == {1}
    assert list(chosen.columns) == ["data", "seed", "energy (J)"]
    bound = pd.read_csv(whole.folder / "bound.csv")
    assert set(bound["run"]) == {"sgd two-array", "ttv2 four-array"}
    assert bound["share"].min() >= 0.1
    epochs = pd.read_csv(whole.folder / "epochs.csv")
    assert list(epochs.columns) == ["training.in_flight", "seed", "epoch", "test_loss"]
    assert epochs["training.in_flight"].tolist() == [1, 2]
    assert set(epochs["seed"]) == {2}
    for loss in epochs["test_loss"]:
        assert (rows["test_loss"] - loss).abs().min() < 1e-4


def test_what_stands_for_several_seeds_says_how_many_and_what_its_interval_is(whole):
    words = "mean of 2 seeds; error bars: 95 % t interval"
    assert words in (whole.folder / "throughput.svg").read_text()
    assert words in (whole.folder / "README.md").read_text()  # for those who cannot see the figure
    assert "one seed, no interval" in (whole.folder / "energy.svg").read_text()
    assert "(Mean of 2 seeds; ±: 95 % t interval.)" in (whole.folder / "means.md").read_text()


@pytest.mark.parametrize(
    ("kind", "words"),
    [("min-max", "least to largest"), ("standard-error", "± 1 standard error"), ("t-95", "95 % t interval")],
)
@pytest.mark.usefixtures("figures_drawn")
def test_the_interval_is_the_study_s_choice_and_stays_where_the_quantity_can_be(whole, study, kind, words):
    shown = f"""[[figures]]
kind = "lines"
name = "error"
title = "Error"
data = ["overlap"]
x = "training.in_flight"
y = "test_error"
interval = "{kind}"
"""
    Path("small.toml").write_text(LEAN + shown)
    plan = planned("small.toml")
    rows = drawn_rows(plan.study.figures[0], plan, Store(whole.folder / "cache", ""))
    seeds = pd.concat([pd.read_csv(path) for path in (whole.folder / "cache" / "results").glob("*.csv")])
    assert rows["interval_low"].between(0, rows["test_error"]).all()
    assert rows["interval_high"].between(rows["test_error"], 1).all()
    if kind == "min-max":
        assert set(rows["interval_low"]) | set(rows["interval_high"]) <= set(seeds["test_error"])
    code, _, err = study("small.toml", "--out", "out", "--cache", whole.folder / "cache", executor=Here(stop_after=0))
    assert code == 0, err
    drawing = Path("out/error.svg").read_text()
    assert f"mean of 2 seeds; error bars: {words}" in drawing
    assert "test error (%)" in drawing


def test_a_finished_study_runs_nothing_again_and_leaves_the_same_bits(study, whole, lean, tmp_path):
    shutil.copytree(whole.folder / "cache", tmp_path / "out" / "cache")
    for _ in range(2):
        assert study("small.toml", "--out", "out", executor=Here(stop_after=0))[0] == 0
        assert shown(tmp_path / "out") == lean


def test_interrupted_it_goes_on_to_the_same_bits(study, whole, lean, tmp_path):
    ran = []
    for stop_after in (2, 1, None):
        executor = Here(stop_after)
        code, _, err = study("small.toml", "--out", "out", executor=executor)
        ran += executor.ran
        assert code == (0 if stop_after is None else 130)
        assert ("the same command goes on: twin study small.toml --out out" in err) == (stop_after is not None)
    assert sorted(ran) == sorted(whole.executor.ran)
    assert shown(tmp_path / "out") == lean


def test_a_lost_folder_of_a_run_is_made_again(study, whole, lean, tmp_path):
    shutil.copytree(whole.folder / "cache", tmp_path / "out" / "cache")
    lost = next((tmp_path / "out" / "cache" / "runs").iterdir())
    (lost / "summary.json").unlink()
    executor = Here()
    assert study("small.toml", "--out", "out", executor=executor)[0] == 0
    assert executor.ran == [lost.name]
    assert shown(tmp_path / "out") == lean


def test_a_run_that_fails_takes_nothing_else_with_it(study, whole, lean, tmp_path):
    shutil.copytree(whole.folder / "cache", tmp_path / "out" / "cache")
    ttv2 = next(point.id for point in planned("small.toml").points.values() if point.request.algorithm == "ttv2")
    (tmp_path / "out" / "cache" / "results" / f"{ttv2}.csv").unlink()
    code, _, err = study("small.toml", "--out", "out", executor=Here(spoil="ttv2"))
    errors = [line for line in err.splitlines() if line.startswith("error: ")]
    assert code == 2
    assert len(errors) == 1
    assert "No space left on device" in errors[0]
    assert "--retry" in errors[0]
    assert (tmp_path / "out" / "means.csv").read_bytes() == lean[Path("means.csv")]
    page = (tmp_path / "out" / "README.md").read_text()
    assert "4 runs (1 failed)" in page
    assert "*Not made: pair: ttv2 four-array: runs/x" in page
    executor = Here()
    assert study("small.toml", "--out", "out", "--retry", executor=executor)[0] == 0
    assert executor.ran == [ttv2]
    assert shown(tmp_path / "out") == lean


@pytest.mark.usefixtures("lean")
def test_a_column_that_a_ledger_lacks_takes_nothing_else_with_it(study, whole):
    Path("small.toml").write_text(LEAN.replace('["epoch", "test_loss"]', '["epoch", "loss"]'))
    code, _, err = study("small.toml", "--out", "out", "--cache", whole.folder / "cache", executor=Here(stop_after=0))
    assert code == 2
    assert "tables.4.columns.1 (= loss): there is no such thing here (did you mean " in err
    assert Path("out/bound.csv").exists()
    assert not Path("out/epochs.csv").exists()


@pytest.mark.parametrize(
    ("old", "new", "place", "rule"),
    [
        ('kind = "lines"', 'kind = "line"', "figures.0.kind (= line)", 'must be "lines", "bars"'),
        ('runs = "pair"', 'runs = "pear"', "tables.0.runs (= pear)", "is none of the runs pair"),
        ('data = ["overlap"]\nover', 'data = ["over"]\nover', "tables.1.data.0 (= over)", "is none of overlap, pair"),
        ('name = "overlap"', 'name = "pair"', "sweeps.0.name (= pair)", "stands twice"),
        ('name = "means"', 'name = "energy"', "figures.1.name (= energy)", "stands twice"),
        ('key = "test_loss"', 'key = "test_los"', "tables.1.columns.3.key (= test_los)", "did you mean test_loss"),
        ('\ny = "samples_per_s"', '\ny = "bound"', "figures.0.y (= bound)", "no such thing"),
        ('table = "bound"', 'table = "bounds"', "tables.3.table (= bounds)", "did you mean bound"),
        ('figure = "error-by-time"', 'figure = "error"', "figures.2.figure (= error)", "did you mean error-by-time"),
        ('\nx = "energy_J_per_sample"', '\nx = "layout"', "figures.3.x (= layout)", "no such thing"),
        ('label = "layout"', 'label = "lay"', "figures.3.label (= lay)", "did you mean layout"),
        ('columns = ["epoch", "test_loss"]', 'columns = ["epochs"]', "", ""),
        ('series = ["algorithm"]', "series = []", "", ""),
        (
            'data = ["overlap"]\nx = "training.in_flight"',
            'data = ["overlap"]\nx = "data"',
            "figures.0",
            "lie on each other",
        ),
        ('algorithms = ["sgd", "ttv2"]', 'algorithms = ["sgd", "ttv"]', "runs.0", "did you mean ttv2"),
        (
            'workload = "digits-mlp"\nalgorithms',
            'workload = "digits-ml"\nalgorithms',
            "runs.0",
            "did you mean digits-mlp",
        ),
        ('"training.epochs" = 1\n"data', '"training.epoch" = 1\n"data', "runs.0", "did you mean epochs"),
        ('algorithm = "sgd"', 'algorithm = "sgd"\nlayout = "four-array"', "sweeps.0", "none of 4 points can be run"),
        ("seeds = [1, 2]", "seeds = []", "sweeps.0.seeds", "must not be empty"),
        ("least = { share", "least = { shares", "", ""),
        (
            "{{throughput}}",
            "{{through}}",
            r"text (= Before.\n\n{{through}}\n\nBetween.\n\n{{ costs }}\n)",
            "names through, which is no table",
        ),
    ],
    ids=lambda value: re.sub(r"\W+", "-", value)[:30],
)
def test_a_mistake_names_file_line_and_rule_before_anything_runs(study, tmp_path, old, new, place, rule):
    assert old in SMALL
    text = SMALL.replace(old, new, 1)
    Path("small.toml").write_text(text)
    if not place:  # legal, or only known once there are rows
        plan_study(load_study("small.toml"), Places(find("study", "small.toml")))
        return
    code, out, err = study("small.toml", "--out", "out", executor=Here(stop_after=0))
    assert (code, out, err.count("\n")) == (2, "", 1), err
    found = re.match(r"error: small\.toml:(\d+): ([^:]+): ", err)
    assert found, err
    assert found[2] == place
    assert rule in err
    assert not (tmp_path / "out").exists()
    wrong = new.strip().splitlines()[0]
    if "[" in place or found[2].endswith("kind (= line)"):
        assert text.splitlines()[int(found[1]) - 1].strip() == wrong


def test_nothing_but_a_folder_of_this_study_is_replaced(study, tmp_path):
    Path("small.toml").write_text(SMALL)
    for name, text in (("mine", None), ("other", SMALL.replace('"small"', '"other"', 1))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "README.md").write_text("mine")
        if text:
            (tmp_path / name / "study.toml").write_text(text)
        code, out, err = study("small.toml", "--out", name, executor=Here(stop_after=0))
        assert (code, out, err.count("\n")) == (2, "", 1)
        assert f"--out (= {name}): " in err
        assert (tmp_path / name / "README.md").read_text() == "mine"
