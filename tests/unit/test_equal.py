"""Equal area and equal accuracy: copies by hand, energy by an independent integral, and what is said and refused."""

import math
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from report_kit import make_run

from twin.api.comparison import Comparison
from twin.config.options import Options
from twin.errors import TwinError
from twin.files import plain
from twin.report.pages.equal import equal_grids
from twin.report.pages.markdown import markdown
from twin.results.equal import at_equal_area, at_equal_error, check_target, equal_tables
from twin.results.summary import summary
from twin.results.totals import totals
from twin.runs.comparison import check_error, plans_of
from twin.runs.library import Library


def run_of(name, *, samples=1000, makespan_s=1e-3, energy_J=1e-6, mm2=(), servers=(), errors=(), times=()):
    """Make up a run of parts by name and mm2, servers by kind and utilisation, and a curve."""
    base = make_run("sgd", "two-array", epochs=2)
    area = pd.DataFrame([(part, n, size * 1e-6, 0.0) for part, n, size in mm2], columns=base.tables["area"].columns)
    kinds = pd.DataFrame(servers, columns=["kind", "utilisation"])
    table = base.tables["servers"].iloc[[0] * len(kinds)].reset_index(drop=True).assign(**kinds)
    curve = pd.DataFrame({"epoch": range(1, len(errors) + 1), "samples": range(10, 10 * len(errors) + 1, 10)})
    curve = curve.assign(time_s=times, train_loss=1.0, test_loss=1.0, test_error=errors) if errors else base.curve
    bins = pd.DataFrame({"t0_ps": [0, 100, 300], "t1_ps": [100, 300, 400], "energy_J": [1.0, 4.0, 3.0]})
    tables = base.tables | {"area": area, "servers": table, "bins": bins}
    return make_run(
        name=name, samples=samples, makespan_s=makespan_s, energy_J=energy_J, area_m2=float(area["area_m2"].sum()),
        tables=tables, curve=curve,
    )  # fmt: skip


BARE = run_of("bare")
LARGE = run_of("large", mm2=[("arrays", 8, 4.0), ("tile periphery", 4, 4.0), ("buffer", 1, 2.0)])
SMALL = run_of(
    "small",
    samples=500,
    mm2=[("arrays", 2, 0.5), ("tile periphery", 1, 0.7), ("buffer", 1, 1.0), ("memory controllers", 1, 0.8)],
    servers=[("tile", 0.9), ("buffer", 0.1), ("host", 0.2), ("memory", 0.05)],
)


def test_copies_and_tile_sets_are_those_counted_by_hand():
    large, small = at_equal_area([LARGE, SMALL])
    assert (large.copies, small.copies) == (1, 3)  # 10 mm2 / 3 mm2
    assert small.copies_samples_per_s == pytest.approx(3 * 500e3)
    assert small.copies_power_W == pytest.approx(3 * 1e-6 / 1e-3)
    assert small.copies_area_m2 == pytest.approx(9e-6)
    assert small.tile_sets == 6  # (10 - 1.8) / 1.2
    assert small.tile_sets_samples_per_s == pytest.approx(5 * 500e3)  # the host is busy by a fifth: five sets fill it
    assert small.samples_per_s_per_mm2 == pytest.approx(500e3 / 3)
    assert small.samples_per_J == pytest.approx(500 / 1e-6)


@settings(deadline=None, max_examples=30)
@given(st.lists(st.floats(0.01, 1e4), min_size=1, max_size=6))
def test_copies_fit_and_one_more_would_not(sizes):
    runs = [replace(BARE, name=str(k), area_m2=size) for k, size in enumerate(sizes)]
    most = max(run.area_m2 for run in runs)
    for one in at_equal_area(runs):
        assert one.copies >= 1
        assert one.copies_area_m2 <= most * (1 + 1e-9) < (one.copies + 1) * one.area_m2 * (1 + 1e-8)
        assert math.isnan(one.tile_sets)  # it has none


def test_a_run_without_area_has_no_copies_and_is_not_the_largest():
    bare, small = at_equal_area([BARE, SMALL])
    assert math.isnan(bare.copies)
    assert small.copies == 1


