"""Are the pulses that a run writes out those of its ledger, and those that moved its weights?"""

import numpy as np
import pandas as pd
import pytest
from modes_kit import Stopped, contents, quiet, stop_at

import twin
from twin.errors import TwinError
from twin.runs.folder import prepare
from twin.runs.library import Library
from twin.runs.plan import RunRequest
from twin.runs.planning import plan_request
from twin.runs.run import run

QUIET = dict.fromkeys(("dw_min_dtod", "up_down_dtod", "dw_min_std", "w_max_dtod", "w_min_dtod"), 0.0)
DEVICE = {"device.preset": "symmetric-1200", "device.dw_min": 0.01} | {f"device.{key}": 0.0 for key in QUIET}
SMALL = {"epochs": 1, "samples": 12, "progress": False}


def written(folder):
    return pd.read_csv(next(folder.rglob("pulses.csv")), keep_default_na=False)


@pytest.mark.parametrize("algorithm", ["shd", "agad", "mixed-precision"])
def test_they_add_up_to_the_coincidences_of_the_ledger(tmp_path, algorithm):
    run = twin.simulate("digits-mlp", algorithm, pulses="0:12", out=tmp_path / "run", **SMALL)
    found = written(tmp_path / "run")
    counted = found.assign(pulses=found["pulses"].abs()).groupby(["kind", "layer", "matrix"])["pulses"].sum()
    operations = run.tables["operations"].groupby(["kind", "layer", "matrix"])["coincidences"].sum()
    ledger = operations[operations > 0]
    assert counted.sum() > 0
    assert counted.to_dict() == ledger.to_dict()


def test_a_pulse_moves_its_device_by_a_step_in_its_direction(tmp_path):
    settings = DEVICE | {"algorithms.ttv2.transfer_lr": 30.0, "algorithms.ttv2.transfer_update.desired_bl": 3}
    run = twin.simulate("digits-mlp", "ttv2", pulses="0:12", out=tmp_path / "run", overrides=settings, **SMALL)
    still = settings | {"algorithms.ttv2.fast_lr": 1e-30, "algorithms.ttv2.transfer_lr": 1e-30}
    start = twin.simulate("digits-mlp", "ttv2", overrides=still, **SMALL)
    found = written(tmp_path / "run")
    for layer, node in enumerate(run.state):
        moved = run.state[node]["C"] - start.state[node]["C"]
        expected = np.zeros(moved.shape)
        own = found[(found["layer"] == layer) & (found["matrix"] == "C")]
        np.add.at(expected, (own["output"], own["input"]), own["pulses"])
        np.testing.assert_allclose(moved, 0.01 * expected, atol=1e-5)
        assert (expected > 0).any() or (expected < 0).any()


def test_they_change_nothing_and_are_those_of_their_window_in_either_mode(tmp_path):
    plain = twin.simulate("digits-mlp", "ttv2", **SMALL)
    whole = twin.simulate("digits-mlp", "ttv2", pulses="0:12", out=tmp_path / "whole", **SMALL)
    part = twin.simulate("digits-mlp", "ttv2", pulses="3:2", out=tmp_path / "part", mode="coupled", **SMALL)
    for node, own in plain.state.items():
        for name, values in own.items():
            np.testing.assert_array_equal(whole.state[node][name], values)
            np.testing.assert_array_equal(part.state[node][name], values)
    assert plain.tables["energy"].equals(whole.tables["energy"])
    every, some = written(tmp_path / "whole"), written(tmp_path / "part")
    wanted = every[every["sample"].isin([3, 4])]
    keys = list(every.columns)
    pd.testing.assert_frame_equal(
        some.sort_values(keys, ignore_index=True), wanted.sort_values(keys, ignore_index=True)
    )


@pytest.mark.parametrize(("given", "rule"), [("3", "must read FIRST:COUNT"), ("10:5", "ends with sample 14")])
def test_a_window_that_is_none_is_refused(tmp_path, given, rule):
    with pytest.raises(TwinError, match=rule):
        twin.simulate("digits-mlp", "sgd", pulses=given, out=tmp_path / "run", **SMALL)


@pytest.mark.parametrize("mode", ["replayed", "coupled"])
def test_a_run_stopped_before_inside_and_after_the_window_writes_the_same_pulses(tmp_path, mode):
    own = {"data.samples": "20", "training.epochs": "1", "training.checkpoint_every": "3"}
    request = RunRequest("digits-mlp", "aimc-512", "four-array", "ttv2", mode, own, pulses="7:6")
    plan = plan_request(request, Library())
    whole, pieces = tmp_path / "whole", tmp_path / "pieces"
    for folder in (whole, pieces):
        folder.mkdir()
        prepare(plan, folder)
    run(whole, quiet)
    for stop in (5, 8, 11, 16):  # the checkpoints are those of samples 3, 6, 9 and 15
        with pytest.raises(Stopped):
            run(pieces, stop_at(stop))
        assert not (pieces / "pulses.csv").exists()
    run(pieces, quiet)
    assert set(written(whole)["sample"]) == set(range(7, 13))
    assert contents(pieces) == contents(whole)
