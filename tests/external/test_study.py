"""Studies: is everything made that is named, once, whatever happens, and does what is shown say what was measured?"""

import re
import shutil
import sys
from pathlib import Path
from types import SimpleNamespace

import pandas as pd
import pytest
from sweep_kit import SOUGHT, bowl, light, written

from twin import commands_study
from twin.config.load import load_study, load_sweep
from twin.config.place import Places
from twin.config.resources import find, shipped
from twin.errors import TwinError
from twin.report.svg import Drawing, figure
from twin.reproduce.output import COLUMNS, Claim, Reproduction
from twin.request import default_algorithms
from twin.simulation.compare import plan_runs
from twin.simulation.plan import Descriptions, identity
from twin.study import run as running
from twin.study.plan import plan_study
from twin.sweep import run as sweeping
from twin.sweep import search as searching
from twin.sweep.local import ThisProcess
from twin.sweep.measure import Status, ended
from twin.sweep.point import point_id, points_of
from twin.sweep.run import Settings, run_sweep

SMALL = """schema = 1
kind = "study"
name = "small"
title = "A small study"
description = "two runs and a sweep"
text = '''
Before.

{{throughput}}

Between.

{{ costs }}
'''

[[runs]]
name = "pair"
workload = "digits-mlp"
algorithms = ["sgd", "ttv2"]
layouts = ["two-array", "four-array"]
report = true
baselines = ["a100"]
[runs.fixed]
"training.epochs" = 1
"data.samples" = 30
"training.in_flight" = 2

[[sweeps]]
name = "overlap"
workload = "digits-mlp"
algorithm = "sgd"
seeds = [1, 2]
axes = [{ key = "training.in_flight", values = [1, 2] }]
[sweeps.fixed]
"training.epochs" = 1
"data.samples" = 30

[[tables]]
kind = "comparison"
name = "costs"
title = "Costs"
runs = "pair"

[[tables]]
kind = "rows"
name = "means"
title = "Means"
data = ["overlap"]
over_seeds = true
columns = [
  { key = "training.in_flight", heading = "in flight" },
  { key = "n", heading = "seeds" },
  { key = "samples_per_s", heading = "throughput", unit = "million samples/s", factor = 1e-6 },
  { key = "test_loss" },
]

[[tables]]
kind = "rows"
name = "chosen"
title = "Chosen rows"
inline = false
data = ["pair", "overlap"]
where = { seed = 1, data = ["overlap", "pair"] }
columns = [{ key = "data" }, { key = "seed" }, { key = "energy_J" }]

[[tables]]
kind = "ledger"
name = "bound"
title = "The critical path"
data = ["pair"]
table = "bound"
least = { share = 0.1 }

[[tables]]
kind = "ledger"
name = "epochs"
title = "Epochs"
data = ["overlap"]
table = "curve"
columns = ["epoch", "test_loss"]
where = { seed = 2 }

[[figures]]
kind = "lines"
name = "throughput"
title = "Throughput"
data = ["overlap"]
x = "training.in_flight"
y = "samples_per_s"
y_label = "million samples/s"
y_factor = 1e-6

[[figures]]
kind = "bars"
name = "energy"
title = "Energy"
data = ["pair"]
x = "layout"
y = "energy_J_per_sample"
series = ["algorithm"]

[[figures]]
kind = "report"
name = "curves"
title = "Curves"
runs = "pair"
figure = "error-by-time"
"""
LEAN = (
    SMALL[: SMALL.index("[[figures]]")]
    .replace("{{throughput}}", "")
    .replace('report = true\nbaselines = ["a100"]\n', "")
)
"""The same without figures and report, which take long to draw."""
SOUGHT_OF_SGD = """algorithm = "sgd"
layout = "four-array"
seeds = [1]
axes = [{ key = "device.dw_min", values = [0.01] }]
search = { trials = 1, seeds = [2], axes = [{ key = "training.in_flight", values = [1, 2] }] }
"""
SHOWN = ("costs", "means", "chosen", "bound", "epochs", "throughput", "energy", "curves")


class Here:
    """Runs points in this process; may stop, or spoil those of an algorithm."""

    def __init__(self, stop_after=None, spoil=""):
        self.stop_after, self.spoil, self.ran = stop_after, spoil, []

    def run(self, points, measure):
        for point in points:
            if point is None:
                continue
            if len(self.ran) == self.stop_after:
                raise KeyboardInterrupt
            self.ran.append(point.id)
            if self.spoil and point.plan.algorithm == self.spoil:
                yield point, ended(Status.FAILED, "runs/x: not written (No space left on device)")
            else:
                yield point, measure(point)


