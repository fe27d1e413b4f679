"""Values that a study seeks: those that the sweep itself finds, and what may go wrong."""

import sys
from pathlib import Path

import pandas as pd
import pytest
from study_kit import Here, shown
from sweep_kit import SOUGHT, bowl, light, written

from twin.study import run as running
from twin.sweep import run as sweeping
from twin.sweep import search as searching
from twin.sweep.local import ThisProcess
from twin.sweep.measure import Status, ended
from twin.sweep.run import Settings, run_sweep

SOUGHT_OF_SGD = """algorithm = "sgd"
layout = "four-array"
seeds = [1]
axes = [{ key = "device.dw_min", values = [0.01] }]
search = { trials = 1, seeds = [2], axes = [{ key = "training.in_flight", values = [1, 2] }] }
"""
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