def test_an_error_is_reached_at_the_end_of_the_first_epoch_that_is_no_worse():
    run = run_of("a", mm2=[("buffer", 1, 1.0)], energy_J=16.0, errors=[0.3, 0.1, 0.2], times=[50e-12, 200e-12, 4e-10])
    slow = run_of("b", mm2=[("buffer", 1, 1.0)], energy_J=8.0, errors=[0.4, 0.3, 0.15], times=[1e-10, 2e-10, 4e-10])
    (first,) = at_equal_error([run], 0.12)
    assert (first.epoch, first.samples, first.time_s, first.not_before_s) == (2, 20, 200e-12, 50e-12)
    edges = np.arange(200)  # 1 J in the first 100 ps, 4 J in the next 200, of 8 in all: the run's 16 J are twice that
    assert first.energy_J == pytest.approx(2 * np.where(edges < 100, 1 / 100, 4 / 200).sum())
    common = at_equal_error([run, slow])
    assert [one.to_error for one in common] == [0.15, 0.15]
    assert [one.epoch for one in common] == [2, 3]
    assert common[1].energy_J == pytest.approx(8.0)
    never = at_equal_error([run, slow], 0.11)[1]
    assert all(math.isnan(value) for value in never[2:])


def test_totals_tables_and_summary_say_the_same():
    runs = [make_run("sgd", "two-array", seed=4), make_run("ttv2", "four-array", seed=7, area_m2=1e-5)]
    tables = equal_tables(runs, 0.2)
    for run, density in zip(runs, tables["runs"]["samples_per_J"], strict=True):
        assert density == totals(run)["samples_per_J"] == run.samples / run.energy_J
    content = summary(runs, 0.2)
    for name in ("equal_area", "equal_accuracy"):
        rows = tables[name].astype(object).where(tables[name].notna(), None).to_dict("records")
        assert rows == [plain(one) for one in content[name]]
    assert [one["copies"] for one in content["equal_area"]] == [3, 1]
    named = {(one.table, one.column): one.unit for one in tables["columns"].itertuples()}
    assert named["runs", "samples_per_s_per_mm2"] == "1/s/mm2"
    text = markdown(runs, "twin compare x", 0.2)
    assert "At equal accuracy: until a test error of 20.0 %" in text
    assert "One training at batch 1 gets no faster by copies" in text


def test_a_run_that_never_gets_there_has_dashes_and_python_gives_frames():
    runs = [make_run("sgd", "two-array"), make_run("ttv2", "four-array")]
    grid = equal_grids(runs, 0.05)[1][0]
    assert [cell.text for cell in grid.rows[0][1:]] == ["–"] * 7
    frame = Comparison(runs).at_equal_accuracy(0.05)
    assert frame["epoch"].isna().tolist() == [True, False]
    assert Comparison(runs).at_equal_area()["copies"].tolist() == [1, 1]
    with pytest.raises(TwinError, match="no run has a test error"):
        Comparison([make_run(curve=make_run().curve.assign(test_error=math.nan))]).at_equal_accuracy()


@pytest.mark.parametrize("value", [0.0, -0.1, 1.0, 3.0, math.nan])
def test_an_error_that_cannot_be_meant_is_refused_with_an_example(value, digits_plan):
    with pytest.raises(TwinError, match=r"must be a fraction between 0 and 1, e.g. --to-error 0.03 for 3 %"):
        check_error(value, digits_plan)
    check_error(0.03, digits_plan)


def test_an_error_of_runs_that_are_only_timed_or_of_a_regression_is_refused_by_what_they_are():
    with pytest.raises(TwinError, match=r"--to-error \(= 0.1\): is about training, and this is only timed"):
        check_target(0.1, trained=False, regression=False)
    with pytest.raises(TwinError, match="must be a positive test loss"):
        check_target(0.0, trained=True, regression=True)
    check_target(3.0, trained=True, regression=True)


@pytest.fixture(scope="module")
def digits_plan():
    return plans_of(Options(algorithms=("sgd",)), Library())[0]