@pytest.fixture
def study(twin, monkeypatch):
    """Run `twin study` with an executor of this process."""

    def command(*arguments, executor):
        monkeypatch.setattr(commands_study, "executor_of", lambda *_: executor)
        return twin("study", *arguments)

    return command


def shown(folder):
    return {
        path.relative_to(folder): path.read_bytes()
        for path in folder.rglob("*")
        if path.is_file() and path.relative_to(folder).parts[0] != "cache"
    }


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """Make the small study without interruption; give its folder, executor and files."""
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        Path("small.toml").write_text(SMALL)
        executor = Here()
        patch.setattr(commands_study, "executor_of", lambda *_: executor)
        commands_study.study_command("small.toml", Path("out"), None, 1, "", "", retry=False)
    return SimpleNamespace(folder=folder / "out", executor=executor, files=shown(folder / "out"))


@pytest.fixture
def lean(whole, study, tmp_path):
    """Write the lean study here; give the files that it leaves, made from the runs of the small one."""
    Path("small.toml").write_text(LEAN)
    code, _, err = study("small.toml", "--out", "out", "--cache", whole.folder / "cache", executor=Here(stop_after=0))
    assert code == 0, err
    files = shown(tmp_path / "out")
    shutil.rmtree(tmp_path / "out")
    page = files[Path("README.md")].decode()
    return files | {Path("README.md"): page.replace(f" --cache {whole.folder / 'cache'}", "").encode()}


def test_everything_that_is_named_is_made(whole):
    for name in SHOWN[:5]:
        assert len(pd.read_csv(whole.folder / f"{name}.csv")) >= 1
        assert (whole.folder / f"{name}.md").read_text().startswith("# ")
    for name in SHOWN[5:]:
        assert (whole.folder / f"{name}.svg").read_text().startswith("<?xml")
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
    ttv2 = next(point.id for point in planned("small.toml").points.values() if point.plan.algorithm == "ttv2")
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
        ('columns = ["epoch", "test_loss"]', 'columns = ["epochs"]', "", ""),
        ('series = ["algorithm"]', "series = []", "", ""),
        (
            'data = ["overlap"]\nx = "training.in_flight"',
            'data = ["overlap"]\nx = "data"',
            "figures.0",
            "lie on each other",
        ),
        ('algorithms = ["sgd", "ttv2"]', 'algorithms = ["sgd", "ttv"]', "runs.0", "did you mean ttv2"),
        ('workload = "digits-mlp"\nalgorithms', 'workload = "digits"\nalgorithms', "runs.0", "did you mean digits-mlp"),
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


def test_a_published_figure_is_computed_once_and_a_claim_that_fails_is_said(study, monkeypatch):
    calls = []

    def reproduce(seed, progress):
        calls.append(seed)
        progress(1, 2)
        drawing = Drawing.of("made-up-fig1", "A made-up figure", "nothing", figure(1, 1))
        claims = (Claim("it rises", "it rose by 2", holds=True), Claim("it | falls", "it rose", holds=False))
        table = pd.DataFrame([dict.fromkeys(COLUMNS, 1.5)])
        return Reproduction("Nobody 2026, Fig. 1", drawing, claims, table, {"seed": str(seed)})

    monkeypatch.setitem(running.FIGURES, "made-up-fig1", "made_up")
    monkeypatch.setattr(running, "import_module", lambda _: SimpleNamespace(reproduce=reproduce))
    text = 'schema = 1\nkind = "study"\nname = "s"\ntitle = "S"\ndescription = ""\n[[reproductions]]\nfigure = '
    Path("s.toml").write_text(f'{text}"made-up-fig1"\nseed = 7\n')
    for _ in range(2):
        code, _, err = study("s.toml", "--out", "out", executor=Here())
        assert code == 2
        assert "made-up-fig1: does not bear out: it | falls" in err
    assert calls == [7]
    page = Path("out/README.md").read_text()
    assert "| it rises | it rose by 2 | holds |" in page
    assert "| it \\| falls | it rose | does not hold |" in page
    assert {path.suffix for path in Path("out").glob("made-up-fig1.*")} >= {".svg", ".csv", ".md"}
    Path("s.toml").write_text(f'{text}"made-up-fig2"\n')
    code, _, err = study("s.toml", "--out", "two", executor=Here())
    assert (code, err.count("\n")) == (2, 1)
    assert "s.toml:7: reproductions.0.figure (= made-up-fig2)" in err
    assert "did you mean made-up-fig1" in err


# -- values that are sought --------------------------------------------------------------------------------------

