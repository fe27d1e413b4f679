"""Figures: can values be read off their axes, and do intervals say what they are and stay where values can be?"""

import math
from typing import get_args

import numpy as np
import pandas as pd
import pytest
from examples_kit import examples
from hypothesis import given, settings
from hypothesis import strategies as st
from report_kit import make_run

from twin.cli.app import app
from twin.config.options import Interval
from twin.errors import TwinError
from twin.report.figures.area import area_bars, area_by_part, by_kind
from twin.report.figures.axes import LOGARITHMIC, log_ticks, plain_number
from twin.report.figures.endurance import endurance_panels
from twin.report.figures.scatter import tradeoffs
from twin.report.figures.standard import learning_curves
from twin.report.sweeps import write_tradeoffs
from twin.results.intervals import INTERVALS, ends, half_width, limits, said
from twin.results.pareto import front, front_of
from twin.results.result import PULSED


def run_with_errors(*errors, **changes):
    curve = pd.DataFrame({"epoch": range(1, len(errors) + 1), "test_error": errors})
    more = {"samples": curve["epoch"] * 1437, "time_s": curve["epoch"] * 1e-3, "train_loss": 1.0, "test_loss": 1.0}
    return make_run(epochs=len(errors), curve=curve.assign(**more), **changes)


def ticks(axis):
    return [label.get_text() for label in axis.get_ticklabels()], axis.get_view_interval()


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (2.95, 16.0, "2 5 10 20"),
        (2.2, 18.9, "2 5 10 20"),
        (0.011, 0.4, "0.01 0.02 0.05 0.1 0.2 0.5"),
        (4.9, 10.1, "4 5 6 7 8 9 10 11"),
        (5.0, 5.0, "4.7 4.8 4.9 5 5.1 5.2 5.3"),
        (0.001, 10.0, "0.001 0.01 0.1 1 10"),
        (1e-7, 3.0, "10⁻⁷ 0.00001 0.001 0.1 10"),
    ],
)
def test_a_logarithmic_axis_has_a_plain_number_at_both_ends_and_between(low, high, labels):
    labelled, small = log_ticks(low, high)
    assert " ".join(map(plain_number, labelled)) == labels
    assert labelled[0] <= low
    assert high <= labelled[-1]
    assert all(labelled[0] < tick < labelled[-1] for tick in small)
    assert not set(small) & set(labelled)


@pytest.mark.parametrize("seed", range(200))
def test_any_range_has_three_to_ten_labels_and_holds_its_values(seed):
    low, ratio = 10.0 ** np.random.default_rng(seed).uniform([-8, 0], [8, 9])
    labelled, _ = log_ticks(low, low * ratio)
    assert 3 <= len(labelled) <= 10
    assert labelled[0] <= low * (1 + 1e-9)
    assert labelled[-1] >= low * ratio * (1 - 1e-9)
    assert labelled == sorted(set(labelled))


def test_learning_curves_can_be_read_at_their_ends_and_say_that_their_scale_is_logarithmic():
    for drawing in learning_curves([run_with_errors(0.16, 0.05, 0.0295)]):
        axes = drawn_axes(drawing)
        labels, view = ticks(axes.yaxis)
        assert labels == ["2", "5", "10", "20"]
        assert tuple(view) == (2.0, 20.0)
        assert axes.get_ylabel() == f"test error (%, {LOGARITHMIC})"
        assert len(axes.yaxis.get_minorticklocs()) == 6


def test_a_run_without_any_error_is_drawn_too():
    axes = drawn_axes(learning_curves([run_with_errors(0.1, 0.0)])[0])
    assert axes.get_yscale() == "linear"
    assert axes.get_ylim()[0] == 0
    assert axes.lines[0].get_ydata().tolist() == [10.0, 0.0]
    assert LOGARITHMIC not in axes.get_ylabel()


def test_runs_of_very_different_lengths_have_plain_numbers_on_the_axis_of_time():
    runs = [make_run(pace=1.0), make_run("sgd", "two-array", pace=1000.0)]
    labels, _ = ticks(drawn_axes(learning_curves(runs)[1]).xaxis)
    assert len(labels) >= 3
    assert all(float(label.replace(",", "")) > 0 for label in labels)


def test_devices_that_were_never_pulsed_are_at_the_left_end_which_says_so():
    rows = [(0, "A", f"{PULSED} {share} %", value, "pulses") for share, value in ((0, 0.0), (50, 0.003), (100, 0.04))]
    run = make_run(diagnostics=pd.DataFrame(rows, columns=["layer", "matrix", "what", "value", "unit"]))
    axes = drawn_axes(endurance_panels([run])[0])
    labels, view = ticks(axes.xaxis)
    assert labels == ["≤ 0.001", "0.01", "0.1"]
    assert axes.lines[0].get_xdata()[0] == view[0] == 0.001


def test_numbers_at_ticks_have_no_exponent_and_no_needless_digits():
    assert [plain_number(value) for value in (0.0, 0.1 + 0.2, -0.5, 1e6, 25_000, 1.5e-7, 2.0)] == [
        "0", "0.3", "−0.5", "10⁶", "25,000", "1.5·10⁻⁷", "2",
    ]  # fmt: skip


def drawn_axes(drawing):
    assert not isinstance(drawing.source, str)
    return drawing.source.axes[0]


SEEDS = np.array([0.03, 0.09, 0.95])


