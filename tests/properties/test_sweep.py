"""Whatever happens to a sweep, and wherever it runs: one row a point, and the same table."""

import math
import os
import shutil
import signal
import subprocess
import sys
import time

import pandas as pd
import pytest
from scipy import stats
from signal_kit import pressed_at_every_child
from sweep_kit import (
    ACCIDENTS,
    HEADER,
    SMALL,
    Accidents,
    fate,
    nothing,
    stillborn,
    tables,
    wide,
    written,
)

from twin.descriptions.load import load_sweep
from twin.errors import TwinError
from twin.sweep import local
from twin.sweep import measure as measuring
from twin.sweep import run as running
from twin.sweep.dask import DaskCluster
from twin.sweep.local import LocalProcesses, ThisProcess
from twin.sweep.measure import Status, ended, measure
from twin.sweep.point import points_of
from twin.sweep.results import Results, means
from twin.sweep.run import Settings, run_sweep

DIVERGING = """algorithm = "digital"
seeds = [1]

[[axes]]
key = "algorithm.learning_rate"
values = [0.01, 1000.0]
"""


@pytest.fixture(scope="module")
def description(tmp_path_factory):
    return written(tmp_path_factory.mktemp("described"))


@pytest.fixture(scope="module")
def whole(description, tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    table, missing = run_sweep(description, folder, ThisProcess(), Settings(), nothing)
    assert missing == 0
    return table, tables(folder), folder


def test_a_table_has_a_row_a_point_and_the_reason_of_every_refusal(whole):
    table, files, _ = whole
    assert list(table["status"]) == ["done", "done", "refused", "refused", "refused", "refused", "done", "done"]
    assert table["reason"][2] == "layout (= four-array): does not hold the matrices of sgd; take one of two-array"
    assert (table["samples_per_s"][[0, 6]] > 0).all()
    assert table["memory_H_B_per_sample"][6] > 0
    columns = pd.read_csv(pd.io.common.BytesIO(files["columns.csv"]), keep_default_na=False)
    assert set(columns[columns["table"] == "table"]["column"]) == set(table.columns)


def test_two_processes_give_the_table_of_one(description, whole, tmp_path):
    run_sweep(description, tmp_path, LocalProcesses(2), Settings(), nothing)
    assert tables(tmp_path) == whole[1]
    assert list((tmp_path / "runs").iterdir()) == []  # what is in the table is not kept twice


@pytest.mark.slow
def test_a_dask_cluster_and_parquet_give_the_same_table(description, whole, tmp_path):
    run_sweep(description, tmp_path, DaskCluster("local", 2), Settings(parquet=True), nothing)
    assert tables(tmp_path) == whole[1]
    assert len(list((tmp_path / "results").glob("*.parquet"))) == 8


def test_four_shards_in_any_order_make_the_table(description, whole, tmp_path):
    for number in (3, 1, 4, 2):
        _, missing = run_sweep(description, tmp_path, ThisProcess(), Settings(shard=(number, 4), keep=True), nothing)
    assert missing == 0
    assert tables(tmp_path) == whole[1]
    assert len(list((tmp_path / "runs").iterdir())) == 4


def test_a_sweep_that_is_killed_goes_on_to_the_same_table(description, whole, tmp_path):
    command = [sys.executable, "-m", "twin", "sweep", description, "--out", str(tmp_path), "--jobs", "1"]
    for pause in (0.0, 0.4):
        child = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
        deadline = time.monotonic() + 60
        while not list((tmp_path / "runs").glob("*/checkpoint.npz")) and child.poll() is None:
            assert time.monotonic() < deadline
            time.sleep(0.01)
        time.sleep(pause)
        os.killpg(child.pid, signal.SIGKILL)
        child.wait()
    _, missing = run_sweep(description, tmp_path, ThisProcess(), Settings(), nothing)
    assert missing == 0
    assert tables(tmp_path) == whole[1]


def test_nothing_that_has_a_result_is_run_again(description, whole, tmp_path, monkeypatch):
    folder = shutil.copytree(whole[2], tmp_path / "done")

    def never(*_, **__):
        raise AssertionError

    monkeypatch.setattr(running, "measure", never)
    run_sweep(description, folder, ThisProcess(), Settings(retry=True), nothing)
    assert tables(folder) == whole[1]


# -- points that do not end well -------------------------------------------------------------------------------


@pytest.mark.slow
def test_whatever_happens_to_a_point_is_a_row_with_its_reason_and_the_rest_completes(tmp_path):
    path = written(tmp_path, ACCIDENTS.replace("WIDE", wide(tmp_path)))
    table, missing = run_sweep(path, tmp_path / "out", Accidents(), Settings(), nothing)
    assert missing == 0
    assert list(table["status"]) == ["killed", "failed", "out of memory", "diverged", "done"]
    killed, full, memory, diverged, _ = table["reason"]
    assert "ended by SIGKILL" in killed
    assert "not written (File too large); make room there" in full
    assert "enlarge --memory" in memory
    assert "training loss is" in diverged
    table, _ = run_sweep(path, tmp_path / "out", ThisProcess(), Settings(retry=True, max_points=2), nothing)
    assert list(table["status"]) == ["done", "done", "out of memory", "diverged", "done"]


def test_a_process_that_ends_is_a_row_and_the_rest_completes(tmp_path):
    points = points_of(load_sweep(written(tmp_path, SMALL.replace("[1, 2]", "[1, 2, 3, 4]"))).model)[:4]
    rows = {point.axes["seed"]: row for point, row in LocalProcesses(2).run(points, fate)}
    assert [rows[seed]["status"] for seed in range(1, 5)] == ["done", "killed", "out of memory", "done"]
    assert "code 3" in rows[2]["reason"]


def test_workers_leave_ctrl_c_to_their_parent_from_their_first_instruction_on(tmp_path, capfd):
    points = points_of(load_sweep(written(tmp_path, SMALL.replace("[1, 2]", "[1, 4]"))).model)[:2]
    with pressed_at_every_child():
        rows = [row for _, row in LocalProcesses(2).run(points, fate)]
    assert ([row["status"] for row in rows], capfd.readouterr().err) == (["done"] * 2, "")


def test_processes_that_end_before_they_begin_are_rows(tmp_path, monkeypatch):
    monkeypatch.setattr(local, "_start_worker", stillborn)
    points = points_of(load_sweep(written(tmp_path)).model)[:3]
    rows = [row for _, row in LocalProcesses(2).run(points, fate)]
    assert [row["status"] for row in rows] == ["killed"] * 3


def test_a_worker_of_dask_that_dies_is_a_row(tmp_path):
    points = points_of(load_sweep(written(tmp_path)).model)
    rows = {point.axes["seed"]: row for point, row in DaskCluster("local", 1).run([points[1]], fate)}
    assert rows[2]["status"] == "killed"


def test_a_point_above_the_rule_is_given_up_with_what_it_learned(tmp_path):
    text = SMALL + "\n[stop]\nerror_above = 0.01\nafter_epoch = 1\n"
    table, _ = run_sweep(written(tmp_path, text), tmp_path / "out", ThisProcess(), Settings(), nothing)
    row = table[(table["algorithm"] == "sgd") & (table["layout"] == "two-array")].iloc[0]
    assert (row["status"], row["epochs"]) == ("stopped", 1)
    assert row["test_error"] > 0.01
    assert row["reason"].endswith("after epoch 1 is above 0.01")


def test_a_loss_that_is_no_number_is_a_row_of_its_own(tmp_path):
    path = tmp_path / "linear.toml"
    head = HEADER.replace("digits-mlp", "linear")
    path.write_text(head + DIVERGING)
    table, _ = run_sweep(str(path), tmp_path / "out", ThisProcess(), Settings(), nothing)
    assert list(table["status"]) == ["done", "diverged"]
    assert "training loss is" in table["reason"][1]


@pytest.mark.parametrize(
    ("error", "status", "reason"),
    [
        (MemoryError(), Status.MEMORY, "--memory"),
        (TwinError("x: not written (No space left on device)"), Status.FAILED, "No space left"),
        (ZeroDivisionError("division by zero"), Status.FAILED, "ZeroDivisionError: division by zero"),
    ],
)
def test_what_a_run_raises_is_the_reason_of_its_row(tmp_path, monkeypatch, error, status, reason):
    point = points_of(load_sweep(written(tmp_path)).model)[0]

    def broken(*_):
        raise error

    monkeypatch.setattr(measuring, "run", broken)
    row = measure(point, tmp_path, None, keep=False)
    assert (row["status"], reason in str(row["reason"])) == (status, True)
    results = Results(tmp_path)
    results.save(point, row)
    assert results.waiting([point], retry=False) == []
    assert results.waiting([point], retry=True) == [point]


def test_a_result_that_could_not_be_written_is_written_when_there_is_room(description, tmp_path, monkeypatch):
    save, failed = Results.save, []

    def full_once(self, point, row):
        if not failed:
            failed.append(point)
            raise TwinError("results: not written (No space left on device)")
        save(self, point, row)

    monkeypatch.setattr(Results, "save", full_once)
    table, missing = run_sweep(description, tmp_path, ThisProcess(), Settings(), nothing)
    assert (len(table), missing) == (8, 0)


def test_a_budget_leaves_points_for_the_next_time(description, tmp_path, whole):
    table, missing = run_sweep(description, tmp_path, ThisProcess(), Settings(budget_s=1e-9), nothing)
    assert (len(table), missing) == (4, 4)  # refusals cost nothing
    run_sweep(description, tmp_path, ThisProcess(), Settings(), nothing)
    assert tables(tmp_path) == whole[1]


# -- tables ------------------------------------------------------------------------------------------------------


def test_means_over_seeds_have_students_interval():
    rows = [{"id": str(k), "device": "a", "seed": k} | ended(Status.DONE, "") for k in range(4)]
    values = [0.1, 0.2, 0.4, 0.5]
    for row, value in zip(rows, values, strict=True):
        row["test_error"] = value
    rows.append({"id": "x", "device": "a", "seed": 9} | ended(Status.KILLED, "gone") | {"test_error": 9.0})
    rows.append({"id": "y", "device": "b", "seed": 0} | ended(Status.DONE, "") | {"test_error": 0.3})
    found = means(pd.DataFrame(rows), ["device"])
    expected = stats.t.interval(0.95, 3, loc=0.3, scale=stats.sem(values))
    assert list(found["n"]) == [4, 1]
    assert found["test_error_mean"][0] == pytest.approx(0.3)
    assert found["test_error_interval"][0] == pytest.approx((expected[1] - expected[0]) / 2)
    assert math.isnan(found["test_error_interval"][1])


def test_a_folder_of_another_sweep_is_refused(description, tmp_path):
    run_sweep(description, tmp_path, ThisProcess(), Settings(budget_s=1e-9), nothing)
    (tmp_path / "other").mkdir()
    other = written(tmp_path / "other", SMALL.replace("[1, 2]", "[1, 3]"))
    with pytest.raises(TwinError, match="holds another sweep"):
        run_sweep(other, tmp_path, ThisProcess(), Settings(), nothing)
    same = written(tmp_path / "other", SMALL)  # the place of a description decides nothing
    run_sweep(same, tmp_path, ThisProcess(), Settings(budget_s=1e-9), nothing)
    assert "/other/" in (tmp_path / "sweep.toml").read_text()
    (tmp_path / "sweep.toml").write_text("schema =")
    with pytest.raises(TwinError, match="holds another sweep"):
        run_sweep(same, tmp_path, ThisProcess(), Settings(), nothing)


def test_a_result_that_is_damaged_is_named(description, tmp_path):
    run_sweep(description, tmp_path, ThisProcess(), Settings(budget_s=1e-9), nothing)
    path = next((tmp_path / "results").glob("*.csv"))
    path.write_text("status\n")
    with pytest.raises(TwinError, match=f"{path.name}: is no result of a sweep"):
        run_sweep(description, tmp_path, ThisProcess(), Settings(), nothing)


def test_a_sweep_without_a_possible_point_says_why(tmp_path):
    text = SMALL.replace('["sgd", "ttv2"]', '["sgd"]').replace('["two-array", "four-array"]', '["three-array"]')
    with pytest.raises(TwinError, match=r"none of 2 points can be run; the first: layout .= three-array"):
        run_sweep(written(tmp_path, text), tmp_path / "out", ThisProcess(), Settings(), nothing)
    assert not (tmp_path / "out").exists()
