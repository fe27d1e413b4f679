"""Lee 2022, linear regression: does the machine do what Eq. 8 to 15 say?"""

from contextlib import suppress

import numpy as np
import pandas as pd
import pytest
from papers import lee_2022_fig2 as fig2
from papers import lee_2022_fig3 as fig3
from papers import lee_2022_fig4 as fig4
from papers import lee_2022_fig5 as fig5
from papers import lee_2022_fig6 as fig6
from papers import reproduce_figure
from papers.asymmetry import (
    Plane,
    mismatch_factor,
    momentum_scheduler,
    sgd_rest,
    sgd_scheduler,
    tiki_taka_path,
)
from papers.lee_2022_line import Case

from twin.errors import TwinError


@pytest.fixture(scope="module")
def paths():
    return fig5.measure(1, samples=800, seeds=2)


def test_the_mismatch_factor_by_hand():
    assert mismatch_factor(2.0, 0.5, -1.0) == pytest.approx(1.0)  # up, towards the bound: smaller
    assert mismatch_factor(2.0, 0.5, 1.0) == pytest.approx(3.0)
    assert mismatch_factor(0.0, 0.5, 1.0) == 1.0


def test_schedulers_by_hand():
    np.testing.assert_array_equal(sgd_scheduler(3), [0, 0, 1])
    np.testing.assert_allclose(momentum_scheduler(3, 0.5), [0.25, 0.5, 1])


def test_the_machine_schedules_gradients_as_the_figure_says():
    found = {name: fig3.measured(name, 1, steps=4) for name in fig3.PLANS}
    assert all(claim.holds for claim in fig3.claims(found))
    swapped = dict(zip(found, reversed(found.values()), strict=True))
    assert not any(claim.holds for claim in fig3.claims(swapped))


def test_two_weights_of_sgd_rest_where_their_mean_update_vanishes():
    x = np.array([[-1.0, 1.0], [1.0, 1.0]])
    exact = Plane(x, x @ np.array([0.3, 0.2]))
    np.testing.assert_allclose(sgd_rest(exact), exact.optimum, atol=1e-6)  # without residuals nothing pulls
    # one weight and y = +-1 with odds 3 to 1: 0.75 (1 - w)(1 - w) = 0.25 (1 + w)(1 + w)
    coin = Plane(np.array([[0.0, 1.0]] * 4), np.array([1.0, 1.0, 1.0, -1.0]))
    assert sgd_rest(coin)[1] == pytest.approx(2 - np.sqrt(3), abs=1e-6)
    assert coin.optimum[1] == pytest.approx(0.5)


def test_ideal_tiki_taka_is_two_harmonic_oscillators():
    rng = np.random.default_rng(1)
    x = np.column_stack([rng.uniform(-1, 1, 4000), np.ones(4000)])
    x[:, 0] -= x[:, 0].mean()
    samples = np.arange(0, 300, 10)
    _, c = tiki_taka_path(Plane(x, x @ np.array([0.1, 0.1])), (0.0, 0.0), (0.02, 0.01), samples)
    omega = np.sqrt(0.02 * 0.01 * (x**2).mean(axis=0))
    np.testing.assert_allclose(c, 0.1 * (1 - np.cos(np.outer(samples, omega))), atol=1e-4)


def test_sgd_stops_beside_the_optimum_where_the_closed_form_says():
    found = fig4.measure(1, factors=(0.0, 1.0), seeds=2)
    assert np.abs(fig4.residuals(found[0.0]).mean(axis=0)).max() < 0.005
    rest = np.mean([sgd_rest(one.plane) - one.plane.optimum for one in found[1.0]], axis=0)
    np.testing.assert_allclose(fig4.residuals(found[1.0]).mean(axis=0), rest, atol=0.01)
    assert np.hypot(*rest) > 0.03


def test_tiki_taka_follows_the_mean_equations_to_the_optimum(paths):
    for pair, runs in paths.items():
        a, c = fig5.gap(runs)
        assert (a < 0.1, c < 0.05) == (True, True), pair
    assert fig5.late_distance(paths[0.0, 2.0]) > 1.5 * fig5.late_distance(paths[2.0, 2.0])


def test_a_takes_each_gradient_times_its_mismatch_factor(paths):
    for pair, runs in paths.items():
        assert fig6.response(runs) == pytest.approx(1.0, abs=0.06), pair
    one = paths[0.0, 2.0][0]
    np.testing.assert_array_equal(fig6.factors(one)[0], 1.0)
    np.testing.assert_array_equal(fig6.scheduler(one), fig6.factors(one)[1])


def test_smoothing_keeps_constants_and_lines():
    line = np.linspace(0.0, 1.0, 240)
    np.testing.assert_allclose(fig6.spline(line), line, atol=1e-6)
    np.testing.assert_allclose(fig6.moving_average(np.full((50, 2), 3.0)), 3.0)


def test_every_figure_of_a_line_leaves_its_files(paths, tmp_path, monkeypatch):
    monkeypatch.setattr(fig5, "measure", lambda *_: paths)
    short = {af: [fig4.run(Case("sgd", (af,)), seed, 60) for seed in (1, 2)] for af in (0.0, 1.0)}
    monkeypatch.setattr(fig4, "measure", lambda *_: short)
    for figure in ("lee-2022-fig3", "lee-2022-fig4", "lee-2022-fig5", "lee-2022-fig6"):
        with suppress(SystemExit):  # the runs are too short for some claims
            reproduce_figure(figure, tmp_path)
        table = pd.read_csv(tmp_path / f"{figure}.csv")
        assert len(table) > 10
        assert table["unit"].notna().all()
        assert (tmp_path / f"{figure}.svg").read_text().startswith("<?xml")


def test_learning_curves_are_those_of_possible_runs():
    points = fig2.cases(3)
    assert {name: len(own) for name, own in points.items()}.keys() == {
        fig2.BASELINE,
        fig2.SGD,
        *(f"Tiki-Taka, AF_A = AF_C = {af}" for af in (0, 1, 10)),
    }
    assert [len(own) for own in points.values()] == [3, 12, 9, 9, 9]
    assert not any(point.refused for own in points.values() for point in own)
    assert len({point.id for own in points.values() for point in own}) == 42
    assert not hasattr(fig2, "SWEEP")  # it takes a seed


def test_claims_about_learning_curves_need_the_papers_order():
    def level(error):
        return {"train_loss": np.full((3, 5), error), "test_error": np.full((3, 5), error)}

    order = dict(zip(fig2.cases(1), map(level, (0.1, 0.3, 0.4, 0.11, 0.5)), strict=True))
    assert all(claim.holds for claim in fig2.claims(order))
    verdicts = [claim.holds for claim in fig2.claims(dict(zip(order, reversed(order.values()), strict=True)))]
    assert verdicts == [False, True, False, True]


def test_seed_and_sweep_are_refused_where_they_do_nothing(tmp_path):
    with pytest.raises(TwinError, match=r"^--sweep \(= x\): lee-2022-fig3 is drawn from no sweep"):
        reproduce_figure("lee-2022-fig3", tmp_path, sweep="x")
    with pytest.raises(TwinError, match=r"^--seed \(= 2\): lee-2022-fig8 has the seeds of its sweep"):
        reproduce_figure("lee-2022-fig8", tmp_path, 2)