SOUGHT_STUDY = """schema = 1
kind = "study"
name = "found"
title = "Found"
description = "a search"

[[sweeps]]
name = "tuned"
workload = "digits-mlp"
{sweep}
[[tables]]
kind = "search"
name = "best"
title = "The best values"
sweep = "tuned"

[[tables]]
kind = "search"
name = "trials"
title = "Every trial"
sweep = "tuned"
table = "trials"
inline = false
digits = 17

[[tables]]
kind = "rows"
name = "judged"
title = "Judged by other seeds"
data = ["tuned"]
over_seeds = true
columns = [{{ key = "device.dw_min" }}, {{ key = "training.in_flight" }}, {{ key = "test_error" }}]

[[figures]]
kind = "lines"
name = "errors"
title = "Errors"
data = ["tuned"]
x = "device.dw_min"
x_scale = "log"
y = "test_error"
"""


@pytest.fixture
def sought(study, monkeypatch):
    """Run `twin study`, with a study ``found.toml`` whose runs are stood in for."""
    monkeypatch.setattr(running, "measure", bowl)
    monkeypatch.setattr(searching, "point_of", light)
    own = SOUGHT
    for name in ("axes", "search", "search.axes"):
        own = own.replace(f"[{name}]", f"[sweeps.{name}]")
    Path("found.toml").write_text(SOUGHT_STUDY.format(sweep=own))
    return study


def test_a_search_in_a_study_finds_what_the_sweep_itself_finds(sought, tmp_path, monkeypatch):
    monkeypatch.setattr(sweeping, "measure", bowl)
    run_sweep(written(tmp_path, SOUGHT), tmp_path / "sweep", ThisProcess(), Settings(), lambda *_: None)
    ran = []
    for stop_after in (20, 7, None):
        executor = Here(stop_after)
        assert sought("found.toml", "--out", "out", executor=executor)[0] == (0 if stop_after is None else 130)
        ran += executor.ran
    assert len(ran) == len(set(ran)) == 2 * 12 * 2 + 2 * 2
    trials = pd.read_csv("out/trials.csv").rename(columns={"area (m2)": "area_m2", "makespan (s)": "makespan_s"})
    alone = pd.read_csv("sweep/trials.csv")
    own = [name for name in alone.columns if name in trials.columns]
    assert {"id", "trial", "training.decay_factor", "test_error", "makespan_s"} <= set(own)
    pd.testing.assert_frame_equal(trials[own], alone[own])
    best, other = pd.read_csv("out/best.csv"), pd.read_csv("sweep/best.csv")
    assert list(best.columns[-4:]) == ["found test_error", "n", "mean test_error", "± test_error"]
    assert list(best["training.decay_factor"]) == pytest.approx(list(other["training.decay_factor"]), rel=1e-4)
    judged = pd.read_csv("out/judged.csv")
    assert list(judged["training.in_flight"]) == list(other["training.in_flight"])
    assert list(judged["test_error"]) == pytest.approx(list(other["test_error_mean"]), rel=1e-4)
    assert list(judged["± test_error"]) == pytest.approx(list(other["test_error_interval"]), rel=1e-4)
    page = Path("out/README.md").read_text()
    assert "makes 52 runs with twin" in page
    assert "| trials | finished | training.decay\\_factor |" in page
    assert Path("out/errors.svg").exists()
    before = shown(tmp_path / "out")
    assert sought("found.toml", "--out", "out", executor=Here(stop_after=0))[0] == 0
    assert shown(tmp_path / "out") == before


def test_a_trial_that_fails_is_said_and_tried_again(sought, monkeypatch):
    broken = ended(Status.FAILED, "no room")
    monkeypatch.setattr(running, "measure", lambda point, **_: broken if point.axes["seed"] == 1 else bowl(point))
    code, _, err = sought("found.toml", "--out", "out", executor=Here())
    assert code == 2
    assert "no room" in err
    assert "50 runs (2 failed)" in Path("out/README.md").read_text()
    monkeypatch.setattr(running, "measure", bowl)
    executor = Here()
    assert sought("found.toml", "--out", "out", "--retry", executor=executor)[0] == 0
    assert len(executor.ran) == 2


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        (
            'sweep = "tuned"\ntable',
            'sweep = "tune"\ntable',
            "tables.1.sweep (= tune): is none of the sweeps with a search",
        ),
        (
            'kind = "search"\nname = "best"\ntitle = "The best values"\nsweep = "tuned"',
            'kind = "ledger"\nname = "best"\ntitle = ""\ntable = "curve"\ndata = ["tuned"]',
            'tables.0.data.0 (= tuned): is a sweep with a search, whose runs are not kept; take kind = "search"',
        ),
        ('table = "trials"', 'table = "trial"', 'must be "best" or "trials"'),
        ('x = "device.dw_min"', 'x = "device.dw_mi"', "figures.0.x (= device.dw_mi): there is no such thing here (did"),
    ],
)
def test_a_mistake_about_a_search_is_one_line(sought, old, new, message):
    text = Path("found.toml").read_text()
    assert old in text
    Path("found.toml").write_text(text.replace(old, new))
    code, _, err = sought("found.toml", "--out", "out", executor=Here(stop_after=0))
    assert (code, err.count("\n")) == (2, 1)
    assert err.startswith("error: found.toml:")
    assert message in err


