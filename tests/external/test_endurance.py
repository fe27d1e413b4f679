"""Endurance: do counted pulses add up, and does a run say when its devices wear out?"""

import math

import pytest

import twin as package
from twin.results.endurance import endurance_lines, endurance_rows

SMALL = {"epochs": 2, "samples": 50, "endurance": True, "progress": False}


@pytest.fixture(scope="module")
def run():
    return package.simulate("digits-mlp", "ttv2", overrides={"device.endurance": 1e8}, **SMALL)


def test_the_pulses_of_all_devices_are_the_coincidences_of_the_ledger(run):
    table, operations = run.tables["endurance"], run.tables["operations"]
    assert set(zip(table["layer"], table["matrix"], strict=True)) == {(0, "A"), (0, "C"), (1, "A"), (1, "C")}
    for row in table.itertuples():
        own = operations[(operations["layer"] == row.layer) & (operations["matrix"] == row.matrix)]
        fired = own[own["kind"].isin(["update", "transfer"])]["coincidences"].sum()
        assert row.pulses_mean * row.devices * run.samples == pytest.approx(fired)
        assert row.pulses_mean <= row.pulses_most
        assert row.pulses_p99 <= row.pulses_most


def test_devices_wear_out_when_the_most_pulsed_one_has_had_what_it_withstands(run):
    worst = run.tables["endurance"].sort_values("pulses_most").iloc[-1]
    assert worst["epochs_to_first"] * 50 * worst["pulses_most"] == pytest.approx(1e8)
    assert worst["epochs_to_percent"] * 50 * worst["pulses_p99"] == pytest.approx(1e8)
    line = endurance_lines(run)[0]
    assert line.startswith(f"A of layer {worst['layer']:.0f} wears out after ")
    assert line.endswith("withstands 1e+08")
    assert len(endurance_rows([run])) == 4
    assert len(run.plot.endurance()) == 1


def test_what_is_never_pulsed_or_has_no_known_end_lasts_for_ever():
    run = package.simulate("digits-mlp", "sgd", **SMALL)
    table = run.tables["endurance"]
    assert set(table["endurance"]) == {math.inf}
    assert set(table["epochs_to_first"]) == {math.inf}
    assert endurance_lines(run) == []
    assert endurance_rows([run])[0][-1] == "no end"
    assert "endurance" not in package.simulate("digits-mlp", "digital", **SMALL).tables


def test_the_answer_is_said_where_pulses_are_counted(twin, tmp_path):
    asked = ("--device", "pcm-pair", "--samples", "20", "--epochs", "1", "--algorithm", "sgd", "--endurance")
    code, _, errors = twin("run", "digits-mlp", *asked, "--out", "here")
    assert code == 0
    assert "W of layer 0 wears out after" in errors
    assert "withstands 1e+08" in errors
    assert "## When devices wear out" in (tmp_path / "here" / "report.md").read_text()
    assert "When devices wear out, at the pulses of this training" in (tmp_path / "here" / "report.html").read_text()