def test_intervals_are_those_of_the_textbook():
    error = SEEDS.std(ddof=1) / math.sqrt(3)
    assert half_width(SEEDS, "standard-error") == pytest.approx(error)
    assert half_width(SEEDS, "t-95") == pytest.approx(4.302653 * error)
    assert half_width(SEEDS, "standard-deviation") == pytest.approx(SEEDS.std(ddof=1))
    assert ends(SEEDS, "min-max") == (0.03, 0.95)


@pytest.mark.parametrize("kind", INTERVALS)
def test_an_interval_stays_where_the_quantity_can_be(kind):
    low, high = ends(SEEDS, kind, 0.0, 1.0)
    assert 0 <= low <= SEEDS.mean() <= high <= 1
    assert all(map(math.isnan, ends(SEEDS[:1], kind, 0.0, 1.0)))


def test_an_error_is_at_most_1_and_the_loss_of_a_regression_is_not():
    classes = pd.DataFrame({"test_error": [0.1, 0.2], "test_loss": [1.4, 2.0]})
    assert limits(classes, "test_error") == limits(classes, "late_test_error") == (0, 1)
    assert limits(classes, "test_loss") == limits(classes, "energy_J") == (0, math.inf)
    assert limits(classes.assign(test_error=classes["test_loss"]), "test_error") == (0, math.inf)


def test_a_figure_says_how_many_seeds_there_are_and_what_its_interval_is():
    assert said([3, 3], "t-95") == "mean of 3 seeds; error bars: 95 % t interval"
    assert said([2, 5, 3], "min-max", "band") == "mean of 2 to 5 seeds; band: least to largest"
    assert said([1, 1], "t-95") == "one seed, no interval"


def test_every_kind_of_interval_can_be_asked_for_everywhere():
    assert set(INTERVALS) == set(get_args(Interval))
    (command,) = (one for one in app.registered_commands if one.callback and one.callback.__name__ == "reproduce")
    assert command.callback is not None
    option = command.callback.__annotations__["interval"].__origin__
    assert set(INTERVALS) == set(get_args(get_args(option)[0]))


@settings(deadline=None, max_examples=examples(60))
@given(st.lists(st.tuples(*[st.sampled_from([0.0, 1.0, 2.0, 3.0, math.nan])] * 3), max_size=12))
def test_the_front_holds_what_no_other_point_beats(rows):
    def beats(one, other):
        pairs = list(zip(one, other, strict=True))
        return all(a <= b for a, b in pairs) and any(a < b for a, b in pairs)

    known = [row for row in rows if not any(map(math.isnan, row))]
    expected = [row in known and not any(beats(one, row) for one in known) for row in rows]
    assert front(np.array(rows, dtype=float).reshape(-1, 3)).tolist() == expected


def test_of_throughput_more_is_better_and_columns_that_no_point_has_do_not_count():
    table = pd.DataFrame({"energy_J": [1.0, 2.0, 3.0], "samples_per_s": [5.0, 9.0, 8.0], "test_error": [math.nan] * 3})
    assert front_of(table, ("energy_J", "samples_per_s", "test_error")).tolist() == [True, True, False]
    assert front_of(table, ("energy_J", "test_error")).tolist() == [True, False, False]
    assert front_of(table, ("test_error",)).tolist() == [False, False, False]


def test_a_sweep_is_drawn_a_panel_a_pair_of_what_differs_and_names_its_front(tmp_path):
    points = pd.DataFrame({
        "algorithm": ["sgd", "sgd", "ttv2"], "chip.tile.rows": [128, 256, 128], "n": 1, "front": 0,
        "energy_J_mean": [1e-6, 2e-6, 3e-6], "makespan_s_mean": [3e-3, 4e-3, 1e-3], "area_m2_mean": 1e-6,
        "test_error_mean": [0.05, 0.05, 0.03],
    })  # fmt: skip
    (tmp_path / "sweep.toml").write_text("")
    points.to_csv(tmp_path / "means.csv", index=False)
    assert [path.name for path in write_tradeoffs(tmp_path, tmp_path)] == ["tradeoffs.svg", "tradeoffs.pdf"]
    drawing = tradeoffs(points.rename(columns=lambda name: name.removesuffix("_mean")), ["algorithm", "chip.tile.rows"])
    assert len(drawing.source.axes) == 3  # the area is that of all
    assert drawing.description.startswith("2 of 3 points are on the front")
    assert "algorithm ttv2, chip.tile.rows 128: energy 3.00e-06, time 0.00100" in drawing.description
    points.assign(energy_J_mean=1.0, makespan_s_mean=1.0).to_csv(tmp_path / "means.csv", index=False)
    with pytest.raises(TwinError, match="fewer than two of energy, time, area and test error differ"):
        write_tradeoffs(tmp_path, tmp_path)


def test_area_stands_by_part_and_by_kind_and_adds_up():
    run = make_run()
    parts = area_by_part(run)
    assert sum(parts.values()) == pytest.approx(1e6 * run.tables["area"]["area_m2"].sum())
    kinds = by_kind({"buffer": 1.0, "memory": 2.0, "registers": 4.0, "links": 8.0, "routers": 16.0, "new part": 32.0})
    assert kinds == {"storage": 7.0, "wires": 24.0, "new part": 32.0}
    assert [drawing.name for drawing in area_bars([run])] == ["area-by-part", "area-by-kind"]