def test_a_search_that_cannot_be_run_is_refused_before_anything_runs(study, tmp_path):
    text = SOUGHT_STUDY.format(sweep=SOUGHT_OF_SGD)
    Path("found.toml").write_text(text)
    code, _, err = study("found.toml", "--out", "out", executor=Here(stop_after=0))
    assert code == 2
    assert err.startswith(
        "error: found.toml:7: sweeps.0: none of 1 points can be run; the first: layout (= four-array)"
    )
    assert not (tmp_path / "out").exists()


def test_a_search_without_optuna_names_the_sweep_and_what_to_install(sought, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    for name in ("searches", "search", "journal"):
        monkeypatch.delitem(sys.modules, f"twin.sweep.{name}", raising=False)
    code, _, err = sought("found.toml", "--out", "out", executor=Here(stop_after=0))
    assert code == 2
    assert err == "error: found.toml:7: sweeps.0: search: needs Optuna; pip install 'analog-twin[search]'\n"


# -- studies that ship --------------------------------------------------------------------------------------------

PUBLISHED = sorted((Path(__file__).parents[2] / "reports").glob("*/study.toml"))


def planned(name):
    return plan_study(load_study(str(name)), Places(find("study", str(name))))


@pytest.mark.parametrize(
    "name", [*shipped("study"), *PUBLISHED], ids=lambda name: getattr(name, "parent", Path(name)).name
)
def test_every_study_that_ships_can_be_planned(name):
    plan = planned(name)
    named = re.findall(r"\{\{ *(\S+?) *\}\}", plan.study.text)
    entries = [*plan.study.tables, *plan.study.figures]
    names = {entry.name for entry in entries if entry.inline} | {entry.figure for entry in plan.study.reproductions}
    assert set(named) <= names


def test_the_study_of_the_digits_makes_the_runs_of_twin_compare():
    (group,) = planned("compare-digits-mlp").groups.values()
    plans = plan_runs("digits-mlp", "aimc-512", default_algorithms("digits-mlp"), [])
    ids = [point_id([identity(plan, Descriptions.of(plan).texts())], None) for plan in plans]
    assert [point.id for point in group.points] == ids


def test_the_studies_of_published_figures_are_those_of_twin_reproduce():
    named = [entry.figure for name in shipped("study") for entry in planned(name).study.reproductions]
    assert {"onen-2021-fig1", "onen-2021-fig2", "gokmen-2021-fig6"} <= set(named) <= set(running.FIGURES)


def test_a_sweep_in_a_study_has_the_points_of_the_sweep_itself(tmp_path):
    body = find("sweep", "first-sweep").text
    header, _, rest = body.partition("workload")
    nested = (
        ("name = 'first'\nworkload" + rest).replace("[[axes]]", "[[sweeps.axes]]").replace("[fixed]", "[sweeps.fixed]")
    )
    own = tmp_path / "own.toml"
    head = 'schema = 1\nkind = "study"\nname = "own"\ntitle = ""\ndescription = ""\n[[sweeps]]\n'
    own.write_text(head + nested)
    (group,) = planned(own).groups.values()
    assert [point.id for point in group.points] == [point.id for point in points_of(load_sweep("first-sweep").model)]
    assert header


def test_the_study_of_the_page_can_be_planned(tmp_path):
    page = (Path(__file__).parents[2] / "docs" / "studies.md").read_text()
    own = tmp_path / "own.toml"
    own.write_text(re.search(r"```toml\n(.*?)```", page, re.DOTALL)[1])
    assert len(planned(own).points) == 3 + 2 * 2 * 3 - 2  # two of the runs are points of the sweep, too


def test_a_study_that_names_nothing_to_do_is_refused(tmp_path):
    own = tmp_path / "own.toml"
    own.write_text('schema = 1\nkind = "study"\nname = "own"\ntitle = ""\ndescription = ""\n')
    with pytest.raises(TwinError, match="names neither runs nor sweeps nor reproductions"):
        load_study(str(own))
