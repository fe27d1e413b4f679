"""Onen 2021, Fig. 1 and 2: does one weight on the machine do what the paper and the closed forms say?"""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from papers import onen_2021_fig1 as fig1
from papers import onen_2021_fig2 as fig2
from papers import reproduce_figure
from papers.theory import Line, Response, sgd_fixed_point, shd_continuum

from twin.errors import TwinError

FEW = (-0.55, -0.15, 0.25, 0.65)


@pytest.fixture(scope="module")
def residuals():
    return fig1.measure(1, targets=FEW, seeds=2)


@pytest.fixture(scope="module")
def runs():
    return fig2.measure(1, seeds=3)


def test_symmetric_sgd_converges_to_the_optimum(residuals):
    assert np.abs(residuals["symmetric"].mean).max() < 0.005


def test_asymmetric_sgd_settles_where_the_closed_form_says(residuals):
    found = residuals["asymmetric"]
    assert found.symmetry_point == pytest.approx(0.25, abs=1e-6)
    np.testing.assert_allclose(found.mean, found.closed_form, atol=0.005)


def test_asymmetric_sgd_stops_between_the_optimum_and_the_symmetry_point(residuals):
    found = residuals["asymmetric"]
    far = [0, 1, 3]
    share = found.mean[far] / (0.25 - found.targets[far])
    assert np.all((share > 0.1) & (share < 0.5))


def test_the_residual_grows_with_the_distance_from_the_symmetry_point(residuals):
    size = np.abs(residuals["asymmetric"].mean)
    assert size[0] > 1.5 * size[1] > 10 * size[2]
    assert size[3] > 10 * size[2]


def test_symmetric_shd_orbits_at_the_frequency_of_the_oscillator(runs):
    orbit = fig2.Path.of(runs["orbit"])
    assert orbit.frequency.mean() == pytest.approx(1.0, abs=0.02)
    assert orbit.axis_ratio.mean() == pytest.approx(1.0, abs=0.05)
    assert orbit.radius[:, -30:].mean() == pytest.approx(orbit.radius[:, 0].mean(), rel=0.25)


def test_asymmetric_shd_spirals_into_the_optimum_as_the_equations_say(runs):
    spiral = fig2.Path.of(runs["spiral"])
    assert spiral.radius[:, -30:].mean() < 0.25 * spiral.radius[:, 0].mean()
    late = spiral.a.shape[1] // 2
    assert abs(spiral.a[:, late:].mean()) < 0.02
    assert abs(spiral.c[:, late:].mean()) < 0.02
    assert max(fig2.continuum_gap(runs["spiral"])) < 0.02


def test_the_rest_of_a_is_what_the_asymmetry_of_c_asks_for(runs):
    late = fig2.Path.of(runs["spiral"]).a[:, 120:]
    assert late.mean() == pytest.approx(fig2.asymmetry_of_c(late, runs["spiral"]), abs=0.003)


def test_from_the_optimum_sgd_drifts_and_shd_stays(runs):
    levels = fig2.start_levels(runs)
    sgd, _ = fig2.drift(runs["sgd"], "W")
    shd, _ = fig2.drift(runs["shd"], "C")
    off, _ = fig2.drift(runs[fig2.OFF], "C")
    assert levels["shd"] == pytest.approx(0.0, abs=1e-6)
    assert sgd == pytest.approx(levels["sgd"], abs=0.01)
    assert sgd > 0.03  # towards the symmetry point, which lies above
    assert abs(shd) < 0.2 * sgd
    assert off == pytest.approx(levels[fig2.OFF], abs=0.01)


def test_every_claim_holds_here_and_none_about_asymmetry_holds_without_it(residuals, runs):
    assert all(claim.holds for claim in (*fig1.claims(residuals), *fig2.claims(runs)))
    same = residuals["symmetric"]
    without = replace(same, symmetry_point=0.25, closed_form=residuals["asymmetric"].closed_form)
    assert [claim.holds for claim in fig1.claims({"symmetric": same, "asymmetric": without})][1:] == [False] * 3
    swapped = runs | {"orbit": runs["spiral"], "spiral": runs["orbit"], "shd": runs[fig2.OFF]}
    verdicts = [claim.holds for claim in fig2.claims(swapped)]
    assert verdicts[:3] == [False] * 3
    assert not verdicts[6]


@pytest.mark.usefixtures("figures_drawn")
def test_files_are_tidy_and_the_same_for_the_same_seed(residuals, runs, tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(fig1, "measure", lambda *_: residuals)
    monkeypatch.setattr(fig2, "measure", lambda *_: runs)
    for figure in ("onen-2021-fig1", "onen-2021-fig2"):
        reproduce_figure(figure, tmp_path, 1)
        table = pd.read_csv(tmp_path / f"{figure}.csv")
        assert table["value"].notna().all()
        assert table["closed_form"].notna().all()
        assert set(table["unit"]) == {"half range"}
        assert (tmp_path / f"{figure}.svg").read_text().startswith("<?xml")
    reproduce_figure("onen-2021-fig1", tmp_path / "again", 1)
    for suffix in ("svg", "csv", "md"):
        name = f"onen-2021-fig1.{suffix}"
        assert (tmp_path / name).read_bytes() == (tmp_path / "again" / name).read_bytes()
    assert "not hold" not in " ".join(capsys.readouterr().out.split())


def test_a_claim_that_does_not_hold_ends_in_exit_code_1(residuals, tmp_path, monkeypatch, capsys):
    far = replace(residuals["symmetric"], mean=residuals["symmetric"].mean + 0.1)
    monkeypatch.setattr(fig1, "measure", lambda *_: residuals | {"symmetric": far})
    with pytest.raises(SystemExit) as end:
        reproduce_figure("onen-2021-fig1", tmp_path, 1)
    assert end.value.code == 1
    assert "not hold" in " ".join(capsys.readouterr().out.split())
    assert "does not hold" in (tmp_path / "onen-2021-fig1.md").read_text()


def test_an_unknown_figure_names_the_nearest():
    with pytest.raises(TwinError, match=r"did you mean onen-2021-fig2\?"):
        reproduce_figure("onen-fig2", Path("nowhere"), 1)


def test_the_closed_form_is_equation_2_for_a_plain_soft_bounds_device():
    rng = np.random.default_rng(1)
    x = rng.uniform(-1, 1, 4000)
    line = Line(x, 0.6 * x + 0.2 * rng.standard_normal(4000))
    w = sgd_fixed_point(line, Response(1.0, 1.0, 1.0, 1.0, -1.0, 1.0))
    gradient = x * (line.y - w * x)
    assert gradient.mean() == pytest.approx(np.abs(gradient).mean() * w, abs=1e-8)


def test_the_continuum_without_asymmetry_is_the_oscillator():
    x = np.linspace(-1, 1, 201)
    line, steps = Line(x, 0.4 * x), Response(1.0, 0.0, 1.0, 0.0, -1.0, 1.0)
    t = np.linspace(0.0, 3000.0, 50)
    a, c = shd_continuum(line, steps, 0.005, 0.01, t)
    frequency = np.sqrt(0.005 * 0.01 * line.curvature)
    np.testing.assert_allclose(c, 0.4 * (1 - np.cos(frequency * t)), atol=2e-3)
    swing = np.sqrt(0.005 * line.curvature / 0.01)
    np.testing.assert_allclose(a, 0.4 * swing * np.sin(frequency * t), atol=2e-3)
