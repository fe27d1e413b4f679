"""The plausibility card: what a run comes to, beside published figures."""

import math
from dataclasses import replace

import pandas as pd
import pytest
from report_kit import make_run
from rich.console import Console

import twin
from twin.report.pages.markdown import markdown
from twin.report.pages.plausible import print_card
from twin.results.card import BANDS, add_weights, card, doubts, operations


def run_of(joules=2e-6, static=0.4, seconds=1e-3, mm2=2.0):
    """Make a run of 1000 x (forward and update of 100 weights, and a read-out that does not count)."""
    run = make_run()
    table = pd.DataFrame({"kind": ["forward", "update", "read_out", "input"], "layer": [0, 0, 0, -1]})
    table = table.assign(matrix="W", count=1000, busy_ps=1, wait_ps=0, uses=1000)
    add_weights(table, [(10, 10)])
    energy = pd.DataFrame(
        [("drivers", 0, "forward", joules * (1 - static)), ("leakage", -1, "leakage", joules * static)],
        columns=["component", "layer", "kind", "energy_J"],
    )
    tables = {**run.tables, "operations": table, "energy": energy}
    return replace(run, tables=tables, energy_J=joules, makespan_s=seconds, area_m2=mm2 * 1e-6)


def test_figures_are_those_computed_by_hand():
    found = {entry.what: entry.value for entry in card(run_of())}
    work = 2 * 100 * 1000 * 2  # of forward and update
    assert operations(run_of()) == work
    assert found == pytest.approx(
        {
            "TOPS/W": work / 2e-6 / 1e12,  # 0.2
            "TOPS/mm²": work / 1e-3 / 2 / 1e12,
            "pJ/MAC": 10.0,  # 2 uJ over 200,000 multiplications
            "W/mm²": 1e-3,
            "static": 0.4,
        }
    )


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"joules": 0.1e-6, "seconds": 1e-7, "static": 0.5}, []),  # 4 TOPS/W, 2 TOPS/mm², 0.5 W/mm²
        ({"joules": 0.1e-6, "seconds": 1e-7, "static": 0.51}, ["51.0 % of the energy is static, above 50%"]),
        (
            {"joules": 1.7e-9, "seconds": 1e-7},
            ["TOPS/W of 235 (2.48 to 20), pJ/MAC of 0.00850", "W/mm² of 0.00850"],
        ),
        ({"joules": 0.1e-6, "seconds": 1e-5}, ["TOPS/mm² of 0.0200 (0.4 to 1.59), W/mm² of 0.00500"]),
    ],
)
def test_what_is_far_from_published_figures_is_named(changes, said):
    lines = doubts(run_of(**changes))
    assert len(lines) == len(said)
    assert all(line.startswith(text) for line, text in zip(lines, said, strict=True))


def test_a_doubt_says_whose_range_it_is_and_on_which_side_idle_tiles_lie():
    below, above = doubts(run_of(seconds=1e-4))[0], doubts(run_of(joules=1.7e-9, seconds=1e-7))[0]
    assert below.startswith("TOPS/W of 0.200")
    assert "of published chips at full work: tiles stand idle" in below
    assert above.endswith("published chips at full work: a constant may be wrong")


def test_bands_agree_with_the_published_figures_that_they_name():
    assert BANDS["pJ/MAC"].low == pytest.approx(2 / BANDS["TOPS/W"].high)
    assert BANDS["pJ/MAC"].high == pytest.approx(2 / BANDS["TOPS/W"].low, rel=0.01)
    assert BANDS["W/mm²"].low == pytest.approx(63.1 / 9.76 / (64 * 0.634), rel=0.01)
    assert BANDS["W/mm²"].high == pytest.approx(105 / 117, rel=0.01)


def test_a_run_of_before_has_no_sizes_and_shows_what_is_known():
    run = make_run()
    assert math.isnan(operations(run))
    assert [entry.what for entry in card(run)] == ["W/mm²", "static"]


def test_report_and_terminal_show_the_card():
    run = run_of()
    text = markdown([run], "twin run")
    assert "| pJ/MAC | 10.0 (!) | 0.1 to 0.81 |" in text
    console = Console(width=100, record=True, color_system=None)
    print_card([run], console)
    assert "10.0 (!)" in console.export_text()


def test_operations_of_a_real_run_are_two_a_weight_of_forward_backward_and_update():
    run = twin.simulate("digits-mlp", "sgd", samples=3, epochs=1, progress=False)
    first, second = 65 * 64, 65 * 10
    assert operations(run) == 3 * 2 * (first + second + second + first + second)
