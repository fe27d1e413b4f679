"""Runs whose devices relax: worse on a slow chip, the same bits in pieces; calibration as a phase of the ledger."""

import numpy as np
import pytest
from modes_kit import Stopped, contents, quiet, stop_at

from twin.results.store import load_run
from twin.runs.build import build
from twin.runs.folder import prepare
from twin.runs.planning import plan_run
from twin.runs.run import run
from twin.runs.trained import clockwork

SLOW = {"host.bandwidth": '"1 MB/s"'}  # 64 us a sample
LEAKY = '{preset = "symmetric-1200", lifetime = "1 ms"}'


def trained(device, chip, mode="coupled"):
    own = {"device": device, "training.epochs": "1", "data.samples": "1000"}
    parts = build(plan_run("digits-mlp", "aimc-512", "two-array", "sgd", mode, own, chip))
    parts.machine.set_rates(1.0)
    clockwork(parts)(0, 1000)
    if parts.retention is not None:
        parts.retention.settle(parts.engine.now_ps)
    return parts


def test_a_device_that_keeps_its_weight_for_a_millisecond_trains_worse_on_a_slow_chip():
    (_, fast), (_, slow) = (trained(LEAKY, chip).machine.evaluate(0) for chip in ({}, SLOW))
    assert fast < 0.4
    assert slow > 0.7


def test_devices_that_never_forget_have_the_same_weights_on_both_chips():
    device = '{preset = "symmetric-1200"}'
    fast, slow = trained(device, {}), trained(device, SLOW)
    assert slow.engine.now_ps > 20 * fast.engine.now_ps
    assert fast.machine.f.tobytes() == slow.machine.f.tobytes()
    assert fast.machine.f.tobytes() == trained(device, {}, "replayed").machine.f.tobytes()


PIECES = {
    "training.epochs": "2",
    "data.samples": "60",
    "training.checkpoint_every": "25",
    "training.in_flight": "3",
    "training.consistency": '"bounded"',
    "training.staleness": "1",
    "device": '{preset = "gokmen-60", lifetime = "20 us", lifetime_dtod = 0.3, reset = 0.05, reference_drift = true}',
    "calibration.method": '"pulses"',
    "calibration.pairs": "30",
}


@pytest.mark.parametrize("policy", [{"calibration.every": "20"}, {"calibration.interval": '"3 us"'}])
@pytest.mark.parametrize(("algorithm", "layout"), [("ttv2", "three-array"), ("sgd", "two-array")])
def test_a_leaky_run_interrupted_ends_in_the_same_files(tmp_path, algorithm, layout, policy):
    plan = plan_run("digits-mlp", "aimc-512", layout, algorithm, "coupled", PIECES | policy)
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    for folder in (whole, pieces):
        folder.mkdir()
        prepare(plan, folder)
    run(whole, quiet)
    for stop in (30, 55, 90):
        with pytest.raises(Stopped):
            run(pieces, stop_at(stop))
    run(pieces, quiet)
    assert contents(pieces) == contents(whole)
    table = load_run(whole).tables["calibration"]
    assert table["number"].nunique() >= 4
    assert (table["before_std"].dropna() > 0).all()


@pytest.mark.parametrize("mode", ["coupled", "replayed"])
def test_calibrations_are_phases_whose_cost_is_that_of_the_ledger(tmp_path, mode):
    own = {"training.epochs": "1", "data.samples": "100", "calibration.method": '"pulses"', "calibration.pairs": "30"}
    prepare(plan_run("digits-mlp", "aimc-512", "four-array", "ttv2", mode, own | {"calibration.every": "40"}), tmp_path)
    run(tmp_path, quiet)
    result = load_run(tmp_path)
    table, operations, energy = (result.tables[name] for name in ("calibration", "operations", "energy"))
    assert table[["number", "samples"]].drop_duplicates().to_numpy().tolist() == [[0, 0], [1, 40], [2, 80]]
    assert (table["pulses"] == 60).all()
    assert (table["residual_std"] > 0).all()
    calibrations = operations[operations["kind"] == "calibration"]
    assert calibrations["count"].sum() == len(table)
    assert table["busy_s"].sum() == pytest.approx(calibrations["busy_ps"].sum() * 1e-12, rel=1e-9)
    assert table["energy_J"].sum() == pytest.approx(energy.loc[energy["kind"] == "calibration", "energy_J"].sum())
    assert np.all(np.diff(table.groupby("number")["time_s"].first()) > 0)


def test_a_run_without_calibration_has_an_empty_table_of_numbers(tmp_path):
    own = {"training.epochs": "1", "data.samples": "20", "calibration.method": '"none"'}
    prepare(plan_run("digits-mlp", "aimc-512", "two-array", "sgd", "replayed", own), tmp_path)
    run(tmp_path, quiet)
    table = load_run(tmp_path).tables["calibration"]
    assert len(table) == 0
    assert table["pulses"].dtype.kind == "i"
    assert table["energy_J"].sum() == 0


def test_repeated_calibration_leaves_coupled_and_replayed_alike():
    own = {"data.samples": "90", "training.epochs": "1", "calibration.every": "25", "training.in_flight": "3"}
    own |= {"calibration.method": '"pulses"', "calibration.pairs": "10"}
    machines = []
    for mode in ("coupled", "replayed"):
        parts = build(plan_run("digits-mlp", "aimc-512", "three-array", "ttv2", mode, own, {}))
        parts.machine.set_rates(1.0)
        clockwork(parts)(0, 90)
        machines.append((parts.machine.f.tobytes(), parts.engine.now_ps))
    assert machines[0] == machines[1]
