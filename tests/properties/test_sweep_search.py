"""Values sought at every point of a design: found, kept, and the same however the search was run."""

import json
import math
import sys

import optuna
import pandas as pd
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sweep_kit import FOUND, SOUGHT, AnyOrder, bowl, light, nothing, tables, written

from twin.errors import TwinError
from twin.sweep import run as running
from twin.sweep import search as searching
from twin.sweep.local import ThisProcess
from twin.sweep.measure import Status, ended
from twin.sweep.point import point_of
from twin.sweep.run import Settings, run_sweep


@pytest.fixture(autouse=True)
def _bowl(monkeypatch):
    monkeypatch.setattr(running, "measure", bowl)
    monkeypatch.setattr(searching, "point_of", light)


@pytest.fixture(scope="module")
def description(tmp_path_factory):
    return written(tmp_path_factory.mktemp("described"), SOUGHT)


@pytest.fixture(scope="module")
def whole(description, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(running, "measure", bowl)
        patch.setattr(searching, "point_of", light)
        assert run_sweep(description, folder, ThisProcess(), Settings(), nothing)[1] == 0
    return folder


def read(folder, name):
    return pd.read_csv(folder / f"{name}.csv")


def never(*_, **__):
    raise AssertionError


def journals(folder):
    """Return Optuna's studies in a sweep's folder by name."""
    found = {}
    for path in (folder / "searches").iterdir():
        storage = optuna.storages.JournalStorage(optuna.storages.journal.JournalFileBackend(str(path)))
        (name,) = optuna.get_all_study_names(storage)
        found[name] = optuna.load_study(storage=storage, study_name=name)
    return found


def test_every_point_of_the_design_finds_its_own_values(whole):
    best = read(whole, "best")
    assert list(best["device.dw_min"]) == [0.01, 0.1]
    for _, row in best.iterrows():
        assert abs(math.log10(row["training.decay_factor"] / row["device.dw_min"])) < 0.7
        assert row["algorithm.update.update_management"]
        assert (row["trials"], row["finished"], row["n"]) == (12, 12, 2)
        noise = row["test_error_found"] - 0.0075
        assert row["test_error_mean"] == pytest.approx(noise + 0.0015)
        assert row["test_error_interval"] == pytest.approx(12.706 * 0.0005, rel=1e-4)


def test_the_table_holds_the_best_values_with_the_seeds_of_the_sweep(whole):
    table, best, means = read(whole, "table"), read(whole, "best"), read(whole, "means")
    assert list(table["seed"]) == [1, 2] * 2
    for key in ("training.decay_factor", "training.in_flight"):
        assert list(table[key][::2]) == list(best[key]) == list(means[key])
    assert list(means["test_error_mean"]) == list(best["test_error_mean"])
    trials = read(whole, "trials")
    assert len(trials) == 2 * 12 * 2
    assert set(trials["seed"]) == {7, 8}
    assert trials.groupby("device.dw_min")["trial"].nunique().tolist() == [12] * 2
    least = trials.groupby(["device.dw_min", "trial"])["test_error"].mean().groupby(level=0).min()
    assert list(least) == pytest.approx(list(best["test_error_found"]), abs=1e-15)
    units = read(whole, "columns").fillna("").set_index(["table", "column"])["unit"]
    assert units[[("best", "trials"), ("best", "test_error_found"), ("trials", "makespan_s")]].tolist() == [
        "1",
        "1",
        "s",
    ]


def test_the_journals_are_read_by_optuna(whole):
    best = read(whole, "best")
    studies = journals(whole)
    assert len(studies) == 2
    for _, row in best.iterrows():
        study = studies[f"device.dw_min = {row['device.dw_min']}"]
        assert len(study.trials) == 12
        assert study.best_value == row["test_error_found"]
        assert study.best_params["training.in_flight"] == row["training.in_flight"]
        assert (whole / "results" / f"{study.best_trial.user_attrs['results'][0]}.csv").exists()


@settings(max_examples=4, deadline=None, suppress_health_check=list(HealthCheck))
@given(stops=st.lists(st.integers(1, 30), min_size=1, max_size=3), window=st.integers(1, 5), seed=st.integers(0, 99))
def test_a_search_interrupted_anywhere_goes_on_to_the_same_tables(
    description, whole, tmp_path_factory, stops, window, seed
):
    folder = tmp_path_factory.mktemp("pieces")
    executor = AnyOrder(window, seed)
    for stop in stops:
        run_sweep(description, folder, executor, Settings(max_points=stop), nothing)
        for path in list((folder / "searches").iterdir()):  # as a process leaves it that is killed while it writes
            path.with_name(path.name + ".lock").symlink_to(path)
            path.write_bytes(path.read_bytes()[: -seed or None])
    assert run_sweep(description, folder, executor, Settings(), nothing)[1] == 0
    assert tables(folder, FOUND) == tables(whole, FOUND)
    held = {name: [trial.params for trial in study.trials] for name, study in journals(folder).items()}
    assert held == {name: [trial.params for trial in study.trials] for name, study in journals(whole).items()}


@pytest.mark.parametrize("together", [1, 4])
def test_neither_the_number_of_processes_nor_their_order_changes_a_search(tmp_path, together):
    text = SOUGHT.replace("trials = 12", f"trials = 12\ntogether = {together}")
    path = written(tmp_path, text)
    found = []
    for number, executor in enumerate((ThisProcess(), AnyOrder(3, 1), AnyOrder(8, 2))):
        folder = tmp_path / str(number)
        run_sweep(path, folder, executor, Settings(), nothing)
        found.append(tables(folder, FOUND))
    assert found[0] == found[1] == found[2]


def test_shards_make_the_tables(description, whole, tmp_path):
    for number in (2, 1):
        _, missing = run_sweep(description, tmp_path, ThisProcess(), Settings(shard=(number, 2)), nothing)
    assert missing == 0
    assert tables(tmp_path, FOUND) == tables(whole, FOUND)


def test_a_finished_search_runs_nothing_again(description, whole, monkeypatch):
    before = tables(whole, FOUND)
    seen = []
    monkeypatch.setattr(running, "measure", never)
    run_sweep(description, whole, ThisProcess(), Settings(retry=True), lambda *state: seen.append(state))
    assert tables(whole, FOUND) == before
    assert seen == [(52, 52)]


# -- trials that do not end well ---------------------------------------------------------------------------------


def test_a_trial_that_was_killed_and_is_tried_again_leaves_no_trace(description, whole, tmp_path, monkeypatch):
    count = []

    def killed_at_times(point, **_):
        count.append(point)
        return ended(Status.KILLED, "SIGKILL") if len(count) % 9 == 0 else bowl(point)

    monkeypatch.setattr(running, "measure", killed_at_times)
    run_sweep(description, tmp_path, ThisProcess(), Settings(), nothing)
    trials = read(tmp_path, "trials")
    assert (trials["status"] == "killed").sum() > 3
    assert (read(tmp_path, "best")["finished"] < 12).all()
    assert any(trial.state.name == "FAIL" for study in journals(tmp_path).values() for trial in study.trials)
    monkeypatch.setattr(running, "measure", bowl)
    run_sweep(description, tmp_path, ThisProcess(), Settings(retry=True), nothing)
    assert tables(tmp_path, FOUND) == tables(whole, FOUND)


def test_values_that_diverge_are_worse_than_any_that_do_not(tmp_path, monkeypatch):
    def narrow(point, **_):
        far = point.axes["training.decay_factor"] > 0.1
        return ended(Status.DIVERGED, "training loss is nan") if far else bowl(point)

    monkeypatch.setattr(running, "measure", narrow)
    run_sweep(written(tmp_path, SOUGHT), tmp_path / "out", ThisProcess(), Settings(), nothing)
    best, trials = read(tmp_path / "out", "best"), read(tmp_path / "out", "trials")
    assert (best["training.decay_factor"] <= 0.1).all()
    late = trials[trials["trial"] >= 7]
    assert (late["status"] == "done").mean() > 0.6  # by chance half of them
    assert {trial.state.name for study in journals(tmp_path / "out").values() for trial in study.trials} == {
        "COMPLETE",
        "PRUNED",
    }


def test_a_search_without_a_finished_trial_is_a_row_with_the_reason(tmp_path, monkeypatch):
    def coarse_fails(point, **_):
        return ended(Status.MEMORY, "no more") if point.axes["device.dw_min"] == 0.1 else bowl(point)

    monkeypatch.setattr(running, "measure", coarse_fails)
    table, missing = run_sweep(written(tmp_path, SOUGHT), tmp_path / "out", ThisProcess(), Settings(), nothing)
    assert (len(table), missing) == (4, 0)
    rows = table[table["device.dw_min"] == 0.1]
    assert set(rows["status"]) == {"out of memory"}
    assert set(rows["reason"]) == {"no trial of 12 finished; the first: no more"}
    assert list(read(tmp_path / "out", "best")["finished"]) == [12, 0]


def test_a_point_that_cannot_be_run_is_refused_without_trials(tmp_path, monkeypatch):
    monkeypatch.setattr(searching, "point_of", point_of)
    more = '[[axes]]\nkey = "algorithm"\nvalues = ["sgd", "ttv2"]\n\n[search]'
    text = SOUGHT.replace("[0.01, 0.1]", "[0.1]").replace("[search]", more, 1) + '\n[fixed]\nlayout = "four-array"\n'
    table, missing = run_sweep(written(tmp_path, text), tmp_path / "out", ThisProcess(), Settings(), nothing)
    assert missing == 0
    refused = table[table["algorithm"] == "sgd"]
    assert set(refused["status"]) == {"refused"}
    assert "does not hold the matrices of sgd" in refused["reason"].iloc[0]
    assert list(read(tmp_path / "out", "best")["trials"]) == [0, 12]
    assert set(read(tmp_path / "out", "trials")["algorithm"]) == {"ttv2"}


def test_failures_end_a_sweep_where_the_user_says(description, tmp_path, monkeypatch):
    calls = []

    def broken(point, **_):
        calls.append(point)
        return ended(Status.FAILED, "broken")

    monkeypatch.setattr(running, "measure", broken)
    _, missing = run_sweep(description, tmp_path, ThisProcess(), Settings(max_failures=3), nothing)
    assert (len(calls), missing) == (3, 4)


def test_a_journal_on_a_full_disk_is_written_when_there_is_room(description, whole, tmp_path, monkeypatch):
    backend = optuna.storages.journal.JournalFileBackend
    append, calls = backend.append_logs, []

    def full_at_times(self, logs):
        calls.append(logs)
        if len(calls) % 2 == 0:
            with open(self._file_path, "ab") as file:  # noqa: PTH123 - as Optuna does
                file.write(json.dumps(logs[0]).encode()[:50])
            raise OSError(28, "No space left on device")
        append(self, logs)

    with monkeypatch.context() as full:
        full.setattr(backend, "append_logs", full_at_times)
        with pytest.raises(TwinError, match=r"\.journal: not written \(No space left on device\); make room there"):
            run_sweep(description, tmp_path, ThisProcess(), Settings(), nothing)
    assert tables(tmp_path, FOUND) == tables(whole, FOUND)
    monkeypatch.setattr(running, "measure", never)
    run_sweep(description, tmp_path, ThisProcess(), Settings(), nothing)
    assert tables(tmp_path, FOUND) == tables(whole, FOUND)
    assert [len(study.trials) for study in journals(tmp_path).values()] == [12] * 2


# -- descriptions ------------------------------------------------------------------------------------------------


def test_a_search_without_optuna_says_what_to_install(description, tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "optuna", None)
    for name in ("searches", "search", "journal"):
        monkeypatch.delitem(sys.modules, f"twin.sweep.{name}", raising=False)
    with pytest.raises(TwinError, match=r"search: needs Optuna; pip install 'analog-twin\[search\]'"):
        run_sweep(description, tmp_path, ThisProcess(), Settings(), nothing)


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("trials = 12", "", "search.trials: is missing"),
        ("trials = 12", "trials = 0", r"search.trials \(= 0\)"),
        ("trials = 12", 'trials = 12\nobjective = "accuracy"', 'objective .*must be "test_error"'),
        ("startup = 5", 'sampler = "random"\nstartup = 5', 'startup .*is of sampler = "tpe"'),
        ("[7, 8]", "[2, 7]", "search.seeds: must be others than `seeds`"),
        ('key = "training.decay_factor"', 'key = "device.dw_min"', "search.axes.0.key .*is sought and set elsewhere"),
        ('key = "training.in_flight"', 'key = "training.decay_factor"', "search.axes.1.key .*sought twice"),
        ("high = 6\n", "high = 6.5\n", "integer .*whole numbers"),
        ("values = [true, false]", "values = [true, false]\ninteger = true", "integer .*is for a range"),
    ],
)
def test_a_mistake_in_a_search_is_one_line_that_names_it(tmp_path, old, new, message):
    assert old in SOUGHT
    with pytest.raises(TwinError, match=message) as caught:
        run_sweep(written(tmp_path, SOUGHT.replace(old, new)), tmp_path / "out", ThisProcess(), Settings(), nothing)
    assert "small.toml:" in str(caught.value)
    assert "\n" not in str(caught.value)
